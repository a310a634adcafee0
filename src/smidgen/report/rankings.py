"""Rankings: beside popularity, how far down the list what people chose is found, and how much of the stock is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import format as fmt
from smidgen.report.charts import Axis, Series, chart
from smidgen.report.panels import Grid, Panel, measured
from smidgen.report.plots import WIDE

if TYPE_CHECKING:
    from smidgen.report.facts import Facts
    from smidgen.types import Array

TITLE = "What it recommends"
TOP = 10
DEEPEST = 100  # places of the curve
LISTED = 10
BLOCK = 512  # people at once: their scores of all items are sorted


def panels(facts: Facts) -> list[Panel]:
    """What was measured; with the outcome also where on the list the chosen items were."""
    found = [Panel(grid=measured(facts))]
    if facts.outcome is None or not len(facts.outcome.target):
        return found
    output, target = np.asarray(facts.outcome.output), np.asarray(facts.outcome.target)
    target = target.reshape(len(target), -1)
    if output.ndim != 2 or not output.shape[1]:
        return found
    places, shown = _places(output, target)
    return [*found, _depth(places, target, output.shape[1]), _stock(facts, shown, output.shape[1])]


def _places(output: Array, target: Array) -> tuple[Array, Array]:
    """The place, from 0, of the best placed chosen item of each person, and how often each item is in a top list."""
    shown = np.zeros(output.shape[1], np.int64)
    best = np.full(len(output), output.shape[1], np.int64)
    for start in range(0, len(output), BLOCK):
        rows, chosen = output[start : start + BLOCK], target[start : start + BLOCK]
        order = np.argsort(-rows, axis=1, kind="stable")
        np.add.at(shown, order[:, :TOP], 1)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(order.shape[1])[None], axis=1)
        own = np.where(chosen >= 0, np.take_along_axis(rank, np.maximum(chosen, 0), axis=1), output.shape[1])
        best[start : start + BLOCK] = own.min(axis=1)
    return best, shown


def _depth(places: Array, target: Array, items: int) -> Panel:
    depth = np.arange(1, min(DEEPEST, items) + 1)
    share = np.array([(places < k).mean() for k in depth])
    hits = fmt.percent(float((places < TOP).mean()), 0.02)
    blind = 1 - (1 - min(TOP / items, 1.0)) ** float((target >= 0).sum(axis=1).mean())
    text = (
        f"For {hits} of {len(places):,} people something that they chose later is among its first {TOP} "
        f"of {items:,} items; {TOP} items drawn blindly would do so for {fmt.percent(blind, 0.02)}."
    )
    plot = chart(
        "People with a choice of theirs among the first",
        f"Share of people by how long the list is; {hits} at {TOP}",
        Axis("length of the list", 1.0, shown=fmt.count),
        Axis("", 0.0, shown="{:.0%}".format),
        [Series(depth, share)],
        frame=WIDE,
    )
    return Panel(text=[text], plots=[plot])


def _stock(facts: Facts, shown: Array, items: int) -> Panel:
    """How much of what there is ever gets shown, and what is shown most."""
    names = list(getattr(facts.answer, "items", ()) or getattr(facts.answer, "names", ()))
    people = max(int(shown.sum()) // min(TOP, items), 1)
    order = np.argsort(-shown, kind="stable")[:LISTED]
    rows = [
        [fmt.short(names[k] if k < len(names) else f"item {k + 1}", 60), fmt.percent(shown[k] / people, 0.02)]
        for k in order.tolist()
        if shown[k]
    ]
    covered = int((shown > 0).sum())
    text = f"Among the first {TOP} of anybody are {covered:,} of {items:,} items: {fmt.percent(covered / items, 0.02)}."
    return Panel("What it shows most", [text], grid=Grid(("item", f"people with it among the first {TOP}"), rows))
