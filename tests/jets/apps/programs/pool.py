"""A multiprocessing pool: the parent calls, forks its workers, lets them call, and calls again."""

import json
import multiprocessing

import workload

if __name__ == "__main__":
    results = [workload.work(0)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results += pool.map(workload.work, range(1, 9), chunksize=1)
        pool.close()
        pool.join()
    results.append(workload.work(9))
    print(json.dumps(results))
