import json
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import smidgen
from smidgen import cli
from smidgen.bundle import Bundle, dump_json
from smidgen.errors import UsageError
from smidgen.types import Event, Progress, silent
from tests.conftest import write_image

COMMANDS = [cli.RENAMED.get(name, name) for name in smidgen._VERBS]
DOCS = Path(__file__).parent.parent / "docs"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def work() -> Iterator[dict[str, Any]]:
    """A command `work` that records how it was called and then does what `act` says."""
    seen: dict[str, Any] = {}

    def work(
        source: str,
        *,
        epochs: float = 1.0,
        floor: list[str] | None = None,
        skip_bad: bool = False,
        resume: bool = False,
        progress: Progress = silent,
    ) -> object:
        """Work.

        Args:
            source: What.
            epochs: How long.
            floor: At least.
            skip_bad: Skip.
            resume: Go on.
            progress: Hears.
        """
        seen["given"] = {"source": source, "epochs": epochs, "floor": floor, "skip_bad": skip_bad, "resume": resume}
        progress(Event("work", 1, 2, 65.0))
        act: Callable[[], object] = seen.get("act", lambda: None)
        return act()

    cli.app.command(work)
    yield seen
    del cli.app["work"]


def failure(tokens: list[str], capsys: Capture) -> tuple[int, str]:
    """Run a command that must fail with one line on stderr and nothing on stdout."""
    code = cli.main(tokens)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("smidgen: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return code, err


# Help


def test_help_names_every_command(capsys: Capture) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f" {command} " in out for command in COMMANDS)
    assert "smidgen fit mnist-5k" in out
    assert cli.main([]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_teaches(command: str, capsys: Capture) -> None:
    assert cli.main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"    smidgen {command}" in out
    assert "--json" in out
    assert "--progress" not in out


def test_version(capsys: Capture) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == smidgen.__version__


def test_help_loads_nothing_heavy() -> None:
    program = """
import sys
from smidgen.cli import main
main(["--help"])
print([name for name in ("numpy", "torch", "onnx", "onnxruntime", "matplotlib", "PIL") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_reference_is_current() -> None:
    reference = runpy.run_path(str(DOCS / "generate_cli.py"))["reference"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == reference, "run: python docs/generate_cli.py"


# Errors


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["predcit", "x"], "predict"),
        (["predict"], "smidgen predict --help shows"),
        (["predict", "b", "x", "--tpo", "3"], "--top"),
        (["predict", "b", "x", "--top", "many"], "many"),
        (["list", "animals"], "families"),
        (["list", "tasks", "more"], "more"),
        (["evaluate", "b", "--part", "exam"], "validation"),
        (["data", "x", "--progress", "1"], "--progress"),
    ],
)
def test_what_the_parser_refuses(tokens: list[str], message: str, capsys: Capture) -> None:
    code, err = failure(tokens, capsys)
    assert code == UsageError.exit_code
    assert message in err


def test_an_error_of_ours_ends_with_its_exit_code(capsys: Capture, tmp_path: Path) -> None:
    code, err = failure(["predict", str(tmp_path / "none"), "x.png"], capsys)
    assert code == 5
    assert "There is no bundle at" in err
    code, err = failure(["data", str(tmp_path / "none")], capsys)
    assert code == 3


def test_an_unforeseen_error_is_one_line(
    work: dict[str, Any], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise KeyError("a\nb")

    work["act"] = fail
    monkeypatch.delenv("SMIDGEN_DEBUG", raising=False)
    code, err = failure(["--quiet", "work", "x"], capsys)
    assert code == 1
    assert "KeyError" in err
    assert "SMIDGEN_DEBUG=1" in err
    monkeypatch.setenv("SMIDGEN_DEBUG", "1")
    with pytest.raises(KeyError):
        cli.main(["work", "x"])


def test_an_interrupt_says_how_to_go_on(work: dict[str, Any], capsys: Capture) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    work["act"] = interrupt
    code, err = failure(["--quiet", "work", "x"], capsys)
    assert code == 130
    assert "--resume" in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with pipes")
def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"'{sys.executable}' -m smidgen.cli list devices | true"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert result.stderr == ""


# Options


def test_options_come_from_the_signature(work: dict[str, Any]) -> None:
    tokens = ["work", "photos", "--epochs", "2.5", "--floor", "accuracy=0.9", "--floor", "recall=0.8", "--skip-bad"]
    assert cli.main(tokens) == 0
    floor = ["accuracy=0.9", "recall=0.8"]
    assert work["given"] == {"source": "photos", "epochs": 2.5, "floor": floor, "skip_bad": True, "resume": False}


def test_a_config_file_has_the_same_names_and_flags_win(work: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('source = "photos"\nepochs = 3\nskip_bad = true\nfloor = ["accuracy=0.9"]\n')
    assert cli.main(["work", "--config", str(config), "--epochs", "4"]) == 0
    assert work["given"] == {
        "source": "photos",
        "epochs": 4.0,
        "floor": ["accuracy=0.9"],
        "skip_bad": True,
        "resume": False,
    }
    assert cli.main(["work", "--config", str(config), "--no-skip-bad"]) == 0
    assert work["given"]["skip_bad"] is False
    assert cli.main(["work", "other"]) == 0
    assert work["given"]["epochs"] == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "--epochs"),
        ("progress = 3", "progress"),
        ('epochs = "many"', "many"),
        ("[[", "TOML"),
    ],
)
def test_a_config_file_that_makes_no_sense(
    work: dict[str, Any], tmp_path: Path, text: str, message: str, capsys: Capture
) -> None:
    (tmp_path / "run.toml").write_text(text)
    code, err = failure(["work", "x", "--config", str(tmp_path / "run.toml")], capsys)
    assert code == 2
    assert message in err
    code, err = failure(["work", "x", "--config", str(tmp_path / "none.toml")], capsys)
    assert code == 2
    assert "none.toml" in err


# Results


def test_json_on_stdout_and_progress_on_stderr(work: dict[str, Any], capsys: Capture) -> None:
    work["act"] = lambda: SimpleNamespace(to_json=lambda: {"answer": [42]}, text=lambda: "forty-two", exit_code=6)
    assert cli.main(["work", "x", "--json"]) == 6
    out, err = capsys.readouterr()
    assert json.loads(out) == {"answer": [42]}
    assert err == "work  50 %  1:05 left\n"
    assert cli.main(["--quiet", "work", "x"]) == 6
    assert capsys.readouterr() == ("forty-two\n", "")


@pytest.mark.parametrize("command", ["predict", "evaluate", "benchmark", "verify", "export", "list", "data"])
def test_every_verb_prints_text_or_json(
    command: str, proven_bundle: Bundle, tmp_path: Path, pictures: Path, capsys: Capture
) -> None:
    picture = write_image(tmp_path / "night.png", 3)
    given = {"predict": [str(proven_bundle.path), str(picture)], "list": ["tasks"], "data": [str(pictures)]}
    tokens = [command, *given.get(command, [str(proven_bundle.path)])]
    if command == "export":
        pytest.importorskip("torch")
        tokens += ["--out", str(tmp_path / "exported")]
    assert cli.main([*tokens, "--quiet"]) == 0
    text = capsys.readouterr()
    assert text.out
    assert text.err == ""
    assert cli.main([*tokens, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_verify_ends_with_6_where_a_claim_fails(proven_bundle: Bundle, capsys: Capture) -> None:
    state = json.loads((proven_bundle.path / "evidence.json").read_bytes())
    state["measures"][0]["value"] = 1.0
    proven_bundle.add({"evidence.json": dump_json(state)})
    assert cli.main(["verify", str(proven_bundle.path)]) == 6
    assert "FAIL" in capsys.readouterr().out


# Progress


def test_lines_are_few(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    show = cli._Lines()
    for step in range(101):
        clock.now = step / 10
        show(Event("train", step, 100, 3700.0 if step < 50 else float("nan"), "loss 0.1"))
    show(Event("train", 100, 100))
    show(Event("test", 0, 0))
    assert capsys.readouterr().err.splitlines() == [
        "train  0 %  1:01:40 left  loss 0.1",
        "train  50 %  loss 0.1",
        "train  100 %  loss 0.1",
        "test  100 %",
    ]


def test_a_terminal_gets_a_bar(capsys: Capture) -> None:
    with cli._bar() as show:
        show(Event("train [1]", 1, 4, 5.0))
        show(Event("train [1]", 1, 2, 65.0, "loss [0.1]"))
    err = capsys.readouterr().err
    assert all(part in err for part in ("train [1]", "50 %", "1:05 left", "loss [0.1]"))
