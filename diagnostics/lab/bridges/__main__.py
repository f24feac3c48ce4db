"""One question to one bridge, in this process: `python -m diagnostics.lab.bridges QUESTION BRIDGE`."""

from __future__ import annotations

import sys

from diagnostics.lab.bridges import load
from diagnostics.lab.bridges.behaviours import BEHAVIOURS
from diagnostics.lab.bridges.behaviours.behaviour import say

if __name__ == "__main__":
    question, name = sys.argv[1:]
    behaviour, bridge = BEHAVIOURS[question], load(name)
    answer = behaviour.ask(bridge)
    if answer is not None:
        say(answer)
    if bridge.close is not None and not behaviour.untold:
        bridge.close()
