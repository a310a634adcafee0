"""Programs of known length for the emulated boards."""

from dataclasses import replace

import pytest

from smidgen.compiler import emit, emulator, firmware
from smidgen.compiler.device import Device
from smidgen.compiler.ir import Program
from tests.compiler.programs import Made

BOARDS = ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")

needs_compiler = pytest.mark.skipif(not firmware.available(), reason=f"{firmware.COMPILER} is not installed")
needs_boards = pytest.mark.skipif(
    not (firmware.available() and emulator.available()),
    reason=f"{firmware.COMPILER} or {firmware.EMULATOR} is not installed",
)


def relu() -> Program:
    """int8 (5,) -> int8 (5,)."""
    made = Made()
    made.add("relu", [made.input("int8", (5,), 0.5, 10)], ("int8", (5,)), scale=1.0)
    return made.program()


def written(body: str, before: str = "") -> emit.Source:
    """C whose call runs `body` and answers nothing."""
    source = emit.write(relu(), "net")
    code = f"""#include "net.h"
#include <stdint.h>
static char bytes[8];
{before}
void *net_input(void) {{ return bytes; }}
void *net_output(void) {{ return bytes; }}
int net_run(const void *input, void *output) {{ (void)input; (void)output; {body} return 0; }}
"""
    return replace(source, files={**source.files, "net.c": code})


def timed() -> emit.Source:
    """C that takes as many instructions as its input says, 0 to 127, and those of a call."""
    slide = '__attribute__((naked)) static void slide(void) { __asm__(".rept 127\\n\\tnop\\n\\t.endr\\n\\tbx lr"); }'
    return written("((void (*)(void))((uintptr_t)slide + 2u * (127u - *(const uint8_t *)input)))();", slide)


def built(source: emit.Source, device: Device, *, limited: bool = True) -> firmware.Firmware:
    return firmware.build(firmware.sources(source, relu(), device, limited=limited), device)
