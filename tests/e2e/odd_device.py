# SPDX-License-Identifier: BSD-2-Clause
"""A Modbus/TCP device that does what the register asked for says, most of it wrong.

    odd_device.py ADDRESS PORT...

Prints a JSON line for each request, connection and end of one, and one on SIGUSR1. Unit 7 never
answers; neither does unit 0. Port 506 answers everything as unit 255.
"""
import asyncio
import json
import signal
import struct
import sys

GOOD, SLOW, DEAD, LATE, WRONG_UNIT, WRONG_TRANSACTION, VENDOR, BAD_CONTENT, LOST, REVERSED, CLOSE, \
    RESET, TWICE = range(13)


def say(**fields):
    print(json.dumps(fields), flush=True)


def adu(transaction, unit, pdu, protocol=0):
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1, unit) + pdu


class Connection:
    count = 0

    def __init__(self, port, writer):
        Connection.count += 1
        self.number, self.port, self.writer, self.held = Connection.count, port, writer, []

    def send(self, data):
        if not self.writer.is_closing():
            self.writer.write(data)

    async def request(self, transaction, unit, pdu):
        say(saw=pdu.hex(), unit=unit, connection=self.number, port=self.port)
        function = pdu[0]
        if unit in (0, 7):
            return
        if function != 3:
            self.send(adu(transaction, unit, pdu[:5]))
            return
        register, quantity = struct.unpack(">HH", pdu[1:5])
        values = struct.pack(f">{quantity}H", *[register] * quantity)
        good = struct.pack(">BB", 3, len(values)) + values
        if self.port == 506:
            unit = 255
        if register == SLOW:
            await asyncio.sleep(5)
        elif register == LATE:
            await asyncio.sleep(2.5)
            say(late=transaction)
        elif register == WRONG_UNIT:
            unit += 1
        elif register == WRONG_TRANSACTION:
            transaction ^= 0x5555
        elif register == VENDOR:
            good = b"\x83\xe5"
        elif register == BAD_CONTENT:
            good = b"\x03\x05" + values
        elif register == REVERSED:
            self.held.append(adu(transaction, unit, good))
            if len(self.held) == 3:
                self.send(b"".join(reversed(self.held)))
                self.held = []
            return
        elif register == CLOSE:
            self.writer.close()
            return
        elif register == RESET:
            self.writer.transport.abort()
            return
        elif register == DEAD:
            return
        self.send(adu(transaction, unit, good, protocol=1 if register == LOST else 0))
        if register == TWICE:
            self.send(adu(transaction, unit, good))


def serve(port):
    async def connected(reader, writer):
        connection = Connection(port, writer)
        say(opened=connection.number, port=port)
        tasks = set()
        try:
            while True:
                head = await reader.readexactly(7)
                transaction, _, length, unit = struct.unpack(">HHHB", head)
                pdu = await reader.readexactly(length - 1)
                task = asyncio.ensure_future(connection.request(transaction, unit, pdu))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        except asyncio.IncompleteReadError:
            say(finished=connection.number, port=port)
        except ConnectionError:
            say(reset=connection.number, port=port)
        writer.close()
    return connected


async def main(address, ports):
    servers = [await asyncio.start_server(serve(port), address, port) for port in ports]
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: say(mark=True))
    say(ready=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], [int(port) for port in sys.argv[2:]]))
