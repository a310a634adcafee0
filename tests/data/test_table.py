from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data import table
from smidgen.data.listing import Listing
from tests.data.build import only_data_errors


def listed(folder: Path, text: str) -> Listing:
    (folder / "list.csv").write_bytes(text.encode("utf-8"))
    return table.listing(folder / "list.csv", "list.csv")


def test_columns_in_any_order_and_case(tmp_path: Path) -> None:
    found = listed(tmp_path, "\ufeffLabel, Path ,remark\ncat,b.png,x\ndog,a.png,\n")
    assert (found.names, found.labels, found.parts, found.groups) == (["a.png", "b.png"], ["dog", "cat"], (), ())


def test_parts_and_groups(tmp_path: Path) -> None:
    found = listed(tmp_path, "path,label,group,split\na.png,cat,ann,train\nb.png,dog,bob,val\n")
    assert (list(found.parts), list(found.groups)) == (["train", "validation"], ["ann", "bob"])


def test_order_of_lines_does_not_matter(tmp_path: Path) -> None:
    one = listed(tmp_path, "path,label\na,cat\nb,dog\n")
    other = listed(tmp_path, "path,label\nb,dog\na,cat\n")
    assert (one.names, one.labels) == (other.names, other.labels)


def test_commas_and_line_breaks_in_quotes(tmp_path: Path) -> None:
    assert listed(tmp_path, 'path,label\n"a, b.png","big\ncat"\nc.png,dog\n').labels == ["big\ncat", "dog"]


@given(st.text(max_size=80))
def test_any_text_gives_a_listing_or_a_data_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("csv")
    with only_data_errors("list.csv"):
        found = listed(folder, f"path,label\n{text}".encode("utf-8", "ignore").decode())
        for name in found.names:
            assert (folder / name).resolve().is_relative_to(folder.resolve())
        assert all(found.labels)
