"""Call async code from sync code on one loop that stays open: `run_sync`, `to_sync`, `LoopLocal`, `PersistentLoop`.

Standard library only, Python 3.10 and newer. `python -m diagnostics async-tools` prints all of it as one file, to
copy into a project. A pooled connection belongs to the loop that opened it. `run_sync` gives every call of the
process the same loop, and `LoopLocal` gives every loop its own client and closes it there before the loop closes.

What holds for every call, from any thread:
- It returns once or raises once. An exception has the frames of the caller and of the coroutine in its traceback.
- Ctrl-C cancels the coroutine and waits for its cleanup, at most `INTERRUPT_GRACE` seconds, before it goes on up.
- The coroutine sees the caller's context variables. What it sets is set for the caller when a blocking call ends; what
  tasks that it started set is not, as with any task.
- A forked child starts a loop of its own. At exit every loop ends as in `asyncio.run`: tasks are cancelled, async
  generators and the default executor are shut down. Later calls are refused, and so are calls in sub-interpreters.
"""

from __future__ import annotations

from diagnostics.async_tools.blocking import run_sync, shutdown
from diagnostics.async_tools.loop_local import LoopLocal
from diagnostics.async_tools.persistent import PersistentLoop
from diagnostics.async_tools.wrapping import SyncIterator, to_sync

__all__ = ["LoopLocal", "PersistentLoop", "SyncIterator", "run_sync", "shutdown", "to_sync"]
