"""One raw input as a reader can take it in: a picture, words, a waveform to be heard, a row, curves, a list."""

from __future__ import annotations

import base64
import io
import math
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.report import format as fmt
from smidgen.report import pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.types import Array, Signal

WORDS = 280  # characters of a message
ROW = 12  # columns of a row
CHANNELS = 6  # of a series
MOST = 1e38  # of a value that is drawn
ITEMS = 8  # of a history, the latest
WIDTH, HEIGHT = 120, 40  # of curves, in their own units
HEARD_RATE = 8000  # a sound is given as 8-bit samples at about this rate
HEARD_BYTES = 8192


@dataclass(frozen=True)
class Shown:
    """`kind` says which of the others holds the example: image (uri), text, sound (paths, uri), row, curves, items."""

    kind: str
    uri: str = ""
    text: str = ""
    paths: Sequence[str] = ()  # what SVG calls points, in a box of WIDTH x HEIGHT
    pairs: Sequence[tuple[str, str]] = ()
    items: Sequence[str] = ()
    more: int = 0  # columns, channels or items that are not shown

    @property
    def size(self) -> int:
        """About how many bytes it takes in the page."""
        return sum(map(len, (self.uri, self.text, *self.paths, *self.items, *(a + b for a, b in self.pairs)))) + 200


def shown(content: Array, signal: Signal | None) -> Shown | None:
    """A raw input of `signal`; without one, a picture where it can be one. None: it cannot be shown."""
    kinds: dict[str, Callable[[Array, dict[str, Any]], Shown]] = {
        "image": _image,
        "text": _text,
        "audio": _sound,
        "table": _row,
        "series": _curves,
        "interactions": _items,
    }
    kind = signal.kind if signal is not None else "image"
    if kind not in kinds or (kind == "image" and (content.ndim not in {2, 3} or content.dtype != np.uint8)):
        return None
    return kinds[kind](np.asarray(content), signal.to_json() if signal is not None else {})


def _image(content: Array, _: dict[str, Any]) -> Shown:
    return Shown("image", uri=pictures.data_uri(content))


def _text(content: Array, _: dict[str, Any]) -> Shown:
    whole = content.astype(np.uint8).tobytes().rstrip(b"\0").decode("utf-8", "replace")
    return Shown("text", text=fmt.short(" ".join(whole.split()), WORDS))


def _sound(content: Array, state: dict[str, Any]) -> Shown:
    """The envelope as a closed curve, and the sound itself, coarse and short."""
    samples = content.reshape(-1).astype(np.float64)
    loudest = max(float(np.abs(samples).max(initial=0)), 1.0)
    starts = np.unique(np.linspace(0, len(samples) - 1, WIDTH + 1).astype(np.int64)[:-1])
    high = HEIGHT / 2 * (1 - np.maximum.reduceat(samples, starts) / loudest)
    low = HEIGHT / 2 * (1 - np.minimum.reduceat(samples, starts) / loudest)
    across = np.arange(len(starts)) * WIDTH / max(len(starts), 1)
    ends = [*zip(across, high, strict=True), *zip(across[::-1], low[::-1], strict=True)]
    return Shown("sound", paths=[_points(ends)], uri=_heard(samples, loudest, int(state.get("rate", 16_000))))


def _heard(samples: Array, loudest: float, rate: int) -> str:
    """A WAV of 8-bit samples of at most `HEARD_BYTES`, as loud as can be."""
    step = max(1, -(-rate // HEARD_RATE))
    kept = samples[: len(samples) // step * step].reshape(-1, step).mean(axis=1)[:HEARD_BYTES]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(max(rate // step, 1))
        file.writeframes(np.clip(kept / loudest * 127 + 128, 0, 255).astype(np.uint8).tobytes())
    return f"data:audio/wav;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _row(content: Array, state: dict[str, Any]) -> Shown:
    values = content.reshape(-1).tolist()
    names, kinds = _columns(state, len(values))
    pairs = [(names[k], _cell(value, kinds[k])) for k, value in enumerate(values[:ROW])]
    return Shown("row", pairs=pairs, more=max(0, len(values) - ROW))


def _columns(state: dict[str, Any], count: int) -> tuple[list[str], list[Sequence[str]]]:
    """Names and categories (empty for numbers) of the columns of a table, or the channels of a signal."""
    numbers, categories = state.get("numbers") or state.get("channels") or [], state.get("categories") or []
    if len(numbers) + len(categories) != count:
        return [f"column {k + 1}" for k in range(count)], [[]] * count
    names = [*map(str, numbers), *(str(name) for name, _ in categories)]
    return names, [*[[] for _ in numbers], *(levels for _, levels in categories)]


def _cell(value: float, categories: Sequence[str]) -> str:
    if math.isnan(value):
        return "missing"
    if not categories:
        return fmt.number(float(f"{value:.5g}"))
    return str(categories[int(value)]) if 0 <= value < len(categories) else "unknown"


def _curves(content: Array, state: dict[str, Any]) -> Shown:
    """Each channel in a strip of its own; a single step is a row."""
    steps = np.nan_to_num(np.asarray(content, np.float64).reshape(len(content), -1), posinf=MOST, neginf=-MOST)
    if len(steps) == 1:
        return _row(steps, state)
    drawn = steps[:, np.ptp(steps, axis=0) > 0][:, :CHANNELS] if len(steps) else steps
    return Shown("curves", paths=[spark(column) for column in drawn.T], more=max(0, steps.shape[1] - drawn.shape[1]))


def spark(values: Array) -> str:
    """A curve that fills its box, as SVG points; peaks stay."""
    finite = np.nan_to_num(np.asarray(values, np.float64), posinf=MOST, neginf=-MOST)
    low, span = float(finite.min()), float(np.ptp(finite)) or 1.0
    places = np.arange(len(finite))
    if len(finite) > 2 * WIDTH:
        starts = np.linspace(0, len(finite) - 1, WIDTH + 1).astype(np.int64)[:-1]
        ends = np.append(starts[1:], len(finite))
        both = [(a + int(part.argmin()), a + int(part.argmax())) for a, b in zip(starts, ends, strict=True)
                if len(part := finite[a:b])]  # fmt: skip
        places = np.array([place for pair in both for place in sorted(pair)])
    x = places * WIDTH / max(len(finite) - 1, 1)
    return _points(zip(x, HEIGHT * (1 - (finite[places] - low) / span), strict=True))


def _points(pairs: Any) -> str:
    return " ".join(f"{x:.4g},{y:.3g}" for x, y in pairs)


def _items(content: Array, state: dict[str, Any]) -> Shown:
    names = state.get("items") or state.get("names") or []
    history = [int(number) for number in content.reshape(-1).tolist() if number > 0]
    titles = [str(names[k - 1]) if k - 1 < len(names) else f"item {k}" for k in history]
    return Shown("items", items=[fmt.short(title, 60) for title in titles[-ITEMS:]], more=max(0, len(titles) - ITEMS))
