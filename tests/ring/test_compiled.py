# SPDX-License-Identifier: BSD-2-Clause
"""What the compilers made of the sleep/wake handshake: after the fence there is a load of the
other side's word, from shared memory, and not a value that was read before."""
import re
import shutil
import subprocess

import pytest

# Function, offset of the shared pointer in its argument, offset of the word behind that pointer.
# The structs are in src/ring/*.h; the layouts are checked below.
HANDSHAKES = {
    "message_ring.c": [("message_ring_may_sleep", 0, 0),         # theirs->tail
                       ("message_ring_should_notify", 8, 4)],    # theirs->wants_wake
    "frame_queue.c": [("frame_may_sleep", 0, 0),                 # shared->tail
                      ("frame_should_notify", 0, 4)],            # shared->consumer_signalled
}
LAYOUT = """
#include <stddef.h>
#include "ring/frame_queue.h"
#include "ring/message_ring.h"
_Static_assert(offsetof(struct message_ring_consumer, theirs) == 0, "");
_Static_assert(offsetof(struct message_ring_producer_half, tail) == 0, "");
_Static_assert(offsetof(struct message_ring_producer, theirs) == 8, "");
_Static_assert(offsetof(struct message_ring_consumer_half, wants_wake) == 4, "");
_Static_assert(offsetof(struct frame_end, shared) == 0, "");
_Static_assert(offsetof(struct frame_ring, tail) == 0, "");
_Static_assert(offsetof(struct frame_ring, consumer_signalled) == 4, "");
"""
# The core is freestanding, so that these four declarations are all it needs of a C library.
STRING_H = """
#include <stddef.h>
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
"""
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "gcc-aarch64": ["aarch64-linux-gnu-gcc"],
    "clang-aarch64": ["clang", "--target=aarch64-linux-gnu", "-nostdlibinc"],
}


class X86:
    argument = "rdi"
    fence = re.compile(r"(mfence|lock|xchg)")

    @staticmethod
    def register(name):
        """One name for all widths of a register: eax, ax, al are rax."""
        legacy = re.fullmatch(r"[re]?([abcd]x|[sd]i|[bs]p)", name) or re.fullmatch(r"([abcd])[lh]", name)
        if legacy:
            return "r" + (legacy[1] + "x" if len(legacy[1]) == 1 else legacy[1])
        return re.sub(r"(r\d+)[dwb]$", r"\1", name)

    def effects(self, name, rest):
        """Loads as (base register, offset, destination or None), and copies of addresses as
        (source register, offset, destination); both sorts may be unknown."""
        operands = re.findall(r"-?\w*\([^)]*\)|[^,\s]+", rest)
        reads_last = re.match(r"(cmp|test)", name)
        target = operands[-1] if operands and operands[-1].startswith("%") and not reads_last else None
        target = target and self.register(target[1:])
        loads, copy = [], None
        for operand in operands if reads_last else operands[:1]:
            memory = re.fullmatch(r"(-?\d*)\(%(\w+)\)", operand)
            if memory and name.startswith("lea"):
                copy = (self.register(memory[2]), int(memory[1] or 0), target)
            elif memory:
                loads.append((self.register(memory[2]), int(memory[1] or 0), target))
            elif name == "movq" and operand.startswith("%") and target:
                copy = (self.register(operand[1:]), 0, target)
        return loads, copy, [target] if target else []


class Aarch64:
    argument = "x0"
    fence = re.compile(r"dmb\s+ish\b")

    @staticmethod
    def register(name):
        return re.sub(r"^w(\d+)$", r"x\1", name)

    def effects(self, name, rest):
        operands = [self.register(o.strip().lstrip("#")) for o in re.sub(r"\[.*?\]", "", rest).split(",")]
        memory = re.search(r"\[(\w+)(?:,\s*#?(-?\d+))?\]", rest)
        if name.startswith("ld") and memory:
            targets = operands[:2] if name == "ldp" else operands[:1]
            width = 4 if rest.startswith("w") else 8
            return ([(memory[1], int(memory[2] or 0) + width * i, target)
                     for i, target in enumerate(targets)], None, targets)
        if re.match(r"(st|cmp|cb|tb|b|ret)", name):
            return [], None, []
        if name in ("mov", "add") and operands[1].startswith("x"):
            constant = name == "mov" or operands[2].isdigit()
            offset = int(operands[2]) if name == "add" and constant else 0
            return [], (operands[1], offset, operands[0]) if constant else None, operands[:1]
        return [], None, operands[:1]


