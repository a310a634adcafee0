import json
from pathlib import Path

import pytest

from smidgen.bundle import Bundle
from smidgen.errors import BundleError, CorruptFiles, DataError, UsageError
from smidgen.verbs import predict as module
from smidgen.verbs.predict import predict
from tests.conftest import write_image


def test_files_and_folders_are_answered_in_order(tiny_bundle: Bundle, tmp_path: Path) -> None:
    night = write_image(tmp_path / "night.png", 3)
    write_image(tmp_path / "days" / "b.png", 250)
    write_image(tmp_path / "days" / "deep" / "a.png", 240)
    write_image(tmp_path / "days" / ".hidden" / "c.png", 240)
    found = predict(tiny_bundle, [night, str(tmp_path / "days")])
    assert [Path(each.path).name for each in found.predictions] == ["night.png", "b.png", "a.png"]
    assert [each.answer["label"] for each in found.predictions] == ["dark", "bright", "bright"]
    assert found.text().splitlines()[0].split() == [str(night), "dark", "100.0", "%"]


def test_json_holds_the_probability_of_every_class(tiny_bundle: Bundle, tmp_path: Path) -> None:
    picture = write_image(tmp_path / "dusk.png", 125)
    (each,) = json.loads(json.dumps(predict(tiny_bundle, [picture]).to_json()))["predictions"]
    assert each["label"] == "dark"
    assert list(each["probabilities"]) == ["dark", "bright"]
    assert each["probability"] == each["probabilities"]["dark"]
    assert sum(each["probabilities"].values()) == pytest.approx(1)


def test_top_says_how_many_classes_are_shown(tiny_bundle: Bundle, tmp_path: Path) -> None:
    picture = write_image(tmp_path / "dusk.png", 125)
    assert "bright" not in predict(tiny_bundle, [picture]).text()
    assert "bright" in predict(tiny_bundle, [picture], top=2).text()
    assert list(predict(tiny_bundle, [picture], top=1).predictions[0].answer["probabilities"]) == ["dark"]
    with pytest.raises(UsageError, match="--top 0"):
        predict(tiny_bundle, [picture], top=0)


def test_batches_do_not_change_the_answers(
    tiny_bundle: Bundle, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict(tiny_bundle, [pictures])
    done: list[float] = []
    monkeypatch.setattr(module, "BATCH", 7)
    batched = predict(tiny_bundle, [pictures], progress=lambda event: done.append(event.done))
    assert [each.path for each in batched.predictions] == [each.path for each in whole.predictions]
    assert [each.answer["label"] for each in batched.predictions] == [
        each.answer["label"] for each in whole.predictions
    ]
    assert done == [7, 14, 21, 28, 30]


def test_damaged_files_are_listed_or_left_out(tiny_bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    (pictures / "note.png").write_text("not a picture")
    missing = tmp_path / "none.png"
    with pytest.raises(CorruptFiles, match=r"2 files.*note\.png.*none\.png"):
        predict(tiny_bundle, [pictures, missing])
    found = predict(tiny_bundle, [pictures, missing], skip_bad=True)
    assert len(found.predictions) == 30
    assert [Path(path).name for path, _ in found.skipped] == ["note.png", "none.png"]
    assert "skipped: " in found.text()


def test_nothing_to_predict(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no files in .*empty"):
        predict(tiny_bundle, [tmp_path / "empty"])
    with pytest.raises(DataError, match="no files"):
        predict(tiny_bundle, [])
    with pytest.raises(BundleError, match="no bundle"):
        predict(tmp_path / "none", [tmp_path])
