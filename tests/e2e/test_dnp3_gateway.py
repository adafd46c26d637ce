# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 through the gateway, both ends by hand: what the gateway does with link frames, responses
in several fragments, confirmations, unsolicited responses and stations' addresses."""
import socket
import threading
import time

import pytest
from dnp3_wire import (ACK, CONFIRMED, DIR, FCB, FCV, NACK, PRM, RESET, STATUS, STATUS_REQUEST,
                       Datagrams, Device, Peer, frames, link)
from lab import CLIENT_ADDRESS, DEVICE_ADDRESS, INT_ADDRESS, LISTEN_ADDRESS, Gateway

pytestmark = pytest.mark.e2e

CONFIG = f"""
gateway:
  external: {{ nic: ext0, address: 192.168.96.2/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
services:
  - name: substation
    protocol: dnp3
    listen: {LISTEN_ADDRESS}:20000
    device: {DEVICE_ADDRESS}:20000
    timeout: 20s
    unsolicited: allow
    response-fragments: 4
    stations:
      - {{ master: 1, outstation: 10 }}
      - {{ master: 2, outstation: 11, device-master: 100, device-outstation: 7 }}
    rules:
      - {{ allow: read }}
      - {{ allow: direct-operate, group: 12, index: 0-9 }}
  - name: hasty
    protocol: dnp3
    listen: {LISTEN_ADDRESS}:20003
    device: {DEVICE_ADDRESS}:20000
    timeout: 4s
    stations: [{{ master: 1, outstation: 10 }}]
    rules: [{{ allow: read }}]
  - name: noisy
    protocol: dnp3
    listen: {LISTEN_ADDRESS}:20001
    device: {DEVICE_ADDRESS}:20000
    timeout: 20s
    noise: skip
    stations: [{{ master: 1, outstation: 10 }}]
    rules: [{{ allow: read }}]
  - name: radio
    protocol: dnp3
    transport: udp
    listen: {LISTEN_ADDRESS}:20000
    device: {DEVICE_ADDRESS}:20000
    timeout: 20s
    unsolicited: allow
    stations: [{{ master: 1, outstation: 10 }}]
    rules: [{{ allow: [read, write] }}]
  - name: watched
    protocol: dnp3
    listen: {LISTEN_ADDRESS}:20002
    device: {DEVICE_ADDRESS}:20000
    timeout: 20s
    mode: monitor
    unsolicited: allow
    stations: [{{ master: 1, outstation: 10, device-outstation: 7 }}]
    rules: [{{ allow: read }}]
"""

READ = "c301 3c0206"
CROB = "0c01 17 01 {index:02x} 41 01 64000000 64000000 {status:02x}"


@pytest.fixture
def device(lab):
    it = Device(lab, DEVICE_ADDRESS)
    yield it
    it.close()


def pair(lab, device, port):
    """Master and outstation, connected."""
    master = Peer(lab.connect(LISTEN_ADDRESS, port), master=True)
    outstation = device.accept()
    yield master, outstation
    master.close()
    outstation.close()


@pytest.fixture
def substation(gateway, device, lab):
    yield from pair(lab, device, 20000)


@pytest.fixture
def hasty(gateway, device, lab):
    """Where requests do time out."""
    yield from pair(lab, device, 20003)


def audited(gateway, **fields):
    return gateway.wait_audit(
        lambda line: all(line.get(name) == value for name, value in fields.items()))


def same(got, fragment, source, destination):
    assert got == (fragment.replace(" ", ""), source, destination)


def test_a_read_and_its_response(substation, gateway):
    master, outstation = substation
    master.request(READ)
    same(outstation.receive(), READ, 1, 10)
    outstation.reply("c381 0000 0101 00 00 07 aa")
    same(master.receive(), "c381 0000 0101 00 00 07 aa", 10, 1)
    line = audited(gateway, event="message")
    assert line["event_type"] == "dnp3" and line["verdict"] == "allow"
    assert line["dnp3"]["function_name"] == "read"
    assert (line["dnp3"]["source"], line["dnp3"]["destination"]) == (1, 10)


def test_stations_have_other_addresses_at_the_device(substation):
    master, outstation = substation
    master.request(READ, source=2, destination=11)
    same(outstation.receive(), READ, 100, 7)
    outstation.reply("c381 0000", source=7, destination=100)
    same(master.receive(), "c381 0000", 11, 2)


