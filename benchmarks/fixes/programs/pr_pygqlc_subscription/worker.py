"""The worker asks on its loop, and a thread runs a loop for each event of a subscription."""

import asyncio
import threading

from client import GraphQLClient

gql = GraphQLClient()


def subscription():
    for number in range(2):
        try:
            print(f"event {number} ->", asyncio.run(gql.query(number)))
        except Exception as error:
            print(f"event {number} failed: {type(error).__name__}")


async def main():
    print("start ->", await gql.query("start"))
    thread = threading.Thread(target=subscription)
    thread.start()
    await asyncio.to_thread(thread.join)
    print("stop ->", await gql.query("stop"))
    await gql.cleanup()


asyncio.run(main())
