import dataclasses
import json
from pathlib import Path

import pytest

from smidgen.errors import CorruptFiles
from smidgen.verbs.data import as_text, data
from tests.data.build import folder


def test_the_report_of_a_folder(tmp_path: Path) -> None:
    report = data(str(folder(tmp_path, {"cat": 20, "dog": 20})))
    assert (report.layout, report.classes) == ("folder", ("cat", "dog"))
    assert json.loads(json.dumps(dataclasses.asdict(report)))["counts"]["test"] == {"cat": 3, "dog": 3}


def test_as_text(tmp_path: Path) -> None:
    folder(tmp_path, {"train/cat": 1200, "train/dog": 12, "test/cat": 3, "test/dog": 3}, (4, 4))
    (tmp_path / "test" / "cat" / "x.png").write_bytes((tmp_path / "train" / "cat" / "3.png").read_bytes())
    (tmp_path / "train" / "dog" / "bad.png").write_bytes(b"")
    with pytest.raises(CorruptFiles):
        data(str(tmp_path))
    text = as_text(data(str(tmp_path), skip_bad=True)).splitlines()
    why = "was taken for image-classification, because its files are images"
    assert text[0] == f"{tmp_path} {why} (another one: --task NAME)."
    assert text[1] == f"{tmp_path}: 1,219 examples of 2 classes (folder)"
    assert text[2] == "Sizes: 4x4x1 (1,219)"
    assert text[3] == "Split: given train and test parts; validation: 10 % of train, stratified, seed 0"
    assert text[5:9] == [
        "class  train  validation  test",
        "cat    1,080         120     4",
        "dog       11           1     3",
        "all    1,091         121     7",
    ]
    assert "Identical copies: 1" in text
    assert "Identical across the split: 1 (test/cat/x.png = train/cat/3.png)" in text
    assert "Left out: 1 (train/dog/bad.png (is empty))" in text
    assert "Note: Classes with fewer than 20 examples: dog (15)" in text


def test_the_seed_changes_the_split(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 20, "dog": 20})
    assert data(str(tmp_path), seed=7).split == "70 % train, 15 % validation, 15 % test; stratified, seed 7"


def test_long_lists_are_cut_in_the_text(tmp_path: Path) -> None:
    report = dataclasses.replace(
        data(str(folder(tmp_path, {"cat": 4, "dog": 4}))),
        suspect_labels=[(f"{index}.png", "cat", "dog") for index in range(50)],
        totals={"suspect_labels": 1234},
    )
    line = next(line for line in as_text(report).splitlines() if line.startswith("Suspect"))
    assert line.startswith("Suspect labels: 1,234 (0.png is labelled cat, looks like dog; 1.png")
    assert line.endswith("; and 1,229 more)")
