# SPDX-License-Identifier: BSD-2-Clause
"""A small heating plant behind Modbus/TCP, played by pymodbus (or libmodbus: plant.c).

Prints one JSON line for each request that it serves, so that a demo or test can say what the
device saw.

    register 0  boiler water, 0.1 degrees C   (moves)     coil 0  circulation pump
    register 1  outside, 0.1 degrees C        (moves)     coil 1  burner enable
    register 2  setpoint, 0.1 degrees C
    register 3  burner power, percent (read by the plant's own controller)
"""
import asyncio
import json
import sys
import time

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def say(**fields):
    print(json.dumps({"time": time.time(), **fields}), flush=True)


def saw(sending, pdu):
    if not sending:
        say(saw=type(pdu).__name__, function=pdu.function_code, unit=pdu.dev_id,
            address=getattr(pdu, "address", None), count=getattr(pdu, "count", None),
            values=list(getattr(pdu, "registers", []) or getattr(pdu, "bits", []) or []))
    return pdu


async def main(address, port):
    registers = [652, 81, 200, 40] + [0] * 96
    coils = [SimData(0, values=[bool(i < 2) for i in range(64)], datatype=DataType.BITS)]
    words = [SimData(0, values=registers, datatype=DataType.REGISTERS)]
    device = SimDevice(1, simdata=(coils, coils, words, words))
    server = ModbusTcpServer(device, address=(address, port), trace_pdu=saw)
    await server.serve_forever(background=True)
    say(ready=f"{address}:{port}")
    await server.serving


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
