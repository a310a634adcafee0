from torch import nn

from smidgen.search.race import Racer, race
from smidgen.types import Candidate, Cost


def racer(name: str, flash: int = 100, size: int = 1) -> Racer:
    return Racer(Candidate(name, size, Cost(1, flash, 1, 1, ""), fits=True), nn.Identity())


def run_with(metrics: dict[str, list[float]], calls: list[tuple[str, int]]):  # type: ignore[no-untyped-def]
    """A round that gives each racer the metric it is said to have in it."""
    from dataclasses import replace

    def run(one: Racer, number: int) -> Racer:
        calls.append((one.candidate.family, number))
        metric = metrics[one.candidate.family][number - 1]
        return Racer(replace(one.candidate, metric=metric, epochs=float(number)), one.network)

    return run


def test_the_better_goes_on_and_wins() -> None:
    calls: list[tuple[str, int]] = []
    metrics = {"a": [0.5, 0.6], "b": [0.9, 0.8], "c": [0.7, 0.99], "d": [0.1], "e": [0.2], "f": [0.3]}
    entrants = [racer(name) for name in metrics]
    winner, record = race(entrants, run_with(metrics, calls))
    assert calls == [(name, 1) for name in "abcdef"] + [("b", 2), ("c", 2)]
    assert winner.candidate.family == "c"
    assert winner.network is entrants[2].network  # what it has learnt is kept
    by_name = {candidate.family: candidate for candidate in record}
    assert set(by_name) == set(metrics)
    assert [name for name, candidate in by_name.items() if candidate.chosen] == ["c"]
    assert by_name["a"].reason == "dropped after round 1: 50.00% against 90.00% at best"
    assert by_name["b"].reason == "dropped after round 2: 80.00% against 99.00% at best"
    assert by_name["c"].reason == ""


def test_of_equals_the_smaller_wins() -> None:
    winner, _ = race([racer("a", 300), racer("b", 100), racer("c", 200)], run_with({n: [0.5] for n in "abc"}, []))
    assert winner.candidate.family == "b"


def test_one_alone_does_not_run() -> None:
    calls: list[tuple[str, int]] = []
    winner, record = race([racer("a")], run_with({}, calls))
    assert calls == []
    assert winner.candidate.chosen
    assert record == [winner.candidate]


def test_sizes_of_one_family_are_told_apart() -> None:
    _, record = race([racer("a", size=1), racer("a", size=2)], run_with({"a": [0.5]}, []))
    assert {candidate.size for candidate in record} == {1, 2}
