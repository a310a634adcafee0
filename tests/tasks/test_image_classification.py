from smidgen import registry
from smidgen.data.load import load
from smidgen.tasks.image_classification import TASK


def test_it_is_found_by_its_name() -> None:
    assert registry.find("tasks", TASK.name).TASK is TASK


def test_its_sample_can_be_learnt_from() -> None:
    assert TASK.sample in registry.names("samples")
    data = load(TASK.sample, task=TASK)
    assert data.signal.kind == TASK.signal
    assert data.answer.kind == TASK.answer
    assert (len(data.train), len(data.validation), len(data.test)) == (3500, 750, 750)
    assert 0 < TASK.floor < 1
