"""smidgen's own training loop, timed: speed_smidgen.py MNIST.npz SEED EPOCHS FAMILY SIZE."""

import json
import sys
import time

GOAL = 0.99


class Reached(Exception):
    """The goal is reached: training may end."""


def main(archive: str, seed: int, epochs: int, family: str, size: int) -> None:
    begun = time.perf_counter()
    from smidgen.compiler.cost import price
    from smidgen.compiler.network import build, example
    from smidgen.data.load import load
    from smidgen.search.plan import suited, threads
    from smidgen.training.loop import Training, measure
    from smidgen.training.recipe import Recipe
    from smidgen.types import Event

    data = load(archive, seed=seed)
    network = build(data.signal, data.answer, family, size, seed=seed)
    cost = price(network, example(data.signal))
    recipe = suited(Recipe(epochs=epochs, seed=seed), network, cost.parameters, {})
    looks: list[list[float]] = []

    def look(event: Event) -> None:
        """The accuracy on the test part after each quarter of an epoch; its time is counted."""
        if event.done < event.total * (len(looks) + 1) / (4 * epochs):
            return
        accuracy = measure(network, data.test, data)
        network.train()
        looks.append([round(time.perf_counter() - started, 3), accuracy])
        if accuracy >= GOAL:
            raise Reached

    started = time.perf_counter()
    try:
        with threads(cost.macs):
            run = Training(network, data, recipe, progress=look)()
            look(Event(run.stage, 1, 1))
    except Reached:
        pass
    reached = next((seconds for seconds, accuracy in looks if accuracy >= GOAL), None)
    print(
        json.dumps(
            {
                "seconds": reached,
                "setup seconds": round(started - begun, 3),
                "parameters": cost.parameters,
                "test examples": len(data.test),
                "last accuracy": looks[-1][1],
                "looks": looks,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
