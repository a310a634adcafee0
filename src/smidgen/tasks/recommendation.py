"""Say what somebody will like, from what they chose before."""

from smidgen.types import Task

TASK = Task(
    name="recommendation",
    signal="interactions",
    answer="ranking",
    families=("factors",),
    sample="generated-tastes",
    floor=0.1,
    about="Items that somebody will choose next, from what they and others chose: films, news, people",
    target="choice",
    recipe={"parameters": 860_000},
)
