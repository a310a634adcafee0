"""Say which of a few classes a row of a table is of: ill or well, fraud or not."""

from smidgen.types import Task

TASK = Task(
    name="tabular-classification",
    signal="table",
    answer="classes",
    families=("linear", "student"),
    sample="breast-cancer",
    floor=0.93,
    about="One of several named classes for each row of a table",
)
