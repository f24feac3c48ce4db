import asyncio
from concurrent.futures import ThreadPoolExecutor

from model import score


def evaluate(number):
    try:
        return f"{number}: {asyncio.run(score(number))}"
    except Exception as error:
        return f"{number} failed: {type(error).__name__}"


with ThreadPoolExecutor(1) as pool:
    for line in pool.map(evaluate, range(3)):
        print(line)
