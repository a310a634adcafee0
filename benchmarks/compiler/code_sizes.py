"""Measures the code of every function of every set of Cortex-M kernels: src/smidgen/compiler/kernels/code_sizes.json.

    python -m benchmarks.compiler.code_sizes

It builds firmware of many small networks, trained on nothing, and reads the sizes of functions off the objects.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from tests.compiler.programs import on_digits
from tests.compiler.sample import FAMILIES

from smidgen.compiler import emit, firmware, kernels
from smidgen.compiler.cost import SIZES
from smidgen.compiler.device import Device
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Program
from smidgen.compiler.passes import lower

DEVICES = {"portable": "cortex-m0", "armv6m": "cortex-m0", "armv7em": "cortex-m4", "mve": "cortex-m55"}
NAME = "net"


def main() -> None:
    """Measure and write."""
    known = {name: Device.of(device) for name, device in DEVICES.items() if name in kernels.names()}
    sizes = {kernel_set: measured(kernel_set, device) for kernel_set, device in known.items()}
    SIZES.write_text(json.dumps(sizes, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {SIZES.name} for {', '.join(known)}")


def measured(kernel_set: str, device: Device) -> dict[str, object]:
    """The sizes of one set: the largest seen of each function, what a step takes in NAME_run_in, and all the rest."""
    functions: dict[str, int] = defaultdict(int)
    counts, runs, rests = [], [], []
    for program in programs():
        lowered = lower(program, kernel_set)
        source = emit.write(lowered, NAME, kernel_set)
        built = firmware.build(firmware.sources(source, lowered, device, limited=False), device)
        found = dict(symbols(built, device))
        counts.append(len(lowered.operations))
        runs.append(found.pop(f"{NAME}_run_in"))
        for name, section in source.functions.items():  # 0: always a part of those that call it
            functions[section] = max(functions[section], found.pop(name, 0))
        rests.append(built.size.rest + built.size.data + sum(found.values()))
    step, start = np.polyfit(counts, runs, 1)
    other = round(median(size for size in functions.values() if size))
    return {"functions": dict(functions), "step": round(step), "rest": max(rests) + round(start), "other": other}


def programs() -> Iterator[Program]:
    """Small networks of every family."""
    for activation in ("relu", "relu6", "leaky-relu", "hard-swish"):
        for family in FAMILIES:
            yield read(on_digits(family, activation))


def symbols(built: firmware.Firmware, device: Device) -> Iterator[tuple[str, int]]:
    """The functions of the model's object file and their bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in built.files.items():
            Path(scratch, name).write_text(text, encoding="utf-8")
        firmware.call(Path(scratch), [firmware.COMPILER, *firmware.flags(device), "-c", f"{NAME}.c", "-o", "net.o"])
        listed = firmware.call(Path(scratch), ["arm-none-eabi-nm", "-S", "net.o"])
    for line in listed.splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[2] in "tT":
            yield parts[3].split(".")[0], int(parts[1], 16)


if __name__ == "__main__":
    main()
