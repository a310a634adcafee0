import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from smidgen.data import listing as listings
from smidgen.data.load import load, taken_for
from smidgen.data.sources import listing as listing_of
from smidgen.errors import DataError, UsageError
from smidgen.signals.image import ImageSignal
from smidgen.types import Array, Dataset, Event, Part
from tests.data.build import encoded, folder, idx_pair, labels_of, noise


def everything(part: Part) -> Array:
    return part.inputs[np.arange(len(part))]


def parts(data: Dataset) -> list[Part]:
    return [data.train, data.validation, data.test]


def test_a_folder_becomes_a_dataset(tmp_path: Path) -> None:
    data = load(folder(tmp_path, {"dog": 20, "cat": 20}, (6, 8, 3)))
    assert data.report.classes == ("cat", "dog")
    assert data.answer.to_json() == {"names": ["cat", "dog"], "positive": 1, "threshold": 0.5}
    assert data.signal.input.shape == data.train.inputs.shape == (6, 8, 3)
    assert [len(part) for part in parts(data)] == [28, 6, 6]
    assert data.report.counts["train"] == {"cat": 14, "dog": 14}
    assert data.report.sizes == {"6x8x3": 40}
    for part in parts(data):
        for name, pixels, target in zip(part.names, everything(part), part.targets, strict=True):
            assert name.startswith(("cat", "dog")[target])
            assert (pixels == np.asarray(Image.open(tmp_path / name))).all()


def test_normalisation_is_learnt_from_the_training_part_alone(tmp_path: Path) -> None:
    for part, level in (("train", 100), ("val", 10), ("test", 250)):
        for label in ("a", "b"):
            (tmp_path / part / label).mkdir(parents=True)
            for index in range(4):
                pixels = np.full((4, 4), level, np.uint8)
                pixels[0, 0] = level + index + (label == "b") * 2 - 5
                (tmp_path / part / label / f"{index}.png").write_bytes(encoded(pixels))
    signal = load(tmp_path).signal
    assert isinstance(signal, ImageSignal)
    assert signal.zero_point == 100
    assert signal.scale == 1  # the deviation is below one level


def test_idx_with_given_parts(tmp_path: Path) -> None:
    images, labels = noise(60, 5, 5), labels_of(60, 3)
    idx_pair(tmp_path, "train", images[:45], labels[:45])
    idx_pair(tmp_path, "t10k", images[45:], labels[45:], packed=True)
    data = load(tmp_path)
    assert (everything(data.test)[..., 0] == images[45:]).all()
    assert (data.test.targets == labels[45:]).all()
    assert len(data.train) + len(data.validation) == 45
    assert data.report.split == "given train and test parts; validation: 10 % of train, stratified, seed 0"


def test_names_and_order_of_files_change_nothing(tmp_path: Path) -> None:
    one = load(folder(tmp_path / "one", {"cat": 20, "dog": 20}))
    for label in ("cat", "dog"):
        (tmp_path / "two" / label).mkdir(parents=True)
        for path in (tmp_path / "one" / label).iterdir():
            (tmp_path / "two" / label / f"{99 - int(path.stem)}.png").write_bytes(path.read_bytes())
    two = load(tmp_path / "two")
    assert one.fingerprint == two.fingerprint
    ones, twos = ({pixels.tobytes() for pixels in everything(data.test)} for data in (one, two))
    assert ones == twos


def test_the_fingerprint_knows_pixels_and_labels(tmp_path: Path) -> None:
    images, labels = noise(20, 4, 4), labels_of(20)
    touched = images.copy()
    touched[3, 2, 1] ^= 1
    variants = [(images, labels), (touched, labels), (images, 1 - labels)]
    prints = {load(idx_pair(tmp_path / str(at), "train", *pair)).fingerprint for at, pair in enumerate(variants)}
    assert len(prints) == 3


