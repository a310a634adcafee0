"""Say from a window of sensor channels how long a machine will still run."""

from smidgen.types import Task

TASK = Task(
    name="series-regression",
    signal="series",
    answer="values",
    families=("filters", "tcn"),
    sample="generated-wear",
    floor=0.7,
    about="What is left of each run, or another value, for each window of a signal in time",
    target="remaining",
    recipe={"parameters": 6_000, "batch_size": 256, "epochs": 10},
)
