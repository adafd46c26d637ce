# SPDX-License-Identifier: BSD-2-Clause
"""Audit lines to a real syslog receiver, which must understand every part of them (RFC 5424)."""
import json
import os
import re
import shutil
import socket

import pytest
from lab import until
from test_audit import ask, start, told  # noqa: F401 (start is a fixture)
from walk import read, write

pytestmark = pytest.mark.e2e

RECEIVER = """
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
{input}
template(name="parts" type="list") {{
  property(name="syslogfacility-text") constant(value="|")
  property(name="syslogseverity-text") constant(value="|")
  property(name="protocol-version") constant(value="|")
  property(name="timereported" dateFormat="rfc3339" date.inUTC="on") constant(value="|")
  property(name="hostname") constant(value="|")
  property(name="app-name") constant(value="|")
  property(name="procid") constant(value="|")
  property(name="msgid") constant(value="|")
  property(name="structured-data") constant(value="|")
  property(name="msg") constant(value="\\n")
}}
action(type="omfile" file="{out}" template="parts" asyncWriting="off" flushOnTXEnd="on")
"""
INPUTS = {
    "unix": 'input(type="imuxsock" Socket="{path}" UseSpecialParser="off" ParseHostname="on" IgnoreTimestamp="off")',
    "udp": 'input(type="imudp" address="127.0.0.1" port="5514")',
    "tcp": 'input(type="imtcp" address="127.0.0.1" port="5514")',
}
TO = {"unix": "{path}", "udp": "udp:127.0.0.1:5514", "tcp": "tcp:127.0.0.1:5514"}
PARTS = ["facility", "severity", "version", "time", "host", "app", "procid", "msgid", "data", "msg"]


class Receiver:
    def __init__(self, lab, directory, kind):
        self.lab, self.directory, self.kind = lab, directory, kind
        self.path, self.out = directory / "log", directory / "received"
        self.to = TO[kind].format(path=self.path)
        (directory / "rsyslog.conf").write_text(RECEIVER.format(
            out=self.out, input=INPUTS[kind].format(path=self.path)))
        self.process = None

    def start(self):
        self.process = self.lab.gateway.popen(
            [shutil.which("rsyslogd", path="/usr/sbin:/usr/bin"), "-n", "-f",
             self.directory / "rsyslog.conf", "-i", self.directory / "pid"],
            stderr=open(self.directory / "rsyslog.log", "w"))
        until(self.listens, "rsyslogd does not start")

    def listens(self):
        """It has the socket open to which lines are sent."""
        if self.kind == "unix":
            return self.path.exists()
        sockets = self.lab.gateway.run(["ss", "-Hln" + self.kind[0]], check=True).stdout
        return ":5514 " in sockets

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.path.unlink(missing_ok=True)
        self.process = None

    def messages(self):
        if not os.path.exists(self.out):
            return []
        return [dict(zip(PARTS, line.rstrip("\n").split("|", len(PARTS) - 1)))
                for line in open(self.out) if line.endswith("\n")]

    def wait_for(self, wanted, timeout=30):
        until(lambda: any(wanted(message) for message in self.messages()),
              lambda: self.messages()[-3:], timeout)
        return self.messages()


@pytest.fixture(params=list(INPUTS))
def receiver(request, lab, tmp_path):
    if not shutil.which("rsyslogd", path="/usr/sbin:/usr/bin"):
        pytest.skip("no rsyslogd: apt-get install rsyslog")
    it = Receiver(lab, tmp_path, request.param)
    yield it
    it.stop()


def test_a_receiver_understands_every_line(lab, plant, start, receiver):
    receiver.start()
    gateway = start(f"{{ lines: each, syslog: {{ to: '{receiver.to}', facility: local3, host: gate-1 }} }}")
    ask(lab.connect(), read(0, 1), write(50, 1), read(0, 0))
    receiver.wait_for(lambda message: '"malformed"' in message["msg"])
    gateway.process.terminate()
    assert gateway.process.wait(30) == 0
    messages = receiver.wait_for(lambda message: message["msgid"] == "stopped")
    for message in messages:
        line = json.loads(message["msg"])
        assert message["version"] == "1" and message["facility"] == "local3"
        assert message["host"] == "gate-1" and message["app"] == "sluice" and message["data"] == "-"
        assert message["procid"] == str(gateway.process.pid)
        assert message["msgid"] == line["event"]
        assert message["time"] == re.sub(r"\+0000$", "+00:00", line["timestamp"])
    severity = {(m["msgid"], json.loads(m["msg"]).get("verdict")): m["severity"] for m in messages}
    assert severity["message", "allow"] == "info"
    assert severity["message", "deny"] == severity["message", "malformed"] == "warning"
    assert severity["started", None] == severity["stopped", None] == "notice"
    assert [json.loads(m["msg"]) for m in messages] == gateway.audit()  # the file has the same


def test_a_receiver_that_comes_late_or_back_gets_what_waited(lab, plant, start, receiver):
    if receiver.to.startswith("udp"):
        pytest.skip("UDP does not say whether anybody is there")
    gateway = start(f"{{ lines: each, syslog: '{receiver.to}' }}")
    connection = lab.connect()
    ask(connection, *[read(0, 1)] * 20)
    until(lambda: "trying again every second" in gateway.read_log())
    receiver.start()
    until(lambda: told([json.loads(m["msg"]) for m in receiver.messages()], verdict="allow") >= 20)
    receiver.stop()
    ask(connection, *[read(0, 1)] * 10, write(50, 7))
    receiver.start()
    messages = receiver.wait_for(lambda message: "no-rule-for-address" in message["msg"])
    # Over TCP what was on its way when the receiver went is lost; all that waited is there.
    assert told([json.loads(m["msg"]) for m in messages], verdict="allow") >= 20
    assert told(gateway.audit(), verdict="allow") == 30


def test_a_slow_receiver_costs_lines_and_no_time(lab, plant, start, tmp_path):
    with lab.gateway.inside():
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 5515))
        server.listen()
    gateway = start("{ lines: each, syslog: 'tcp:127.0.0.1:5515' }")
    server.settimeout(30)
    peer, _ = server.accept()  # and never reads
    connection = lab.connect()
    count = 0
    for _ in range(40):
        ask(connection, *[read(0, 1)] * 100)
        count += 100
    until(lambda: told(gateway.audit(), verdict="allow") >= count)  # the file has them all
    peer.settimeout(30)
    received = b""
    while b'"audit-lost"' not in received:
        got = peer.recv(65536)
        assert got, received[-500:]
        received += got
    lost = gateway.wait_audit(lambda line: line["event"] == "audit-lost")
    assert lost["to"] == "tcp:127.0.0.1:5515" and lost["count"] > 0
    peer.close()
    server.close()
