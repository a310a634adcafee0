import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smidgen.bundle import Bundle, save
from smidgen.data.load import load
from smidgen.errors import CorruptFiles, DataError
from smidgen.verbs.evaluate import evaluate
from tests.conftest import write_image


def right(labels: list[str], levels: list[int]) -> int:
    """How many of these flat pictures the tiny model gets right."""
    return sum((level > 128) == (label == "bright") for label, level in zip(labels, levels, strict=True))


def test_the_own_test_part_is_measured_by_default(proven_bundle: Bundle, pictures: Path) -> None:
    found = evaluate(proven_bundle)
    test = load(pictures).test
    levels = [int(example[0, 0, 0]) for example in test.inputs[np.arange(len(test))]]
    accuracy = found.measures[0]
    assert (accuracy.name, accuracy.n, accuracy.split) == ("accuracy", len(test), "test")
    labels = [name.split("/")[0] for name in test.names]
    assert accuracy.value == pytest.approx(right(labels, levels) / len(test))
    assert sum(map(sum, found.confusion)) == len(test)
    assert proven_bundle.evidence is not None
    assert accuracy == proven_bundle.evidence.find("accuracy")


def test_other_parts_can_be_named(proven_bundle: Bundle) -> None:
    assert evaluate(proven_bundle, part="train").measures[0].n > evaluate(proven_bundle).measures[0].n


def test_other_data_is_taken_whole_whatever_its_size(tiny_bundle: Bundle, tmp_path: Path) -> None:
    from PIL import Image

    for name, level in (("dark/a.jpg", 9), ("dark/b.png", 190), ("bright/c.bmp", 200)):
        path = tmp_path / "new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((31, 17, 3), level, np.uint8)).save(path)
    found = evaluate(tiny_bundle, str(tmp_path / "new"))
    assert found.measures[0].n == 3
    assert found.confusion == ((1, 0), (1, 1))
    assert "bright" in found.text()
    assert json.loads(json.dumps(found.to_json()))["confusion"] == [[1, 0], [1, 1]]


def test_only_the_test_part_of_other_data_with_parts(tiny_bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures, tmp_path / "parts" / "train")
    write_image(tmp_path / "parts" / "test" / "dark" / "x.png", 1)
    found = evaluate(tiny_bundle, str(tmp_path / "parts"))
    assert (found.measures[0].n, found.measures[0].value) == (1, 1.0)
    with pytest.raises(DataError, match="no validation part"):
        evaluate(tiny_bundle, str(tmp_path / "parts"), part="validation")


def test_a_zip_and_arrays_are_data_too(tiny_bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        for path in pictures.rglob("*.png"):
            archive.write(path, path.relative_to(pictures))
    assert evaluate(tiny_bundle, str(tmp_path / "new.zip")).measures[0].value == pytest.approx(27 / 30)
    images = np.repeat(np.array([1, 2, 250], np.uint8), 16).reshape(3, 4, 4)
    labels = np.array(["dark", "dark", "bright"])
    np.savez(tmp_path / "new.npz", x=images, y=labels)
    assert evaluate(tiny_bundle, str(tmp_path / "new.npz")).measures[0].value == 1.0


def test_arrays_of_another_size_are_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", x=np.zeros((3, 5, 5), np.uint8), y=np.array(["dark"] * 3))
    with pytest.raises(DataError, match="are 5x5x1, but 4x4x1 is wanted"):
        evaluate(tiny_bundle, str(tmp_path / "new.npz"))


def test_a_colour_model_takes_grey_files(tmp_path: Path, manifest: dict[str, Any], tiny_model: bytes) -> None:
    """Its sensor has three channels, even where all of them are equal."""
    from smidgen.verbs._examples import others

    manifest["signal"]["channels"] = 3
    colour = save(tmp_path / "colour", manifest, {"model.onnx": tiny_model})
    write_image(tmp_path / "new" / "dark" / "a.png", 1)
    write_image(tmp_path / "new" / "bright" / "b.png", 250)
    part = others(colour, str(tmp_path / "new"), "test")
    assert part.inputs[np.arange(2)].shape == (2, 4, 4, 3)


def test_classes_that_the_model_does_not_know(tiny_bundle: Bundle, pictures: Path) -> None:
    write_image(pictures / "dusk" / "a.png", 128)
    with pytest.raises(DataError, match="classes that the model does not know: dusk"):
        evaluate(tiny_bundle, str(pictures))


def test_damaged_files_are_listed(tiny_bundle: Bundle, pictures: Path) -> None:
    (pictures / "dark" / "x.png").write_bytes(b"")
    with pytest.raises(CorruptFiles, match=r"dark/x\.png"):
        evaluate(tiny_bundle, str(pictures))


def test_the_own_data_must_be_what_it_was(proven_bundle: Bundle, pictures: Path) -> None:
    write_image(pictures / "dark" / "0.png", 77)
    with pytest.raises(DataError, match="fingerprint differs"):
        evaluate(proven_bundle)
    shutil.rmtree(pictures)
    with pytest.raises(DataError, match=r"cannot be read again.*--data"):
        evaluate(proven_bundle)
