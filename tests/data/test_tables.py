from pathlib import Path

import pytest

from smidgen.data.listing import Columns
from smidgen.data.sources import listing
from smidgen.errors import DataError


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    return str(folder)


def test_a_folder_of_tables_has_a_main_one(tmp_path: Path) -> None:
    source = write(
        tmp_path, ratings_csv="user,item\n1,2\n", movies_csv="item,title\n2,Heat\n3,Casino\n", readme_txt="hello"
    )
    found = listing(source)
    assert found.layout == "tables"
    assert isinstance(found.content, Columns)
    assert found.content.names == ("user", "item")
    assert found.tables["movies"].text("title") == ["Heat", "Casino"]
    assert list(found.warnings) == ["ratings.csv was read; beside it: movies"]


def test_without_a_usual_name_the_largest_is_the_main_one(tmp_path: Path) -> None:
    found = listing(write(tmp_path, a_csv="x,y\n1,2\n", b_csv="user,item\n1,2\n3,4\n5,6\n"))
    assert isinstance(found.content, Columns)
    assert found.content.names == ("user", "item")


@pytest.mark.parametrize("suffixes", [True, False])
def test_each_file_of_lines_is_a_class(tmp_path: Path, suffixes: bool) -> None:
    names = ("talk_neg", "talk_pos") if suffixes else ("neg_txt", "pos_txt")
    found = listing(write(tmp_path, **{names[0]: "bad\n\nawful\n", names[1]: "good\n"}))
    assert found.layout == "lines"
    assert isinstance(found.content, Columns)
    assert found.content.text("text") == ["bad", "awful", "good"]
    assert found.content.text("label") == ["neg", "neg", "pos"]
    assert found.names[1].endswith(":3")


def test_a_folder_of_nothing_but_notes_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        listing(write(tmp_path, readme_txt="hello"))
