"""What telephone exchanges say, recorded in up to five languages, as Debian packages them (8 kHz WAV, CC BY-SA 3.0).

Four people speak five languages, so that a model may know a language by the voice: it is a sample, not a benchmark.
"""

from pathlib import Path

from smidgen.data.folder import FolderFiles
from smidgen.data.listing import Listing, Sample
from smidgen.errors import DataError

FOLDER = Path("/usr/share/asterisk/sounds")
LANGUAGES = {"en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ru": "Russian"}
HEADER = 64  # bytes; one of the prompts is nothing else
PACKAGES = " ".join(f"asterisk-core-sounds-{code}-wav" for code in LANGUAGES)


def _listing(name: str) -> Listing:
    """The prompts of all languages that are installed; raises DataError where there are not two."""
    found = [
        (path.relative_to(FOLDER).as_posix(), language)
        for code, language in LANGUAGES.items()
        for path in sorted(FOLDER.glob(f"{code}_*/**/*.wav"))
        if path.parent.name != "silence" and path.stat().st_size > HEADER
    ]
    if len({language for _, language in found}) < 2:
        raise DataError(f"The sample {name} is not installed", f"On Debian: apt install {PACKAGES}")
    names, labels = zip(*found, strict=True)
    return Listing(name, "sample", list(names), list(labels), FolderFiles(FOLDER, names))


SAMPLE = Sample("2,800 spoken telephone prompts in five languages, from Debian's asterisk-core-sounds", _listing)
