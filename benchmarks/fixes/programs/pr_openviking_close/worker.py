import asyncio

from embedder import Embedder

embedder = Embedder()
for path in asyncio.run(embedder.embed_all(["a", "b"])):
    print(path)
try:
    embedder.close()
    print("closed")
except RuntimeError as error:
    print("not closed:", error)
