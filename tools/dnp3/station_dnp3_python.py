# SPDX-License-Identifier: BSD-2-Clause
"""OpenDNP3 2 (the dnp3-python package) as a station of the lab.

    station_dnp3_python.py master TRANSPORT DEVICE PORT MASTER OUTSTATION
    station_dnp3_python.py outstation TRANSPORT ADDRESS PORT OUTSTATION MASTER

TRANSPORT is tcp. As the others, but for two faults of the package: a handler of measurements
written in Python never returns, so what a master gets is what the package prints (Station.printed),
and the result of a command ends the process, so a command is a master's last."""
import os
import sys

from pydnp3 import asiodnp3, asiopal, opendnp3, openpal

from peers import HELLO, say

CODES = {"latch-on": opendnp3.ControlCode.LATCH_ON, "latch-off": opendnp3.ControlCode.LATCH_OFF,
         "pulse-on": opendnp3.ControlCode.PULSE_ON, "close": opendnp3.ControlCode.CLOSE_PULSE_ON,
         "trip": opendnp3.ControlCode.TRIP_PULSE_ON}
QUIET = opendnp3.levels.NOTHING


def seconds(count):
    return openpal.TimeDuration().Milliseconds(int(count * 1000))


class Master:
    def __init__(self, manager, transport, device, port, address, outstation):
        config = asiodnp3.MasterStackConfig()
        config.link.LocalAddr, config.link.RemoteAddr = int(address), int(outstation)
        config.master.responseTimeout = seconds(8)
        retry = asiopal.ChannelRetry(seconds(.3), seconds(.3))
        self.kept = [asiodnp3.PrintingChannelListener().Create(), asiodnp3.PrintingSOEHandler().Create(),
                     asiodnp3.DefaultMasterApplication().Create()]
        self.channel = manager.AddTCPClient("master", QUIET, retry, device, "0.0.0.0", int(port),
                                            self.kept[0])
        self.station = self.channel.AddMaster("master", self.kept[1], self.kept[2], config)
        self.station.Enable()

    def do(self, verb, *words):
        if verb == "integrity":
            self.station.ScanClasses(opendnp3.ClassField.AllClasses())
        elif verb == "events":
            self.station.ScanClasses(opendnp3.ClassField.AllEventClasses())
        elif verb == "read":
            group, variation, start, stop = map(int, words)
            self.station.ScanRange(opendnp3.GroupVariationID(group, variation), start, stop)
        elif verb == "freeze":
            self.station.PerformFunction(verb, opendnp3.FunctionCode.IMMED_FREEZE,
                                         [opendnp3.Header.AllObjects(20, 0)])
        elif verb in ("select-operate", "direct"):
            send = self.station.SelectAndOperate if verb == "select-operate" else self.station.DirectOperate
            send(opendnp3.ControlRelayOutputBlock(CODES[words[1]]), int(words[0]), lambda result: None)
        else:
            say(unknown=verb)


class Commands(opendnp3.ICommandHandler):
    def Start(self): pass
    def End(self): pass
    def Select(self, command, index): return self.saw("select", command, index)

    def Operate(self, command, index, kind):
        return self.saw("direct-operate" if "DIRECT" in str(kind) else "operate", command, index)

    @staticmethod
    def saw(what, command, index):
        if isinstance(command, opendnp3.ControlRelayOutputBlock):
            say(saw=what, index=index, code=str(command.functionCode).lower(), count=command.count,
                on_time=command.onTimeMS)
        else:
            say(saw=what, index=index, value=command.value)
        return opendnp3.CommandStatus.SUCCESS


class Application(opendnp3.IOutstationApplication):
    def ColdRestartSupport(self): return opendnp3.RestartMode.SUPPORTED_DELAY_FINE
    def WarmRestartSupport(self): return opendnp3.RestartMode.SUPPORTED_DELAY_FINE
    def GetApplicationIIN(self): return opendnp3.ApplicationIIN()

    def ColdRestart(self):
        say(saw="cold-restart")
        return 5


class Outstation:
    def __init__(self, manager, transport, address, port, outstation, master):
        points = int(os.environ.get("POINTS", "10"))
        config = asiodnp3.OutstationStackConfig(opendnp3.DatabaseSizes.AllTypes(points))
        config.outstation.eventBufferConfig = opendnp3.EventBufferConfig().AllTypes(100)
        config.outstation.params.allowUnsolicited = os.environ.get("UNSOLICITED") == "1"
        config.link.LocalAddr, config.link.RemoteAddr = int(outstation), int(master)
        self.kept = [asiodnp3.PrintingChannelListener().Create(), Commands(), Application()]
        self.channel = manager.AddTCPServer("outstation", QUIET, asiopal.ChannelRetry().Default(), address,
                                            int(port), self.kept[0])
        self.station = self.channel.AddOutstation("outstation", self.kept[1], self.kept[2], config)
        self.station.Enable()

    def do(self, verb, *words):
        values = {"binary": lambda v: opendnp3.Binary(v == "1"), "analog": lambda v: opendnp3.Analog(float(v)),
                  "counter": lambda v: opendnp3.Counter(int(v))}
        if verb not in values:
            say(unknown=verb)
            return
        builder = asiodnp3.UpdateBuilder()
        builder.Update(values[verb](words[1]), int(words[0]))
        self.station.Apply(builder.Build())
        say(updated=verb)


def main():
    manager = asiodnp3.DNP3Manager(1)
    station = (Master if sys.argv[1] == "master" else Outstation)(manager, *sys.argv[2:])
    say(ready=HELLO)
    for line in sys.stdin:
        if line.strip():
            station.do(*line.split())
    os._exit(0)  # its threads would hold the process


main()