def test_two_outstations_with_the_same_number_at_once(substation):
    master, outstation = substation
    master.request(READ)
    master.request(READ, source=2, destination=11)
    same(outstation.receive(), READ, 1, 10)
    same(outstation.receive(), READ, 100, 7)
    outstation.reply("c381 0000 0101 00 00 07 bb", source=7, destination=100)
    outstation.reply("c381 0000 0101 00 00 07 aa")
    same(master.receive(), "c381 0000 0101 00 00 07 bb", 11, 2)
    same(master.receive(), "c381 0000 0101 00 00 07 aa", 10, 1)


def test_link_frames_are_answered_by_each_side(substation):
    master, outstation = substation
    master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 10, 1))
    assert master.receive() == (STATUS, 10, 1)
    outstation.socket.sendall(link(PRM | STATUS_REQUEST, 1, 10))
    assert outstation.receive() == (DIR | STATUS, 1, 10)
    master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 99, 1))  # there is no such station
    assert master.receive(0.5) is None
    master.request(READ)
    same(outstation.receive(), READ, 1, 10)  # and nothing before it


def test_confirmed_user_data_once(substation):
    master, outstation = substation
    data = b"\xc0" + bytes.fromhex(READ.replace(" ", ""))
    master.socket.sendall(link(DIR | PRM | FCV | FCB | CONFIRMED, 10, 1, data))
    assert master.receive() == (NACK, 10, 1)
    master.socket.sendall(link(DIR | PRM | RESET, 10, 1))
    assert master.receive() == (ACK, 10, 1)
    for _ in range(2):
        master.socket.sendall(link(DIR | PRM | FCV | FCB | CONFIRMED, 10, 1, data))
        assert master.receive() == (ACK, 10, 1)
    same(outstation.receive(), READ, 1, 10)
    assert outstation.receive(0.5) is None


def test_no_link_where_there_is_no_device(gateway, lab):
    master = Peer(lab.connect(LISTEN_ADDRESS, 20000), master=True)
    master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 10, 1))
    assert master.receive(0.5) is None
    device = Device(lab, DEVICE_ADDRESS)
    outstation = device.accept()  # tried again
    until = time.monotonic() + 30
    answer = None
    while not answer and time.monotonic() < until:  # until the gateway knows
        master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 10, 1))
        answer = master.receive(0.2)
    assert answer == (STATUS, 10, 1)
    outstation.close()
    assert audited(gateway, event="device-close", reason="device-closed")
    outstation = device.accept()
    master.close()
    assert outstation.ended()
    device.close()


def response(sequence, control, points):
    """Analog inputs, 5 octets each."""
    body = (f"{control | sequence:02x}81 0000 1e01 01 0000 {(points - 1) & 255:02x}{(points - 1) >> 8:02x}" +
            "01 01020304" * points)
    return body.replace(" ", "")


def test_a_long_fragment(substation):
    master, outstation = substation
    master.request(READ)
    outstation.receive()
    long = response(3, 0xc0, 400)
    outstation.reply(long)
    same(master.receive(), long, 10, 1)
    master.request("c401 3c0206")
    outstation.receive()
    long = response(4, 0xc0, 300)
    outstation.reply(long, size=40, first=60)
    same(master.receive(), long, 10, 1)


def test_a_long_request(substation):
    master, outstation = substation
    master.request("c401" + "3c0206" * 680)
    same(outstation.receive(), "c401" + "3c0206" * 680, 1, 10)


def test_frames_of_the_link_between_segments(substation):
    master, outstation = substation
    master.request(READ)
    outstation.receive()
    long = response(3, 0xc0, 300)
    for frame in frames(long, 1, 10, PRM | 4):
        outstation.socket.sendall(frame + link(PRM | STATUS_REQUEST, 1, 10))
        assert outstation.receive() == (DIR | STATUS, 1, 10)
    same(master.receive(), long, 10, 1)


def test_a_new_first_segment_begins_anew(substation, gateway):
    master, outstation = substation
    master.request(READ)
    outstation.receive()
    outstation.socket.sendall(frames(response(3, 0xc0, 300), 1, 10, PRM | 4)[0])
    outstation.reply("c381 0000")
    same(master.receive(), "c381 0000", 10, 1)
    assert audited(gateway, reason="transport-incomplete")


def test_a_response_in_several_fragments(substation):
    master, outstation = substation
    master.request("ce01 3c0106")
    outstation.receive()
    for i, (sequence, control) in enumerate([(14, 0xa0), (15, 0x20), (0, 0x60)]):
        fragment = response(sequence, control, 390)
        outstation.reply(fragment)
        same(master.receive(), fragment, 10, 1)
        master.request(f"c{sequence:x}00")
        same(outstation.receive(), f"c{sequence:x}00", 1, 10)
    master.request("c101 3c0206")
    same(outstation.receive(), "c101 3c0206", 1, 10)


