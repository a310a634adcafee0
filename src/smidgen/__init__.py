"""smidgen: small models, end to end.

import smidgen

bundle = smidgen.fit("photos/", device="cortex-m4")
smidgen.predict(bundle, ["cat.jpg"])
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names, for type checkers and editors
    from smidgen.budget import Budget as Budget
    from smidgen.bundle import Bundle as Bundle
    from smidgen.errors import SmidgenError as SmidgenError
    from smidgen.evidence import Evidence as Evidence
    from smidgen.types import Answer as Answer
    from smidgen.types import Dataset as Dataset
    from smidgen.types import Family as Family
    from smidgen.types import Measure as Measure
    from smidgen.types import Runner as Runner
    from smidgen.types import Signal as Signal
    from smidgen.types import Target as Target
    from smidgen.types import Task as Task
    from smidgen.verbs.benchmark import benchmark as benchmark
    from smidgen.verbs.compile import compile_model as compile_model
    from smidgen.verbs.data import data as data_report  # noqa: F401  a re-export by another name
    from smidgen.verbs.evaluate import evaluate as evaluate
    from smidgen.verbs.export import export as export
    from smidgen.verbs.fit import fit as fit
    from smidgen.verbs.listing import listing as listing
    from smidgen.verbs.predict import predict as predict
    from smidgen.verbs.verify import verify as verify

__version__ = "0.1.0"

# Loaded when first used, so that `import smidgen` and `smidgen --help` are fast. In Python the commands `data`,
# `list` and `compile` are `data_report`, `listing` and `compile_model`: the short names are those of a package and of
# builtins.
_VERBS = {
    "fit": "smidgen.verbs.fit:fit",
    "predict": "smidgen.verbs.predict:predict",
    "evaluate": "smidgen.verbs.evaluate:evaluate",
    "benchmark": "smidgen.verbs.benchmark:benchmark",
    "verify": "smidgen.verbs.verify:verify",
    "compile_model": "smidgen.verbs.compile:compile_model",
    "export": "smidgen.verbs.export:export",
    "data_report": "smidgen.verbs.data:data",
    "listing": "smidgen.verbs.listing:listing",
}
_NOUNS = {
    "Budget": "smidgen.budget:Budget",
    "Bundle": "smidgen.bundle:Bundle",
    "Evidence": "smidgen.evidence:Evidence",
    "SmidgenError": "smidgen.errors:SmidgenError",
    **{
        name: f"smidgen.types:{name}"
        for name in ("Answer", "Dataset", "Family", "Measure", "Runner", "Signal", "Target", "Task")
    },
}


def __getattr__(name: str) -> Any:
    place = {**_VERBS, **_NOUNS}.get(name)
    if place is None:
        raise AttributeError(f"module 'smidgen' has no attribute {name!r}")
    module, _, attribute = place.partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_VERBS, *_NOUNS, "__version__"])
