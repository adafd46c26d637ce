# SPDX-License-Identifier: BSD-2-Clause
"""OpenDNP3 3 (the yadnp3 package, which goes on where the original ended) as a station of the lab.

    station_opendnp3.py master TRANSPORT DEVICE PORT MASTER OUTSTATION
    station_opendnp3.py outstation TRANSPORT ADDRESS PORT OUTSTATION MASTER

TRANSPORT is tcp, or udp with the local address after a colon: udp:192.168.96.10. Takes commands on
standard input, one a line, and prints one JSON object a line of what it sees; peers.py has the
names that all stations share."""
import os
import sys
import time

import opendnp3

from peers import HELLO, say

CODES = {
    "latch-on": (opendnp3.OperationType.LATCH_ON, opendnp3.TripCloseCode.NUL),
    "latch-off": (opendnp3.OperationType.LATCH_OFF, opendnp3.TripCloseCode.NUL),
    "pulse-on": (opendnp3.OperationType.PULSE_ON, opendnp3.TripCloseCode.NUL),
    "close": (opendnp3.OperationType.PULSE_ON, opendnp3.TripCloseCode.CLOSE),
    "trip": (opendnp3.OperationType.PULSE_ON, opendnp3.TripCloseCode.TRIP),
}
KINDS = {"Binary": "binary-input", "DoubleBitBinary": "double-bit-input", "Analog": "analog-input",
         "Counter": "counter", "FrozenCounter": "frozen-counter", "BinaryOutputStatus": "binary-output",
         "AnalogOutputStatus": "analog-output", "TimeAndInterval": "time-and-interval",
         "OctetString": "octet-string", "BinaryCommandEvent": "binary-command",
         "AnalogCommandEvent": "analog-command"}


def name(value):
    return str(value).rsplit(".", 1)[-1].lower().replace("_", "-")


def seconds(count):
    return opendnp3.TimeDuration.Milliseconds(int(count * 1000))


class Listener(opendnp3.IChannelListener):
    def OnStateChange(self, state): say(channel=name(state))


# --- master --------------------------------------------------------------------------------------

class Measurements(opendnp3.ISOEHandler):
    def BeginFragment(self, info):
        self.unsolicited = info.unsolicited
        say(fragment="unsolicited" if info.unsolicited else "response", final=info.fin)

    def EndFragment(self, info): pass
    def OnDeviceAttribute(self, *arguments): pass

    def Process(self, info, values):
        found = {}
        for indexed in values:
            value = getattr(indexed.value, "value", None)
            found[indexed.index] = value if isinstance(value, (bool, int, float)) else str(value)
        kind = KINDS.get(type(values[0].value).__name__, "other") if values else "nothing"
        say(got=kind, event=info.isEventVariation, unsolicited=self.unsolicited, values=found)


class Application(opendnp3.IMasterApplication):
    def OnTaskComplete(self, info): say(done=name(info.type), result=name(info.result))
    def OnOpen(self): say(link="open")
    def OnClose(self): say(link="closed")
    def OnReceiveIIN(self, iin): say(iin=iin.LSB << 8 | iin.MSB)
    def AssignClassDuringStartup(self): return False
    def Now(self): return opendnp3.UTCTimestamp(int(time.time() * 1000))