@pytest.mark.parametrize("pace", [0, .02], ids=["at once", "read slowly"])
def test_fragments_that_ask_for_no_confirmation(gateway, device, lab, pace):
    """All in one go: the outstation is held back until its master has room."""
    master = Peer(lab.connect(LISTEN_ADDRESS, 20001), master=True)
    outstation = device.accept()
    master.request(READ)
    outstation.receive()
    parts = [response((3 + i) % 16, 0x80 if i == 0 else 0x40 if i == 59 else 0, 390) for i in range(60)]
    sender = threading.Thread(target=lambda: [outstation.reply(part) for part in parts])
    sender.start()
    for part in parts:
        time.sleep(pace)
        same(master.receive(), part, 10, 1)
    sender.join()
    master.request("c401 3c0206")
    same(outstation.receive(), "c401 3c0206", 1, 10)
    outstation.close()
    assert audited(gateway, event="device-close")
    assert not [line for line in gateway.audit() if line["event"] == "dropped"]


def test_fragments_out_of_turn_end_their_response(hasty, gateway):
    master, outstation = hasty
    master.request(READ)
    outstation.receive()
    fragment = response(3, 0xa0, 10)
    outstation.reply(fragment)
    same(master.receive(), fragment, 10, 1)
    master.request("c300")
    outstation.receive()
    outstation.reply(response(5, 0x60, 10))  # 4 was its turn
    assert master.receive(0.5) is None
    assert audited(gateway, reason="reply-unmatched")
    assert audited(gateway, reason="device-timeout")
    master.request("c401 3c0206")
    same(outstation.receive(), "c401 3c0206", 1, 10)


def test_more_fragments_than_a_response_may_have(substation, gateway):
    master, outstation = substation
    master.request(READ)
    outstation.receive()
    for i in range(5):
        sequence = (3 + i) % 16
        outstation.reply(response(sequence, 0xa0 if i == 0 else 0x20, 10))
        if i < 4:
            assert master.receive()
            master.request(f"c{sequence:x}00")
            outstation.receive()
    assert master.receive(1) is None
    assert audited(gateway, reason="response-limit")


UNSOLICITED = "f582 0000 0201 28 0100 0300 81"


def test_unsolicited_responses_and_their_confirmations(substation, gateway):
    master, outstation = substation
    outstation.reply(UNSOLICITED)
    same(master.receive(), UNSOLICITED, 10, 1)
    master.request("d500")
    same(outstation.receive(), "d500", 1, 10)
    master.request("d500")  # nothing more to confirm
    line = audited(gateway, reason="confirm-unmatched")
    assert line["verdict"] == "deny"
    assert outstation.receive(0.3) is None
    outstation.reply(UNSOLICITED, source=7, destination=100)
    same(master.receive(), UNSOLICITED, 11, 2)


def test_a_flood_of_unsolicited_responses(substation, gateway):
    master, outstation = substation
    for _ in range(200):
        outstation.reply(UNSOLICITED)
    assert master.receive()
    count = 1
    while master.receive(0.5):
        count += 1
    assert count <= 16
    assert audited(gateway, event="dropped", reason="quota")
    master.request(READ)  # nobody suffers
    same(outstation.receive(), READ, 1, 10)


def test_unsolicited_responses_are_denied_unless_allowed(gateway, device, lab):
    master = Peer(lab.connect(LISTEN_ADDRESS, 20001), master=True)
    outstation = device.accept()
    outstation.reply(UNSOLICITED)
    assert audited(gateway, reason="unsolicited-denied")
    assert master.receive(0.3) is None
    assert outstation.receive(0.3) is None  # nobody confirms it for the master


def test_denied_controls_are_echoed(substation, gateway):
    master, outstation = substation
    allowed = "c405" + CROB.format(index=3, status=0)
    master.request(allowed)
    same(outstation.receive(), allowed, 1, 10)
    outstation.reply("c481 0000" + CROB.format(index=3, status=0))
    same(master.receive(), "c481 0000" + CROB.format(index=3, status=0), 10, 1)
    master.request("c505" + CROB.format(index=12, status=0))
    same(master.receive(), "c581 0000" + CROB.format(index=12, status=9), 10, 1)
    master.request("c60d")
    same(master.receive(), "c681 0001", 10, 1)
    master.request("c646")  # there is no such function
    same(master.receive(), "c681 0001", 10, 1)
    master.request("c706" + CROB.format(index=3, status=0))  # never answered
    assert master.receive(0.3) is None
    master.request(READ, destination=12)  # no such station
    assert master.receive(0.3) is None
    assert audited(gateway, reason="no-station")
    assert outstation.receive(0.1) is None


