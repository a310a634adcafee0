from dataclasses import replace

import pytest

from smidgen.compiler import elf, emit, firmware
from smidgen.compiler.device import Device
from smidgen.errors import BudgetError, MissingProgram, UsageError, VerificationError
from tests.compiler.boards import BOARDS, built, needs_compiler, relu, written

M4 = Device.of("cortex-m4")


@needs_compiler
@pytest.mark.parametrize("name", BOARDS)
def test_the_files_around_a_model_are_free_of_warnings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
    monkeypatch.setattr(firmware, "FLAGS", (*firmware.FLAGS, *strict))
    assert built(written(""), Device.of(name)).elf.startswith(elf.MAGIC)


@needs_compiler
def test_sizes_are_those_of_the_parts() -> None:
    plain = built(written(""), M4).size
    assert built(written('__asm__ volatile(".space 1000");'), M4).size == replace(plain, code=plain.code + 1000)
    table = "static const char table[500] = {1}; bytes[0] = table[*(volatile const char *)input];"
    variable = "static volatile unsigned char variable[600]; variable[3] = 1;"
    value = "static volatile int value = 7; value++;"
    assert built(written(table), M4).size.constants == 500
    assert built(written(variable), M4).size.bss - plain.bss in range(600, 608)
    assert built(written(value), M4).size.data - plain.data in range(4, 9)
    assert plain.flash_bytes == plain.code + plain.constants + plain.rest + plain.data
    assert plain.ram_bytes == plain.data + plain.bss
    assert 500 < plain.rest < 1500


@needs_compiler
@pytest.mark.parametrize(
    ("device", "what"),
    [(replace(M4, flash_bytes=500), "bytes of flash more"), (replace(M4, ram_bytes=512), "bytes of RAM more")],
)
def test_what_does_not_fit_is_one_error_unless_it_may_have_the_whole_board(device: Device, what: str) -> None:
    with pytest.raises(BudgetError, match=what):
        built(written(""), device)
    assert built(written(""), device, limited=False).size.flash_bytes > 500


@needs_compiler
def test_c_that_the_compiler_refuses_is_one_error() -> None:
    with pytest.raises(VerificationError, match=r"does not build the firmware: net\.c:.* error: "):
        built(written("nonsense;"), M4)


def test_without_the_compiler_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        MissingProgram, match=r"Building for cortex-m4 needs arm-none-eabi-gcc.*apt install gcc-arm-none"
    ):
        built(written(""), M4)


def test_a_device_that_no_board_stands_for_is_one_error() -> None:
    with pytest.raises(UsageError, match="no firmware for esp32"):
        firmware.sources(emit.write(relu(), "net"), relu(), Device.of("esp32"))


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01" + bytes(60), bytes(100)])
def test_what_is_no_elf_file_of_32_bits_is_refused(content: bytes) -> None:
    with pytest.raises(VerificationError, match="32-bit ELF"):
        elf.sections(content)
