# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of faults on both seL4 hosts share: who there is to kill, and how it is seen."""
import time

import walk

# Program: the instances of it, by the names on the audit lines.
PROGRAMS = {"nic_drv": ("ext_nic_drv", "int_nic_drv"), "ext_frontend": ("ext_frontend",),
            "int_frontend": ("int_frontend",),
            "parser_norm": ("request_parser_norm", "reply_parser_norm"),
            "policy_emit": ("request_policy_emit", "reply_policy_emit"), "monitor": ("monitor",)}


def answered(lab):
    """One allowed read; True when it is answered within a short time."""
    try:
        connection = lab.connect(timeout=1)
    except OSError:
        return False
    try:
        connection.sendall(walk.adu(1, walk.read(0, 1)))
        return len(walk.receive(connection, 1, 1)) == 1
    except OSError:
        return False
    finally:
        connection.close()


def wait_until(wanted, timeout=60):
    until = time.monotonic() + timeout
    while not wanted():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def deaths(gateway):
    return [line for line in gateway.audit() if line["event"] == "component-died"]


def debugger_arguments(tmp_path):
    return ["-chardev", f"socket,id=gdb,path={tmp_path / 'gdb'},server=on,wait=off",
            "-gdb", "chardev:gdb"]
