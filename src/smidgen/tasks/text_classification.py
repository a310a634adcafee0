"""Say what kind of text it is: spam or not, which topic, which language, praise or blame."""

from smidgen.types import Task

TASK = Task(
    name="text-classification",
    signal="text",
    answer="classes",
    families=("ngrams", "textcnn"),
    sample="sklearn-topics",
    floor=0.6,
    about="One of several named classes for each text",
    recipe={"epochs": 20, "batch_size": 32, "learning_rate": 2e-3, "weight_decay": 0.1, "parameters": 65_536},
)
