import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data import columns
from smidgen.errors import DataError, MissingLibrary

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\x85"), max_size=12
)


def test_numbers_and_words() -> None:
    table = columns.parse("age,city,load [kg]\n31,Bonn,1.5\n,Köln,\n7,NA,-2e3\n", "people.csv")
    assert table.names == ("age", "city", "load [kg]")
    np.testing.assert_array_equal(table.columns["age"], [31, np.nan, 7])
    assert table.columns["city"].tolist() == ["Bonn", "Köln", ""]
    assert table.text("age") == ["31", "", "7"]
    assert table.text("load [kg]") == ["1.5", "", "-2000"]
    assert table.lines == ["people.csv:2", "people.csv:3", "people.csv:4"]
    assert len(table) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["a", "b", "c"], ["1", "2", "x"], ["3", "4", "y"]))
    table = columns.parse(text, "some.txt")
    assert table.names == ("a", "b", "c")
    assert table.columns["c"].tolist() == ["x", "y"]


def test_messages_behind_tabs_keep_their_quotation_marks_and_commas() -> None:
    table = columns.parse('ham\tHe said "go, now"\nspam\t"WIN\nham\tok', "sms.tsv")
    assert table.names == ("c0", "c1")
    assert table.columns["c1"].tolist() == ['He said "go, now"', '"WIN', "ok"]


@pytest.mark.parametrize(
    ("text", "headed"),
    [
        ("1,2\n3,4\n", False),
        ("a,b\n3,4\n", True),
        ("ham,x\nham,y\n", False),
        ("a,a\nb,c\n", False),
        ("a,\nb,c\n", False),
    ],
)
def test_a_header_is_told_from_a_row(text: str, headed: bool) -> None:
    assert len(columns.parse(text, "some.csv")) == text.count("\n") - headed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "header but no rows"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells, the first line 2"),
        ('a,b\n1,"' + "x" * (columns.LONGEST + 1) + '"\n', "cannot be read"),
    ],
)
def test_what_is_no_table(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        columns.parse(text, "some.csv")


def test_bytes_that_are_not_utf8_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes("name,n\ncafé,1\n".encode("cp1252"))
    table, [warning] = columns.read(tmp_path / "old.csv")
    assert table.columns["name"].tolist() == ["café"]
    assert "Windows-1252" in warning
    (tmp_path / "bin.csv").write_bytes(b"a,b\n\0\0,1\n")
    with pytest.raises(DataError, match="is not text"):
        columns.read(tmp_path / "bin.csv")


def test_columns_are_found_by_name_or_by_habit() -> None:
    table = columns.parse("Age,Label\n1,x\n2,y\n", "some.csv")
    assert table.find("age") == "Age"
    assert table.find("", ("target", "label")) == "Label"
    assert table.find("", ("target",)) == ""
    with pytest.raises(DataError, match=r"no column called 'Lable'\. Did you mean Label"):
        table.find("Lable")
    assert table.rows(np.array([1])).text("Label") == ["y"]


@given(st.lists(st.tuples(WORDS, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=20))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, float]]) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("first word", "a number"), *rows])
    table = columns.parse(file.getvalue(), "some.csv")
    np.testing.assert_array_equal(table.columns["a number"], [number for _, number in rows])
    if not table.is_number("first word"):
        wanted = ["" if word.strip().lower() in columns.EMPTY else word.strip() for word, _ in rows]
        assert table.text("first word") == wanted


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_one_clear_error(text: str) -> None:
    try:
        table = columns.parse(text, "some.csv")
    except DataError:
        return  # the only error there may be
    else:
        assert {len(column) for column in table.columns.values()} == {len(table)}


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(
        arrow.table({"n": [1, None, 3], "word": ["a", None, "c"], "yes": [True, False, None]}), tmp_path / "t.parquet"
    )
    table, _ = columns.read(tmp_path / "t.parquet")
    np.testing.assert_array_equal(table.columns["n"], [1, np.nan, 3])
    assert table.text("word") == ["a", "", "c"]
    np.testing.assert_array_equal(table.columns["yes"], [1, 0, np.nan])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match=r"bad\.parquet cannot be read"):
        columns.read(tmp_path / "bad.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingLibrary, match="pyarrow"):
        columns.read(tmp_path / "t.parquet")