def test_a_set_larger_than_memory_is_read_from_a_file(tmp_path: Path) -> None:
    source = folder(tmp_path / "photos", {"cat": 12, "dog": 12}, (6, 8, 3))
    small = load(source, memory_bytes=0, work=tmp_path / "work")
    large = load(source)
    assert small.fingerprint == large.fingerprint
    assert small.report == large.report
    assert (everything(small.train) == everything(large.train)).all()
    assert list((tmp_path / "work").iterdir()) == []


MEASURE = """
import resource, sys
from pathlib import Path
from typing import BinaryIO
from smidgen.data.load import load
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
load(folder / "small", memory_bytes=limit, work=folder / "work")
before = peak()
data = load(folder / "large", memory_bytes=limit, work=folder / "work")
total = sum(len(part) for part in (data.train, data.validation, data.test))
print(peak() - before, total * 512 * 512 * 3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
def test_memory_stays_bounded_on_a_set_many_times_its_limit(tmp_path: Path) -> None:
    limit = 8 * 2**20
    tiles = noise(12, 8, 8, 3)
    for name, count in (("small", 24), ("large", 100)):
        for index in range(count):
            path = tmp_path / name / ("cat", "dog")[index % 2] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(tiles[index % 12] ^ np.uint8(index)).resize((512, 512), Image.Resampling.NEAREST)
            image.save(path, compress_level=1)
    # The small set is there so that what libraries take once does not count.
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), str(limit)], capture_output=True, text=True, check=True
    )
    grown, decoded = map(int, run.stdout.split())
    assert decoded > 9 * limit
    assert grown < 4 * limit


def test_images_without_colour_lose_their_channels(tmp_path: Path) -> None:
    grey = noise(24, 6, 6)
    for index, pixels in enumerate(grey):
        path = tmp_path / ("cat", "dog")[index % 2] / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded(np.repeat(pixels[..., None], 3, axis=2)))
    data = load(tmp_path)
    assert data.signal.input.shape == (6, 6, 1)
    assert data.report.sizes == {"6x6x3": 24}
    for name, pixels in zip(data.test.names, everything(data.test), strict=True):
        assert (pixels[..., 0] == grey[int(Path(name).stem)]).all()


def test_images_of_many_sizes_are_resized(tmp_path: Path) -> None:
    for index in range(12):
        folder(tmp_path / str(index), {"cat": 1, "dog": 1}, (40 + index, 60 + index, 3))
        for label in ("cat", "dog"):
            (tmp_path / "all" / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / str(index) / label / "0.png").rename(tmp_path / "all" / label / f"{index}.png")
    assert load(tmp_path / "all", resolution=16).signal.input.shape == (16, 24, 3)
    data = load(tmp_path / "all")
    assert data.signal.input.shape == (46, 68, 3)  # the medians of the shorter side and of the aspect
    assert len(data.report.sizes) == 12


def test_groups_stay_on_one_side(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 30, "dog": 30})
    lines = [f"{label}/{index}.png,{label},g{index % 10}" for label in ("cat", "dog") for index in range(30)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,group", *lines]), encoding="utf-8")
    data = load(tmp_path / "list.csv")
    groups = [{int(Path(name).stem) % 10 for name in part.names} for part in parts(data)]
    assert sum(len(group) for group in groups) == 10
    assert "groups kept whole" in data.report.split


def test_torn_groups_of_given_parts_are_told(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 8, "dog": 8})
    numbered = [(label, index) for label in ("cat", "dog") for index in range(8)]
    lines = [f"{label}/{i}.png,{label},{i % 4},{'train' if i < 5 else 'test'}" for label, i in numbered]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,group,part", *lines]), encoding="utf-8")
    report = load(tmp_path / "list.csv").report
    assert "Groups that are in more than one of the given parts: 1, 2, 3" in report.warnings


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    data = load(folder(tmp_path, {"10": 3, "9": 3, "b": 3, "-1": 3}))
    assert data.report.classes == ("-1", "9", "10", "b")


def test_class_names_may_be_in_any_script(tmp_path: Path) -> None:
    data = load(folder(tmp_path, {"猫": 3, "chien d'été": 3, 'a "b" <c> & d': 3}))
    assert set(data.report.classes) == {"猫", "chien d'été", 'a "b" <c> & d'}


def test_wrong_extensions_are_told(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 4, "dog": 4})
    (tmp_path / "cat" / "0.png").rename(tmp_path / "cat" / "0.jpg")
    assert "Names that do not match the content: cat/0.jpg is PNG" in load(tmp_path).report.warnings


def test_identical_images_with_two_labels_are_told(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 5, "dog": 5})
    (tmp_path / "dog" / "x.png").write_bytes((tmp_path / "cat" / "3.png").read_bytes())
    report = load(tmp_path).report
    assert "Identical examples with more than one label: cat/3.png" in report.warnings
    assert report.exact_duplicates == 1
    assert report.crossing_duplicates == []


def test_copies_across_given_parts_are_told(tmp_path: Path) -> None:
    folder(tmp_path, {"train/cat": 5, "train/dog": 5, "test/cat": 2, "test/dog": 2})
    (tmp_path / "test" / "cat" / "x.png").write_bytes((tmp_path / "train" / "cat" / "3.png").read_bytes())
    report = load(tmp_path).report
    assert ("test/cat/x.png", "train/cat/3.png") in report.crossing_duplicates
    assert report.totals["crossing_duplicates"] == len(report.crossing_duplicates)


def test_imbalance_is_told(tmp_path: Path) -> None:
    warnings = load(folder(tmp_path, {"cat": 44, "dog": 4})).report.warnings
    assert "Classes with fewer than 20 examples: dog (4)" in warnings
    assert "The classes are out of balance: 44 examples of cat, 4 of dog" in warnings


def test_progress_reaches_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smidgen.data.reading.BLOCK_BYTES", 200)
    events: list[Event] = []
    load(folder(tmp_path, {"cat": 6, "dog": 6}), progress=events.append)
    assert [event.done for event in events] == [3, 6, 9, 12]
    assert {(event.stage, event.total) for event in events} == {("read", 12)}
    assert events[-1].left == 0


def test_every_example_is_read_a_fixed_number_of_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading is linear: ten times the examples are ten times the bytes."""
    read: list[int] = []
    exactly = listings.exactly

    def counted(stream: BinaryIO, size: int, name: str) -> bytes:
        read.append(size)
        return exactly(stream, size, name)

    monkeypatch.setattr(listings, "exactly", counted)
    totals = []
    for count in (100, 1000):
        load(idx_pair(tmp_path / str(count), "train", noise(count, 4, 4), labels_of(count)))
        totals.append(sum(read))
        read.clear()
    assert totals[1] == 10 * totals[0]


