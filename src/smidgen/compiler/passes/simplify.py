"""A program as an importer finds it, float between roundings, to one of as few operations as can be, on integers.

Importers of QDQ graphs give `dequantize`, float operations and `quantize`; weights are codes with scales. Here an
operation between them becomes one on codes, in the arithmetic of `compiler.arithmetic`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from smidgen.compiler.arithmetic import UNARY, accumulator_scales, limits
from smidgen.compiler.functions import PARTIAL
from smidgen.compiler.ir import BITS, LAYERS, RECURRENT, Operation, Program, Quantization, Value
from smidgen.compiler.passes._bounds import MOST, check, moves
from smidgen.types import Array

ROWS = ("matmul", "softmax", "layer_norm", "resize")
TABLED = tuple(kind for kind in UNARY if kind not in PARTIAL)
ROUNDED = (*LAYERS, *TABLED, *ROWS, "add", "sub", "mul", "sum", "mean", "average_pool2d", "relu", "relu6")
FUSING = {
    "relu": (*LAYERS, "add", "sub", "mul", "average_pool2d"),
    "relu6": (*LAYERS, "add", "sub", "mul", "average_pool2d"),
    "leaky_relu": (*LAYERS, "add"),
}


def simplify(program: Program, outputs: Sequence[str]) -> Program:
    """The same network, simpler, with its outputs called `outputs`.

    Raises:
        ValueError: scales or weights that no integer arithmetic can follow.
    """
    for step in (_enter_integers, _fold_scale, _fold_bias, _find_gelu, _fuse_activations, _to_integers):
        program = _used(step(program))
    for operation in program.operations:
        check(operation, *program.of(operation))
    return _named(program, outputs)


def _makers(program: Program) -> dict[str, Operation]:
    return {name: operation for operation in program.operations for name in operation.outputs}


def _readers(program: Program) -> dict[str, list[Operation]]:
    """Who reads each value; an output of the program counts as one more reader than can be fused with."""
    readers: dict[str, list[Operation]] = {name: [] for name in program.values}
    for operation in program.operations:
        for name in operation.inputs:
            readers.setdefault(name, []).append(operation)
    for name in program.outputs:
        readers[name] += [Operation("output", name, (name,), ())] * 2
    return readers


def _used(program: Program) -> Program:
    """Without what nobody reads."""
    wanted, kept = {*program.inputs, *program.outputs}, []
    for operation in reversed(program.operations):
        if wanted.intersection(operation.outputs):
            wanted.update(operation.inputs)
            kept.append(operation)
    values = {name: value for name, value in program.values.items() if name in wanted}
    return replace(program, values=values, operations=kept[::-1])


def _number(program: Program, operation: Operation | None, kind: str) -> tuple[str, float] | None:
    """What an operation of this kind combines with one constant number: the value and the number."""
    if operation is None or operation.kind != kind:
        return None
    other = program.values[operation.inputs[1]]
    if other.data is None or other.count != 1 or other.dtype != "float32":
        return None
    return operation.inputs[0], float(other.data.item())


def _enter_integers(program: Program) -> Program:
    """(float(x) - zero_point) * scale of an input is what x stands for: its quantisation."""
    makers, readers, values = _makers(program), _readers(program), dict(program.values)
    changed: dict[str, Operation] = {}
    for multiply in program.operations:
        scaled = _number(program, multiply, "mul")
        shifted = scaled and _number(program, makers.get(scaled[0]), "sub")
        entry = shifted and makers.get(shifted[0])
        if not (scaled and shifted and entry) or entry.kind != "dequantize" or entry.inputs[0] not in program.inputs:
            continue
        x = values[entry.inputs[0]]
        alone = all(len(readers[name]) == 1 for name in (x.name, shifted[0], scaled[0]))
        level = shifted[1].is_integer() and limits(x)[0] <= shifted[1] <= limits(x)[1]
        if alone and level and scaled[1] > 0 and x.quantization == Quantization((1.0,), (0,)):
            values[x.name] = replace(x, quantization=Quantization((scaled[1],), (int(shifted[1]),)))
            changed[multiply.outputs[0]] = _ending(entry, multiply)
    return _replaced(program, values, changed)


def _ending(operation: Operation, last: Operation) -> Operation:
    """An operation that now does all up to `last`, whose value and name it gets."""
    return replace(operation, name=last.name, outputs=last.outputs)


def _replaced(program: Program, values: dict[str, Value], changed: dict[str, Operation]) -> Program:
    """With other operations in place of those whose first outputs are the keys of `changed`."""
    operations = [changed.get(operation.outputs[0], operation) for operation in program.operations]
    return replace(program, values=values, operations=operations)


def _behind_layers(program: Program, kind: str) -> Iterator[tuple[Operation, Operation, Array]]:
    """Layers whose output only an operation of this kind reads; it; and the float vector that it takes, (out,)."""
    makers, readers = _makers(program), _readers(program)
    for operation in program.operations:
        layer = makers.get(operation.inputs[0]) if operation.kind == kind else None
        if layer is None or layer.kind not in LAYERS or len(readers[layer.outputs[0]]) != 1:
            continue
        vector, outputs = program.values[operation.inputs[1]], program.values[layer.outputs[0]].shape[-1]
        if vector.data is not None and vector.dtype == "float32" and vector.count == vector.shape[-1] == outputs:
            yield layer, operation, vector.data.reshape(-1)


def _fold_scale(program: Program) -> Program:
    """A float layer times a constant vector is a layer of other weights; batch normalisation begins so."""
    values, changed = dict(program.values), {}
    for layer, multiply, scale in _behind_layers(program, "mul"):
        weight, bias = values[layer.inputs[1]], values.get(layer.inputs[2])
        if weight.quantization is not None or (bias is not None and bias.quantization is not None):
            continue
        values[weight.name] = replace(weight, data=np.asarray((_real(weight).T * scale).T, np.float32))
        if bias is not None:
            values[bias.name] = replace(bias, data=np.asarray(_real(bias) * scale, np.float32))
        changed[multiply.outputs[0]] = _ending(layer, multiply)
    return _replaced(program, values, changed)


def _fold_bias(program: Program) -> Program:
    """A constant vector added to a layer belongs to its bias."""
    values, changed = dict(program.values), {}
    for layer, add, vector in _behind_layers(program, "add"):
        bias = values.get(layer.inputs[2])
        if bias is not None and bias.quantization is not None:
            continue
        total = np.asarray(vector if bias is None else _real(bias) + vector, np.float32)
        values[add.inputs[1]] = Value(add.inputs[1], "float32", total.shape, None, total)
        changed[add.outputs[0]] = _ending(replace(layer, inputs=(*layer.inputs[:2], add.inputs[1])), add)
    return _replaced(program, values, changed)


def _find_gelu(program: Program) -> Program:
    """x * 0.5 * (1 + erf(x / sqrt(2))), in either order of the two products (Hendrycks & Gimpel, arXiv:1606.08415)."""
    makers, readers, changed = _makers(program), _readers(program), {}
    for erf in program.operations:
        scaled = _number(program, makers.get(erf.inputs[0]), "mul") if erf.kind == "erf" else None
        if scaled is None or abs(scaled[1] - 0.5**0.5) > 1e-6:
            continue
        chain = [erf]
        while len(chain) < 4 and len(readers[chain[-1].outputs[0]]) == 1:
            chain += readers[chain[-1].outputs[0]]
        if len(chain) < 4 or _number(program, chain[1], "add") != (erf.outputs[0], 1.0):
            continue
        products = chain[2:]
        halves = [_number(program, product, "mul") for product in products]
        by_x = [product.kind == "mul" and scaled[0] in product.inputs for product in products]
        if any(by_x) and any(half is not None and half[1] == 0.5 for half in halves):
            last = products[-1]
            changed[last.outputs[0]] = Operation("gelu", last.name, (scaled[0],), last.outputs)
    return _replaced(program, program.values, changed)


def _fuse_activations(program: Program) -> Program:
    """An activation that alone reads what an operation gives becomes a part of it."""
    makers, readers, changed = _makers(program), _readers(program), {}
    for activation in program.operations:
        source = makers.get(activation.inputs[0])
        if source is None or source.kind not in FUSING.get(activation.kind, ()):
            continue
        if source.attributes["activation"] == "none" and len(readers[source.outputs[0]]) == 1:
            attributes = {**source.attributes, **activation.attributes, "activation": activation.kind}
            changed[activation.outputs[0]] = _ending(replace(source, attributes=attributes), activation)
    return _replaced(program, program.values, changed)


def _to_integers(program: Program) -> Program:
    return _Integers(program).run()


class _Integers:
    """One walk through a program, in which `codes` says which codes each dequantised value comes from."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.values = dict(program.values)
        self.readers = _readers(program)
        self.codes: dict[str, str] = {}
        self.same: dict[str, str] = {}  # values that turned out to be another one
        self.done: list[Operation] = []

    def run(self) -> Program:
        made: set[str] = set()
        for operation in self.program.operations:
            if operation.outputs[0] in made:
                continue  # a quantize that the operation before it took in
            self._step(replace(operation, inputs=tuple(self.same.get(name, name) for name in operation.inputs)))
            made.update(self.done[-1].outputs if self.done else ())
        outputs = tuple(self.same.get(name, name) for name in self.program.outputs)
        return replace(self.program, values=self.values, operations=self.done, outputs=outputs)

    def _step(self, operation: Operation) -> None:
        kind, first = operation.kind, operation.inputs[0]
        if kind == "dequantize":
            self.codes[operation.outputs[0]] = first
            self.done.append(operation)
        elif kind == "quantize" and first in self.codes:
            self._again(operation)
        elif moves(operation) and all(name in self.codes for name in operation.inputs):
            self._move(operation)
        elif kind in LAYERS:
            self._layer(operation)
        elif kind in RECURRENT and self._code(first) and self.values[operation.inputs[1]].dtype == "int8":
            self.done.append(replace(operation, inputs=(self._code(first) or first, *operation.inputs[1:])))
        elif kind in ROUNDED and self._target(operation) and all(self._code(name) for name in _coded(operation)):
            self._on_codes(operation, [name and (self._code(name) or name) for name in operation.inputs])
        else:
            self.done.append(operation)

    def _code(self, name: str) -> str | None:
        """The 8-bit codes behind a float value or constant."""
        value = self.values[name]
        found = name if value.data is not None and value.quantization is not None else self.codes.get(name)
        return found if found is not None and BITS[self.values[found].dtype] == 8 else None

    def _target(self, operation: Operation) -> Value | None:
        """The codes that an operation's output is rounded to, where nobody else reads it."""
        readers = self.readers[operation.outputs[0]]
        return self.values[readers[0].outputs[0]] if [r.kind for r in readers] == ["quantize"] else None

    def _on_codes(self, operation: Operation, inputs: Sequence[str]) -> None:
        target = self._target(operation)
        outputs = operation.outputs if target is None else (target.name,)
        self.done.append(replace(operation, inputs=tuple(inputs), outputs=outputs))

    def _again(self, operation: Operation) -> None:
        """Codes that are rounded again: the same ones, or in another scale."""
        source, target = self.values[self.codes[operation.inputs[0]]], self.values[operation.outputs[0]]
        if (source.dtype, source.quantization) == (target.dtype, target.quantization):
            self.same[target.name] = source.name
        else:
            self.done.append(replace(operation, kind="requantize", inputs=(source.name,)))

    def _move(self, operation: Operation) -> None:
        """What only moves values moves their codes, once those that meet have one scale."""
        sources = [self.values[self.codes[name]] for name in operation.inputs]
        form = self._target(operation) or sources[0]
        if len({(source.dtype, source.quantization) for source in sources}) == 1:
            form = sources[0]
        names = [self._in_scale(source, form, operation.name) for source in sources]
        output = self.values[operation.outputs[0]]
        moved = replace(output, name=f"{output.name}_codes", dtype=form.dtype, quantization=form.quantization)
        self.values[moved.name] = moved
        self.codes[output.name] = moved.name
        self.done.append(replace(operation, inputs=tuple(names), outputs=(moved.name,)))
        self.done.append(Operation("dequantize", operation.name, (moved.name,), operation.outputs))

    def _in_scale(self, source: Value, form: Value, label: str) -> str:
        if (source.dtype, source.quantization) == (form.dtype, form.quantization):
            return source.name
        name = f"{source.name}_as_{form.name}"
        self.values[name] = replace(source, name=name, dtype=form.dtype, quantization=form.quantization)
        self.done.append(Operation("requantize", label, (source.name,), (name,)))
        return name

    def _layer(self, operation: Operation) -> None:
        """A layer on codes where both its input and its weights are; its output may stay float."""
        source, weight, bias = operation.inputs
        codes = self._code(source)
        if codes is not None and self.values[weight].quantization is not None:
            self._on_codes(operation, [codes, weight, bias and self._bias_codes(codes, weight, bias)])
            return
        for name in filter(None, (weight, bias)):
            self.values[name] = _dequantized(self.values[name])
        self.done.append(operation)

    def _bias_codes(self, source: str, weight: str, bias: str) -> str:
        """The bias in 32 bits at the scale of the accumulator; a bias that is there already keeps its codes."""
        value, scales = self.values[bias], accumulator_scales(self.values[source], self.values[weight])
        quantization = Quantization(tuple(scales.tolist()), (0,) * len(scales), 0 if len(scales) > 1 else None)
        data = value.data
        if value.quantization is None or not np.allclose(value.quantization.scales, scales, rtol=1e-5, atol=0):
            data = np.rint(_real(value) / scales)
            if np.abs(data).max() > MOST:
                raise ValueError(f"the bias {bias!r} is too large for its scale")
        name = f"{bias}_{source}"
        self.values[name] = replace(
            value, name=name, dtype="int32", data=np.asarray(data, np.int32), quantization=quantization
        )
        return name


