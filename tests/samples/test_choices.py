import numpy as np
import pytest

from smidgen.data.load import load
from smidgen.signals.interactions import InteractionsSignal


@pytest.mark.parametrize(("name", "people"), [("generated-tastes", False), ("les-miserables", True)])
def test_samples_of_choices_are_taken_for_recommendation(name: str, people: bool) -> None:
    data = load(name)
    assert data.how.task.name == "recommendation"
    assert isinstance(data.signal, InteractionsSignal)
    assert data.signal.people == people
    assert (
        data.signal.items == data.answer.to_json()["items"] or list(data.signal.items) == data.answer.to_json()["items"]
    )
    assert not data.report.crossing_duplicates
    first, again = (one.test.inputs[np.arange(5)] for one in (data, load(name)))
    assert (first == again).all()
