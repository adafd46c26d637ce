# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package: installs, its program accepts the sample configuration, its unit is one that
systemd understands, and it removes cleanly."""
import os
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def package(root, sluice):
    if not shutil.which("dpkg-shlibdeps"):
        pytest.skip("no dpkg-shlibdeps: apt-get install dpkg-dev")
    subprocess.run([root / "packaging" / "deb.sh"], check=True, capture_output=True, timeout=600)
    [deb] = (root / "build").glob("sluice_*.deb")
    return deb


def test_installs_and_removes_cleanly(package, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("not root: dpkg --root needs it")
    target = tmp_path / "root"
    (target / "var/lib/dpkg/updates").mkdir(parents=True)
    (target / "var/lib/dpkg/info").mkdir()
    (target / "var/lib/dpkg/status").touch()
    # Its maintainer scripts do nothing where systemd does not run; there is no shell in this root.
    dpkg = ["dpkg", f"--root={target}", "--force-script-chrootless", "--force-depends"]

    def run(*arguments):
        return subprocess.run([*dpkg, *arguments], check=True, capture_output=True, text=True, timeout=120)

    run("--install", package)
    program = target / "usr/bin/sluice"
    check = subprocess.run([program, "check", target / "etc/sluice/sluice.yaml"],
                           capture_output=True, text=True, timeout=60)
    assert check.returncode == 0, check.stderr
    assert (target / "etc/sluice/sluice.yaml").stat().st_mode & 0o777 == 0o640
    (target / "etc/sluice/sluice.yaml").write_text("# the plant's own\n")
    run("--remove", "sluice")
    assert not program.exists() and not (target / "lib/systemd/system/sluice.service").exists()
    assert (target / "etc/sluice/sluice.yaml").read_text() == "# the plant's own\n"
    run("--purge", "sluice")
    left = [path for path in target.rglob("*") if path.is_file() and "var/lib/dpkg" not in str(path)]
    assert not left


def test_depends_on_what_it_links(package):
    depends = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True, capture_output=True,
                             text=True).stdout
    for library in ("libc6", "libyaml-0-2", "libseccomp2", "libpcap0.8"):
        assert library in depends


def test_the_unit(package, root, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze: apt-get install systemd")
    unit = tmp_path / "sluice.service"
    unit.write_text((root / "packaging/sluice.service").read_text().replace("/usr/bin/sluice", "/bin/true"))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == ""
    lines = (root / "packaging/sluice.service").read_text().splitlines()
    # What the sample configuration's defaults need, and what reload asks.
    assert {"RuntimeDirectory=sluice", "StateDirectory=sluice", "Type=notify", "WatchdogSec=10s",
            "ExecReload=/usr/bin/sluice reload --socket /run/sluice/sluice.sock"} <= set(lines)


def test_the_installed_program_runs_reloads_and_stops(package, tmp_path):
    """As the unit does it, in network namespaces: start with the sample, status, reload, logrotate's
    signal, stop."""
    import json
    import signal
    import sys
    import time
    sys.path.insert(0, str(package.parents[1] / "tools"))
    import lab as lab_module
    if os.geteuid() != 0 or lab_module.why_not():
        pytest.skip("network namespaces need root")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    program, config = tmp_path / "usr/bin/sluice", tmp_path / "etc/sluice/sluice.yaml"
    socket, log = tmp_path / "sluice.sock", tmp_path / "audit.json"
    with lab_module.Lab() as lab:
        def ask(*arguments):
            return subprocess.run([program, *arguments, "--socket", socket], capture_output=True,
                                  text=True, timeout=60)
        with lab_module.Gateway(lab, program, config, log, "--socket", str(socket)) as gateway:
            lab_module.until(lambda: json.loads(ask("status", "--json").stdout or "{}").get("running"),
                             gateway.read_log)
            config.write_text(config.read_text().replace("address: 0-99", "address: 0-98"))
            result = ask("reload")
            assert result.returncode == 0, result.stderr
            log.rename(tmp_path / "audit.json.1")
            gateway.process.send_signal(signal.SIGUSR1)
            lab_module.until(log.exists)
            gateway.process.terminate()
            assert gateway.process.wait(30) == 0
        assert not socket.exists()


FAKE_SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in *is-active*) exit "$ACTIVE" ;; restart*) exit "$RESTART" ;; esac
"""


def calls_of(root, tmp_path, script, *arguments, active=False, restart=0):
    """What a maintainer script asks of systemctl where systemd runs."""
    if os.geteuid() != 0:
        pytest.skip("not root: a mount namespace with a /run of its own needs it")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("unshare --mount fails here, as in a chroot: try where / is a mount point")
    fake = tmp_path / "systemctl"
    fake.write_text(FAKE_SYSTEMCTL)
    fake.chmod(0o755)
    calls = tmp_path / "calls"
    calls.write_text("")
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-ec",
         'mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system; exec "$@"', "sh",
         "sh", root / "packaging" / script, *arguments],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "DPKG_ROOT": "",
             "ACTIVE": "0" if active else "3", "RESTART": str(restart)}, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return calls.read_text().splitlines()


def test_maintainer_scripts_where_systemd_runs(root, tmp_path):
    first = calls_of(root, tmp_path, "postinst", "configure", "")
    assert first == ["daemon-reload"]  # neither enabled nor started: only the plant knows its NICs
    assert calls_of(root, tmp_path, "postinst", "configure", "0.1", active=True)[-1] == \
        "restart sluice.service"
    calls_of(root, tmp_path, "postinst", "configure", "0.1", active=True, restart=1)  # installed all the same
    assert not any("restart" in call for call in
                   calls_of(root, tmp_path, "postinst", "configure", "0.1"))
    assert calls_of(root, tmp_path, "prerm", "remove") == ["--now disable sluice.service"]
    assert calls_of(root, tmp_path, "prerm", "upgrade", "0.2") == []
    assert calls_of(root, tmp_path, "postrm", "remove") == ["daemon-reload"]


def test_it_starts_with_the_capabilities_that_the_unit_leaves(package, root, tmp_path):
    import sys
    sys.path.insert(0, str(root / "tools"))
    import lab as lab_module
    import time
    if os.geteuid() != 0 or lab_module.why_not() or not shutil.which("setpriv"):
        pytest.skip("needs root, network namespaces and setpriv")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    unit = (root / "packaging/sluice.service").read_text()
    [bounding] = [line for line in unit.splitlines() if line.startswith("CapabilityBoundingSet=")]
    kept = [name[4:].lower() for name in bounding.split("=")[1].split()]
    with lab_module.Lab() as lab:
        process = lab.gateway.popen(
            ["setpriv", "--bounding-set", ",".join(["-all", *(f"+{name}" for name in kept)]),
             tmp_path / "usr/bin/sluice", "run", "--socket", tmp_path / "control",
             "--audit", tmp_path / "audit.json", tmp_path / "etc/sluice/sluice.yaml"],
            stderr=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 30
            while True:
                assert process.poll() is None, process.stderr.read()
                try:
                    lab.connect(timeout=0.5).close()
                    break
                except OSError:
                    assert time.monotonic() < until
                    time.sleep(0.05)
        finally:
            process.terminate()
        assert process.wait(30) == 0
    assert '"event":"stopped"' in (tmp_path / "audit.json").read_text()
