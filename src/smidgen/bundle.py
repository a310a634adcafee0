"""The artefact: a folder that holds a model, its proof and its history, readable without smidgen.

    bundle.json          what the model is, how it was made, and size and SHA-256 of every file below
    model.onnx           the shipped graph, from raw sensor values to the answer
    weights.safetensors  float weights, to go on training
    evidence.json        every measurement
    report.html          what a person reads
    exports/             the model in other forms

A bundle is written whole or not at all: into a sibling folder, which then takes the place of the old one. Loading
trusts nothing: whatever is in `bundle.json`, the result is a bundle whose files are what they were, or a BundleError.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import smidgen
from smidgen import registry
from smidgen.errors import BundleError, StorageError, UsageError
from smidgen.evidence import Evidence, as_object, entry, host
from smidgen.runner import OnnxRunner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from smidgen.types import Answer, Json, Measure, Signal

SCHEMA = 1
MANIFEST = "bundle.json"
MODEL = "model.onnx"
WEIGHTS = "weights.safetensors"
EVIDENCE = "evidence.json"
REPORT = "report.html"
EXPORTS = "exports"
LARGEST_JSON = 16 * 2**20  # bytes; a manifest is some kilobytes
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,7}")

AnyPath = str | os.PathLike[str]  # a Bundle, too: it is the path of its folder

# What `save` is given, and what it adds.
GIVEN: dict[str, type[Any]] = {
    "task": str,
    "family": str,
    "size": int,
    "parameters": int,
    "options": dict,
    "signal": dict,
    "answer": dict,
    "data": dict,
    "history": list,
    "seeds": list,
}
ADDED: dict[str, type[Any]] = {"schema": int, "smidgen": str, "versions": dict, "files": dict}


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk. `manifest` is the content of `bundle.json`, checked."""

    path: Path
    manifest: Mapping[str, Json]

    @classmethod
    def load(cls, path: AnyPath) -> Bundle:
        """Open the bundle at `path` and check every file of it.

        Raises:
            BundleError: missing, damaged, tampered with, or written by a newer smidgen.
        """
        folder = _absolute(path)
        with suppress(OSError):
            _recover(folder)
        try:
            manifest = _manifest(folder)
            for name, record in manifest["files"].items():
                _check_file(folder, name, record)
        except OSError as error:
            raise BundleError(f"{folder} cannot be read: {error.strerror}") from None
        bundle = cls(folder, manifest)
        _ = bundle.signal, bundle.answer, bundle.evidence
        return bundle

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.name

    @cached_property
    def signal(self) -> Signal:
        """The kind of input, with what was learnt about it."""
        return _noun("signals", "SIGNAL", self.manifest["signal"], "signal")  # type: ignore[no-any-return]

    @cached_property
    def answer(self) -> Answer:
        """The kind of output, with its names."""
        return _noun("answers", "ANSWER", self.manifest["answer"], "answer")  # type: ignore[no-any-return]

    @cached_property
    def evidence(self) -> Evidence | None:
        """What was measured; None before anything was."""
        if EVIDENCE not in self.manifest["files"]:
            return None
        return Evidence.from_json(_read_json(self.path / EVIDENCE))

    def runner(self, threads: int | None = None) -> OnnxRunner:
        """The shipped model in onnxruntime; `threads`: None is one for each core.

        Raises:
            BundleError: the graph cannot run, or takes something else than the signal gives.
        """
        runner = OnnxRunner(self.path / MODEL, threads)
        if runner.inputs != [self.signal.input] or self.answer.output not in runner.outputs:
            raise BundleError(
                f"{MODEL} goes from {runner.inputs} to {runner.outputs}, but {MANIFEST} says it goes from "
                f"{self.signal.input} to {self.answer.output}"
            )
        return runner

    @property
    def _measures(self) -> tuple[Measure, ...]:
        return (*self.evidence.measures, *self.evidence.comparison) if self.evidence else ()

    @property
    def _title(self) -> str:
        return f"{self.manifest['task']}, {self.manifest['family']}, {self.manifest['parameters']:,} parameters"

    def add(self, files: Mapping[str, bytes | Path], step: Mapping[str, Json] | None = None) -> Bundle:
        """The same bundle with further or newer files, and `step` at the end of its history; replaces it on disk."""
        kept = {name: self.path / name for name in self.manifest["files"]}
        given = {name: self.manifest[name] for name in GIVEN}
        given["history"] = [*given["history"], *([dict(step)] if step else [])]
        return save(self.path, given, {**kept, **files})

    def text(self) -> str:
        """For a terminal: what it is, and its headline numbers."""
        lines = [f"{self.path}: {self._title}"]
        lines += [f"  {m.name:<20} {_number(m.value, m.unit)}  {m.form}" for m in self._measures]
        if REPORT in self.manifest["files"]:
            lines.append(f"Report: {self.path / REPORT}")
        return "\n".join(lines)

    def to_json(self) -> Json:
        """Plain JSON: the manifest, and what was measured."""
        return {"path": str(self.path), **self.manifest, "measures": [asdict(m) for m in self._measures]}

    def _repr_html_(self) -> str:
        """For notebooks: what it is, and its headline numbers."""
        rows = "".join(
            f"<tr><td>{escape(m.name)}</td><td>{escape(_number(m.value, m.unit))}</td>"
            f"<td>{escape(_spread(m))}</td><td>{escape(m.form)}</td></tr>"
            for m in self._measures
        )
        return (
            f"<p><b>{escape(self.name)}</b><br>{escape(self._title)}</p><table><tr><th>measure</th><th>value</th>"
            f"<th>interval</th><th>form</th></tr>{rows}</table>"
        )


