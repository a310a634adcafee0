import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smidgen.answers._ranks import auc


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_it_is_how_often_a_positive_example_scores_above(examples: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in examples], float), np.array([p for _, p in examples])
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    if pairs:
        assert np.isclose(auc(scores, positive), np.mean(pairs))
    else:
        assert np.isnan(auc(scores, positive))