class Master:
    def __init__(self, manager, transport, device, port, address, outstation):
        retry = opendnp3.ChannelRetry(seconds(.3), seconds(.3))
        quiet = opendnp3.LogLevels.none()
        far = opendnp3.IPEndpoint(device, int(port))
        self.kept = [Listener(), Measurements(), Application()]
        if transport == "tcp":
            channel = manager.AddTCPClient("master", quiet, retry, [far], "0.0.0.0", self.kept[0])
        else:
            local = opendnp3.IPEndpoint(transport.split(":")[1], int(port))
            channel = manager.AddUDPChannel("master", quiet, retry, local, far, self.kept[0])
        config = opendnp3.MasterStackConfig()
        config.link.LocalAddr, config.link.RemoteAddr = int(address), int(outstation)
        config.link.KeepAliveTimeout = seconds(60)
        config.master.responseTimeout = seconds(8)
        mode = os.environ.get("TIME_SYNC", "NonLAN")
        config.master.timeSyncMode = getattr(opendnp3.TimeSyncMode, mode)
        config.master.taskRetryPeriod = seconds(1)
        self.station = channel.AddMaster("master", self.kept[1], self.kept[2], config)
        self.channel = channel
        self.station.Enable()

    def do(self, verb, *words):
        station, soe = self.station, self.kept[1]
        if verb == "integrity":
            station.ScanClasses(opendnp3.ClassField.AllClasses(), soe)
        elif verb == "events":
            station.ScanClasses(opendnp3.ClassField.AllEventClasses(), soe)
        elif verb == "read":
            group, variation, start, stop = map(int, words)
            station.ScanRange(opendnp3.GroupVariationID(group, variation), start, stop, soe)
        elif verb == "select-operate":
            station.SelectAndOperate(command(words[1]), int(words[0]), self.commanded)
        elif verb == "direct":
            station.DirectOperate(command(words[1]), int(words[0]), self.commanded)
        elif verb in ("freeze", "freeze-clear"):
            kind = opendnp3.FreezeType.ImmediateFreeze if verb == "freeze" else \
                opendnp3.FreezeType.FreezeAndClear
            station.Freeze(kind, [opendnp3.Header.AllObjects(20, 0)])
        elif verb == "link-status":
            station.CheckLinkStatus(lambda good: say(
                done="link-status", result="success" if good else "failure"))
        elif verb == "cold-restart":
            station.Restart(opendnp3.RestartType.COLD,
                            lambda result: say(done="restart", result=name(result.summary)))
        elif verb == "read-file":
            station.ReadFile(words[0], lambda result: say(
                done="read-file", result=name(result.summary), status=name(result.statusCode),
                length=len(result.data), sum=sum(result.data)))
        elif verb == "delete-file":
            station.DeleteFile(words[0], lambda result: say(
                done="delete-file", result=name(result.summary), status=name(result.statusCode)))
        else:
            say(unknown=verb)

    @staticmethod
    def commanded(result):
        say(done="command", result=name(result.summary),
            status=[name(point.status) for point in result.to_list()])


def command(word):
    if word in CODES:
        operation, code = CODES[word]
        return opendnp3.ControlRelayOutputBlock(operation, code, False, 1, 100, 100)
    kind, value = word.split("=")
    return {"int16": lambda v: opendnp3.AnalogOutputInt16(int(v)),
            "int32": lambda v: opendnp3.AnalogOutputInt32(int(v)),
            "float": lambda v: opendnp3.AnalogOutputFloat32(float(v)),
            "double": lambda v: opendnp3.AnalogOutputDouble64(float(v))}[kind](value)


# --- outstation ----------------------------------------------------------------------------------

class Commands(opendnp3.ICommandHandler):
    def Begin(self): pass
    def End(self): pass

    def Select(self, command, index):
        return self.saw("select", command, index)

    def Operate(self, command, index, updates, kind):
        sent = {"SelectBeforeOperate": "operate", "DirectOperate": "direct-operate",
                "DirectOperateNoAck": "direct-operate-no-ack"}[str(kind).rsplit(".", 1)[-1]]
        return self.saw(sent, command, index)

    @staticmethod
    def saw(what, command, index):
        if isinstance(command, opendnp3.ControlRelayOutputBlock):
            say(saw=what, index=index, operation=name(command.opType), code=name(command.tcc),
                count=command.count, on_time=command.onTimeMS)
        else:
            say(saw=what, index=index, value=command.value)
        return opendnp3.CommandStatus.SUCCESS


class OutstationApplication(opendnp3.IOutstationApplication):
    need_time = False

    def ColdRestartSupport(self): return opendnp3.RestartMode.SUPPORTED_DELAY_COARSE
    def WarmRestartSupport(self): return opendnp3.RestartMode.SUPPORTED_DELAY_FINE
    def SupportsWriteAbsoluteTime(self): return True
    def SupportsWriteTimeAndInterval(self): return False
    def SupportsAssignClass(self): return False
    def Now(self): return opendnp3.DNPTime(int(time.time() * 1000))
    def OnConfirmProcessed(self, unsolicited, *counts): say(saw="confirm", unsolicited=unsolicited)

    def GetApplicationIIN(self):
        iin = opendnp3.ApplicationIIN()
        iin.needTime = self.need_time
        return iin

    def ColdRestart(self):
        say(saw="cold-restart")
        return 5

    def WarmRestart(self):
        say(saw="warm-restart")
        return 5

    def WriteAbsoluteTime(self, timestamp):
        self.need_time = False
        say(saw="time", milliseconds=timestamp.msSinceEpoch)
        return True


