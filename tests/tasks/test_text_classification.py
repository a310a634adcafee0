from smidgen import registry
from smidgen.data.load import load
from smidgen.tasks.text_classification import TASK


def test_it_is_found_by_its_name() -> None:
    assert registry.find("tasks", TASK.name).TASK is TASK


def test_its_sample_can_be_learnt_from() -> None:
    assert TASK.sample in registry.names("samples")
    data = load(TASK.sample)
    assert data.report.task == TASK.name
    assert data.signal.kind == TASK.signal
    assert data.answer.kind == TASK.answer
    assert min(len(data.train), 4 * len(data.validation), 4 * len(data.test)) > 1000
    assert 0 < TASK.floor < 1
