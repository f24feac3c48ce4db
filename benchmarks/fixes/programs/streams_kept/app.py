import asyncio
import socketserver
import threading


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


connection = None


async def ask(number):
    global connection
    if connection is None:
        connection = await asyncio.open_connection(*server.server_address)
    reader, writer = connection
    writer.write(b"%d\n" % number)
    await writer.drain()
    return int(await asyncio.wait_for(reader.readline(), 3))


with Server(("127.0.0.1", 0), Echo) as server:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    for number in range(2):
        try:
            print(asyncio.run(ask(number)), "echoed")
        except Exception as error:
            print(f"failed: {type(error).__name__}")
    server.shutdown()
