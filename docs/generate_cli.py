"""Write cli.md, the reference of the command line, from the commands themselves: python docs/generate_cli.py."""

from pathlib import Path

import smidgen
from smidgen.cli import RENAMED, app, described

NOTE = "<!-- Written by docs/generate_cli.py; change the docstrings in src/smidgen/verbs instead. -->\n\n"


def reference() -> str:
    """The whole page. Every command has its examples above its parameters."""
    text: str = app.generate_docs()
    for name, place in smidgen._VERBS.items():
        _, examples = described(place)
        if not examples:
            continue
        lines = [line.strip() for line in examples.splitlines()[1:]]
        heading = f"## smidgen {RENAMED.get(name, name)}\n"
        before, _, section = text.partition(heading)
        block = "\n".join(["**Examples**:", "", "```console", *lines, "```", "", "**Parameters**:"])
        text = before + heading + section.replace("**Parameters**:", block, 1)
    return NOTE + text.rstrip() + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("cli.md").write_text(reference(), encoding="utf-8")
