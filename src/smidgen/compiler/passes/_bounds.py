"""Whether the arithmetic of integer operations can follow them: 32-bit sums never overflow, scales are in range."""

from collections.abc import Sequence

from smidgen.compiler.arithmetic import UNARY, channel_multipliers, common_multipliers, largest_sum, multiplier
from smidgen.compiler.ir import LAYERS, Operation, Value
from smidgen.compiler.normalising import LONGEST_NORM, LONGEST_SOFTMAX, share

MOVES = ("reshape", "transpose", "concat", "pad", "max_pool2d", "slice", "expand", "spread", "max", "min")
MOST = 2**31 - 1


def moves(operation: Operation) -> bool:
    """Whether an operation gives elements of its inputs, as they are."""
    return operation.kind in MOVES or (operation.kind == "resize" and operation.attributes["mode"] == "nearest")


def check(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> None:
    """Raises ValueError where the arithmetic cannot follow an operation on codes."""
    x, (y, *_) = given[0], wanted
    if x is None or x.quantization is None:
        return
    if operation.kind in LAYERS:
        _check_layer(x, given[1], given[2], y)
    elif y.quantization is None or moves(operation) or operation.kind in UNARY:
        return
    elif operation.kind in ("add", "sub", "mul", "matmul"):
        _check_pair(operation, given, y)
    elif operation.kind == "softmax":
        share(y.quantization)
        _check_count(operation, x.shape[-1], LONGEST_SOFTMAX)
    elif operation.kind == "layer_norm":
        _check_count(operation, x.shape[-1], LONGEST_NORM)
    else:
        multiplier(x.quantization.scale / y.quantization.scale)
        _check_count(operation, x.count, MOST // 255)


def _check_count(operation: Operation, count: int, most: int) -> None:
    if count > most:
        raise ValueError(f"{operation.name} sums {count} codes; at most {most} fit its integers")


def _check_pair(operation: Operation, given: Sequence[Value | None], y: Value) -> None:
    scales = [value.quantization.scale for value in given if value is not None and value.quantization is not None]
    target = y.quantization.scale if y.quantization is not None else 1.0
    if operation.kind in ("add", "sub"):
        common_multipliers([scale / target for scale in scales])
    else:
        multiplier(scales[0] * scales[1] / target)
    if operation.kind == "matmul" and given[0] is not None:
        depth = given[0].shape[operation.attributes["a_order"][2]]
        _check_count(operation, depth, MOST // 255**2)


def _check_layer(x: Value, weight: Value | None, bias: Value | None, y: Value) -> None:
    if x.quantization is None or weight is None or weight.data is None:
        return
    if largest_sum(x, weight, bias) > MOST:
        raise ValueError(f"sums of {weight.name} do not fit 32 bits")
    if y.quantization is not None:
        channel_multipliers(x, weight, y)
