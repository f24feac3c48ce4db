import asyncio

from handlers import exporters

for _ in range(2):
    try:
        print(asyncio.run(exporters()))
    except RuntimeError as error:
        print("failed:", str(error).partition(" is ")[2])