class Files(opendnp3.IFileHandler):
    """One file, /log: 5000 octets that count up."""
    content = bytes(i * 7 & 255 for i in range(5000))
    block = 1000

    def OpenFile(self, filename, key, permissions, mode, size, request):
        say(saw="open-file", name=filename, mode=name(mode))
        result = opendnp3.FileOpenResult()
        found = filename == "/log"
        result.status = opendnp3.FileStatus.SUCCESS if found else opendnp3.FileStatus.FILE_NOT_FOUND
        result.fileHandle, result.fileSize = 7, len(self.content)
        result.maxBlockSize = min(size, self.block)
        return result

    def ReadBlock(self, handle, number):
        say(saw="read-block", block=number)
        result = opendnp3.FileBlockResult()
        result.data = list(self.content[number * self.block:(number + 1) * self.block])
        result.lastBlock = (number + 1) * self.block >= len(self.content)
        result.status = opendnp3.FileStatus.SUCCESS
        return result

    def CloseFile(self, handle, request):
        say(saw="close-file", handle=handle)
        return opendnp3.FileStatus.SUCCESS

    def DeleteFile(self, filename):
        say(saw="delete-file", name=filename)
        return opendnp3.FileStatus.SUCCESS

    def AbortFile(self, handle): pass


class Outstation:
    def __init__(self, manager, transport, address, port, outstation, master):
        quiet = opendnp3.LogLevels.none()
        near = opendnp3.IPEndpoint(address, int(port))
        self.application = OutstationApplication()
        self.kept = [Listener(), Commands(), Files()]
        if transport == "tcp":
            channel = manager.AddTCPServer("outstation", quiet, opendnp3.ServerAcceptMode.CloseExisting,
                                           near, self.kept[0])
        else:
            far = opendnp3.IPEndpoint(transport.split(":")[1], int(port))
            channel = manager.AddUDPChannel("outstation", quiet, opendnp3.ChannelRetry.Default(), near,
                                            far, self.kept[0])
        points = opendnp3.DatabaseConfig(int(os.environ.get("POINTS", "10")))
        config = opendnp3.OutstationStackConfig(points)
        config.outstation.eventBufferConfig = opendnp3.EventBufferConfig.AllTypes(100)
        config.outstation.params.allowUnsolicited = os.environ.get("UNSOLICITED") == "1"
        config.outstation.params.selectTimeout = seconds(30)
        config.outstation.params.unsolConfirmTimeout = seconds(4)
        config.link.LocalAddr, config.link.RemoteAddr = int(outstation), int(master)
        config.link.KeepAliveTimeout = seconds(60)
        self.channel = channel
        self.station = channel.AddOutstation("outstation", self.kept[1], self.application, config,
                                             self.kept[2])
        self.station.Enable()

    def do(self, verb, *words):
        if verb == "need-time":
            self.application.need_time = words[0] == "1"
            say(updated=verb)
            return
        values = {"binary": lambda v: opendnp3.Binary(v == "1"), "analog": lambda v: opendnp3.Analog(float(v)),
                  "counter": lambda v: opendnp3.Counter(int(v))}
        if verb not in values:
            say(unknown=verb)
            return
        builder = opendnp3.UpdateBuilder()
        builder.Update(values[verb](words[1]), int(words[0]))
        self.station.Apply(builder.Build())
        say(updated=verb)


def main():
    manager = opendnp3.DNP3Manager(1)
    station = (Master if sys.argv[1] == "master" else Outstation)(manager, *sys.argv[2:])
    say(ready=HELLO)
    for line in sys.stdin:
        if line.strip():
            station.do(*line.split())
    os._exit(0)  # its threads would hold the process


main()
