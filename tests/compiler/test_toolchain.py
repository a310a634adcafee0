import sys
from pathlib import Path

import numpy as np
import pytest

from smidgen.compiler import emit
from smidgen.compiler.ir import Program
from smidgen.compiler.toolchain import CRunner, build, build_wasm, compiler, library
from smidgen.errors import MissingLibrary, UsageError, VerificationError
from smidgen.types import Array
from tests.compiler.programs import Made


@pytest.fixture
def program() -> Program:
    """Two outputs of one input."""
    made = Made()
    x = made.input("uint8", (5,), 0.5, 10)
    made.add("dequantize", [x], ("float32", (5,)))
    made.add("relu", [x], ("uint8", (5,)), scale=1.0)
    return made.program()


def test_several_outputs_are_named_arrays_of_their_types(program: Program) -> None:
    run = CRunner(emit.write(program, "net"), program)
    found = run({"x0": np.array([[0, 10, 11, 12, 255], [9, 10, 10, 10, 10]], np.uint8)})
    assert run.form == "c"
    assert found["y0"].tolist() == [[-5, 0, 0.5, 1, 122.5], [-0.5, 0, 0, 0, 0]]
    assert found["y1"].dtype == np.uint8
    assert found["y1"].tolist() == [[20, 20, 21, 21, 143], [20] * 5]


def test_two_programs_of_one_name_do_not_meet(program: Program) -> None:
    other = Made()
    other.add("relu", [other.input("float32", (2,))], ("float32", (2,)))
    first, second = (CRunner(emit.write(one, "net"), one) for one in (program, other.program()))
    assert first({"x0": np.full((1, 5), 10, np.uint8)})["y0"].tolist() == [[0] * 5]
    assert second({"x0": np.array([[-1, 2]], np.float32)})["y0"].tolist() == [[0, 2]]


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"x1": np.zeros((1, 5), np.uint8)},
        {"x0": np.zeros((1, 5), np.int8)},
        {"x0": np.zeros((1, 6), np.uint8)},
        {"x0": np.zeros(5, np.uint8)},
    ],
)
def test_inputs_that_do_not_suit_are_refused(program: Program, inputs: dict[str, Array]) -> None:
    run = CRunner(emit.write(program, "net"), program)
    with pytest.raises(UsageError, match="x0"):
        run(inputs)


def test_a_compiler_is_looked_for_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "my-cc --target=this")
    assert compiler() == ["my-cc", "--target=this"]
    monkeypatch.delenv("CC")
    monkeypatch.setattr("shutil.which", lambda name: name if name == "clang" else None)
    assert compiler() == ["clang"]
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert compiler() == [sys.executable, "-m", "ziglang", "cc"]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingLibrary, match=r"needs a C compiler.*pip install \"smidgen\[c\]\""):
        compiler()


@pytest.mark.parametrize(("command", "what"), [("no-such-compiler", "cannot be run"), ("false", "does not compile")])
def test_a_compiler_that_fails_is_one_error(
    command: str, what: str, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", command)
    with pytest.raises(VerificationError, match=what):
        build(emit.write(program, "net"), tmp_path)


def test_wasm_that_does_not_compile_is_one_error(program: Program, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"zig does not compile net\.c: .*error"):
        build_wasm(emit.write(program, "net"), tmp_path, "int exported(void) { return unknown; }")


@pytest.mark.parametrize(
    ("system", "name"), [("linux", "libnet.so"), ("darwin", "libnet.dylib"), ("win32", "libnet.dll")]
)
def test_a_library_is_called_as_the_system_has_it(system: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", system)
    assert library("net") == name