def _number(value: float, unit: str) -> str:
    if unit == "fraction":
        return f"{100 * value:.2f} %"
    return f"{value:,.0f} {unit}" if unit in ("bytes", "count") else f"{value:.4g} {unit}"


def _spread(measure: Measure) -> str:
    if not measure.low < measure.high:
        return ""
    return f"{_number(measure.low, measure.unit)} to {_number(measure.high, measure.unit)}"


def save(folder: AnyPath, manifest: Mapping[str, Json], files: Mapping[str, bytes | Path]) -> Bundle:
    """Write a bundle, whole or not at all; one that is there already is replaced.

    Args:
        folder: where; its parents are made.
        manifest: the fields of `GIVEN`; `signal` and `answer` hold their `kind` beside their state.
        files: relative name -> content, or a file to copy. `model.onnx` must be among them.

    Raises:
        BundleError: the manifest or the files do not make a bundle.
        StorageError: the disk is full, or permission is missing; nothing is left behind, and an old bundle stays.
        UsageError: `folder` holds something that is not a bundle.
    """
    target = _absolute(folder)
    fresh = target.with_name(f".{target.name}.new")
    with _storage(target, fresh):
        target.parent.mkdir(parents=True, exist_ok=True)
        _recover(target)
        check_free(target)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        records = {name: _write(fresh, name, content) for name, content in sorted(files.items())}
        whole = {
            "schema": SCHEMA,
            "smidgen": smidgen.__version__,
            **{name: manifest.get(name) for name in GIVEN},
            "versions": {key: value for key, value in host().items() if key not in ("cpu", "cores")},
            "files": records,
        }
        _check_manifest(whole)
        _write(fresh, MANIFEST, dump_json(whole))
        _sync(fresh)
        _swap(fresh, target)
    return Bundle.load(target)


def place(folder: AnyPath, files: Mapping[Path, bytes]) -> None:
    """Write files into a folder that may hold others, each one whole or not at all. Raises StorageError."""
    target = _absolute(folder)
    for name, content in files.items():
        path = target / name
        fresh = path.with_name(f".{path.name}.new")
        with _storage(path, fresh):
            path.parent.mkdir(parents=True, exist_ok=True)
            _fill(fresh, content)
            fresh.replace(path)


def dump_json(value: Json) -> bytes:
    """JSON for a bundle: strict, readable, UTF-8. Raises BundleError for what JSON cannot hold."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BundleError(f"This cannot be kept in a bundle: {error}") from None
    # File names that are not UTF-8 hold lone surrogates, which JSON can only spell as escapes.
    return f"{text}\n".encode("utf-8", "backslashreplace")


def check_free(folder: AnyPath) -> None:
    """Raise UsageError where saving a bundle to `folder` would destroy something else than a bundle."""
    target = _absolute(folder)
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"{target} is a file", "Choose another folder with --out")
    known = _known(target)
    strangers = [path.name for path in target.iterdir() if path.name not in known]
    if strangers or (any(target.iterdir()) and not (target / MANIFEST).is_file()):
        listed = ", ".join(sorted(strangers)[:5]) or "files without a bundle.json"
        raise UsageError(
            f"{target} holds what is not part of a bundle and would be lost: {listed}",
            "Choose another folder with --out, or move these away",
        )


def _known(folder: Path) -> set[str]:
    """What may lie in a bundle: files that smidgen writes, or the manifest lists, and the litter of file managers."""
    known = {MANIFEST, MODEL, WEIGHTS, EVIDENCE, REPORT, EXPORTS, ".DS_Store", "Thumbs.db", "desktop.ini"}
    with suppress(BundleError, OSError):
        known |= {name.partition("/")[0] for name in _manifest(folder)["files"]}
    return known


# Writing


@contextmanager
def _storage(target: Path, fresh: Path) -> Iterator[None]:
    """Turn what the disk refuses into a StorageError, and leave no half-written folder behind."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}", "Free some space or choose another --out"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        with suppress(OSError):
            fresh.unlink()


