"""Finds spectrograms: a Fourier transform, its powers, and weighted sums of these become one operation.

The importer reads STFT as a convolution with windowed sines, which takes half a megabyte of flash for frames of 512.
Where only powers of it are used, summed up by constant weights (mel filters, say), `ops/band_powers.py` does the same
with a fast transform, frame by frame, from the samples themselves.
"""

from dataclasses import replace

import numpy as np

from smidgen.compiler.ir import Operation, Program, Quantization, Value

MOST = 2**13  # samples of a frame


def fuse_band_powers(program: Program) -> Program:
    """The same program with `band_powers` where it has spectrograms."""
    return _Finder(program).run()


class _Finder:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.makers = {name: operation for operation in program.operations for name in operation.outputs}
        self.readers: dict[str, list[Operation]] = {}
        for operation in program.operations:
            for name in dict.fromkeys(operation.inputs):
                self.readers.setdefault(name, []).append(operation)

    def run(self) -> Program:
        values, changed = dict(self.program.values), {}
        for transform in self.program.operations:
            last = self._sums(transform) if "window" in transform.attributes else None
            if last is None:
                continue
            window, weight = values[transform.attributes["window"]], values[last.inputs[1]]
            bands = weight.shape[0]
            flat = Value(f"{weight.name}_bands", "float32", (bands, weight.count // bands), None, None)
            values[flat.name] = replace(flat, data=np.asarray(weight.data).reshape(flat.shape))
            inputs = self._samples(transform.inputs[0]), window.name, flat.name
            attributes = {"step": transform.attributes["stride"][1]}
            changed[last.outputs[0]] = Operation("band_powers", last.name, inputs, last.outputs, attributes)
        operations = [changed.get(operation.outputs[0], _plain(operation)) for operation in self.program.operations]
        return replace(self.program, values=values, operations=operations)

    def _sums(self, transform: Operation) -> Operation | None:
        """The layer that sums up the powers of a transform, where nothing else reads it."""
        size = self.program.values[transform.attributes["window"]].count
        square = self._next(transform)
        if square is None or square.kind != "mul" or len({*square.inputs}) > 1 or size > MOST or size & (size - 1):
            return None
        total = self._next(square)
        pairs = total and total.kind == "sum" and self.program.values[total.inputs[0]].shape[-1] == 2
        if not total or not pairs or total.attributes["axes"] != (len(self.program.values[total.inputs[0]].shape) - 1,):
            return None
        layer = self._next(total)
        if layer is None or layer.kind != "conv2d" or layer.inputs[2]:
            return None
        weight = self.program.values[layer.inputs[1]]
        plain = layer.attributes["stride"] == (1, 1) and not any(layer.attributes["padding"])
        suits = weight.dtype == "float32" and weight.shape[1:] == (1, 1, size // 2 + 1)
        return layer if plain and suits else None

    def _next(self, operation: Operation) -> Operation | None:
        """What alone reads the output of an operation, in whatever shape."""
        name = operation.outputs[0]
        found = self.readers.get(name, [])
        if len(found) != 1 or name in self.program.outputs:
            return None
        return self._next(found[0]) if found[0].kind == "reshape" else found[0]

    def _samples(self, name: str) -> str:
        """The samples behind a signal in another shape: 16-bit integers where they are no more than made floats."""
        maker = self.makers.get(name)
        if maker is not None and maker.kind == "reshape":
            return self._samples(maker.inputs[0])
        if maker is not None and maker.kind == "dequantize":
            source = self.program.values[maker.inputs[0]]
            if source.dtype == "int16" and source.quantization == Quantization((1.0,), (0,)):
                return source.name
        return name


def _plain(operation: Operation) -> Operation:
    """Without the note of the importer."""
    if "window" not in operation.attributes:
        return operation
    kept = {name: value for name, value in operation.attributes.items() if name != "window"}
    return replace(operation, attributes=kept)
