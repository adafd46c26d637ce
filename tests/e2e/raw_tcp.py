# SPDX-License-Identifier: BSD-2-Clause
"""A TCP client that misbehaves on purpose: every segment is placed by hand.

It has an address that the namespace's kernel does not own, so that nobody answers for it, and a port
that the kernel gives to nobody.
"""
import socket
import time

from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from lab import CLIENT_ADDRESS, LISTEN_ADDRESS

MAC = "02:00:00:00:96:10"


class RawTcp:
    def __init__(self, lab, address=CLIENT_ADDRESS, port=502, source_port=30000):
        self.address, self.port, self.source_port = address, port, source_port
        lab.client.ip("address", "del", f"{address}/24", "dev", "cl0")
        lab.client.ip("link", "set", "cl0", "promisc", "on")
        with lab.client.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind(("cl0", 0))
        self.socket.settimeout(0.05)
        self.gateway_mac = None
        self.sequence, self.acknowledge = 1000, 0
        self.received, self.reset, self.finished = b"", False, False
        self._resolve()
        self._handshake()

    def _frames(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                yield Ether(self.socket.recv(4096))
            except TimeoutError:
                pass

    def _resolve(self):
        self.socket.send(bytes(Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") /
                               ARP(op=1, hwsrc=MAC, psrc=self.address, pdst=LISTEN_ADDRESS)))
        for frame in self._frames(20):
            if ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == LISTEN_ADDRESS:
                self.gateway_mac = frame[ARP].hwsrc
                return
        raise AssertionError("the gateway does not answer ARP")

    def frame(self, flags, payload=b"", at=0):
        """`at`: offset from the next byte in sequence."""
        return (Ether(src=MAC, dst=self.gateway_mac) / IP(src=self.address, dst=LISTEN_ADDRESS) /
                TCP(sport=self.source_port, dport=self.port, flags=flags, window=8192,
                    seq=(self.sequence + at) & 0xffffffff, ack=self.acknowledge) /
                Raw(payload))

    def send(self, frame):
        self.socket.send(bytes(frame))

    def _handshake(self):
        self.send(self.frame("S"))
        for frame in self._frames(20):
            self._arp(frame)
            if TCP in frame and frame[TCP].dport == self.source_port and frame[TCP].flags == "SA":
                self.sequence += 1
                self.acknowledge = frame[TCP].seq + 1
                self.send(self.frame("A"))
                return
        raise AssertionError("no SYN-ACK")

    def _arp(self, frame):
        if ARP in frame and frame[ARP].op == 1 and frame[ARP].pdst == self.address:
            self.send(Ether(src=MAC, dst=frame.src) /
                      ARP(op=2, hwsrc=MAC, psrc=self.address, hwdst=frame.src, pdst=frame[ARP].psrc))

    def listen(self, seconds=1.0, enough=None):
        """Takes what comes in, acknowledges it in order, answers ARP."""
        for frame in self._frames(seconds):
            self._arp(frame)
            if TCP not in frame or frame[TCP].dport != self.source_port:
                continue
            tcp = frame[TCP]
            if "R" in str(tcp.flags):
                self.reset = True
                return self.received
            size = frame[IP].len - frame[IP].ihl * 4 - tcp.dataofs * 4
            if tcp.seq == self.acknowledge and (size or "F" in str(tcp.flags)):
                self.received += bytes(tcp.payload)[:size]
                self.acknowledge += size
                if "F" in str(tcp.flags):
                    self.finished = True
                    self.acknowledge += 1
                self.send(self.frame("A"))
            if (enough and len(self.received) >= enough) or self.finished:
                return self.received
        return self.received

    def data(self, payload, at=0, **changes):
        frame = self.frame("PA", payload, at)
        for name, value in changes.items():
            layer, field = name.split("_")
            setattr(frame[{"ip": IP, "tcp": TCP}[layer]], field, value)
        self.send(frame)

    def advance(self, count):
        self.sequence += count

    def fragments(self, payload, size):
        """`size`: bytes of TCP in each fragment, a multiple of 8."""
        packet = self.frame("PA", payload)
        return [Ether(src=MAC, dst=self.gateway_mac) / part for part in fragment(packet[IP], size)]
