#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Records what OpenDNP3's master and outstation (the dnp3-python package) say to each other.

    record_opendnp3.py scan PREFIX      integrity, event and object polls, unsolicited, restarts
    record_opendnp3.py 0..9 PREFIX      one command: even numbers select and operate, odd direct

writes PREFIX-requests.bin and PREFIX-replies.bin, the raw bytes of each direction. The package
ends the process when a command's result comes back, so each command is a run of its own; the
recordings beside this file are all eleven runs, one after the other."""
import os
import select
import socket
import sys
import threading
import time

from pydnp3 import asiodnp3, asiopal, opendnp3, openpal

MASTER, OUTSTATION = 1, 10
PROXY, DEVICE = 29001, 29000


def record(prefix):
    """A proxy for one connection that keeps what goes through."""
    listener = socket.create_server(("127.0.0.1", PROXY))
    client, _ = listener.accept()
    device = socket.create_connection(("127.0.0.1", DEVICE))
    with open(f"{prefix}-requests.bin", "wb") as requests, open(f"{prefix}-replies.bin", "wb") as replies:
        while True:
            for source in select.select([client, device], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                file, to = (requests, device) if source is client else (replies, client)
                file.write(data)
                file.flush()
                to.sendall(data)


class Commands(opendnp3.ICommandHandler):
    def Start(self): pass
    def End(self): pass
    def Select(self, command, index): return opendnp3.CommandStatus.SUCCESS
    def Operate(self, command, index, kind): return opendnp3.CommandStatus.SUCCESS


class Application(opendnp3.IOutstationApplication):
    def ColdRestartSupport(self): return opendnp3.RestartMode.SUPPORTED_DELAY_COARSE
    def WarmRestartSupport(self): return opendnp3.RestartMode.SUPPORTED_DELAY_FINE
    def GetApplicationIIN(self): return opendnp3.ApplicationIIN()
    def ColdRestart(self): return 5
    def WarmRestart(self): return 5


class Measurements(opendnp3.ISOEHandler):
    def Process(self, *values): pass
    def Start(self): pass
    def End(self): pass


def update(outstation):
    now, builder = time.time(), asiodnp3.UpdateBuilder()
    odd = int(now) % 2 == 1
    double = opendnp3.DoubleBit.DETERMINED_ON if odd else opendnp3.DoubleBit.DETERMINED_OFF
    for i in range(5):
        for value in (opendnp3.Binary(odd), opendnp3.Analog(1.5 * i + now % 7),
                      opendnp3.Counter(i + int(now)), opendnp3.DoubleBitBinary(double),
                      opendnp3.BinaryOutputStatus(odd), opendnp3.AnalogOutputStatus(now),
                      opendnp3.FrozenCounter(int(now))):
            builder.Update(value, i)
    outstation.Apply(builder.Build())


POLLED = [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0), (3, 2), (4, 0), (4, 1),
          (4, 2), (4, 3), (10, 0), (10, 2), (11, 0), (11, 1), (11, 2), (20, 0), (20, 1), (20, 2),
          (20, 5), (20, 6), (21, 0), (21, 1), (21, 2), (21, 5), (21, 6), (21, 9), (21, 10), (22, 0),
          (22, 1), (22, 2), (22, 5), (22, 6), (23, 0), (30, 0), (30, 1), (30, 2), (30, 3), (30, 4),
          (30, 5), (30, 6), (32, 0), (32, 1), (32, 2), (32, 3), (32, 4), (32, 5), (32, 6), (32, 7),
          (32, 8), (40, 0), (40, 1), (40, 2), (40, 3), (40, 4), (42, 0), (42, 1), (42, 3), (42, 7),
          (42, 8), (50, 1), (50, 4), (60, 1), (60, 2), (110, 0), (111, 0), (113, 0), (121, 0),
          (122, 0), (0, 254)]


def poll(master, outstation):
    for group, variation in POLLED:
        objects = opendnp3.GroupVariationID(group, variation)
        master.ScanAllObjects(objects)
        time.sleep(.25)
        if group in (1, 3, 10, 20, 30, 40):
            master.ScanRange(objects, 0, 9)
            time.sleep(.25)
        update(outstation)
    master.ScanClasses(opendnp3.ClassField.AllClasses())
    master.Restart(opendnp3.RestartType.COLD, lambda result: None)
    master.Restart(opendnp3.RestartType.WARM, lambda result: None)
    time.sleep(3)


def command(master, number):
    value = [opendnp3.ControlRelayOutputBlock(opendnp3.ControlCode.LATCH_ON),
             opendnp3.AnalogOutputInt16(5), opendnp3.AnalogOutputInt32(-6),
             opendnp3.AnalogOutputFloat32(7.5), opendnp3.AnalogOutputDouble64(8.5)][number // 2]
    send = master.DirectOperate if number % 2 else master.SelectAndOperate
    send(value, 3, lambda result: None)
    time.sleep(1)


def main():
    what, prefix = sys.argv[1:]
    manager = asiodnp3.DNP3Manager(2)
    retry, quiet = asiopal.ChannelRetry().Default(), opendnp3.levels.NOTHING
    listener = asiodnp3.PrintingChannelListener().Create()
    config = asiodnp3.OutstationStackConfig(opendnp3.DatabaseSizes.AllTypes(60))
    config.outstation.eventBufferConfig = opendnp3.EventBufferConfig().AllTypes(50)
    config.outstation.params.allowUnsolicited = True
    config.link.LocalAddr, config.link.RemoteAddr = OUTSTATION, MASTER
    config.link.KeepAliveTimeout = openpal.TimeDuration().Seconds(1)
    commands, application, measurements = Commands(), Application(), Measurements()
    server = manager.AddTCPServer("outstation", quiet, retry, "127.0.0.1", DEVICE, listener)
    outstation = server.AddOutstation("outstation", commands, application, config)
    outstation.Enable()
    threading.Thread(target=record, args=(prefix,), daemon=True).start()
    time.sleep(.3)
    client = manager.AddTCPClient("master", quiet, retry, "127.0.0.1", "0.0.0.0", PROXY, listener)
    config = asiodnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = MASTER, OUTSTATION
    config.link.KeepAliveTimeout = openpal.TimeDuration().Seconds(1)
    master = client.AddMaster("master", measurements, asiodnp3.DefaultMasterApplication().Create(), config)
    master.Enable()
    time.sleep(1.5)
    update(outstation)
    time.sleep(1)
    if what == "scan":
        poll(master, outstation)
    else:
        command(master, int(what))
    os._exit(0)  # the package's threads would hold the process


main()
