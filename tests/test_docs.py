"""What the documents tell people to type works.

Blocks marked `console` are commands and `python` is a program; the blocks of a page run from top to bottom in one
folder. `file=NAME` saves a block instead of running it; `exit=N` is how its commands end. `sh` is shown, not run, but
its smidgen commands must at least be spelt right.
"""

import re
import runpy
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smidgen import cli, registry
from smidgen.compiler.toolchain import compiler

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TUTORIAL = ROOT / "docs" / "tutorial.md"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")


class Block(NamedTuple):
    """A fenced block: its mark, what stands after the mark, its text, and the line it starts at."""

    mark: str
    notes: dict[str, str]
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        notes = dict(note.split("=", 1) for note in match[2].split())
        yield Block(match[1], notes, match[3], text.count("\n", 0, match.start()) + 1)


def commands(block: Block) -> Iterator[list[str]]:
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["smidgen"]:
            yield words[1:]


def run(page: Path) -> dict[str, Any]:
    """Run a page in the current folder; the names that its programs made."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if "file" in block.notes:
            Path(block.notes["file"]).write_text(block.text, encoding="utf-8")
        elif block.mark == "console":
            for command in commands(block):
                assert cli.main(command) == int(block.notes.get("exit", 0)), f"{where}: {command}"
        elif block.mark == "python":
            exec(compile(block.text, where, "exec"), names)  # noqa: S102  the page is ours
    return names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The current folder is an installed package with the entry point that the tutorial names."""
    entry = next(block.text for block in blocks(TUTORIAL) if "entry-points" in block.text)
    group, name, module = re.findall(r'"([\w.]+)"\]\s+(\w+) = "(\w+)"', entry)[0]
    info = folder / "own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(folder)
    registry.names.cache_clear()
    yield
    registry.names.cache_clear()


@pytest.mark.usefixtures("package")
def test_the_tutorial_works_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    run(TUTORIAL)
    printed = capsys.readouterr()
    assert "claims that were judged hold" in printed.out
    assert "Traceback" not in printed.err
    assert "strips" in printed.out


def test_the_programs_of_the_readme_work_after_the_demo(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(shlex.split("fit digits --family mlp --epochs 5 --no-distill --quiet --out demo/digits")) == 0
    demo: Callable[[str], None] = runpy.run_path(str(ROOT / "docs" / "demo.py"))["main"]
    demo("demo/digits")
    shown = capsys.readouterr().out
    assert len(re.findall(r"^demo.held-out.\d\.png", shown, re.MULTILINE)) == 10
    assert str(folder / "demo" / "digits" / "report.html") in shown
    run(READMES[0])


def test_the_page_of_the_compiler_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its commands, its program in C, and its program in Python."""
    run(ROOT / "docs" / "compiler.md")
    assert "On cortex-m4:" in capsys.readouterr().out
    command = [*compiler(), "-O2", "-Idigits-c", "main.c", "digits-c/digits.c", "-lm", "-o", "digit"]
    subprocess.run(command, check=True)
    assert subprocess.run([folder / "digit"], capture_output=True, text=True, check=True).stdout.strip().isdigit()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("page", ["tasks.md", "finance.md"])
def test_the_pages_of_the_tasks_work(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(ROOT / "docs" / page)
    assert "Traceback" not in capsys.readouterr().err


def test_the_arithmetic_of_the_errata_holds() -> None:
    assert run(ROOT / "docs" / "article.md")["dense"] == 103_114


def test_both_readmes_have_the_same_blocks() -> None:
    english, chinese = ([block._replace(line=0) for block in blocks(page)] for page in READMES)
    assert english == chinese


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_spelt_right(page: Path) -> None:
    for block in blocks(page):
        for command in commands(block):
            if not {"[OPTIONS]", "[ARGS]"} & {*command}:  # those are the outlines in cli.md
                _, common, _ = cli.app.meta.parse_args(command, print_error=False, exit_on_error=False)
                verb, _, _ = cli.app.parse_args(common.args, print_error=False, exit_on_error=False)
                assert verb.__module__.startswith("smidgen.verbs"), f"{page.name}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()] == []


def test_the_reference_is_what_the_commands_say() -> None:
    reference: Callable[[], str] = runpy.run_path(str(ROOT / "docs" / "generate_cli.py"))["reference"]
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == reference(), "run: make docs"
