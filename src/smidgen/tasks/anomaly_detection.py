"""Learn from normal data only, and raise the alarm where something is not."""

from smidgen.types import Task

TASK = Task(
    name="anomaly-detection",
    signal="series",
    answer="score",
    families=("principal", "autoencoder"),
    sample="generated-reactor",
    floor=0.9,
    about="A score for each window of sensor values; from 1 on it is an alarm",
    target="normal",
    recipe={"parameters": 5000, "batch_size": 32, "learning_rate": 2e-3},
)
