"""Numbers as a person reads them. 1 KB is 1024 bytes, as the makers of microcontrollers count."""

import math
import re
from dataclasses import replace

from smidgen.types import Measure

UNKNOWN = "n/a"
MOST_DECIMALS = 4
# Control characters, lone surrogates of undecodable file names, and marks that reverse the direction of what follows.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
INDICES = {"auc", "r2", "ndcg", "mrr", "map", "standing"}  # shares that are written 0.93, not 93 %
NAMES = {
    "auc": "AUC",
    "r2": "R\N{SUPERSCRIPT TWO}",
    "ndcg": "nDCG",
    "rmse": "RMSE",
    "mae": "MAE",
    "f1": "F1",
    "ppv": "PPV",
}
UNITS = re.compile(r"(?<=\d) (?=%|(?:B|KB|MB|GB|µs|ms|s|min|h|dB|million|points?)\b)")


def clean(text: str) -> str:
    """`text` without the characters that break a page or a terminal."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def short(text: object, most: int = 40) -> str:
    """`text` cut to `most` characters."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def unbroken(text: str) -> str:
    """Numbers kept on one line with their unit."""
    return UNITS.sub("\N{NO-BREAK SPACE}", text)


def decimals(width: float) -> int:
    """How many decimals a percentage deserves whose interval is `width` wide (a fraction); two where it is exact."""
    if not width > 0:
        return 2
    return min(max(math.ceil(-math.log10(100 * width / 4)), 0), MOST_DECIMALS)


def percent(share: float, width: float = 0.004) -> str:
    """A fraction as "99.4 %", as precise as an interval of that `width` allows. Only 1 is "100 %", only 0 "0 %"."""
    return UNKNOWN if not math.isfinite(share) else f"{_hundred(share, decimals(width))} %"


def interval(low: float, high: float) -> str:
    """Two fractions as "99.2 to 99.5 %"."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNKNOWN
    places = decimals(high - low)
    return f"{100 * low:.{places}f} to {100 * high:.{places}f} %"


def _hundred(share: float, places: int) -> str:
    value = 100 * share
    if 0 < share < 1:
        while places < MOST_DECIMALS and round(value, places) in (0, 100):
            places += 1
        step = 10.0**-places
        value = min(max(value, step), 100 - step)
    return f"{value:.{places}f}"


def points(difference: float) -> str:
    """A difference of two fractions, in percentage points: "-0.02"."""
    return UNKNOWN if not math.isfinite(difference) else f"{round(100 * difference, 2) + 0.0:+.2f}"


def size(count: float) -> str:
    """Bytes as "812 B", "41.2 KB", "1.50 MB": three digits that count."""
    return _scaled(count, 1024, ("B", "KB", "MB", "GB"))


def duration(milliseconds: float) -> str:
    """One run of a model: "85.0 µs", "1.20 ms", "2.50 s"."""
    return _scaled(milliseconds * 1000, 1000, ("µs", "ms", "s"))


def clock(seconds: float) -> str:
    """Long work: "4.2 s", "3 min 5 s", "2 h 10 min"."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def count(number: float) -> str:
    """A whole number as "12,345"; from ten million on as "23.1 million"."""
    if not math.isfinite(number):
        return UNKNOWN
    return f"{number:,.0f}" if abs(number) < 1e7 else f"{number / 1e6:,.1f} million"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """ "1 class", "2 classes"."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def named(name: str) -> str:
    """The name of a measure as a person writes it: "nDCG@10", "detection rate"."""
    return "".join(NAMES.get(part, part) for part in re.split("([@_])", name)).replace("_", " ")


def index(name: str) -> bool:
    """Whether the measure of this name is written as a number around 0 to 1 and not in percent."""
    return re.split("[@_]", name)[0] in INDICES


def scored(share: float, name: str, width: float = 0.004) -> str:
    """A share as its measure is written: "0.93" or "93 %"."""
    if not index(name):
        return percent(share, width)
    places = min(decimals(width), 2) + 2 if width > 0 else 3
    return f"{share:.{places}f}" if math.isfinite(share) else UNKNOWN


def number(real: float) -> str:
    """Any number with four digits that count: "1,234", "12.35", "0.0012"."""
    if not math.isfinite(real):
        return UNKNOWN
    size = abs(real)
    if size and not 1e-4 <= size < 1e7:
        return f"{real:.3g}"
    places = 3 - math.floor(math.log10(size)) if size else 0
    shown = f"{real:,.{max(places, 0)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def value(measure: Measure) -> str:
    """A measure in its own unit."""
    if measure.unit == "fraction":
        return scored(measure.value, measure.name, measure.high - measure.low)
    kinds = {"bytes": size, "ms": duration, "count": count}
    known = kinds.get(measure.unit)
    return known(measure.value) if known else f"{number(measure.value)} {measure.unit}".strip()


def spread(measure: Measure) -> str:
    """The interval of a measure; empty where it has none."""
    if measure.low == measure.high:
        return ""
    ends = measure.low, measure.high
    if measure.unit == "fraction" and not index(measure.name):
        return interval(*ends)
    if measure.unit in {"bytes", "ms"}:
        return " to ".join(value(replace(measure, value=end)) for end in ends)
    if measure.unit == "fraction":
        return " to ".join(scored(end, measure.name, measure.high - measure.low) for end in ends)
    return " to ".join(map(number, ends)) + f" {measure.unit}".rstrip()


def _scaled(number: float, base: int, units: tuple[str, ...]) -> str:
    if not math.isfinite(number):
        return UNKNOWN
    last = len(units) - 1
    power = 0
    while power < last and abs(number) >= base * (1 - 0.5e-3):  # 1023.9 B would print as 1024 B, not as 1.00 KB
        number /= base
        power += 1
    if power == 0 and base == 1024:
        return f"{number:.0f} {units[0]}"
    places = max(0, 2 - math.floor(math.log10(abs(number)))) if abs(number) >= 1 else 2
    return f"{number:.{places}f} {units[power]}"
