# SPDX-License-Identifier: BSD-2-Clause
"""dnp3py, which is written in Python and shares nothing with OpenDNP3, as a station of the lab.

    station_dnp3py.py master TRANSPORT DEVICE PORT MASTER OUTSTATION
    station_dnp3py.py outstation TRANSPORT ADDRESS PORT OUTSTATION MASTER

TRANSPORT is tcp. Takes commands on standard input, one a line, and prints one JSON object a line of
what it sees; peers.py has the names that all stations share. It sends no unsolicited responses. An outstation of master 0 is one of any master, several at once."""
import asyncio
import os
import sys

from dnp3.application.parser import parse_request
from dnp3.core.enums import ControlCode
from dnp3.database import (AnalogInputConfig, AnalogOutputConfig, BinaryInputConfig,
                           BinaryOutputConfig, CounterConfig, Database, DatabaseConfig)
from dnp3.master import Master, MasterConfig, MasterTcpRunner
from dnp3.master.commands import CommandBuilder
from dnp3.outstation import Outstation, OutstationConfig, OutstationTcpRunner
from dnp3.outstation import tcp_runner
from dnp3.outstation.handler import CommandResult, DefaultCommandHandler
from dnp3.transport_io.tcp_server import serve

from peers import HELLO, say

CODES = {"latch-on": ControlCode.LATCH_ON, "latch-off": ControlCode.LATCH_OFF,
         "pulse-on": ControlCode.PULSE_ON, "close": ControlCode.CLOSE_PULSE_ON,
         "trip": ControlCode.TRIP_PULSE_ON}
STATUS = {0: "success", 2: "no-select", 4: "not-supported", 9: "not-authorized"}


async def commands(do):
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip():
            await do(*line.split())


# --- master --------------------------------------------------------------------------------------

class Measurements:
    @staticmethod
    def got(kind, values, info):
        say(got=kind, unsolicited=info.is_unsolicited, values={v.index: v.value for v in values})

    def on_binary_input(self, values, info): self.got("binary-input", values, info)
    def on_binary_output(self, values, info): self.got("binary-output", values, info)
    def on_analog_input(self, values, info): self.got("analog-input", values, info)
    def on_analog_output(self, values, info): self.got("analog-output", values, info)
    def on_counter(self, values, info): self.got("counter", values, info)
    def on_frozen_counter(self, values, info): self.got("frozen-counter", values, info)


class Hearing(Master):
    """Keeps the last response as it came: the status of a command is its last octet."""
    last = b""

    def process_response(self, data):
        self.last = bytes(data)
        return super().process_response(data)


class MasterStation:
    def __init__(self, transport, device, port, address, outstation):
        self.master = Hearing(handler=Measurements(), config=MasterConfig(
            address=int(address), outstation_address=int(outstation)))
        self.runner = MasterTcpRunner(master=self.master, host=device, port=int(port),
                                      response_timeout=8)

    async def run(self):
        await self.runner.open()
        say(ready=HELLO)
        await commands(self.try_to)

    async def try_to(self, verb, *words):
        try:
            await self.do(verb, *words)
        except Exception as error:
            say(done=verb, result=type(error).__name__, text=str(error))

    async def fragment(self, function, *objects):
        """A request that the package has no builder for, from its octets."""
        sequence = self.master.next_request_sequence()
        octets = bytes([0xc0 | sequence, function]) + b"".join(map(bytes.fromhex, objects))
        return await self.runner.request(parse_request(octets))

    async def do(self, verb, *words):
        status = None
        if verb == "integrity":
            infos = await self.runner.integrity_poll()
        elif verb == "events":
            infos = await self.runner.class_poll()
        elif verb == "read":
            infos = await self.runner.request(self.master.build_range_poll(*map(int, words)))
        elif verb in ("select-operate", "direct"):
            infos, status = await self.command(verb, *words)
        elif verb == "freeze":
            infos = await self.fragment(7, "140006")
        elif verb == "freeze-clear":
            infos = await self.fragment(9, "140006")
        elif verb == "time":
            infos = await self.fragment(23)
            infos += await self.fragment(2, "320107 01", int(words[0]).to_bytes(6, "little").hex())
        elif verb == "cold-restart":
            infos = await self.fragment(13)
        elif verb == "fragment":  # a function and its objects, hexadecimal
            infos, status = await self.fragment(int(words[0]), *words[1:]), [self.status()]
        elif verb == "listen":
            info = await self.runner.listen_unsolicited(timeout=float(words[0]))
            infos = [info] if info else []
        elif verb == "enable-unsolicited":
            infos = await self.runner.enable_unsolicited()
        else:
            say(unknown=verb)
            return
        say(done=verb if verb not in ("select-operate", "direct") else "command", result="success",
            fragments=len(infos), iin=int(infos[-1].iin) if infos else None, status=status)

    async def command(self, verb, index, what):
        builder = CommandBuilder()
        if what in CODES:
            builder.add_crob(int(index), CODES[what], 1, 100, 100)
        else:
            builder.add_analog(int(index), float(what.split("=")[1]))
        if verb == "direct":
            infos = await self.runner.request(self.master.build_direct_operate(builder.build_direct_operate()))
            return infos, [self.status()]
        infos = await self.runner.request(self.master.build_select(builder.build_select()))
        if self.status() != "success":
            return infos, [self.status()]
        infos = await self.runner.request(self.master.build_operate(builder.build_operate()))
        return infos, [self.status()]

    def status(self):
        if len(self.master.last) <= 4:
            return "no objects"
        return STATUS.get(self.master.last[-1], self.master.last[-1])


