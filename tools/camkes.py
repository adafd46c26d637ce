# SPDX-License-Identifier: BSD-2-Clause
"""Builds a CAmkES application of `sluice build --host camkes` in a checkout, and boots it.

Nothing is written into the checkout but the link to the application, which goes again when the
build is done. Build directories lie outside of it.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab
import qemu
import walk

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGE = "capdl-loader-image-arm-qemu-arm-virt"


def checkout():
    return pathlib.Path(os.environ.get("CAMKES_CHECKOUT", "/opt/camkes"))


def environment():
    """CAMKES_ENV names a shell file with the checkout's Python on its PATH, where it needs one."""
    script = os.environ.get("CAMKES_ENV", "/opt/sel4-env.sh")
    if not pathlib.Path(script).exists():
        return dict(os.environ)
    found = subprocess.run(["sh", "-c", f". {script} && env -0"], capture_output=True, text=True)
    return dict(entry.split("=", 1) for entry in found.stdout.split("\0") if "=" in entry)


def why_not():
    """None where a CAmkES application can be built here, else the reason and what to do."""
    if not (checkout() / "init-build.sh").exists():
        return (f"no CAmkES checkout at {checkout()}: set CAMKES_CHECKOUT to one "
                "(docs/camkes.md says how to get it)")
    for program in ("cmake", "ninja", "aarch64-linux-gnu-gcc", "qemu-system-aarch64", "dtc"):
        if shutil.which(program) is None:
            return f"no {program}: tools/install-deps camkes"
    return None


def run(command, log, **options):
    with open(log, "ab") as out:
        result = subprocess.run([str(part) for part in command], stdout=out, stderr=out, **options)
    if result.returncode:
        text = pathlib.Path(log).read_text(errors="replace")
        lines = [line[:400] for line in text.splitlines() if not line.startswith("[")]
        raise RuntimeError(f"{command[0]} failed, see {log}:\n" + "\n".join(lines[-40:]))


def sweep(applications):
    """Takes away the links of builds that were killed."""
    for link in applications.glob("sluice-*"):
        number = link.name.removeprefix("sluice-")
        if link.is_symlink() and number.isdigit() and not pathlib.Path("/proc", number).exists():
            link.unlink()


def build(app, build_directory, image, options=(), capdl="sluice.cdl"):
    """Builds the application folder `app` in `build_directory`, as a user does; puts the image,
    the machine's description, the capDL and the components' programs into directory `image`."""
    app, build_directory, image = (pathlib.Path(p).resolve() for p in (app, build_directory, image))
    build_directory.mkdir(parents=True, exist_ok=True)
    # A name of our own: the user's link to an application of theirs stays as it is.
    name = f"sluice-{os.getpid()}"
    link = checkout() / "projects/camkes/apps" / name
    log = build_directory / "build.log"
    log.write_bytes(b"")
    sweep(link.parent)
    link.symlink_to(app)
    try:
        run(["nice", "-n", "10", checkout() / "init-build.sh", "-DPLATFORM=qemu-arm-virt",
             "-DAARCH64=1", f"-DCAMKES_APP={name}", "-DRELEASE=1", *options], log,
            cwd=build_directory, env=environment(), stdin=subprocess.DEVNULL)
        run(["nice", "-n", "10", "ninja", "-j2"], log, cwd=build_directory, env=environment(),
            stdin=subprocess.DEVNULL)
    finally:
        link.unlink()
    collect(app, build_directory, image, capdl)


def collect(app, build_directory, image, capdl="sluice.cdl"):
    """What a build of application folder `app` made, into directory `image`, as `run` boots it."""
    shutil.rmtree(image / "elf", ignore_errors=True)
    (image / "elf").mkdir(parents=True)
    for program in build_directory.glob("*_group_bin"):
        shutil.copy(program, image / "elf" / program.name.removesuffix("_group_bin"))
    shutil.copy(build_directory / "images" / IMAGE, image / "capdl-loader-image")
    shutil.copy(build_directory / capdl, image / capdl)
    shutil.copy(build_directory / "kernel/gen_config/kernel/gen_config.h", image / "gen_config.h")
    shutil.copy(app / "machine.json", image / "machine.json")


def build_directory(image, options):
    """Beside the image, kept: a second build compiles what changed. Anew for another checkout or
    other options."""
    directory = pathlib.Path(image).resolve().parent / "build"
    made_for = "\n".join([str(checkout()), *options])
    stamp = directory / "made-for"
    if not stamp.exists() or stamp.read_text() != made_for:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        stamp.write_text(made_for)
    return directory


SIZE = {"k": 1, "M": 1024}
KERNEL_OBJECTS = {"tcb": 2, "notification": 0.0625, "ep": 0.015625}  # KiB; MCS, AArch64


def limit(image):
    """KiB that `sluice build` allows this site; None: as much as it takes."""
    return json.loads((pathlib.Path(image) / "machine.json").read_text()).get("memory_limit_kib")


def check_limit(image, options=()):
    """Takes the image away, and says so, when it is larger than it may be. Debugging builds, with the
    C library in each component, may be."""
    if "-DRELEASE=0" in options:
        return
    allowed, total = limit(image), float(re.search(r"^total +(\d+)", memory(image), re.M)[1])
    if allowed is not None and total > allowed:
        (pathlib.Path(image) / "capdl-loader-image").unlink()
        raise RuntimeError(f"the gateway takes {total:.0f} KiB, more than its budget of {allowed}: "
                           "lower buffers (16 at least), outstanding or sessions in the "
                           "configuration; each service and rule takes some too")


