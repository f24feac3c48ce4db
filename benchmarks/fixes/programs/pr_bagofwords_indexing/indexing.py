"""Indexes tables on a loop of its own, beside that of the application."""

import asyncio
import threading

from database import fetch


async def index(tables):
    return [await fetch(10 + table) for table in range(tables)]


def start(tables):
    result = []

    def work():
        try:
            result.append(asyncio.run(index(tables)))
        except Exception as error:
            result.append(type(error).__name__)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, result
