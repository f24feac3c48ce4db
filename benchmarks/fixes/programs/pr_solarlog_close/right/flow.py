import asyncio

from connector import Connector


async def check():
    connector = Connector()
    try:
        print("connected to", await connector.test())
    finally:
        await connector.close()


async def main():
    await check()
    print("entry created")


if __name__ == "__main__":
    asyncio.run(main())
