# ENVIRONMENTS: none
# FINDINGS: client-left-open=leak
# CLOSER: close()
# SAYS: 1 connection of Echo
"""A datagram endpoint that nobody closes; it is named by the protocol that a person wrote."""

import asyncio


class Echo(asyncio.DatagramProtocol):
    pass


async def main():
    await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))  # CREATED


asyncio.run(main())
