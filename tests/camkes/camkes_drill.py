# SPDX-License-Identifier: BSD-2-Clause
"""An image whose components can be made to misbehave one by one, while it runs (drill_component.c)."""
import pathlib
import re
import shutil
import struct

import poke
import qemu
from dying import wait_until

HERE = pathlib.Path(__file__).parent
MARK = b"sluice drill 1 \0"
NAME_LENGTH = 32
RAM = "1024M"
PLACES = {"monitor": "HOSTILE_MONITOR", "ext_nic_drv": "HOSTILE_DRIVER", "int_nic_drv": "HOSTILE_DRIVER"}


def turn(app):
    """The folder `app` of `sluice build` becomes the drill's; `sluice build` makes it good again."""
    shutil.copy(HERE / "drill_component.c", app)
    for path in app.glob("components/*/instance.c"):
        text = path.read_text()
        name = re.search(r'instance->name = "(\w+)";', text)[1]
        if "instance->program = " in text:
            place = PLACES.get(name, "HOSTILE_STAGE")
            path.write_text(f"#define instance_fill released_instance_fill\n{text}"
                            "#undef instance_fill\n"
                            f'#define DRILL_NAME "{name}"\n#define DRILL_PLACE {place}\n'
                            '#include "../../drill_component.c"\n')


class Machine:
    """Such an image at work."""

    def __init__(self, lab, image, directory, extra=()):
        self._ram = directory / "ram"
        self.gateway = qemu.Gateway(lab, image, directory / "serial",
                                    extra=[*poke.arguments(self._ram, RAM), *extra])
        self._memory = None

    def __enter__(self):
        self.gateway.__enter__()
        self._memory = poke.Memory(self._ram)
        return self

    def __exit__(self, *_):
        self.gateway.__exit__()
        if self._memory:
            self._memory.close()
        self._ram.unlink(missing_ok=True)

    def switch(self, component):
        return Switch(self._memory, component)


class Switch:
    """What one component of a running image is to do."""

    def __init__(self, memory, component):
        mark = MARK + component.encode().ljust(NAME_LENGTH, b"\0")
        self._memory = memory
        assert wait_until(lambda: len(self._in_use(mark)) == 1), (component, list(memory.find(mark)))
        self._place = self._in_use(mark)[0]

    def _in_use(self, mark):
        """It says that when it starts; the loader's copies do not."""
        return [place + len(mark) for place in self._memory.find(mark)
                if self._started(place + len(mark))]

    def _started(self, place):
        return struct.unpack("<I", self._memory.map[place + 4:place + 8])[0]

    @property
    def was_hostile(self):
        return self._started(self._place) == 2

    def set(self, state, seed=None):
        if seed is not None:
            self._memory.write(self._place + 8, struct.pack("<Q", seed))
        self._memory.write(self._place, struct.pack("<I", state))