def _coded(operation: Operation) -> Sequence[str]:
    """The inputs of an operation on codes that must be codes themselves."""
    return operation.inputs[:1] if operation.kind == "layer_norm" else operation.inputs


def _real(value: Value) -> Array:
    """The numbers that a constant stands for, float64."""
    data = np.asarray(value.data, np.float64)
    if value.quantization is None:
        return data
    return np.asarray(data * np.asarray(value.quantization.scales).reshape(-1, *[1] * (data.ndim - 1)))


def _dequantized(value: Value) -> Value:
    return replace(value, dtype="float32", data=np.asarray(_real(value), np.float32), quantization=None)


def _named(program: Program, outputs: Sequence[str]) -> Program:
    """With outputs under the names that the file gives them, and everything else named for the step that it is of."""
    operations = list(program.operations)
    names = {name: name for name in program.inputs}
    values = dict(program.values)
    for old, new in zip(program.outputs, outputs, strict=True):
        if old in names:  # an input, or an output already: a value of its own
            if new in values:
                raise ValueError(f"two values are called {new}")
            values[new] = replace(values[old], name=new)
            operations.append(Operation("reshape", new, (old,), (new,)))
        names[new if old in names else old] = new
    for index, operation in enumerate(operations):
        names.setdefault(operation.outputs[0], f"{operation.kind}_{index}")
        roles = (
            ("input", "weight", "bias")
            if operation.kind in LAYERS
            else [f"input_{at}" for at in range(len(operation.inputs))]
        )
        for role, name in zip(roles, operation.inputs, strict=True):
            if name and values[name].data is not None:
                names.setdefault(name, f"{operation.kind}_{index}_{role}")
    if len({*names.values()}) != len(names):
        raise ValueError("an input or output has the name of a step")
    return Program(
        {names[name]: replace(value, name=names[name]) for name, value in values.items()},
        [_renamed(operation, names) for operation in operations],
        program.inputs,
        tuple(outputs),
        program.rounding,
        program.metadata,
    )


def _renamed(operation: Operation, names: dict[str, str]) -> Operation:
    inputs, outputs = (tuple(name and names[name] for name in given) for given in (operation.inputs, operation.outputs))
    return replace(operation, inputs=inputs, outputs=outputs)
