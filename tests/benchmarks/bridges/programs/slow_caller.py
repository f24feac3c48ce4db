"""Asks about Ctrl-C a bridge whose loop is long at work before the caller comes to wait: it cancels once it waits."""

import asyncio
import threading

from benchmarks.bridges.behaviours.calling import ctrl_c_cleans_up
from benchmarks.bridges.bridge import Bridge

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def spin_until_the_loop_has_run():
    """In Python all the time, never in a wait."""
    done = []
    LOOP.call_soon_threadsafe(done.append, True)
    while not done:
        pass


def bind(work):
    def call():
        begun = []

        async def tell_and_work():
            begun.append(True)
            return await work()

        future = asyncio.run_coroutine_threadsafe(tell_and_work(), LOOP)
        while not begun:
            pass
        # The first ends after the step in which the work began, the second after what that step had put on the loop.
        spin_until_the_loop_has_run()
        spin_until_the_loop_has_run()
        try:
            return future.result()
        except BaseException:
            cancel_and_wait(future)
            raise

    return call


def cancel_and_wait(future):
    ended = threading.Event()

    def cancel():
        for task in asyncio.all_tasks():
            task.add_done_callback(lambda _: ended.set())
            task.cancel()

    LOOP.call_soon_threadsafe(cancel)
    ended.wait()


print(ctrl_c_cleans_up(Bridge(bind)))
