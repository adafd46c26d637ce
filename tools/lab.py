# SPDX-License-Identifier: BSD-2-Clause
"""A small network on one machine: client, gateway and device, each in a network namespace.

    client (cl0) ==== (ext0) gateway (int0) ==== (dev0) device

Nothing outlives the process: namespaces are held by file descriptors and processes by their
parent. Without root the program runs itself again inside a user namespace (enter()).
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

CLIENT_ADDRESS = "192.168.96.10"
HISTORIAN_ADDRESS = "192.168.96.20"
STRANGER_ADDRESS = "192.168.96.66"
LISTEN_ADDRESS = "192.168.96.2"
INT_ADDRESS = "192.168.95.1"
DEVICE_ADDRESS = "192.168.95.2"


def why_not():
    """None where a lab can be made here, otherwise the reason and what to do."""
    if shutil.which("ip") is None:
        return "no `ip` program: apt-get install iproute2"
    probe = ["unshare", "--net", "true"] if os.geteuid() == 0 else ["unshare", "-Urn", "true"]
    result = subprocess.run(probe, capture_output=True, text=True)
    if result.returncode == 0:
        return None
    return (f"no network namespaces here ({result.stderr.strip()}): run as root, or allow user "
            "namespaces (sysctl kernel.unprivileged_userns_clone=1)")


def enter():
    """Goes on as root of a user namespace of our own where the caller is not root."""
    if os.geteuid() == 0 or os.environ.get("SLUICE_LAB") == "inside":
        return
    reason = why_not()
    if reason:
        sys.exit(f"lab: {reason}")
    os.environ["SLUICE_LAB"] = "inside"
    os.execvp("unshare", ["unshare", "-Urn", sys.executable, *sys.argv])


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def until(condition, otherwise="it does not come", seconds=30):
    """What condition() gives as soon as that is true. `otherwise`: what is wrong where it does not come
    true in time; a function is asked then."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > limit:
            raise AssertionError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.02)
    return found


def stands_still(count, seconds=1):
    """Nothing more comes: count() is the same so much later."""
    before = count()
    time.sleep(seconds)
    return count() == before


class Namespace:
    def __init__(self, name):
        self.name = name
        holder = subprocess.Popen(["unshare", "--net", "sleep", "60"], preexec_fn=_die_with_parent)
        try:
            own = os.stat("/proc/self/ns/net").st_ino
            path = f"/proc/{holder.pid}/ns/net"
            until = time.monotonic() + 30
            while os.stat(path).st_ino == own:
                if holder.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(why_not() or "unshare did not make a network namespace")
                time.sleep(0.005)
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            holder.kill()
            holder.wait()

    def close(self):
        os.close(self.fd)

    @contextlib.contextmanager
    def inside(self):
        """This thread in the namespace; sockets made here stay in it."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self.fd)
            yield self
        finally:
            _setns(home)
            os.close(home)

    def popen(self, command, **options):
        def enter_namespace():
            _die_with_parent()
            _setns(self.fd)
        return subprocess.Popen([str(c) for c in command], preexec_fn=enter_namespace, **options)

    def run(self, command, **options):
        options = {"capture_output": True, "text": True, **options}
        timeout = options.pop("timeout", 60)
        check = options.pop("check", False)
        if options.pop("capture_output"):
            options.update(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process = self.popen(command, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        result = subprocess.CompletedProcess(command, process.returncode, out, err)
        if check and result.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {err}")
        return result

    def ip(self, *arguments):
        self.run(["ip", *arguments], check=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


class Lab:
    """`with Lab() as lab:` gives lab.client, lab.gateway, lab.device."""

    def __init__(self, client_addresses=(CLIENT_ADDRESS, HISTORIAN_ADDRESS, STRANGER_ADDRESS)):
        self.client_addresses = client_addresses
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            for name in ("client", "gateway", "device"):
                namespace = Namespace(name)
                self._stack.callback(namespace.close)
                setattr(self, name, namespace)
                namespace.ip("link", "set", "lo", "up")
                # No IPv6 chatter on the wires that tests watch.
                namespace.run(["sh", "-c",
                               "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"])
            self._cable(self.client, "cl0", "ext0")
            self._cable(self.device, "dev0", "int0")
            for address in self.client_addresses:
                self.client.ip("address", "add", f"{address}/24", "dev", "cl0")
            self.device.ip("address", "add", f"{DEVICE_ADDRESS}/24", "dev", "dev0")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _cable(self, namespace, far, near):
        with self.gateway.inside():
            subprocess.run(["ip", "link", "add", near, "type", "veth", "peer", "name", far],
                           check=True)
            subprocess.run(["ip", "link", "set", far, "netns", f"/proc/{os.getpid()}/fd/{namespace.fd}"],
                           check=True)
        self.gateway.ip("link", "set", near, "up")
        namespace.ip("link", "set", far, "gso_max_segs", "1")  # frames as on a cable
        namespace.ip("link", "set", far, "up")

    def connect(self, address=LISTEN_ADDRESS, port=502, source=CLIENT_ADDRESS, timeout=20):
        """A TCP connection from the client's namespace."""
        with self.client.inside():
            return socket.create_connection((address, port), timeout, source_address=(source, 0))


class Gateway:
    """`sluice run` in the gateway's namespace, its audit lines at hand."""

    def __init__(self, lab, sluice, config, audit, *options):
        self.audit_path = audit
        self.log = open(str(audit) + ".log", "w+")
        self.process = lab.gateway.popen(
            [sluice, "run", config, "--audit", audit, *options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self._lab = lab

    def __enter__(self):
        """Waits until the gateway answers on its listen address."""
        until = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"sluice run ended: {self.read_log()}")
            try:
                self._lab.connect(timeout=0.5).close()
                return self
            except ConnectionRefusedError:  # it is there, and no service has this port
                return self
            except OSError:
                if time.monotonic() > until:
                    self.__exit__()
                    raise RuntimeError(f"sluice run does not answer: {self.read_log()}") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def read_log(self):
        with open(self.log.name) as log:
            return log.read()

    def audit(self):
        import json
        with open(self.audit_path) as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_audit(self, wanted, timeout=30):
        """The first audit line for which wanted(line) holds; None when none comes in time."""
        until = time.monotonic() + timeout
        while True:
            for line in self.audit():
                if wanted(line):
                    return line
            if time.monotonic() > until:
                return None
            time.sleep(0.02)
