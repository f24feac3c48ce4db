import asyncio

from batches import BatchProcessor

processor = BatchProcessor("m")
assert asyncio.run(processor.submit(7)) == "answer to submit 7"
assert asyncio.run(processor.download(7)) == "answer to batch 7"
