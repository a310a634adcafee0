import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.data.choices import HIDDEN
from smidgen.data.columns import parse
from smidgen.data.listing import Listing
from smidgen.data.load import load
from smidgen.data.reading import Collected
from smidgen.data.store import Memory
from smidgen.errors import BundleError, DataError
from smidgen.signals import _attributes, _choices
from smidgen.signals.interactions import InteractionsSignal
from smidgen.types import Reading, silent

TASK = registry.find("tasks", "recommendation").TASK
MEMORY = Memory(None, Path())
PEOPLE, ITEMS = 12, 9


def ratings(time: bool = True, rating: float = 5.0) -> str:
    """Everybody chooses all items but one, in an order of his own."""
    lines = ["userId,movieId,rating" + (",timestamp" if time else "")]
    for person in range(PEOPLE):
        for place in range(ITEMS - 1):
            item = (person + place) % ITEMS
            lines.append(f"{person},{100 + item},{rating}" + (f",{1000 + place}" if time else ""))
    return "\n".join(lines)


def listing(text: str, **tables: str) -> Listing:
    content = parse(text, "ratings.csv")
    beside = {name: parse(table, name) for name, table in tables.items()}
    return Listing("made", "csv", content.lines, [], content, tables=beside)


def collect(text: str, tables: dict[str, str] | None = None, **options: str) -> Collected:
    how = Reading(TASK, **options)  # type: ignore[arg-type]
    return InteractionsSignal.collect(listing(text, **(tables or {})), how, MEMORY, silent)


def by_part(found: Collected, person: int) -> dict[str, tuple[list[int], list[str]]]:
    """Of one person, for each part: the history without padding, and what is to be guessed."""
    rows = found.store[np.arange(len(found.names))]
    return {
        part: (row[row > 0].tolist(), str(label).split("\n"))
        for row, label, name, part in zip(rows, found.labels, found.names, found.parts, strict=True)
        if name == f"userId {person}"
    }


def test_the_last_choice_is_for_the_test_and_histories_grow_towards_it() -> None:
    found = collect(ratings())
    parts = by_part(found, 2)  # chose 102, 103 ... 108, 100
    assert parts["test"] == ([3, 4, 5, 6, 7, 8, 9], ["100"])
    assert parts["validation"] == ([3, 4, 5, 6, 7, 8], ["108"])
    assert parts["train"] == ([3, 4, 5, 6, 7], ["102", "103", "104", "105", "106", "107"])
    assert "by time" in found.rule


def test_without_time_each_part_gets_its_share_and_nothing_twice() -> None:
    found = collect(ratings(time=False))
    for person in range(PEOPLE):
        parts = by_part(found, person)
        train, validation, test = (parts[part][1] for part in ("train", "validation", "test"))
        assert (len(train), len(validation), len(test)) == (5, 1, 2)
        assert len({*train, *validation, *test}) == 8
        assert len(parts["test"][0]) == 6
    assert "25 %" in found.rule
    other = collect(ratings(time=False), seed=1)  # type: ignore[arg-type]
    assert list(other.labels) != list(found.labels)


def test_the_order_of_rows_changes_nothing() -> None:
    head, *rows = ratings(time=False).splitlines()
    first, second = collect("\n".join([head, *rows])), collect("\n".join([head, *rows[::-1]]))
    assert list(first.labels) == list(second.labels)
    assert list(first.names) == list(second.names)


def test_low_ratings_are_no_choices_and_the_report_says_so() -> None:
    low = ratings() + "\n" + "\n".join(f"{person},777,1,9" for person in range(PEOPLE))
    found = collect(low)
    assert "777" not in found.signal.to_json()["ids"]
    assert any("3.5 or more" in note for note in found.warnings)
    assert "777" in collect(low, positive="1").signal.to_json()["ids"]
    with pytest.raises(DataError, match="no rating"):
        collect(low, positive="good")


def test_who_chose_too_little_is_left_out() -> None:
    rare = ratings() + "\n99,100,5,1\n1,999,5,1"
    signal = collect(rare).signal.to_json()
    assert "999" not in signal["ids"]
    with pytest.raises(DataError, match="5 choices"):
        collect("user,item\na,x\nb,y\nc,x")


def test_titles_name_items_and_two_of_one_name_are_told_apart() -> None:
    movies = "movieId,title,genres\n" + "\n".join(
        f"{100 + item},{'Emma (1996)' if item < 2 else f'Film {item} (2000)'},Drama|War" for item in range(ITEMS)
    )
    signal = collect(ratings(), {"movies": movies}).signal
    assert isinstance(signal, InteractionsSignal)
    assert {"Emma (1996) [100]", "Emma (1996) [101]", "Film 2 (2000)"} < set(signal.items)
    assert signal.attributes is not None
    assert len(signal.attributes) == ITEMS
    (_, row), *_ = signal.examples("film 2; 103")
    assert [signal.ids[number - 1] for number in row[row > 0]] == ["102", "103"]
    with pytest.raises(DataError, match="did you mean Film 2"):
        next(signal.examples("fil 2 (2000)"))


def test_choices_of_new_items_are_never_learnt_from() -> None:
    movies = "movieId,title,new\n" + "\n".join(f"{100 + item},Film {item},{int(item == 4)}" for item in range(ITEMS))
    found = collect(ratings(), {"movies": movies})
    for person in range(PEOPLE):
        parts = by_part(found, person)
        assert "Film 4" not in parts["train"][1] + parts["validation"][1]
        assert all(5 not in history for history, _ in parts.values())
    assert any("Film 4" in str(label) for label, part in zip(found.labels, found.parts, strict=True) if part == "test")


