"""Counts the answers that are streamed."""

spans = []


class StreamWrapper:
    def __init__(self, stream):
        self.stream = stream

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self.stream.__anext__()

    async def close(self):
        await self.stream.close()
        spans.append("closed")