def _write(folder: Path, name: str, content: bytes | Path) -> dict[str, Json]:
    """Put one file on the disk, for good, and return its record."""
    if not SAFE_NAME.fullmatch(name):
        raise BundleError(f"{name!r} cannot be the name of a file in a bundle")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.read_bytes()
    _fill(path, data)
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _fill(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(fresh: Path, target: Path) -> None:
    """Let `fresh` take the place of `target`. After a crash at any point, `_recover` finds the old one or the new."""
    old = _old(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        _recover(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _recover(target: Path) -> None:
    """Put back the old bundle where a crash came between moving it away and moving the new one in."""
    if not target.exists() and (_old(target) / MANIFEST).is_file():
        _old(target).rename(target)


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _sync(folder: Path) -> None:
    """Put names of files on the disk for good, where the system can do that for folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# Reading what nobody vouches for


def _absolute(path: AnyPath) -> Path:
    """Without links and dots, so that siblings are where we think."""
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"{str(path)!r} cannot be the path of a bundle: {error}") from None


def _manifest(folder: Path) -> dict[str, Json]:
    if not folder.exists():
        raise BundleError(f"There is no bundle at {folder}", "`smidgen fit` makes one")
    if not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} is not a bundle: it has no {MANIFEST}")
    manifest = as_object(_read_json(folder / MANIFEST), MANIFEST)
    _check_manifest(manifest)
    return manifest


def _read_json(path: Path) -> Json:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_JSON + 1)
        if len(data) > LARGEST_JSON:
            raise BundleError(f"{path.name} is larger than {LARGEST_JSON} bytes")
        return json.loads(data, parse_constant=_refuse)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path.name} is not valid JSON: {error}") from None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _check_manifest(manifest: dict[str, Json]) -> None:
    schema = entry(manifest, "schema", int, MANIFEST)
    if schema > SCHEMA:
        raise BundleError(
            f"The bundle has schema {schema}; this smidgen knows {SCHEMA}", "Upgrade: pip install -U smidgen"
        )
    if schema < 1:
        raise BundleError(f"{MANIFEST}: the field schema should be 1 or more, not {schema}")
    for name, kind in {**ADDED, **GIVEN}.items():
        entry(manifest, name, kind, MANIFEST)
    for name in ("signal", "answer"):
        if len(entry(manifest[name], "kind", str, f"{MANIFEST}: {name}")) > 100:
            raise BundleError(f"{MANIFEST}: {name}.kind is no name of a kind")
    for name in ("size", "parameters"):
        if not 0 <= manifest[name] < 2**63:
            raise BundleError(f"{MANIFEST}: the field {name} should be a count, not {manifest[name]}")
    for step in manifest["history"]:
        as_object(step, f"{MANIFEST}: each step of history")
    if MODEL not in manifest["files"]:
        raise BundleError(f"{MANIFEST}: the field files does not list {MODEL}")


def _check_file(folder: Path, name: str, record: Json) -> None:
    """The file `name` is inside the folder, is a plain file, and is what `record` says."""
    where = f"{MANIFEST}: files: {name[:100]!r}"
    sha256 = entry(as_object(record, where), "sha256", str, where)
    size = entry(record, "bytes", int, where)
    path = folder / name
    if not SAFE_NAME.fullmatch(name) or path.resolve() != path:
        raise BundleError(f"{where} leads out of the bundle", "Do not trust this bundle")
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise BundleError(f"{folder} lacks the file {name}", "Copy the bundle again, as a whole") from None
    if not stat.S_ISREG(found.st_mode):
        raise BundleError(f"{where} is not a plain file")
    if found.st_size != size or _digest(path) != sha256:
        raise BundleError(
            f"The file {name} of {folder} has changed since it was written (its SHA-256 differs)",
            "Take the original bundle, or fit again",
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _noun(kind: str, constant: str, state: Mapping[str, Json], where: str) -> Any:
    """A signal or an answer from its state in the manifest."""
    try:
        cls = getattr(registry.find(kind, state["kind"]), constant)
    except UsageError as error:
        raise BundleError(f"{MANIFEST}: {where}.kind: {error.what}", error.hint) from None
    return cls.from_json({name: value for name, value in state.items() if name != "kind"})
