"""One mistake, 200 times: a client a run, left open, in a process of its own each time, with the collector as it comes.

Run in an environment with openai and PROVIDER set. Prints one JSON object a run: when the collector ran, the root cause
as the sanitizer tells it, and what a person would have seen of it.
"""

import asyncio
import gc
import json
import os
import sys
import tempfile

from openai import AsyncOpenAI

from diagnostics import sanitizer

RUNS = 200
COLLECTOR = ("on", "off", "forced inside", "forced between")
URL = os.environ["PROVIDER"] + "/openai/v1"


class Agent:
    def __init__(self):
        self.client = AsyncOpenAI(api_key="none", base_url=URL, max_retries=0)  # CREATED
        self.itself = self

    async def ask(self, number, collector):
        rubbish = [[each] for each in range(500 * (number // 4 % 16))]  # moves the moment of the collector
        if collector == "forced inside":
            gc.collect()
        await self.client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"{len(rubbish)}"}])


def program(number, collector):
    if collector == "off":
        gc.disable()
    gc.set_threshold(700, 3, 3)  # so that less rubbish moves the moment
    for _ in range(2):
        agent = Agent()
        asyncio.run(agent.ask(number, collector))  # CLOSED
        del agent
        if collector == "forced between":
            gc.collect()


def root_cause(findings):
    return [
        {
            "message": finding.message,
            "count": finding.count,
            "client": [finding.client.type, finding.client.created_at.line],
            "loop": [finding.loop.created_at.line, finding.loop.closed_at.line, finding.loop.closed_by],
            "fault": [finding.fault.component, finding.fault.site.line, finding.hint.fix],
        }
        for finding in findings
        if finding.kind == "client-left-open"
    ]


def child(number, answer):
    collector = COLLECTOR[number % len(COLLECTOR)]
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        with sanitizer.watch() as findings:
            program(number, collector)
        said = os.pread(2, 1_000_000, 0).decode()
    symptom = "Event loop is closed" if "Event loop is closed" in said else said[:200]
    others = sorted({finding.kind for finding in findings} - {"client-left-open"})
    result = {"collector": collector, "root cause": root_cause(findings), "symptom": symptom, "others": others}
    os.write(answer, json.dumps(result).encode())


async def warm():
    async with AsyncOpenAI(api_key="none", base_url=URL) as client:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "warm"}])


def main():
    asyncio.run(warm())
    gc.collect()
    gc.freeze()
    gc.collect()
    for number in range(int(sys.argv[1]) if sys.argv[1:] else RUNS):
        reader, writer = os.pipe()
        if os.fork() == 0:
            status = 1
            try:
                child(number, writer)
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            print(pipe.read())
        os.wait()


main()
