"""Every error smidgen raises on purpose, and the exit code each one ends a command with.

    SmidgenError                    1
    ├── UsageError                  2   an option or a combination of options that makes no sense
    ├── DataError                   3   the data cannot be read, or cannot be learnt from
    │   └── CorruptFiles            3   some files are damaged; the message lists them
    ├── BudgetError                 4   nothing fits, or what fits does not reach the floor
    ├── BundleError                 5   a bundle that is missing, damaged, tampered with or too new
    ├── VerificationError           6   a claim that does not hold when measured again; an export that changes answers
    │   └── Unsupported             6   a layer that a target cannot express
    ├── MissingLibrary              7   an extra that is not installed; the message gives the pip line
    │   └── MissingProgram          7   a program that is not installed; the message gives its package
    └── StorageError                8   a file that cannot be written (disk full, permission)

A message is one sentence that says what is wrong and where, then what to do. It reaches the user as one line on stderr,
without a traceback. Exit code 0 is success, 1 anything unforeseen, 130 an interrupt (Ctrl-C).
"""

from collections.abc import Sequence


class SmidgenError(Exception):
    """The root of the tree. `what` states the problem and where; `hint` says what to do about it."""

    exit_code = 1

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = " ".join(what.split())
        self.hint = " ".join(hint.split())
        super().__init__(f"{self.what}. {self.hint}" if self.hint else self.what)


class UsageError(SmidgenError):
    """An option, or a combination of options, that makes no sense."""

    exit_code = 2


class DataError(SmidgenError):
    """Data that cannot be read, or that cannot be learnt from."""

    exit_code = 3


class CorruptFiles(DataError):
    """Damaged files in a source, each as `(name, what is wrong with it)`."""

    SHOWN = 10

    def __init__(self, files: Sequence[tuple[str, str]]) -> None:
        self.files = list(files)
        listed = "; ".join(f"{name} ({why})" for name, why in self.files[: self.SHOWN])
        more = f"; and {len(self.files) - self.SHOWN} more" if len(self.files) > self.SHOWN else ""
        noun = "file" if len(self.files) == 1 else "files"
        super().__init__(
            f"{len(self.files)} {noun} cannot be read: {listed}{more}",
            "Repair or remove them, or leave them out with --skip-bad",
        )


class BudgetError(SmidgenError):
    """No candidate fits the budget, or none that fits reaches the floor."""

    exit_code = 4


class BundleError(SmidgenError):
    """A bundle that is missing, damaged, tampered with, or written by a newer smidgen."""

    exit_code = 5


class VerificationError(SmidgenError):
    """A claim that does not hold when measured again, or an export that changes the answers."""

    exit_code = 6


class Unsupported(VerificationError):
    """A layer that a target, a step or the compiler cannot express."""

    def __init__(self, layer: str, where: str, what_can: str) -> None:
        self.layer = layer
        super().__init__(f"{where} cannot express layer {layer}", what_can)


class MissingLibrary(SmidgenError):
    """A library that belongs to an extra which is not installed."""

    exit_code = 7

    def __init__(self, library: str, extra: str, what_for: str) -> None:
        super().__init__(f"{what_for} needs {library}, which is not installed", f'Run: pip install "smidgen[{extra}]"')


class MissingProgram(MissingLibrary):
    """A program, such as an emulator, that is not installed."""

    def __init__(self, program: str, package: str, what_for: str) -> None:
        SmidgenError.__init__(
            self, f"{what_for} needs {program}, which is not installed", f"On Debian: apt install {package}"
        )


class StorageError(SmidgenError):
    """A file that cannot be written: the disk is full, or permission is missing."""

    exit_code = 8
