"""Celery tasks on the in-memory broker, in a worker with a pool of threads."""

import json

import workload
from celery import Celery
from celery.contrib.testing.worker import start_worker

app = Celery("tasks", broker="memory://", backend="cache+memory://")
app.conf.worker_hijack_root_logger = False


@app.task
def classify(number):
    return workload.work(number)


if __name__ == "__main__":
    with start_worker(app, pool="threads", concurrency=3, perform_ping_check=False):
        waiting = [classify.delay(number) for number in range(10)]
        print(json.dumps([each.get(timeout=60) for each in waiting]))