# --- outstation ----------------------------------------------------------------------------------

class Commands(DefaultCommandHandler):
    @staticmethod
    def saw(what, **fields):
        say(saw=what, **fields)
        return CommandResult.success()

    def block(self, what, index, code, count, on_time):
        return self.saw(what, index=index, operation=code.op_type.name.lower().replace("_", "-"),
                        code=code.tcc.name.lower(), count=count, on_time=on_time)

    def select_binary_output(self, index, code, count, on_time, off_time):
        return self.block("select", index, code, count, on_time)

    def operate_binary_output(self, index, code, count, on_time, off_time, select_sequence):
        return self.block("operate", index, code, count, on_time)

    def direct_operate_binary_output(self, index, code, count, on_time, off_time):
        return self.block("direct-operate", index, code, count, on_time)

    def select_analog_output(self, index, value):
        return self.saw("select", index=index, value=value)

    def operate_analog_output(self, index, value, select_sequence):
        return self.saw("operate", index=index, value=value)

    def direct_operate_analog_output(self, index, value):
        return self.saw("direct-operate", index=index, value=value)

    def cold_restart(self):
        say(saw="cold-restart")
        return 5

    def freeze_counters(self, start, stop, clear):
        return self.saw("freeze-clear" if clear else "freeze")


class WithoutConfirms(OutstationTcpRunner):
    """Asks for no confirmation, as outstations may: the fragments of a response in one go."""
    build = staticmethod(tcp_runner.build_unconfirmed_user_data)

    def __init__(self, **options):
        super().__init__(**options)
        tcp_runner.build_unconfirmed_user_data = self.build_unconfirmed

    @classmethod
    def build_unconfirmed(cls, user_data, **options):
        transport, control = user_data[0], user_data[1]
        if transport & 0x40:  # the first segment: its fragment's control octet, without CON
            user_data = bytes([transport, control & ~0x20]) + user_data[2:]
        return cls.build(user_data=user_data, **options)

    async def _wait_for_confirm(self, *_, **__):
        return True


class ForSeveral(OutstationTcpRunner):
    """Takes a connection of each master; the package's own ends the one before."""

    async def run(self):
        self._server = await serve(self.host, self.port)
        kept = set()
        while True:
            try:
                channel = await asyncio.wait_for(self._server.accept(), timeout=1)
            except TimeoutError:
                continue
            kept.add(asyncio.get_running_loop().create_task(self._handle_connection(channel)))


class OutstationStation:
    def __init__(self, transport, address, port, outstation, master):
        points = int(os.environ.get("POINTS", "10"))
        kinds = ("binary_inputs", "binary_outputs", "analog_inputs", "analog_outputs", "counters")
        self.database = Database(config=DatabaseConfig(**{f"max_{kind}": points for kind in kinds}))
        for index in range(points):
            self.database.add_binary_input(index, BinaryInputConfig())
            self.database.add_analog_input(index, AnalogInputConfig())
            self.database.add_counter(index, CounterConfig())
            self.database.add_binary_output(index, BinaryOutputConfig())
            self.database.add_analog_output(index, AnalogOutputConfig())
        self.station = Outstation(
            database=self.database, handler=Commands(),
            config=OutstationConfig(address=int(outstation), master_address=int(master)),
            time_handler=lambda time: say(saw="time", text=str(time)))
        runner = ForSeveral if int(master) == 0 else OutstationTcpRunner
        if os.environ.get("CONFIRMS") == "none":
            runner = WithoutConfirms
        self.runner = runner(outstation=self.station, host=address, port=int(port))

    async def run(self):
        asyncio.get_running_loop().create_task(commands(self.do))
        running = asyncio.get_running_loop().create_task(self.runner.run())
        while not self.runner.is_running:
            await asyncio.sleep(.05)
        say(ready=HELLO)
        await running

    async def do(self, verb, *words):
        if verb == "binary":
            self.database.update_binary_input(int(words[0]), words[1] == "1")
        elif verb == "analog":
            self.database.update_analog_input(int(words[0]), float(words[1]))
        elif verb == "counter":
            self.database.update_counter(int(words[0]), int(words[1]))
        else:
            say(unknown=verb)
            return
        say(updated=verb)


async def main():
    await (MasterStation if sys.argv[1] == "master" else OutstationStation)(*sys.argv[2:]).run()
    os._exit(0)


asyncio.run(main())
