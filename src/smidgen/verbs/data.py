"""What is in a source, before anything is trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.types import DataReport, Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED = 5  # entries of a list that the text shows; the report itself has more


def data(
    source: str,
    *,
    task: str | None = None,
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    ignore: list[str] | None = None,
    normal: str | None = None,
    window: int | None = None,
    hop: int | None = None,
    horizon: int | None = None,
    skip_bad: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> DataReport:
    """Check the examples of a source: counts, sizes, damaged files, duplicates, labels that look wrong.

    Examples:
        smidgen data photos/
        smidgen data scans.zip --skip-bad --json

    Args:
        source: A folder with one sub-folder per class (also in a .zip), a table (.csv, .tsv, .parquet), a folder of
            tables or of idx files, a .npz, a .csv with the columns path and label, or the name of a sample.
        task: What the data is for. Without it, the task is inferred from the data.
        target: The column to predict; by default found by its name, else the last one.
        group: The column of what must stay on one side of the split: patients, speakers, engines.
        time: The column that orders rows.
        ignore: A column to leave out; may be given more than once.
        normal: The class of normal examples, where what is not normal is to be found.
        window: Steps of a series in one example, or bytes of a text.
        hop: Steps from one window to the next.
        horizon: Steps to forecast.
        skip_bad: Leave damaged files out and list them, instead of stopping.
        seed: Of the split into train, validation and test parts, where the source gives none.
        progress: Told how far the reading is.

    Returns:
        What was found, all of it JSON.

    Raises:
        DataError: The source cannot be read, or cannot be learnt from.
        CorruptFiles: Some of its files are damaged.
    """
    given = {name: value for name, value in locals().items() if name not in ("source", "task", "skip_bad", "progress")}
    from smidgen.data.load import load
    from smidgen.verbs.fit import reading_options

    return load(source, task=task, skip_bad=skip_bad, progress=progress, **reading_options(given)).report


def as_text(report: DataReport) -> str:
    """A report for the terminal: a table of counts, then one paragraph for each thing worth knowing."""
    total = sum(sum(classes.values()) for classes in report.counts.values())
    sizes = sorted(report.sizes, key=lambda size: -report.sizes[size])
    lines = [
        report.why,
        f"{report.source}: {total:,} examples{_of(report)} ({report.layout})",
        f"Sizes: {_some([f'{size} ({report.sizes[size]:,})' for size in sizes], len(sizes))}",
        f"Split: {report.split}",
        "",
        *_table(report),
        "",
        f"Identical copies: {report.exact_duplicates:,}",
        _listed(
            "Identical across the split",
            [f"{one} = {other}" for one, other in report.crossing_duplicates],
            report.totals.get("crossing_duplicates", 0),
        ),
        _listed(
            "Nearly identical across the split",
            [f"{one} ~ {other}" for one, other in report.near_duplicates],
            report.totals.get("near_duplicates", 0),
        ),
        _listed(
            "Suspect labels",
            [f"{name} is labelled {label}, looks like {likelier}" for name, label, likelier in report.suspect_labels],
            report.totals.get("suspect_labels", 0),
        ),
    ]
    if report.skipped:
        skipped = [f"{name} ({why})" for name, why in report.skipped]
        lines.append(_listed("Left out", skipped, report.totals.get("skipped", 0)))
    return "\n".join([*lines, *(f"Note: {warning}" for warning in report.warnings)])


def _of(report: DataReport) -> str:
    return f" of {len(report.classes)} classes" if report.classes else ""


def _table(report: DataReport) -> list[str]:
    """Counts by class and part, in aligned columns."""
    parts = list(report.counts)
    rows = [["class" if report.classes else "", *parts]]
    rows += [[name, *(f"{report.counts[part].get(name, 0):,}" for part in parts)] for name in report.classes]
    rows.append(["all", *(f"{sum(report.counts[part].values()):,}" for part in parts)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _listed(title: str, entries: Sequence[str], total: int) -> str:
    return f"{title}: {total:,}" + (f" ({_some(entries, total)})" if entries else "")


def _some(entries: Sequence[str], total: int) -> str:
    shown = list(entries[:LISTED])
    return "; ".join([*shown, *([f"and {total - len(shown):,} more"] if total > len(shown) else [])])
