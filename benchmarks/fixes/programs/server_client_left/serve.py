"""Serves, and visits itself twice."""

import threading

import httpx
import uvicorn

from service import app

started = threading.Event()


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        started.set()


server = Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))


def visit():
    started.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    for number in (1, 2):
        answer = httpx.get(f"http://127.0.0.1:{port}/data/{number}")
        print(answer.status_code, answer.json())
    server.should_exit = True


visitor = threading.Thread(target=visit)
visitor.start()
server.run()
visitor.join()
print("stopped")
