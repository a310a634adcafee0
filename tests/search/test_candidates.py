from typing import TYPE_CHECKING

import pytest

from smidgen.budget import Budget
from smidgen.errors import BudgetError, UsageError
from smidgen.search.candidates import candidates, priced
from smidgen.signals.image import ImageSignal
from tests.compiler.sample import FAMILIES, SIGNAL, classes

if TYPE_CHECKING:
    from smidgen.types import Event

TWO = ("cnn", "mlp")
CASES = [
    (Budget(parameters=700), FAMILIES),
    (Budget(flash_bytes=12_000, ram_bytes=2000), TWO),
    (Budget(flash_bytes=10**9), ("mlp",)),
]


@pytest.mark.parametrize(("budget", "families"), CASES)
def test_what_is_said_to_fit_fits(budget: Budget, families: tuple[str, ...]) -> None:
    heard: list[Event] = []
    found = candidates(SIGNAL, classes(10), budget, families, progress=heard.append)
    assert [event.message for event in heard] == list(families)
    assert any(candidate.fits for candidate in found)
    for candidate in found:
        assert candidate.fits == (not candidate.reason) == (budget.check(candidate.cost) == "")
    for family in families:
        mine = [candidate.cost.parameters for candidate in found if candidate.family == family and candidate.fits]
        assert len(mine) <= 2
        assert mine == sorted(mine, reverse=True)


def test_a_wish_for_a_size_is_taken_at_its_word() -> None:
    (found,) = candidates(SIGNAL, classes(), Budget(), ["cnn"], size=1500)
    assert found.size == 1500
    assert 0.6 * 1500 <= found.cost.parameters <= 1500
    assert (found,) == tuple(candidates(SIGNAL, classes(), Budget(), ["cnn"], size=1500))
    assert found == priced(SIGNAL, classes(), Budget(), "cnn", 1500)


def test_where_nothing_fits_the_nearest_miss_is_named() -> None:
    with pytest.raises(
        BudgetError, match=r"smallest tried, \w+ with [\d,]+ parameters, needs .* more than the limit of 10"
    ):
        candidates(SIGNAL, classes(), Budget(flash_bytes=10), TWO)
    with pytest.raises(BudgetError, match="bytes of RAM"):
        candidates(ImageSignal(30, 30, 3), classes(), Budget(ram_bytes=100), ["cnn"])


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(UsageError, match=r"'cnnn'.*cnn"):
        candidates(SIGNAL, classes(), Budget(), ["cnnn"])
