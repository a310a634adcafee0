from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.compiler.network import build
from smidgen.data.store import MemoryStore
from smidgen.errors import Unsupported
from smidgen.families import ngrams
from smidgen.families._layers import parameters
from smidgen.families._ngrams import ORDERS, Counts, Ngrams, folded, places
from smidgen.signals import _text
from smidgen.signals.image import ImageSignal
from smidgen.signals.text import TextSignal
from smidgen.tasks.text_classification import TASK
from smidgen.training.loop import measure
from smidgen.types import DataReport, Dataset, Part, Reading
from tests.compiler.sample import classes

SIGNAL = TextSignal(32)
WORDS = (("river lake sea", "wave shore"), ("hill rock peak", "stone cliff"), ("tree leaf root", "moss branch"))


def part(count: int, seed: int, kinds: int = 3) -> Part:
    dice, words = np.random.default_rng(seed), [" ".join(one).split() for one in WORDS[:kinds]]
    targets = dice.integers(0, kinds, count)
    texts = [" ".join(dice.choice(words[target], 3)) for target in targets]
    return Part(MemoryStore(_text.encoded(texts, 32)), targets, texts)


def data(kinds: int = 3) -> Dataset:
    train, validation, test = (part(count, seed, kinds) for seed, count in enumerate((120, 60, 60)))
    report = cast("DataReport", None)
    return Dataset("made", SIGNAL, classes(kinds), train, validation, test, "", report, Reading(TASK))


def test_it_is_found_by_its_name() -> None:
    assert registry.find("families", "ngrams") is ngrams
    assert ngrams.SOLVED


def hashed(text: str, rows: int) -> list[int]:
    """The definition, with the integers of Python."""
    codes, found = folded()[:, 0].tolist(), []
    known = [codes[byte] for byte in text.encode()]
    for order in ORDERS:
        for start in range(len(known) - order + 1):
            value = 0
            for code in known[start : start + order]:
                value = (value * -1640531535 + code) & 0xFFFFFFFF
            found.append((value - 2**32 if value >= 2**31 else value) % rows)
    return found


@given(
    st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\0"), min_size=5, max_size=20),
    st.integers(2, 70_000),
)
def test_rows_are_those_of_a_polynomial_hash(text: str, rows: int) -> None:
    raw = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)[None]
    assert places(raw, folded(), ORDERS, rows)[0].tolist() == hashed(text, rows)


def test_case_does_not_matter_and_padding_is_row_0() -> None:
    raw = torch.from_numpy(_text.encoded(["Hello", "hELLO", ""], 16))
    found = places(raw, folded(), ORDERS, 1009)
    assert torch.equal(found[0], found[1])
    assert not found[2].any()


@pytest.mark.parametrize("kinds", [2, 3])
def test_the_table_is_solved(kinds: int) -> None:
    made = data(kinds)
    network = build(made.signal, made.answer, "ngrams", 3000)
    assert measure(network, made.test, made) < 0.8
    with torch.no_grad():
        ngrams.prepare(network.body, network, made)
    assert measure(network, made.test, made) > 0.97
    assert not cast("Ngrams", network.body).table.weight[0].any()
    again = build(made.signal, made.answer, "ngrams", 3000)
    with torch.no_grad():
        ngrams.prepare(again.body, again, made)
    assert torch.equal(cast("Ngrams", again.body).table.weight, cast("Ngrams", network.body).table.weight)


def test_counts_and_their_transpose_are_those_of_the_network() -> None:
    made = part(20, 3)
    network = cast("Ngrams", ngrams.build(SIGNAL, classes(3), 2000))
    counts = Counts(network, made)
    dense = np.zeros(counts.shape, np.float32)
    for row, found in enumerate(network.places(torch.from_numpy(made.inputs[np.arange(20)]))):
        np.add.at(dense[row], found[found != 0].numpy(), 1)
    weights = torch.randn(counts.shape[1], 2, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(counts @ weights, dense @ weights.numpy(), rtol=1e-4, atol=1e-4)
    other = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(counts.back(other), dense.T @ other.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kinds", [2, 5, 40])
def test_the_dial_is_in_parameters(kinds: int) -> None:
    for size in (2000, 20_000, 200_000):
        assert 0.9 * size < parameters(ngrams.build(SIGNAL, classes(kinds), size)) <= size


def test_images_are_no_texts() -> None:
    with pytest.raises(Unsupported, match="ngrams"):
        ngrams.build(ImageSignal(8, 8, 1), classes(), 1000)
