"""Runs fits that may be killed: one line of JSON on stdin starts one, one line on stdout says how it ended.

    {"out": folder, "resume": false, "moment": 17}    killed at its 17th moment; 0: never

Each fit is a process of its own, forked from one that has loaded what is needed. A moment is the start of a training
step, or just before or after a file of the journal or the bundle takes its place.
"""

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import smidgen
import smidgen.evidence
import smidgen.search.fitting
import smidgen.search.plan
import smidgen.training.loop
import smidgen.verbs._proof
from smidgen.training.loop import Training

if TYPE_CHECKING:
    from collections.abc import Callable


def shorten() -> None:
    """Make a fit quick, let it train in integers, and save after every step."""
    smidgen.search.plan.ROUND = 6
    smidgen.search.fitting.TOLERANCE = -1.0
    smidgen.search.fitting.TEACHER = 2000
    smidgen.search.fitting.LESSONS = 2000
    smidgen.training.loop.SAVE_EVERY = 0.0
    measure = smidgen.evidence.measure_latency
    vars(smidgen.verbs._proof)["measure_latency"] = lambda runner, data: measure(runner, data, 0.0, 1)


def watch(moment: int) -> None:
    """Kill this process, without any last word, at that moment."""
    count = itertools.count(1)

    def tick() -> None:
        if next(count) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    step: Callable[..., float] = Training._step
    replace = os.replace

    def watched_step(self: Training, *arguments: Any) -> float:
        tick()
        return step(self, *arguments)

    def watched_replace(*arguments: Any) -> None:
        tick()
        replace(*arguments)
        tick()

    Training._step = watched_step  # type: ignore[method-assign, assignment]
    os.replace = watched_replace  # type: ignore[assignment]


def fit(job: dict[str, Any]) -> int:
    """The status of a fit in a child process."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        watch(job["moment"])
        options: dict[str, Any] = {"family": "cnn", "params": "900", "epochs": 2, "ema": 0.9, "batch_size": 256}
        smidgen.fit("digits", out=Path(job["out"]), resume=job["resume"], **options)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  the child must never return
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)


if __name__ == "__main__":
    shorten()
    for line in sys.stdin:
        sys.stdout.write(f"{fit(json.loads(line))}\n")
        sys.stdout.flush()
