"""A bundle's model in the form that a device or a program takes."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from smidgen import registry
from smidgen.bundle import EXPORTS, AnyPath, Bundle, place
from smidgen.report.format import size
from smidgen.types import Json
from smidgen.verbs._table import table


@dataclass(frozen=True)
class Exported:
    """The files of one export."""

    target: str
    folder: Path
    files: tuple[Path, ...]

    def text(self) -> str:
        """One file a line, with its size."""
        return table(("", ""), ((str(self.folder / file), size(_bytes(self.folder / file))) for file in self.files))

    def to_json(self) -> Json:
        """Plain JSON."""
        files = [{"path": str(self.folder / file), "bytes": _bytes(self.folder / file)} for file in self.files]
        return {"target": self.target, "folder": str(self.folder), "files": files}


def export(bundle: AnyPath, *, target: str = "onnx", out: Path | None = None) -> Exported:
    """Write the model of a bundle in another form.

    Examples:
        smidgen export kws --target onnx
        smidgen export kws --target onnx --out firmware/model

    Args:
        bundle: The folder that `smidgen fit` wrote.
        target: The form; `smidgen list targets` shows all.
        out: Where to; by default the folder exports/TARGET of the bundle.

    Raises:
        Unsupported: the target cannot express a layer of the model, or would change the answers.
    """
    source = Bundle.load(bundle)
    module = registry.find("targets", target)
    with tempfile.TemporaryDirectory() as scratch:
        written = [path.relative_to(scratch) for path in module.export(source.path, Path(scratch))]
        content = {path: Path(scratch, path).read_bytes() for path in sorted(written)}
    if out is None:
        source.add({f"{EXPORTS}/{target}/{path.as_posix()}": data for path, data in content.items()})
        folder = source.path / EXPORTS / target
    else:
        folder = out
        place(folder, content)
    return Exported(target, folder, tuple(content))


def _bytes(path: Path) -> int:
    return path.stat().st_size