JUMP = re.compile(r"(j\w+|b|b\.\w+|cbn?z|tbn?z|retq?)$")
UNCONDITIONAL = re.compile(r"(jmp|b|retq?)$")


def loads_after_fence(assembly, function, machine, pointer_offset, word_offset):
    """(fences, loads of the shared word after one). Forward jumps are followed: what the
    registers hold at a label is what they held at the last jump to it, or before it."""
    body = re.search(rf"^{function}:[^\n]*\n(.*?)^\s*\.size\s+{function}", assembly, re.M | re.S)
    assert body, f"{function} is not in the compiled code"
    holds = {machine.argument: ("ring", 0)}  # register: address of ring or shared memory, plus
    fenced, falls_through, fences, loads, at_jump = False, True, 0, 0, {}
    for line in body[1].splitlines():
        instruction = re.sub(r"\s*(//|#\s|#$).*", "", line).strip()
        label = re.match(r"(\.?\w+):", instruction)
        if label:
            if label[1] in at_jump and not falls_through:
                holds, fenced = dict(at_jump[label[1]][0]), at_jump[label[1]][1]
            falls_through = True
            continue
        if not instruction or instruction.startswith("."):
            continue
        if machine.fence.match(instruction):
            fences += 1
            fenced = True
            continue
        name, _, rest = instruction.replace("\t", " ").partition(" ")
        if JUMP.match(name):
            at_jump[rest.split(",")[-1].strip()] = dict(holds), fenced
            falls_through = not UNCONDITIONAL.match(name)
            continue
        loaded, copy, overwritten = machine.effects(name, rest.strip())
        meanings = {}
        for base, offset, target in loaded:
            kind, plus = holds.get(base, (None, 0))
            if (kind, plus + offset) == ("ring", pointer_offset):
                meanings[target] = ("shared", 0)
            if (kind, plus + offset) == ("shared", word_offset) and fenced:
                loads += 1
        if copy and copy[0] in holds:
            kind, plus = holds[copy[0]]
            meanings[copy[2]] = (kind, plus + copy[1])
        for register in overwritten:
            holds.pop(register, None)
        holds.update(meanings)
    return fences, loads


def compile_to_assembly(root, directory, compiler, source):
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    headers = directory / "headers"
    headers.mkdir(exist_ok=True)
    (headers / "string.h").write_text(STRING_H)
    output = directory / "output.s"
    subprocess.run([*command, "-std=c11", "-ffreestanding", "-O2", "-fPIE", "-ffunction-sections",
                    f"-I{headers}", f"-I{root}/include", f"-I{root}/src", "-S", "-o", output, source],
                   check=True)
    return output.read_text()


def findings(root, directory, compiler, source_name, text):
    source = directory / source_name
    source.write_text(text + LAYOUT)
    assembly = compile_to_assembly(root, directory, compiler, source)
    machine = Aarch64() if "aarch64" in compiler else X86()
    return {function: loads_after_fence(assembly, function, machine, pointer, word)
            for function, pointer, word in HANDSHAKES[source_name]}


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("source_name", HANDSHAKES)
def test_the_shared_word_is_loaded_after_the_fence(root, tmp_path, compiler, source_name):
    text = (root / "src/ring" / source_name).read_text()
    for function, (fences, loads) in findings(root, tmp_path, compiler, source_name, text).items():
        assert fences, f"{compiler}: no fence in {function}"
        assert loads, f"{compiler}: no load of the shared word after the fence in {function}"


# Function, what stands there, what a careless reader (or compiler) would make of it.
MUTATIONS = [
    ("message_ring.c", "message_ring_may_sleep",
     "sl_load_relaxed(&ring->theirs->tail) == ring->head", "ring->tail == ring->head"),
    ("message_ring.c", "message_ring_should_notify",
     "    sl_fence_full(); /* tail is out", "    /* tail is out"),
    ("frame_queue.c", "frame_may_sleep",
     "sl_load_relaxed(&consumer->shared->tail) == consumer->index", "consumer->other == consumer->index"),
    ("frame_queue.c", "frame_may_sleep",
     "    sl_fence_full(); /* the flag is out before tail", "    /* the flag is out before tail"),
]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("source_name, function, right, wrong", MUTATIONS)
def test_the_check_fails_without_the_re_check_or_the_fence(root, tmp_path, compiler, source_name,
                                                           function, right, wrong):
    text = (root / "src/ring" / source_name).read_text()
    assert text.count(right) == 1, f"{source_name} has changed: {right}"
    fences, loads = findings(root, tmp_path, compiler, source_name, text.replace(right, wrong))[function]
    assert not (fences and loads)
