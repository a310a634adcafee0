"""Say from a window of sensor channels which of a few states a machine, or a person, is in."""

from smidgen.types import Task

TASK = Task(
    name="series-classification",
    signal="series",
    answer="classes",
    families=("tcn", "filters"),
    sample="generated-machines",
    floor=0.9,
    about="One of several named classes for each window of a signal in time",
    recipe={"parameters": 10_000},
)
