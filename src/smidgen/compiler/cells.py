"""Recurrent layers on codes: what their C and the reference executor both need, so that they agree to the bit.

Products of codes are summed as integers: of a sequence that is in codes, and of a state between -1 and 1 in 16 bits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from smidgen.compiler.ir import Value
from smidgen.types import Array

STATE = 32767  # the code of a state of 1
MOST_STATES = 512  # that products of 8 and 16 bits can be summed of in 32 bits


def sequence_in_codes(x: Value | None, weight: Value | None) -> bool:
    """Whether a sequence and what it is multiplied with are codes."""
    if x is None or weight is None or x.quantization is None:
        return False
    return x.dtype in ("uint8", "int8") and weight.dtype == "int8" and len(x.quantization.scales) == 1


def state_in_codes(attributes: Mapping[str, Any], given: Sequence[Value | None]) -> bool:
    """Whether a layer multiplies its state in units of 1 / 32767, as 16 bits.

    It does where the weights are codes and the state lies between -1 and 1: it begins with zeros and its function
    saturates.
    """
    _, _, recurrent, _, _, *states = given
    coded = recurrent is not None and recurrent.dtype == "int8" and recurrent.shape[1] <= MOST_STATES
    return coded and attributes.get("activation") != "relu" and all(one is None for one in states)


def scales(weight: Value, unit: float = 1.0) -> Array:
    """The scale of each row of weights times that of what it is multiplied with, (rows,) float32."""
    given = weight.quantization.scales if weight.quantization is not None else (1.0,)
    return np.broadcast_to(np.asarray(given) * unit, weight.shape[:1]).astype(np.float32)


def bias_less_zero(bias: Array, x: Value, weight: Value) -> Array:
    """Biases with the part of the products that is there because a code of zero is not 0, (rows,) float32.

    Args:
        bias: of each row.
        x: the sequence, in codes.
        weight: codes, (rows, in).
    """
    if x.quantization is None or weight.data is None:
        raise ValueError(f"{x.name} is not in codes")
    sums = x.quantization.zero_point * np.asarray(weight.data, np.int64).sum(axis=1)
    return np.asarray(bias - sums * scales(weight, x.quantization.scale).astype(np.float64), np.float32)
