"""Flash, RAM and instructions of four models on an emulated Cortex-M4, beside the bars, and whether they are exact."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from compiler import models
from record import Bar, Result, Row
from smidgen.compiler import emulator, firmware
from smidgen.compiler.compilation import compiled
from smidgen.compiler.device import Device
from smidgen.compiler.footprint import layers

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

DEVICE = "cortex-m4"
EXAMPLES = 60  # random ones, and as many real ones
FLASH = {"KWS": 34_000, "VWW": 245_000, "IC": 92_000, "AD": 275_000}
RAM = {"KWS": 10_000, "VWW": 35_000, "IC": 20_000, "AD": 1_200}
INSTRUCTIONS = {"KWS": 3_600_000, "VWW": 10_500_000, "IC": 14_500_000, "AD": 400_000}
NOTES = (
    "Compiled with the bar of RAM as --ram. Bytes are those of a whole image that runs without an operating system, "
    "with startup, input and output, without test data; RAM is all of it, with input, output and the most stack. "
    "Instructions are the most of all inputs, counted one by one by the clock of the emulator.",
    "Exact: how many of the inputs, half of them random and half real (pictures of CIFAR-10, streets, vibrations of a "
    "machine as spectra and cepstra), give in the emulator the bytes that LiteRT's reference kernels give.",
)


def row(name: str, data: Path, count: int) -> Row:
    """One model: built, emulated on all inputs, and compared with LiteRT."""
    started, model, device = time.perf_counter(), models.model(name, data), Device.of(DEVICE)
    made = compiled(model, device, RAM[name])
    seconds = time.perf_counter() - started
    built = firmware.build(firmware.sources(made.source, made.program, device, limited=False), device)
    given = {model.program.inputs[0]: models.inputs(name, model, data, count)}
    run = emulator.run(built, device, made.program, given)
    original = model.original()
    assert original is not None, "install ai-edge-litert"
    (wanted,), (found,) = original(given).values(), run.outputs.values()
    size, arena = built.size, made.source.plan.arena_bytes
    return {
        "model": name,
        "flash": size.flash_bytes,
        "code": size.code,
        "constants": size.constants,
        "rest": size.rest + size.data,
        "RAM": size.ram_bytes + run.stack_bytes,
        "arena": arena,
        "variables": size.ram_bytes - arena,
        "stack": run.stack_bytes,
        "MACs": sum(layer.macs for layer in layers(made.program, made.source.plan)),
        "instructions": max(run.instructions),
        "fewest": min(run.instructions),
        "exact": int((wanted == found).reshape(len(found), -1).all(axis=1).sum()),
        "inputs": len(found),
        "seconds to compile": round(seconds, 2),
    }


def measure(options: argparse.Namespace, _: Path) -> Result:
    """All four."""
    rows = [row(name, options.data, options.examples or EXAMPLES) for name in models.FILES]
    bars = []
    for found in rows:
        name = found["model"]
        bars += [
            Bar(f"{name} flash", found["flash"], FLASH[name], "at most"),
            Bar(f"{name} RAM", found["RAM"], RAM[name], "at most"),
            Bar(f"{name} instructions", found["instructions"], INSTRUCTIONS[name], "at most"),
            Bar(f"{name} exact inputs", found["exact"], max(100, found["inputs"])),
        ]
        if name == "VWW":
            bars += [
                Bar("VWW flash", found["flash"], 60_000, "at most", stretch=True),
                Bar("VWW instructions", found["instructions"], 7_000_000, "at most", stretch=True),
            ]
    return Result("compiler-cortex-m", options.command, rows, {"device": DEVICE}, bars, NOTES)
