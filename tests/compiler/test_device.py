import pytest

from smidgen import registry
from smidgen.compiler import firmware, kernels
from smidgen.compiler.device import Device
from smidgen.errors import UsageError

DEVICES = registry.names("devices")


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_has_kernels_that_are_there_and_a_board_that_is_known(name: str) -> None:
    device = Device.of(name)
    assert device.kernels in kernels.names()
    assert (device.board in firmware.BOARDS) == bool(device.board)
    assert bool(device.board) == bool(device.flags)
    if device.board:
        board = firmware.board_of(device)
        assert min(board.flash[1], board.ram[1]) >= 2**19


def test_facts_are_those_of_the_file() -> None:
    device = Device.of("Cortex_M4")
    assert (device.name, device.flash_bytes, device.ram_bytes) == ("cortex-m4", 262_144, 65_536)
    assert (device.clock_hz, device.board) == (84_000_000, "mps2-an386")
    assert "-mcpu=cortex-m4" in device.flags


def test_kernels_that_are_not_there_are_replaced_by_portable_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "names", lambda: ("portable",))
    assert Device.of("cortex-m4").kernels == "portable"


def test_an_unknown_device_is_one_error() -> None:
    with pytest.raises(UsageError, match=r"no device called 'cortex-m44'\. Did you mean cortex-m4"):
        Device.of("cortex-m44")
