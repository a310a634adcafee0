from pathlib import Path

import pytest

from smidgen.data.load import load
from smidgen.errors import DataError
from smidgen.samples import spoken_prompts
from tests.signals.test_sounds import SOUND, wav


def test_it_says_which_packages_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken_prompts, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="apt install asterisk-core-sounds-en-wav"):
        load("spoken-prompts")


def test_the_folders_of_languages_are_its_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("en_US_f_Allison/digits", "fr_CA_f_June", "fr_CA_f_June/silence"):
        (tmp_path / folder).mkdir(parents=True)
        for index in range(8):
            (tmp_path / folder / f"{index}.wav").write_bytes(wav(SOUND * (index + 1) // (9 + len(folder))))
    monkeypatch.setattr(spoken_prompts, "FOLDER", tmp_path)
    data = load("spoken-prompts")
    assert data.report.classes == ("English", "French")
    assert sum(sum(part.values()) for part in data.report.counts.values()) == 16
