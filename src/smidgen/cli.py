"""The command line: one command per verb, made from the verb's signature and docstring.

A command is imported when it is used; the list of commands takes its summaries from the source text.
"""

from __future__ import annotations

import ast
import importlib.util
import json as jsonlib
import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts import config as configs

import smidgen
from smidgen.errors import SmidgenError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from inspect import BoundArguments

    from smidgen.types import Event, Json, Progress

RENAMED = {
    "data_report": "data",
    "listing": "list",
    "compile_model": "compile",
}  # Python's name -> the command, where they differ
COMMON = Group("Common options", sort_key=9)
SECONDS_BETWEEN_LINES = 5.0  # of progress, where stderr is a file
EPILOGUE = """Start with:
    smidgen fit mnist-5k --device cortex-m4 --out digits
    smidgen verify digits
    smidgen predict digits FILE..."""

app = App(
    name="smidgen",
    help="Give it data and a device; get the smallest model that does the job, with proof, in a form that runs there.",
    help_epilogue=EPILOGUE,
    help_format="plaintext",
    version=smidgen.__version__,
    # `progress` is for Python.
    default_parameter=Parameter(
        parse=re.compile(r"^(?!progress$)"),
        negative_iterable=(),
        show_default=lambda value: None if value is False else value,
    ),
)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Errors are one line on stderr (set SMIDGEN_DEBUG=1 for tracebacks)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options: dict[str, Any] = {"print_error": False, "exit_on_error": False, "result_action": "return_value"}
    try:
        return int(app.meta(sys.argv[1:] if tokens is None else list(tokens), **options) or 0)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader of our output has gone (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except CycloptsError as error:
        command = " ".join(("smidgen", *(error.command_chain or ()), "--help"))
        return _fail(f"{str(error).rstrip('.')} ({command} shows all options)", UsageError.exit_code)
    except SmidgenError as error:
        return _fail(str(error), error.exit_code)
    except Exception as error:
        if os.environ.get("SMIDGEN_DEBUG"):
            raise
        return _fail(f"{type(error).__name__}: {error} (run with SMIDGEN_DEBUG=1 for the traceback)", 1)


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    json: Annotated[bool, Parameter(group=COMMON, negative=())] = False,
    quiet: Annotated[bool, Parameter(group=COMMON, negative=())] = False,
    config: Annotated[Path | None, Parameter(group=COMMON)] = None,
) -> int:
    """Run a command.

    Args:
        json: Print the result as JSON on stdout.
        quiet: Show no progress.
        config: A TOML file with options by the same names; options on the command line win.
    """
    verb, bound, hidden = _parsed(tokens, config)
    try:
        if "progress" in hidden:
            with _progress(quiet) as listener:
                result = verb(*bound.args, **bound.kwargs, progress=listener)
        else:
            result = verb(*bound.args, **bound.kwargs)
    except KeyboardInterrupt:
        resume = "; go on with the same command and --resume" if "resume" in bound.signature.parameters else ""
        return _fail(f"interrupted{resume}", 130)
    if result is not None:
        print(jsonlib.dumps(_plain(result), indent=2) if json else _text(result, verb))
    return getattr(result, "exit_code", 0)


def _plain(result: Any) -> Json:
    """A result as JSON: its own way, or field by field."""
    return result.to_json() if hasattr(result, "to_json") else asdict(result)


def _text(result: Any, verb: Callable[..., Any]) -> str:
    """A result as text: its own way, or that of the verb's module."""
    text = result.text() if hasattr(result, "text") else sys.modules[verb.__module__].as_text(result)
    return str(text)


def _parsed(tokens: Sequence[str], config: Path | None) -> tuple[Callable[..., Any], BoundArguments, dict[str, Any]]:
    """The verb, its arguments, and its parameters that are no options."""
    app.config = () if config is None else (configs.Toml(_readable(config), use_commands_as_keys=False),)
    try:
        return app.parse_args(tokens, print_error=False, exit_on_error=False)
    finally:
        app.config = ()


def _readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        raise UsageError(f"--config {path} cannot be read: {error.strerror}") from None
    return path


def _fail(message: str, code: int) -> int:
    print(f"smidgen: error: {' '.join(message.split())}", file=sys.stderr)
    return code


# Progress


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    """A listener that shows progress on stderr: a bar on a terminal, else a line now and then."""
    from smidgen.types import silent

    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines()


class _Lines:
    """One line at the start and the end of a stage, and every few seconds between."""

    def __init__(self) -> None:
        self._stage, self._ended, self._last = "", False, 0.0

    def __call__(self, event: Event) -> None:
        now, ended = time.monotonic(), event.done >= event.total
        if (event.stage, ended) == (self._stage, self._ended) and (ended or now - self._last < SECONDS_BETWEEN_LINES):
            return
        self._stage, self._ended, self._last = event.stage, ended, now
        parts = (event.stage, f"{_percent(event):.0f} %", _left(event), event.message)
        print("  ".join(part for part in parts if part), file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[message]}", markup=False),
    )
    stages: dict[str, Any] = {}
    with Bars(*columns, console=Console(stderr=True)) as bars:

        def show(event: Event) -> None:
            fields: dict[str, Any] = {"left": _left(event), "message": event.message}
            if event.stage not in stages:
                stages[event.stage] = bars.add_task(event.stage, total=100, **fields)
            bars.update(stages[event.stage], completed=_percent(event), **fields)

        yield show


def _percent(event: Event) -> float:
    return 100 * min(1.0, event.done / event.total) if event.total > 0 else 100.0


def _left(event: Event) -> str:
    """The time left as "1:05 left"; "" where it is not known."""
    if not event.left >= 0 or event.done >= event.total:  # nan, too
        return ""
    minutes, seconds = divmod(round(event.left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"


# Commands


def described(place: str) -> tuple[str, str]:
    """What the docstring of a verb says before its arguments, and its examples; the verb is not imported."""
    module, _, function = place.partition(":")
    spec = importlib.util.find_spec(module)
    text = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    nodes = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    found = (ast.get_docstring(node) for node in nodes if node.name == function)
    about, marker, examples = (next(found, None) or "").partition("\nArgs:")[0].partition("Examples:")
    paragraphs = (" ".join(paragraph.split()) for paragraph in about.strip().split("\n\n"))
    return "\n\n".join(paragraphs), (marker + examples).rstrip()


def _add_commands() -> None:
    for order, (name, place) in enumerate(smidgen._VERBS.items()):
        about, examples = described(place)
        app.command(place, name=RENAMED.get(name, name), help=about, help_epilogue=examples, sort_key=order)


_add_commands()


if __name__ == "__main__":
    sys.exit(main())