def test_noise_closes(substation, gateway):
    master, outstation = substation
    master.socket.sendall(b"AT\r\n" + frames(READ, 10, 1, DIR | PRM | 4)[0])
    assert master.ended()
    assert outstation.ended()
    assert audited(gateway, event="session-close", reason="start-octets")


def test_noise_is_skipped_where_the_service_says_so(gateway, device, lab):
    master = Peer(lab.connect(LISTEN_ADDRESS, 20001), master=True)
    outstation = device.accept()
    master.socket.sendall(b"AT\r\n\x05" + frames(READ, 10, 1, DIR | PRM | 4)[0])
    same(outstation.receive(), READ, 1, 10)
    outstation.socket.sendall(b"\x05\x64\x00junk" + frames("c381 0000", 1, 10, PRM | 4)[0])
    same(master.receive(), "c381 0000", 10, 1)
    lines = [audited(gateway, reason="start-octets", component=component)
             for component in ("ext_frontend", "int_frontend")]
    assert [line["count"] for line in lines] == [5, 7]


def test_a_frame_cut_short_does_not_take_the_next_with_it(gateway, device, lab):
    master = Peer(lab.connect(LISTEN_ADDRESS, 20001), master=True)
    outstation = device.accept()
    whole = frames(READ, 10, 1, DIR | PRM | 4)[0]
    master.socket.sendall(whole[:-2] + whole)
    same(outstation.receive(), READ, 1, 10)
    reply = frames("c381 0000", 1, 10, PRM | 4)[0]
    outstation.socket.sendall(reply[:11] + reply)
    same(master.receive(), "c381 0000", 10, 1)


def test_a_master_that_leaves_in_the_middle(hasty, device, lab):
    master, outstation = hasty
    master.request(READ)
    outstation.receive()
    outstation.reply(response(3, 0xa0, 390))
    master.receive()
    master.close()
    assert outstation.ended()
    other = Peer(lab.connect(LISTEN_ADDRESS, 20003), master=True)
    outstation = device.accept()
    other.request(READ)
    same(outstation.receive(), READ, 1, 10)


def test_a_device_that_is_silent(hasty, gateway):
    master, outstation = hasty
    for sequence in range(3):
        master.request(f"c{sequence}01 3c0206")
        same(outstation.receive(), f"c{sequence}01 3c0206", 1, 10)
    assert gateway.wait_audit(lambda _: 3 == sum(
        line.get("count", 1) for line in gateway.audit() if line.get("reason") == "device-timeout"))
    assert master.receive(0.5) is None  # a master knows from its own time-out
    master.request("c501 3c0206")
    same(outstation.receive(), "c501 3c0206", 1, 10)
    outstation.reply("c181 0000")  # too late
    outstation.reply("c581 0000")
    same(master.receive(), "c581 0000", 10, 1)


def test_over_udp(gateway, lab):
    master = Datagrams(lab.client, (CLIENT_ADDRESS, 0), (LISTEN_ADDRESS, 20000), master=True)
    outstation = Datagrams(lab.device, (DEVICE_ADDRESS, 20000), None, master=False)
    master.request(READ)
    same(outstation.receive(), READ, 1, 10)
    long = response(3, 0xa0, 390)
    outstation.reply(long)
    same(master.receive(), long, 10, 1)
    assert max(master.sizes) <= 292
    master.request("c300")
    same(outstation.receive(), "c300", 1, 10)
    outstation.reply(response(4, 0x40, 390))
    same(master.receive(), response(4, 0x40, 390), 10, 1)
    master.send(link(DIR | PRM | STATUS_REQUEST, 10, 1))
    assert master.receive() == (STATUS, 10, 1)
    outstation.send(link(PRM | STATUS_REQUEST, 1, 10))
    assert outstation.receive() == (DIR | STATUS, 1, 10)
    outstation.reply(UNSOLICITED)
    same(master.receive(), UNSOLICITED, 10, 1)
    master.request("d500")
    same(outstation.receive(), "d500", 1, 10)
    long = "c402 6e80 5b 01 8000" + "ab" * 128  # no such qualifier there: never passed on
    master.request(long)
    assert audited(gateway, verdict="malformed")
    master.send(b"AT" + frames(READ, 10, 1, DIR | PRM | 4)[0])  # noise costs its datagram
    master.request("c501 3c0206")
    same(outstation.receive(), "c501 3c0206", 1, 10)


