"""One question to one bridge, in this process: `python -m benchmarks.bridges QUESTION BRIDGE`."""

from __future__ import annotations

import faulthandler
import sys

from benchmarks.bridges import load
from benchmarks.bridges.behaviours import BEHAVIOURS
from benchmarks.bridges.behaviours.behaviour import ASK_WHERE, say

if __name__ == "__main__":
    if ASK_WHERE is not None:
        faulthandler.register(ASK_WHERE)
    question, name = sys.argv[1:]
    behaviour, bridge = BEHAVIOURS[question], load(name)
    answer = behaviour.ask(bridge)
    if answer is not None:
        say(answer)
    if bridge.close is not None and not behaviour.untold:
        bridge.close()
