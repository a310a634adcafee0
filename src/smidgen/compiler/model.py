"""A network to compile, wherever it comes from: a .tflite file, an .onnx file or a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.bundle import MANIFEST, MODEL, Bundle
from smidgen.compiler import emit
from smidgen.compiler.importers._file import LARGEST_FILE
from smidgen.errors import BundleError, MissingLibrary, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from smidgen.compiler.ir import Program
    from smidgen.types import Runner

TFLITE = b"TFL3"  # bytes 4 to 8 of a file


@dataclass(frozen=True, eq=False)
class Model:
    """A network as its file has it.

    Attributes:
        name: a C identifier.
        file: what the file is called.
        content: of the file.
        program: what an importer made of it.
        bundle: the folder that it lies in, if that is a bundle.
    """

    name: str
    file: str
    content: bytes
    program: Program
    bundle: Path | None = None

    def labels(self) -> list[str]:
        """What the outputs stand for, where the bundle or the file says so."""
        if self.bundle is not None:
            names: list[str] = Bundle.load(self.bundle).answer.to_json().get("names", [])
            return names
        return emit.labels(self.program)

    def original(self) -> Runner | None:
        """The file in the library that it was made for; None where that is not installed.

        Raises:
            BundleError: the library cannot read it.
        """
        from smidgen.runner import LiteRtRunner, OnnxRunner

        if self.program.rounding == "onnx":
            return OnnxRunner(self.content, threads=1, form=self.file)
        try:
            return LiteRtRunner(self.content, self.program.inputs, self.program.outputs)
        except MissingLibrary:
            return None


def load(path: Path, name: str | None = None) -> Model:
    """The model in a file or a bundle.

    Args:
        path: a .tflite file, an .onnx file, or the folder of a bundle.
        name: what its functions in C are called after; by default the file or the folder.

    Raises:
        UsageError: there is no such file, or it is something else; or the name is no C identifier.
        BundleError: the model is damaged.
        Unsupported: it has an operation that the compiler does not know.
        MissingLibrary: the package that reads such files is not installed.
    """
    if name is not None and not emit.NAME.fullmatch(name):
        raise UsageError(f"--name {name!r} cannot be the name of a C function", "Use letters, digits and _")
    file = path
    if path.is_dir():
        if not (path / MANIFEST).is_file():
            raise UsageError(f"{path} is a folder, but not a bundle", "Name a bundle, a .tflite or an .onnx file")
        file = path / MODEL
    content = _content(file)
    program = _program(content, path)
    known = name or emit.identifier(path.resolve().name if path.is_dir() else path.stem)
    return Model(known, file.name, content, program, path if path.is_dir() else None)


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BundleError(f"{file} has {file.stat().st_size:,} bytes; the compiler reads at most {LARGEST_FILE:,}")
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", "Name a .tflite or .onnx file, or a bundle"
        ) from None


def _program(content: bytes, path: Path) -> Program:
    """By what the file says of itself, else by how it is called."""
    if content[4:8] == TFLITE or path.suffix == ".tflite":
        from smidgen.compiler.importers.tflite import read
    elif path.suffix == ".onnx" or path.is_dir():
        from smidgen.compiler.importers.onnx import read
    else:
        raise UsageError(f"{path} is neither a .tflite nor an .onnx file", "Name one of these, or a bundle")
    return read(content)
