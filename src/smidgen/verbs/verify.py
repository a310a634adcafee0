"""Measure every claim of a bundle again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from smidgen.budget import Budget
from smidgen.bundle import EVIDENCE, MODEL, AnyPath, Bundle
from smidgen.errors import BundleError, VerificationError
from smidgen.evidence import Evaluation, Evidence, compare, evaluate, exact, measure_latency
from smidgen.report.format import plural, value
from smidgen.types import Event, Json, Measure, Part, Progress, silent
from smidgen.verbs._examples import reload
from smidgen.verbs._forms import FLOAT, forms
from smidgen.verbs._table import table

HOLDS, FAILS, REPORTED, SKIPPED = "holds", "FAILS", "not judged", "not measured"
NOT_JUDGED = ("latency_ms",)  # it depends on the host and on what else runs there
LATENCY_SECONDS = 0.2
TOLERANCE = 1e-6  # of rounding in sums; counts behind fractions differ by 1 / n at least

Key = tuple[str, str]  # name and form


@dataclass(frozen=True)
class Claim:
    """One claim, and what it measures now."""

    name: str
    form: str
    claimed: str
    measured: str
    verdict: str


@dataclass(frozen=True)
class Verification:
    """All claims of a bundle."""

    bundle: str
    claims: tuple[Claim, ...]

    @property
    def holds(self) -> bool:
        """Whether no claim fails."""
        return all(claim.verdict != FAILS for claim in self.claims)

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 0 if self.holds else VerificationError.exit_code

    def text(self) -> str:
        """One claim a line, and the verdict on all."""
        rows = ((c.name, c.form, c.claimed, c.measured, c.verdict) for c in self.claims)
        count = Counter(claim.verdict for claim in self.claims)
        verdict = f"All {count[HOLDS]} claims that were judged hold"
        if count[FAILS]:
            verdict = f"{plural(count[FAILS], 'claim')} of {len(self.claims)} FAIL"
        if count[SKIPPED]:
            verdict += f"; {count[SKIPPED]} could not be measured (the float form needs smidgen[train])"
        return f"{table(('claim', 'form', 'claimed', 'measured', 'verdict'), rows)}\n\n{verdict}"

    def to_json(self) -> Json:
        """Plain JSON."""
        return {"bundle": self.bundle, "holds": self.holds, "claims": [asdict(claim) for claim in self.claims]}


def verify(bundle: AnyPath, data: str | None = None, *, progress: Progress = silent) -> Verification:
    """Measure every claim of a bundle again and compare; exit code 6 where one does not hold.

    Bytes, metrics and confusion must be what was claimed. Latency depends on the host: it is shown, not judged.

    Examples:
        smidgen verify kws
        smidgen verify kws --data /mnt/photos

    Args:
        bundle: The folder that `smidgen fit` wrote.
        data: Where the data that the model was made from is now, if it moved. It must be the same.
        progress: Hears how far it is.

    Raises:
        BundleError: the bundle is damaged, or holds no evidence.
        DataError: the data cannot be read, or is not the same.
    """
    model = Bundle.load(bundle)
    if model.evidence is None:
        raise BundleError(f"{model.path} holds no {EVIDENCE}, so there is nothing to verify", "Fit again")
    test = reload(model, data, progress)
    claimed, now = model.evidence.data_fingerprint, test.fingerprint
    claims = [Claim("data", "", claimed[:12], now[:12], HOLDS if claimed == now else FAILS)]
    progress(Event("verify", 0, 1))
    measured, shipped = _measure(model, test.test)
    claims += [*_on_classes(model.evidence, shipped), *_on_measures(model.evidence, measured)]
    progress(Event("verify", 1, 1))
    return Verification(str(model.path), tuple(claims))


def _measure(model: Bundle, part: Part) -> tuple[dict[Key, Measure], Evaluation]:
    """All that can be measured here, and how the shipped model did on every class."""
    signal, answer = model.signal, model.answer
    found = forms(model)
    results = {runner.form: evaluate(runner, part, signal, answer) for runner in found.values()}
    measures = [measure for result in results.values() for measure in result.measures]
    measures += [measure_latency(runner, signal, LATENCY_SECONDS) for runner in found.values()]
    measures += [
        exact("file_bytes", (model.path / file).stat().st_size, "bytes", runner.form) for file, runner in found.items()
    ]
    if FLOAT in results:
        measures += [*compare(results[FLOAT], results[MODEL], answer), *_costs(model)]
    return {(measure.name, measure.form): measure for measure in measures}, results[MODEL]


def _costs(model: Bundle) -> Iterator[Measure]:
    """What the file costs, compiled again."""
    from smidgen.verbs._proof import costs

    options = model.manifest["options"]
    budget = Budget.of(options.get("device"), options.get("flash"), options.get("ram"))
    yield from costs((model.path / MODEL).read_bytes(), budget)


def _on_classes(evidence: Evidence, shipped: Evaluation) -> Iterator[Claim]:
    if evidence.confusion:
        claimed, now = (f"{_mistakes(matrix)} mistakes" for matrix in (evidence.confusion, shipped.confusion))
        verdict = HOLDS if evidence.confusion == shipped.confusion else FAILS
        yield Claim("confusion", MODEL, claimed, now, verdict)
    if evidence.per_class:
        claimed, now = (f"{len(scores)} classes" for scores in (evidence.per_class, shipped.per_class))
        verdict = HOLDS if evidence.per_class == shipped.per_class else FAILS
        yield Claim("per_class", MODEL, claimed, now, verdict)


def _mistakes(confusion: tuple[tuple[int, ...], ...]) -> int:
    return sum(count for true, row in enumerate(confusion) for taken, count in enumerate(row) if true != taken)


def _on_measures(evidence: Evidence, measured: dict[Key, Measure]) -> Iterator[Claim]:
    for claim in (*evidence.measures, *evidence.comparison):
        now = measured.get((claim.name, claim.form)) if claim.split in ("", "test") else None
        if now is None:
            verdict = SKIPPED
        elif claim.name in NOT_JUDGED:
            verdict = REPORTED
        else:
            verdict = HOLDS if _same(claim, now) else FAILS
        yield Claim(claim.name, claim.form, _exact(claim), _exact(now) if now else "", verdict)


def _exact(measure: Measure) -> str:
    """A measure with all digits that a claim could be wrong in."""
    if measure.unit == "fraction":
        return f"{100 * measure.value:.3f} %"
    return value(measure) if measure.unit == "ms" else f"{measure.value:,.0f} {measure.unit}"


def _same(claim: Measure, now: Measure) -> bool:
    pairs = ((claim.value, now.value), (claim.low, now.low), (claim.high, now.high), (claim.n, now.n))
    return all(abs(first - second) <= TOLERANCE for first, second in pairs)
