import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.budget import Budget, parse_count, parse_floor, parse_size
from smidgen.errors import UsageError
from smidgen.types import Cost


@pytest.mark.parametrize(
    ("text", "size"),
    [("64KB", 65536), ("64KiB", 65536), ("64 kb", 65536), ("1.5MB", 1572864), ("64000", 64000), (10, 10), ("10B", 10)],
)
def test_parse_size(text: str | int, size: int) -> None:
    assert parse_size(text, "--flash") == size


@pytest.mark.parametrize(("text", "count"), [("700", 700), ("20k", 20_000), ("1.5M", 1_500_000), ("10_000", 10_000)])
def test_parse_count(text: str, count: int) -> None:
    assert parse_count(text, "--params") == count


@pytest.mark.parametrize(
    "text", ["", "0", "0KB", "-5", -5, "64XB", "KB", "1e3", "nan", "inf", "64KB64KB", "\uff16\uff14"]
)
def test_nonsense_sizes_are_usage_errors_that_name_the_option(text: str | int) -> None:
    with pytest.raises(UsageError, match="--flash"):
        Budget.of(flash=text)


@given(st.text())
def test_any_size_is_a_positive_number_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_size(text, "--ram") > 0


def test_floor() -> None:
    assert parse_floor("accuracy=0.95") == ("accuracy", 0.95)
    for text in ("accuracy", "=0.9", "accuracy=high", "accuracy=-1", "accuracy=nan"):
        with pytest.raises(UsageError, match="--floor"):
            parse_floor(text)
    with pytest.raises(UsageError, match=r"accuracy=0\.95"):
        parse_floor("accuracy=95")


def test_explicit_limits_override_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = {"memory": {"flash_bytes": 1000, "ram_bytes": 200}}
    monkeypatch.setattr(registry, "device", lambda _: memory)
    assert Budget.of(device="board") == Budget(flash_bytes=1000, ram_bytes=200)
    assert Budget.of(device="board", ram="1KB", params=7) == Budget(flash_bytes=1000, ram_bytes=1024, parameters=7)


def test_an_unknown_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no device called 'toaster'"):
        Budget.of(device="toaster")


def test_check_names_the_limit_that_binds_most() -> None:
    cost = Cost(parameters=900, flash_bytes=2000, ram_bytes=600, macs=1, basis="")
    assert Budget().check(cost) == ""
    assert Budget(flash_bytes=2000, ram_bytes=600, parameters=900).check(cost) == ""
    assert Budget(flash_bytes=10).check(cost) == "needs 2,000 bytes of flash, 1,990 more than the limit of 10"
    both = Budget(flash_bytes=1999, ram_bytes=300)
    assert both.check(cost) == "needs 600 bytes of RAM, 300 more than the limit of 300"


def test_shortfall() -> None:
    budget = Budget.of(floor=["accuracy=0.95"])
    assert budget.shortfall({"accuracy": 0.95}) == ""
    assert budget.shortfall({"accuracy": 0.9}) == "accuracy is 0.9000, below the floor of 0.95"
    with pytest.raises(UsageError, match="accuracy"):
        budget.shortfall({"f1": 1.0})
