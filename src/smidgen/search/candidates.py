"""What could be trained: networks of every family that suits the task, priced before any training."""

from collections.abc import Sequence

from smidgen import registry
from smidgen.budget import Budget
from smidgen.compiler.cost import price
from smidgen.compiler.network import Answering, build, example
from smidgen.errors import BudgetError
from smidgen.types import Answer, Candidate, Event, Progress, Signal, silent

DEFAULT_PARAMETERS = 50_000  # where no limit is given: small enough for most devices, large enough for most tasks
SMALLER = 0.35  # of the largest size that fits: what a second, smaller network gets
STEPS = tuple(0.94**step for step in range(86))  # of the largest size considered, down to 1/200


def candidates(
    signal: Signal,
    answer: Answer,
    budget: Budget,
    families: Sequence[str],
    size: int | None = None,
    activation: str = "relu",
    bits: int = 8,
    progress: Progress = silent,
    most: int | None = None,
) -> list[Candidate]:
    """For each family the largest network that fits, a smaller one, and the nearest that did not fit.

    Args:
        signal: what comes in.
        answer: what goes out.
        budget: flash, RAM and parameters.
        families: names.
        size: parameters to aim at, instead of as many as the budget allows.
        activation: of every family.
        bits: of weights and activations as they will ship, 8 or 32.
        progress: told after every family.
        most: parameters that suit the task, where the budget does not limit them.

    Raises:
        BudgetError: nothing fits; the message has the nearest miss.
    """
    found: list[Candidate] = []
    for index, family in enumerate(families):
        progress(Event("price candidates", index, len(families), message=family))
        found += _of_family(signal, answer, budget, family, size or 0, activation, bits, most or DEFAULT_PARAMETERS)
    if not any(candidate.fits for candidate in found):
        nearest = min(found, key=lambda candidate: candidate.cost.flash_bytes + candidate.cost.ram_bytes)
        raise BudgetError(
            f"No network fits: the smallest tried, {nearest.family} with {nearest.cost.parameters:,} parameters, "
            f"{nearest.reason}",
            "Allow more, or lower --resolution",
        )
    return found


def _of_family(
    signal: Signal,
    answer: Answer,
    budget: Budget,
    family: str,
    size: int,
    activation: str,
    bits: int,
    usual: int,
) -> list[Candidate]:
    def at(wanted: int) -> Candidate:
        return priced(signal, answer, budget, family, wanted, activation, bits)

    module = registry.find("families", family)
    if size:
        return [at(size)]
    limit = usual if budget.parameters is None else min(budget.parameters, module.LARGEST)
    most = max(module.SMALLEST, min(limit, budget.flash_bytes or limit))
    sizes = sorted({max(module.SMALLEST, int(most * share)) for share in STEPS}, reverse=True)
    found: dict[int, Candidate] = {}
    low, high = 0, len(sizes)  # bisect: the first size that fits is in sizes[low:high], or nowhere
    while low < high:
        middle = (low + high) // 2 if found else 0
        found[middle] = at(sizes[middle])
        low, high = (low, middle) if found[middle].fits else (middle + 1, high)
    unfit = [found[index] for index in (low - 1,) if index in found]
    if low == len(sizes):
        return unfit
    smaller = at(max(module.SMALLEST, int(SMALLER * sizes[low])))
    return [*unfit, found[low], *([smaller] if smaller.cost != found[low].cost else [])]


def priced(
    signal: Signal, answer: Answer, budget: Budget, family: str, size: int, activation: str = "relu", bits: int = 8
) -> Candidate:
    """One network and whether it fits."""
    network = Answering(build(signal, answer, family, size, activation), answer.head())
    cost = price(network, example(signal), bits, budget.kernels, budget.ram_bytes)
    reason = budget.check(cost)
    return Candidate(family, size, cost, not reason, reason)
