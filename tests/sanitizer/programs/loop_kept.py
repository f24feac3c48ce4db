# ENVIRONMENTS: none
# FINDINGS: use-after-loop-close=error
# SAYS: loop.call_at on L1
"""An object keeps the loop of the first run, and the second one uses it."""

import asyncio


class Debounce:
    loop = None

    def poke(self):
        self.loop = self.loop or asyncio.get_running_loop()
        self.loop.call_later(0, print)  # TOUCHED


debounce = Debounce()


async def main():
    try:
        debounce.poke()
    except RuntimeError as error:
        print(error)


for _ in range(2):
    asyncio.run(main())
