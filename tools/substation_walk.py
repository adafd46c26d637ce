# SPDX-License-Identifier: BSD-2-Clause
"""The demo's second walk: a control centre (OpenDNP3's master) before a substation's outstation
(OpenDNP3's too), and what comes of what the one tries: systems/substation/sluice.yaml between them."""
import pathlib
import socket
import sys
import time

import lab as lab_module
import walk

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "dnp3"))
from peers import PORT, Station

MASTER, OUTSTATION = 1, 10
JUNK = bytes.fromhex("deadbeef")


class Substation:
    """Both stations, in the namespaces of the lab."""

    def __init__(self, network):
        self.network = network
        self.outstation = Station(network.device, "opendnp3", "outstation", "tcp",
                                  lab_module.DEVICE_ADDRESS, PORT, OUTSTATION, MASTER, UNSOLICITED="1")
        self.master = None

    def connect(self):
        self.master = Station(self.network.client, "opendnp3", "master", "tcp",
                              lab_module.LISTEN_ADDRESS, PORT, MASTER, OUTSTATION)
        self.master.wait(lambda line: line.get("done") == "enable-unsolicited", timeout=30)

    def close(self):
        for station in (self.master, self.outstation):
            if station:
                station.stop()


def poll(site):
    mark = site.master.mark()
    site.master.ask("integrity", "user-task")
    points = sum(len(line["values"]) for line in site.master.said(mark) if "got" in line)
    return f"{points} points"


def event(site):
    mark = site.master.mark()
    site.outstation.set("binary 5 1")
    line = site.master.got("binary-input", 5, True, mark)
    return "binary input 5 on, unsolicited" if line["unsolicited"] else "binary input 5 on"


def command(words):
    def send(site):
        done = site.master.ask(words, "command")
        return ", ".join(done["status"]) or done["result"]
    return send


def restart(site):
    return site.master.ask("cold-restart", "restart")["result"]


def link_status(site):
    return "link status" if site.master.ask("link-status")["result"] == "success" else "nothing"


def crc(octets):
    remainder = 0
    for octet in octets:
        remainder ^= octet
        for _ in range(8):
            remainder = remainder >> 1 ^ 0xa6bc if remainder & 1 else remainder >> 1
    return (remainder ^ 0xffff).to_bytes(2, "little")


def frame(octets, source=MASTER, destination=OUTSTATION):
    """One link frame from a master with a whole fragment."""
    data = b"\xc0" + octets
    head = bytes([5, 0x64, 5 + len(data), 0xc4]) + destination.to_bytes(2, "little") + \
        source.to_bytes(2, "little")
    blocks = [data[at:at + 16] for at in range(0, len(data), 16)]
    return head + crc(head) + b"".join(block + crc(block) for block in blocks)


OPERATE = bytes.fromhex("c005 0c01 1701 03 8101 64000000 64000000 00")


def junk(site):
    site.master.stop()  # this outstation takes one connection at a time
    connection = site.network.connect(port=PORT)
    connection.sendall(JUNK + frame(OPERATE))
    connection.settimeout(5)
    try:
        while connection.recv(1000):  # the outstation greets a new connection
            pass
        return "connection closed"
    except ConnectionError:
        return "connection closed"
    except (TimeoutError, socket.timeout):
        return "connection open"
    finally:
        connection.close()


STEPS = [
    # title, what is done, what must come back, what the outstation must see, audit verdict or event
    ("is the line up? the gateway's own side answers", link_status, "link status", "nothing", None),
    ("a poll of all classes", poll, "90 points", "nothing", "allow"),
    ("an event of the outstation's own accord", event, "binary input 5 on, unsolicited", "confirm",
     None),
    ("select and operate the breaker", command("select-operate 3 close"), "success",
     "select 3, operate 3", "allow"),
    ("operate it directly, with no select", command("direct 3 trip"), "not-authorized", "nothing",
     "deny"),
    ("another output", command("select-operate 4 close"), "not-authorized", "nothing", "deny"),
    ("an operation that no rule names", command("select-operate 3 latch-on"), "not-authorized", "nothing",
     "deny"),
    ("the regulator to 55 %", command("direct 0 int16=55"), "success", "direct-operate 0 = 55", "allow"),
    ("the regulator to 900 %", command("direct 0 int16=900"), "not-authorized", "nothing", "deny"),
    ("a cold restart", restart, "failure-bad-response", "nothing", "deny"),
    ("four bytes of junk, then an operate", junk, "connection closed", "nothing", "start-octets"),
]


def describe_seen(lines):
    words = []
    for line in lines:
        value = f" = {line['value']:g}" if "value" in line else ""
        index = f" {line['index']}" if "index" in line else ""
        words.append(f"{line['saw']}{index}{value}")
    return ", ".join(words) or "nothing"


def seen_since(site, mark):
    return [line for line in site.outstation.said(mark) if "saw" in line]


def audited_as(lines, wanted):
    return wanted is None or any(wanted in (line.get("verdict"), line.get("reason"), line["event"])
                                 for line in lines)


def run(site, audit, out=sys.stdout):
    """Walks all steps. Returns the number of those that went otherwise than they must."""
    wrong = 0
    colour = out.isatty()
    for number, (title, act, reply, device, verdict) in enumerate(STEPS, 1):
        mark, before = site.outstation.mark(), len(audit())
        try:
            got = act(site)
        except AssertionError:
            got = "nothing in time"
        seen = walk.wait_for(lambda: describe_seen(seen_since(site, mark)), lambda said: said == device,
                             5)
        time.sleep(.1)
        lines = walk.wait_for(lambda: audit()[before:], lambda said: audited_as(said, verdict), 5)
        good = got == reply and seen == device and audited_as(lines, verdict)
        wrong += not good
        mark_text = "ok" if good else "WRONG"
        if colour:
            mark_text = f"\033[{32 if good else 31}m{mark_text}\033[0m"
        said = [line for line in lines if verdict and line.get("reason") == verdict] or \
            [line for line in lines if line["event"] in ("message", "reads", "request-failed")]
        print(f"{number}. {title} | came back: {got} | outstation saw: {seen} | "
              f"audit: {walk.describe_audit(said)} | {mark_text}", file=out, flush=True)
        if not good:
            print(f"   expected: {reply} | {device} | {verdict}", file=out)
    return wrong