@pytest.mark.parametrize("resolution", [0, -5, 3, 10_000])
def test_resolutions_that_make_no_sense(tmp_path: Path, resolution: int) -> None:
    with pytest.raises(UsageError, match="resolution"):
        load(folder(tmp_path, {"cat": 3, "dog": 3}), resolution=resolution)


def test_tasks_by_name() -> None:
    found = listing_of("digits")
    asked, why = taken_for(found, "image-classification")
    assert asked.task.signal == "image"
    assert why == "digits is used for image-classification, as asked."
    inferred, why = taken_for(found, None)
    assert inferred == asked == taken_for(found, asked.task)[0]
    assert why.startswith("digits was taken for image-classification, because its arrays are stacks of pictures")
    with pytest.raises(UsageError, match="no task called 'image-clasification'"):
        taken_for(found, "image-clasification")


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\n" + "a word,good\nanother,bad\n" * 5, encoding="utf-8")
    with pytest.raises(DataError, match=r"no column called 'lable'\. Did you mean label"):
        load(tmp_path / "t.csv", target="lable")


def test_a_task_for_other_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", allow_pickle=False, x=np.array(["some", "text"] * 5), y=np.arange(10) % 2)
    with pytest.raises(DataError, match="suits no task"):
        load(tmp_path / "data.npz")