INSIDE = f"""
gateway:
  clients: internal
  external: {{ nic: ext0, address: {LISTEN_ADDRESS}/24 }}
  internal: {{ nic: int0, address: {INT_ADDRESS}/24 }}
services:
  - name: field
    protocol: dnp3
    listen: {INT_ADDRESS}:20000
    device: {CLIENT_ADDRESS}:20000
    timeout: 20s
    unsolicited: allow
    stations: [{{ master: 1, outstation: 10 }}]
    rules: [{{ allow: read }}]
"""


def test_masters_inside_and_outstations_outside(lab, sluice, tmp_path):
    config = tmp_path / "inside.yaml"
    config.write_text(INSIDE)
    with lab.client.inside():
        listener = socket.create_server((CLIENT_ADDRESS, 20000))
    with Gateway(lab, sluice, config, tmp_path / "audit.json") as gateway:
        with lab.device.inside():
            connection = socket.create_connection((INT_ADDRESS, 20000), 20)
        master = Peer(connection, master=True)
        listener.settimeout(20)
        outstation = Peer(listener.accept()[0], master=False)
        master.request(READ)
        same(outstation.receive(), READ, 1, 10)
        outstation.reply("c381 0000")
        same(master.receive(), "c381 0000", 10, 1)
        outstation.reply(UNSOLICITED)
        same(master.receive(), UNSOLICITED, 10, 1)
        master.request("c402 3201 07 01 000000000000")
        same(master.receive(), "c481 0001", 10, 1)
        assert audited(gateway, verdict="deny")["src_ip"] == DEVICE_ADDRESS


def test_stations_that_are_not_listed_pass_in_monitor_mode(gateway, lab, device):
    master = Peer(lab.connect(LISTEN_ADDRESS, 20002), master=True)
    outstation = device.accept()
    assert audited(gateway, event="device-open", service="watched")
    master.request(READ, source=3, destination=12)
    same(outstation.receive(), READ, 3, 12)
    outstation.reply("e381 0000", source=12, destination=3)
    same(master.receive(), "e381 0000", 12, 3)
    master.request("c300", source=3, destination=12)
    same(outstation.receive(), "c300", 3, 12)
    line = audited(gateway, reason="no-station")
    assert line["verdict"] == "deny" and line["let_through"]
    outstation.reply(UNSOLICITED, source=12, destination=3)
    same(master.receive(), UNSOLICITED, 12, 3)
    master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 12, 3))
    assert master.receive() == (STATUS, 12, 3)
    master.request(READ, source=1, destination=7)  # another pair has these at the device
    master.request(READ)
    same(outstation.receive(), READ, 1, 7)
    outstation.reply("c381 0000", source=7)
    same(master.receive(), "c381 0000", 10, 1)
    assert outstation.receive(.1) is None
    master.close()
    outstation.close()


ONE_WAY = f"""
gateway:
  mode: one-way
  external: {{ nic: ext0, address: {LISTEN_ADDRESS}/24 }}
  internal: {{ nic: int0, address: {INT_ADDRESS}/24 }}
services:
  - name: substation
    protocol: dnp3
    listen: {LISTEN_ADDRESS}:20000
    device: {DEVICE_ADDRESS}:20000
    stations: [{{ master: 1, outstation: 10, device-master: 3, device-outstation: 4 }}]
    rules: [{{ allow: direct-operate-no-ack, group: 12, index: 0-9 }}]
"""


def test_one_way(lab, sluice, tmp_path, device):
    config = tmp_path / "one-way.yaml"
    config.write_text(ONE_WAY)
    with Gateway(lab, sluice, config, tmp_path / "audit.json") as gateway:
        master = Peer(lab.connect(LISTEN_ADDRESS, 20000), master=True)
        master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 10, 1))
        assert master.receive() == (STATUS, 10, 1)
        command = "c106" + CROB.format(index=3, status=0)
        master.request(command)
        outstation = device.accept()
        same(outstation.receive(), command, 3, 4)
        outstation.reply(UNSOLICITED, source=4, destination=3)
        outstation.socket.sendall(link(PRM | STATUS_REQUEST, 3, 4))
        assert outstation.receive() == (DIR | STATUS, 3, 4)
        master.request(READ)
        assert audited(gateway, verdict="deny")
        master.request(command)
        same(outstation.receive(), command, 3, 4)
        assert master.receive(0.3) is None
