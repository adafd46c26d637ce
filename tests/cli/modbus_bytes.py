# SPDX-License-Identifier: BSD-2-Clause
"""Modbus/TCP messages and a site's configuration for the tests of the offline verbs."""
import json
import struct
import subprocess

CLIENT, GATEWAY, DEVICE = "192.168.96.10", "192.168.96.2", "192.168.95.2"

CONFIG = f"""\
gateway:
  external: {{ nic: ext0, address: {GATEWAY}/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
hosts: {{ hmi: {CLIENT}, historian: 192.168.96.20 }}
services:
  - name: boiler
    protocol: modbus-tcp
    listen: {GATEWAY}:502
    device: {DEVICE}:502
    rules:
      - allow: read
        from: [hmi, historian]
        unit: 1
        address: 0-99
      - name: setpoint
        allow: write-single-register
        from: hmi
        unit: 1
        address: 2
        value: 150-250
"""


def adu(transaction, unit, pdu):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def read(transaction, address=0, quantity=1, unit=1):
    return adu(transaction, unit, struct.pack(">BHH", 3, address, quantity))


def read_reply(transaction, values, unit=1):
    return adu(transaction, unit, struct.pack(">BB", 3, 2 * len(values))
               + struct.pack(f">{len(values)}H", *values))


def write(transaction, address, value, unit=1):
    return adu(transaction, unit, struct.pack(">BHH", 6, address, value))


def run(sluice, *arguments, stdin=b""):
    """Status, the lines as objects, standard error."""
    result = subprocess.run([sluice, *arguments], input=stdin, capture_output=True, timeout=120)
    lines = [json.loads(line) for line in result.stdout.decode().splitlines()]
    return result.returncode, lines, result.stderr.decode(errors="replace")


def verdicts(lines):
    return [(line["offset"], line["length"], line["verdict"], line["reason"]) for line in lines]
