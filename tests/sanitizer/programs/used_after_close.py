# ENVIRONMENTS: none
# FINDINGS: use-after-loop-close=error
import asyncio

loop = asyncio.new_event_loop()
loop.run_until_complete(asyncio.sleep(0))
loop.close()
try:
    loop.call_soon(print)  # TOUCHED
except RuntimeError as error:
    print(error)
print(loop.is_closed() is True, loop)
