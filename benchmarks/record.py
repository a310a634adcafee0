"""What a benchmark leaves behind: a dated JSON file, and a table for people."""

import importlib.metadata
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smidgen.evidence import host

Row = dict[str, Any]  # one run: name of a column -> a number, a word or None

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("smidgen", "torch", "onnxruntime", "onnx", "numpy")
A_PATH = re.compile(r"(?:^|[\s\"'=:(])(?:/[\w.-]+/|~/|[A-Za-z]:\\)")  # absolute


@dataclass(frozen=True)
class Bar:
    """A number that must be at least, or at most, some limit. A stretch is not needed to pass."""

    what: str
    value: float | None  # None: it was not reached at all
    limit: float
    rule: str = "at least"  # or "at most"
    stretch: bool = False

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.rule == "at least" else self.value <= self.limit


@dataclass(frozen=True)
class Result:
    """One benchmark, run once. `command` repeats it; `trial`: run with settings that are not those of the bars."""

    name: str
    command: str
    rows: Sequence[Row]
    summary: Row
    bars: Sequence[Bar]
    notes: Sequence[str] = ()
    trial: bool = False
    versions: Mapping[str, str] = field(default_factory=lambda: _versions(LIBRARIES))

    @property
    def passed(self) -> bool:
        """Whether all bars hold that must; nothing measured is nothing passed."""
        needed = [bar.holds for bar in self.bars if not bar.stretch]
        return bool(needed) and all(needed)

    def to_json(self) -> Row:
        """Everything, with date, host and commit; without a name or a path of the host."""
        bars = [{**asdict(bar), "holds": bar.holds} for bar in self.bars]
        machine = {key: value for key, value in host().items() if key in ("cpu", "cores", "system", "python")}
        machine["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "")
        when = datetime.now(UTC).isoformat(timespec="seconds")
        made = {"date": when, "commit": _commit(), "host": machine, "passed": self.passed}
        return {**asdict(self), "bars": bars, **made}

    def write(self, folder: Path = RESULTS) -> Path:
        """Save as YYYY-MM-DD-NAME.json; raises ValueError where a path of this machine would go along."""
        state = self.to_json()
        text = json.dumps(state, indent=1, ensure_ascii=False, allow_nan=False)
        leaked = [word for word in strings(state) if A_PATH.search(word)]
        if leaked:
            raise ValueError(f"The result holds a path of this machine: {leaked[0]}")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{state['date'][:10]}-{self.name}{'-trial' if self.trial else ''}.json"
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def text(self) -> str:
        """Rows, summary and bars in Markdown."""
        bars = [
            {
                "bar": bar.what + (" (stretch)" if bar.stretch else ""),
                "measured": bar.value,
                "limit": f"{bar.rule} {_shown(bar.limit)}",
                "holds": "yes" if bar.holds else "NO",
            }
            for bar in self.bars
        ]
        summary = ", ".join(f"{name} {_shown(value)}" for name, value in self.summary.items())
        parts = [f"## {self.name}", table(self.rows), summary, table(bars), *self.notes]
        return "\n\n".join(part for part in parts if part)


def table(rows: Sequence[Row]) -> str:
    """Rows with the same columns as a Markdown table; lists are left out."""
    columns = [name for name, value in rows[0].items() if not isinstance(value, list)] if rows else []
    lines = [columns, ["---"] * len(columns), *([_shown(row[name]) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def strings(value: Any) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [word for item in (*value.keys(), *value.values()) for word in strings(item)]
    return [word for item in value for word in strings(item)] if isinstance(value, list | tuple) else []


def _shown(value: Any) -> str:
    if value is None:
        return "not reached"
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)


def _versions(libraries: Sequence[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in libraries}


def _commit() -> str:
    """The commit that was measured, with a + where the sources differ from it; "" outside of git."""
    root = Path(__file__).parent.parent

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "src") else "")
