"""Further functions of one number: what they are on floats, and with `arithmetic.table` on codes.

Each is defined everywhere that C's function is, with the same limits (an infinity, or not a number).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

Function = Callable[[float, Mapping[str, Any]], float]
MOST = 88.7  # exp of more does not fit a float32


def _log(x: float) -> float:
    return math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


FUNCTIONS: dict[str, Function] = {
    "abs": lambda x, _: abs(x),
    "clip": lambda x, given: min(max(x, float(given["low"])), float(given["high"])),
    "elu": lambda x, given: float(given["gamma"]) * (x if x > 0 else float(given["alpha"]) * math.expm1(x)),
    "erf": lambda x, _: math.erf(x),
    "exp": lambda x, _: math.exp(min(x, MOST)),
    "floor": lambda x, _: float(math.floor(x)) if math.isfinite(x) else x,
    "log": lambda x, _: _log(x),
    "mish": lambda x, _: x * math.tanh(_softplus(x)),
    "neg": lambda x, _: -x,
    "reciprocal": lambda x, _: 1 / x if x else math.copysign(math.inf, x),
    "softplus": lambda x, _: _softplus(x),
    "sqrt": lambda x, _: math.sqrt(x) if x >= 0 else math.nan,
}
"""clip has low and high, elu alpha and gamma (Klambauer et al. 2017, arXiv:1706.02515)."""

PARTIAL = ("log", "reciprocal", "sqrt")  # not a number, or infinite, for some: they stay on floats