def memory(image):
    """What every component takes, in KiB, out of the capDL; shared regions once."""
    text = (pathlib.Path(image) / "sluice.cdl").read_text()
    objects, caps = text.split("\ncaps {", 1)
    frame = {name: int(size) * SIZE[unit] for name, size, unit in
             re.findall(r"^(\S+) = frame \((\d+)([kM])", objects, re.M)
             if "paddr" not in name}
    device = set(re.findall(r"^(\S+) = frame \([^)]*paddr:", objects, re.M))
    rows, shared = {}, {}
    for name, size in frame.items():
        if name in device:
            continue
        region = re.match(r"share_(.*)_data_\d+_obj$", name)
        if region:
            shared[region[1]] = shared.get(region[1], 0) + size
            continue
        owner = re.match(r"frame_(.*)_group_bin_\d+$", name) or \
            re.match(r"stack__camkes_stack_(.*)_0_control_\d+_", name) or \
            re.match(r"(.*)_dma_\d+_obj$", name) or re.match(r"(.*)_frame__camkes_ipc_buffer", name)
        kind = "stack" if name.startswith("stack_") or "_ipc_buffer_" in name else \
            "DMA" if "_dma_" in name else "image"
        row = rows.setdefault(owner[1], {"image": 0, "stack": 0, "DMA": 0})
        row[kind] += size
    tables = 4 * len(re.findall(r" = (?:pgd|pud|pd|pt)\b", objects))
    contexts = sum(2 ** int(bits) for bits in
                   re.findall(r" = sc \([^)]*?(\d+) bits\)", objects)) / 1024
    spaces = sum(2 ** int(bits) * 32 for bits in
                 re.findall(r" = cnode \((\d+) bits\)", objects)) / 1024
    others = contexts + spaces + sum(len(re.findall(rf" = {kind}\b", objects)) * size
                                     for kind, size in KERNEL_OBJECTS.items())
    lines = [f"{'KiB':32}{'image':>8}{'stack':>8}{'DMA':>8}"]
    for name, row in sorted(rows.items()):
        lines.append(f"{name:32}{row['image']:8}{row['stack']:8}{row['DMA']:8}")
    total = sum(sum(row.values()) for row in rows.values())
    allowed = f"  of {limit(image)} allowed" if limit(image) else ""
    lines += [f"{'components':32}{total:8}", f"{'shared regions':32}{sum(shared.values()):8}",
              f"{'page tables':32}{tables:8}", f"{'other kernel objects':32}{others:8.0f}",
              f"{'total':32}{total + sum(shared.values()) + tables + others:8.0f}{allowed}",
              f"{'the image file, with kernel, loader and capDL':48}"
              f"{(pathlib.Path(image) / 'capdl-loader-image').stat().st_size / 1024:8.0f}"]
    return "\n".join(lines)


def demo(image):
    lab.enter()
    reason = lab.why_not() or qemu.why_not()
    if reason:
        sys.exit(f"camkes-run: {reason}")
    with tempfile.TemporaryDirectory(prefix="sluice-camkes-") as scratch, lab.Lab() as network:
        plant = walk.Plant(network.device, ROOT)
        try:
            with qemu.Gateway(network, image, pathlib.Path(scratch) / "serial") as gateway:
                print("client 192.168.96.10 === (slot 0) CAmkES on seL4 in QEMU (slot 8) === "
                      "192.168.95.2 heating plant (pymodbus)\n")
                wrong = walk.walk(network.connect, plant, gateway.audit)
                print("\nthe serial port:")
                print("\n".join(gateway.read_log().splitlines()[-12:]))
        finally:
            plant.close()
    print("\nAll as it must be." if not wrong else f"\n{wrong} steps went wrong.")
    return 1 if wrong else 0


def main(arguments):
    """build APPLICATION IMAGE | run IMAGE | run APPLICATION BUILD"""
    if arguments[:1] == ["build"] and len(arguments) >= 3:
        reason = why_not()
        if reason:
            sys.exit(f"camkes: {reason}")
        image, options = arguments[2], arguments[3:]
        build(arguments[1], build_directory(image, options), image, options)
        print(memory(arguments[2]))
        try:
            check_limit(image, options)
        except RuntimeError as reason:
            sys.exit(f"camkes: {reason}")
        print(f"{arguments[2]}/capdl-loader-image")
        return 0
    if arguments[:1] == ["run"] and len(arguments) == 2:
        return demo(pathlib.Path(arguments[1]).resolve())
    if arguments[:1] == ["run"] and len(arguments) == 3:
        app, directory = (pathlib.Path(path).resolve() for path in arguments[1:])
        if not (directory / "images" / IMAGE).exists():
            sys.exit(f"camkes: no images/{IMAGE} in {directory}: run ninja there")
        with tempfile.TemporaryDirectory(prefix="sluice-camkes-") as scratch:
            image = pathlib.Path(scratch)
            collect(app, directory, image)
            print(memory(image))
            return demo(image)
    sys.exit("usage: camkes.py build APPLICATION IMAGE [-DOPTION=...] | run IMAGE\n"
             "       | run APPLICATION BUILD    (what you built yourself)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