def test_links_between_people_stay_on_one_side_both_ways_and_nobody_meets_himself() -> None:
    pairs = [(one, other) for one in range(14) for other in range(one) if (one * other) % 3 != 1]
    text = "source,target\n" + "\n".join(f"n{one},n{other}" for one, other in pairs)
    found = collect(text)
    held = {(name.split()[1], other) for name, label, part in zip(found.names, found.labels, found.parts, strict=True)
            if part == "test" for other in str(label).split("\n")}  # fmt: skip
    assert held
    assert {(other, one) for one, other in held} == held
    signal = found.signal
    assert isinstance(signal, InteractionsSignal)
    for row, name in zip(found.store[np.arange(len(found.names))], found.names, strict=True):
        assert signal.ids.index(name.split()[1]) + 1 in row


def test_only_tables_of_choices_are_recognised() -> None:
    how = Reading(TASK)
    match = InteractionsSignal.recognise(listing(ratings()), how)
    assert match is not None
    assert match.score > 0.9
    assert "userId and movieId" in match.why
    assert InteractionsSignal.recognise(listing("height,weight\n1,2\n2,3"), how) is None
    with pytest.raises(DataError, match="who chose what"):
        collect("height,weight\n1,2\n2,3")


def test_scores_of_chosen_items_are_hidden_in_the_graph() -> None:
    signal = collect(ratings()).signal
    assert isinstance(signal, InteractionsSignal)
    hide = signal.restore(None)  # type: ignore[arg-type]
    assert hide is not None
    codes = torch.zeros(2, signal.history, dtype=torch.int32)
    codes[0, -2:] = torch.tensor([1, 9])
    scores = hide(codes, torch.ones(2, ITEMS))
    assert (scores < HIDDEN / 2).tolist() == [[True, *[False] * 7, True], [False] * 9]


def test_augmenting_forgets_some_of_the_history() -> None:
    signal = collect(ratings()).signal
    raw = torch.arange(1, 2001, dtype=torch.int32).reshape(2, 1000)
    changed = signal.augment(raw, {"forget": 0.5}, seed=3)
    assert 0.4 < (changed == 0).float().mean() < 0.6
    assert ((changed == raw) | (changed == 0)).all()
    assert (signal.augment(raw, {}, seed=3) == raw).all()


def test_a_table_of_other_people_is_read_by_the_ids_of_items(tmp_path: Path) -> None:
    signal = collect(ratings()).signal
    path = tmp_path / "others.csv"
    path.write_text("userId,movieId,timestamp\nann,101,3\nann,100,2\nbob,108,1\nbob,nothing,4\n")
    assert {name: row[row > 0].tolist() for name, row in signal.examples(str(path))} == {
        "userId ann": [1, 2],
        "userId bob": [9],
    }
    one = tmp_path / "one.csv"
    one.write_text("movieId,why\n100,good\n102,fine\n")
    ((_, row),) = signal.examples(str(one))
    assert row[row > 0].tolist() == [1, 3]
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column"):
        list(signal.examples(str(path)))


def test_it_comes_back_from_json_and_damage_is_named() -> None:
    signal = collect(ratings()).signal
    assert isinstance(signal, InteractionsSignal)
    state = signal.to_json()
    assert InteractionsSignal.from_json(json.loads(json.dumps(state))) == signal
    for change in ({"history": 0}, {"items": ["x"]}, {"ids": 3}, {"people": 1}, {"items": ["x"] * ITEMS}):
        with pytest.raises(BundleError, match="signal"):
            InteractionsSignal.from_json({**state, **change})


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=120),
    st.booleans(),
)
def test_whatever_is_chosen_no_choice_is_in_two_parts(rows: list[tuple[int, int, int]], timed: bool) -> None:
    text = "user,item,time\n" + "\n".join(f"u{user},i{item},{when}" for user, item, when in rows)
    columns, how = parse(text, "x.csv"), Reading(TASK)
    form = _choices.form_of(columns, how)
    assert form is not None
    form = form if timed else _choices.Form(form.user, form.item)
    try:
        choices = _choices.thinned(_choices.read(columns, form, how), 3)
    except DataError:
        return
    divided = _choices.divide(choices, 0, False, np.zeros(len(choices.item_ids), bool))
    for parts in zip(divided.train, divided.validation, divided.test, strict=True):
        together = np.concatenate(parts)
        assert len(np.unique(together)) == len(together) >= 3
        assert all(len(part) for part in parts)


def test_words_that_items_share_are_their_attributes() -> None:
    table = parse(
        "item,text\n" + "\n".join(f"{i},{'red' if i < 4 else 'blue'} word{i},".rstrip(",") for i in range(8)), "t"
    )
    found = _attributes.features([str(i) for i in range(8)], {"t": table}, ("item",))
    assert found.shape == (8, 2)
    alike = found @ found.T
    assert alike[0, 1] == pytest.approx(1)
    assert alike[0, 7] == 0


def test_real_ratings_are_read_whole() -> None:
    source = Path(__file__).parents[3] / "shared" / "data" / "recommendation" / "ml_latest_small"
    if not source.is_dir():
        pytest.skip("there is no shared/data beside this checkout")
    data = load(source, positive="0.5")
    assert data.how.task.name == "recommendation"
    assert data.answer.width == 3650
    assert (len(data.train), len(data.validation), len(data.test)) == (610, 610, 610)
    assert not data.report.crossing_duplicates
    assert not ((data.test.targets >= 0).sum(axis=1) - 1).any()
