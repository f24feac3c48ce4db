import asyncio

from classifiers import Classifier

assert Classifier("size").classify("box") == "answer to size of box"
assert asyncio.run(Classifier("hue")._ask("box")) == "answer to hue of box"
