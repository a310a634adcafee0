from smidgen import registry
from smidgen.data.load import load
from smidgen.tasks.audio_classification import TASK


def test_it_is_found_by_its_name() -> None:
    assert registry.find("tasks", TASK.name).TASK is TASK


def test_its_sample_can_be_learnt_from() -> None:
    assert TASK.sample in registry.names("samples")
    data = load(TASK.sample)
    assert data.how.task is TASK
    assert "generated" in registry.find("samples", TASK.sample).SAMPLE.about
    assert data.report.counts["train"] == dict.fromkeys(("chord", "clicks", "fall", "noise", "rise", "tone"), 105)
