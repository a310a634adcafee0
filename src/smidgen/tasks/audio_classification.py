"""Say which of a few classes a sound belongs to: keywords, digits, alarms."""

from smidgen.types import Task

TASK = Task(
    name="audio-classification",
    signal="audio",
    answer="classes",
    families=("dscnn", "cnn", "resnet"),
    sample="generated-sounds",
    floor=0.9,
    about="One of several named classes for each short sound",
    recipe={"epochs": 30, "batch_size": 64, "learning_rate": 8e-3},
)
