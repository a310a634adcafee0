from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data.columns import parse
from smidgen.data.listing import Listing
from smidgen.data.load import load
from smidgen.data.reading import Collected
from smidgen.data.store import Memory
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.signals import _text
from smidgen.signals.text import TextSignal
from smidgen.tasks.text_classification import TASK
from smidgen.types import Reading, silent

ROWS = "".join(f"{('ham', 'spam')[n % 3 == 0]}\tword {n} and {'x' * (n % 7)} more\n" for n in range(40))
HOW = Reading(TASK)


def table(text: str = ROWS) -> Listing:
    columns = parse(text, "sms.tsv")
    return Listing("sms.tsv", "csv", columns.lines, [], columns)


def collected(text: str = ROWS, how: Reading = HOW, sensor: TextSignal | None = None) -> Collected:
    return TextSignal.collect(table(text), how, Memory(None, Path("/nowhere")), silent, sensor)


@given(st.text(), st.integers(1, 40))
def test_bytes_are_those_of_utf8_cut_between_characters(text: str, length: int) -> None:
    (row,) = _text.encoded([text], length)
    told = bytes(row).rstrip(b"\0")
    whole = text.strip().replace("\0", " ").encode("utf-8", "replace")
    assert whole.startswith(told)
    assert told.decode() is not None
    assert len(whole) - len(told) < 4 or len(told) > length - 4
    assert row.dtype == np.uint8


def test_a_table_without_names_is_read() -> None:
    found = TextSignal.recognise(table(), HOW)
    assert found is not None
    assert found.score > 0.9
    made = collected()
    assert set(made.labels) == {"ham", "spam"}
    assert made.signal.input.shape == (24,)  # 23 bytes, a multiple of 8
    assert bytes(made.store[np.array([1])][0]).rstrip(b"\0") == b"word 1 and x more"
    assert "Column 'c0' was taken for the label" in made.warnings[0]


def test_what_a_table_says_of_parts_and_groups_holds() -> None:
    lines = [
        "text,label,part,who",
        *(f"some words {n},{'ab'[n % 2]},{('train', 'dev', 'test')[n % 3]},p{n // 2}" for n in range(12)),
    ]
    made = collected("\n".join(lines), Reading(TASK, group="who", target="label"))
    assert made.parts[:3] == ["train", "validation", "test"]
    assert made.groups[:3] == ["p0", "p0", "p1"]
    assert made.labels[:2] == ["a", "b"]
    assert not made.warnings


def test_rows_without_text_or_label_are_left_out_and_told() -> None:
    lines = ["label,text", "a,one two three", "b,", ",four five six", "b,seven eight nine", "a,ten eleven twelve"]
    made = collected("\n".join(lines))
    assert len(made.store) == len(made.labels) == len(made.names) == 3
    assert made.names[1] == "sms.tsv:5"
    assert any("2 of 5 rows" in note for note in made.warnings)


@pytest.mark.parametrize("text", ["a,b\n1,2\n3,4\n5,6\n", "label,kind\nx,a\ny,b\nx,a\ny,b\nx,a\ny,b\n"])
def test_tables_of_numbers_or_of_categories_hold_no_texts(text: str) -> None:
    assert TextSignal.recognise(table(text), HOW) is None
    with pytest.raises(DataError, match="no column of texts"):
        collected(text)


def test_the_length_is_the_users_or_covers_nearly_all() -> None:
    assert collected(how=Reading(TASK, window=10)).signal.input.shape == (10,)
    assert any("were cut" in note for note in collected(how=Reading(TASK, window=10)).warnings)
    with pytest.raises(UsageError, match="--window"):
        collected(how=Reading(TASK, window=3))


def test_other_data_is_read_as_the_model_reads() -> None:
    sensor = TextSignal(16, "c1")
    made = collected(sensor=sensor)
    assert made.signal is sensor
    assert made.store.shape == (16,)


def test_files_in_class_folders(tmp_path: Path) -> None:
    for label in ("good", "bad"):
        (tmp_path / label).mkdir()
        for n in range(12):
            (tmp_path / label / f"{n}.txt").write_text(f"{label} text number {n}\nwith two lines")
    data = load(tmp_path)
    assert data.report.task == "text-classification"
    assert isinstance(data.signal, TextSignal)
    assert not data.signal.lines
    assert len(list(data.signal.examples(str(tmp_path / "good" / "1.txt")))) == 1


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    for label in ("good", "bad"):
        (tmp_path / label).mkdir()
        for n in range(12):
            (tmp_path / label / f"{n}.txt").write_text(f"{label} {n}")
    (tmp_path / "good" / "3.txt").write_bytes(b"a\0b")
    (tmp_path / "good" / "4.txt").write_bytes(b"  \n")
    with pytest.raises(DataError, match="2 files cannot be read"):
        load(tmp_path)
    assert len(load(tmp_path, skip_bad=True).report.skipped) == 2


def test_a_message_itself_a_file_of_lines_and_a_table_are_predicted(tmp_path: Path) -> None:
    signal = TextSignal(16, "c1")
    ((name, row),) = signal.examples("hello there")
    assert (name, bytes(row).rstrip(b"\0")) == ("hello there", b"hello there")
    (tmp_path / "x.txt").write_text("one\n\ntwo\n")
    assert [name.split(":")[-1] for name, _ in signal.examples(str(tmp_path / "x.txt"))] == ["1", "3"]
    (tmp_path / "x.tsv").write_text(ROWS)
    found = list(signal.examples(str(tmp_path / "x.tsv")))
    assert len(found) == 40
    assert bytes(found[0][1]) == b"word 0 and  more"
    assert len(next(signal.examples("long " * 2000))[1]) == 16
    with pytest.raises(DataError, match="empty"):
        list(signal.examples("  "))


def test_left_out_bytes_move_the_rest_up() -> None:
    raw = torch.from_numpy(_text.encoded(["abcdefghij" * 4], 48))
    changed = TextSignal(48).augment(raw, {"drop": 0.3}, 1)
    told = bytes(changed[0].numpy()).rstrip(b"\0")
    assert 15 < len(told) < 40
    assert b"\0" not in told
    assert changed.dtype == torch.uint8
    assert torch.equal(TextSignal(48).augment(raw, {}, 1), raw)


def test_sketches_are_alike_where_texts_are() -> None:
    signal = TextSignal(32)
    one, other, far = signal.sketch(_text.encoded(["hello my friend", "hello my friends", "0123456789"], 32)).astype(
        int
    )
    assert abs(one - other).sum() < abs(one - far).sum()
    assert not signal.sketch(np.zeros((1, 32), np.uint8)).any()


@pytest.mark.parametrize(
    "state", [{}, {"length": 4, "column": "", "lines": True}, {"length": 8, "column": 1, "lines": True}]
)
def test_state_that_makes_no_sense(state: dict[str, object]) -> None:
    with pytest.raises(BundleError, match="signal"):
        TextSignal.from_json(state)


def test_state_comes_back() -> None:
    signal = TextSignal(24, "c1", lines=False)
    assert TextSignal.from_json(signal.to_json()) == signal
