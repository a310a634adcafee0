"""Say which of a few classes a picture shows."""

from smidgen.types import Task

TASK = Task(
    name="image-classification",
    signal="image",
    answer="classes",
    families=("cnn", "resnet", "dscnn", "mlp"),
    sample="mnist-5k",
    floor=0.93,
    about="One of several named classes for each picture",
)
