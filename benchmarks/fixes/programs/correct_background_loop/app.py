import asyncio
import os
import threading

import redis.asyncio as redis

loop = asyncio.new_event_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()


def run(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


client = redis.from_url(os.environ["REDIS"])
for number in (1, 2):
    run(client.set("background", number))
    print(run(client.get("background")))
run(client.aclose())
loop.call_soon_threadsafe(loop.stop)
thread.join()
loop.close()
