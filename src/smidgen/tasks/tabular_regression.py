"""Say a number for each row of a table: how a disease goes on, what a house costs."""

from smidgen.types import Task

TASK = Task(
    name="tabular-regression",
    signal="table",
    answer="values",
    families=("linear", "student"),
    sample="diabetes",
    floor=0.3,
    about="A number, or several, for each row of a table",
)
