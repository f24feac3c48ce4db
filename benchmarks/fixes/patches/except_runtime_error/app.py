import asyncio

from handlers import exporters

print(asyncio.run(exporters()))
try:
    print(asyncio.run(exporters()))
except RuntimeError:
    pass
