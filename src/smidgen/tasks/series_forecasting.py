"""Say from a window of a series how it goes on."""

from smidgen.types import Task

TASK = Task(
    name="series-forecasting",
    signal="series",
    answer="values",
    families=("filters", "tcn"),
    sample="sea-temperature",
    floor=0.5,
    about="The next steps of a series, from the last ones",
    target="future",
    recipe={"parameters": 3_000, "batch_size": 32, "epochs": 30},
)
