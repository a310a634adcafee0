"""A fit that is killed again and again, and resumed, ends in the same bytes as an unbroken one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

Start = Callable[[Path, bool, int], int]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """start(out, resume, moment) runs a fit that is killed at that moment: how it ended, as os.wait says it."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.verbs.killed_fit"]
    root, environment = Path(__file__).parents[2], {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, env=environment
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        into, out_of = nursery.stdin, nursery.stdout

        def run(out: Path, resume: bool, moment: int) -> int:
            into.write(json.dumps({"out": str(out), "resume": resume, "moment": moment}) + "\n")
            into.flush()
            return int(out_of.readline())

        yield run
        into.close()


def test_killed_at_random_moments_it_ends_in_the_same_bytes(start: Start, tmp_path: Path) -> None:
    whole, broken, dice, killed = tmp_path / "whole", tmp_path / "broken", np.random.default_rng(0), 0
    assert start(whole, False, 0) == 0
    moment = 2  # before the first step is saved
    while status := start(broken, killed > 0, moment):
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert not (broken / "bundle.json").exists()
        killed, moment = killed + 1, int(dice.integers(25, 70))
        assert killed < 40
    assert killed >= 3
    for name in ("model.onnx", "weights.safetensors"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_resuming_another_run_is_refused(start: Start, tmp_path: Path) -> None:
    import smidgen
    from smidgen.errors import BundleError

    with pytest.raises(BundleError, match="no interrupted run"):
        smidgen.fit("digits", out=tmp_path / "new", resume=True)
    assert os.WTERMSIG(start(tmp_path / "x", False, 9)) == signal.SIGKILL
    with pytest.raises(BundleError, match="other options"):
        smidgen.fit("digits", out=tmp_path / "x", resume=True, seed=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".x.partial"]
