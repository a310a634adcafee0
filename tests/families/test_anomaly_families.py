"""Families of anomaly detection, on sensors with units and scales of their own."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from smidgen import registry
from smidgen.answers.score import Score
from smidgen.compiler import emit
from smidgen.compiler.cost import price, shipped
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import Answering, Network, build, example
from smidgen.compiler.toolchain import CRunner
from smidgen.compression.quantize import quantize
from smidgen.errors import DataError, Unsupported
from smidgen.families import _distance, principal
from smidgen.families._layers import parameters
from smidgen.runner import OnnxRunner
from smidgen.signals.series import SeriesSignal
from smidgen.targets import onnx
from smidgen.targets.c import check
from smidgen.types import Array, Dataset

FAMILIES = ("principal", "autoencoder")
UNITS = np.array([1.0, 1e3, 1e-3, 5.0, 20.0, 0.1])
DATA = Path(__file__).parents[3] / "shared" / "data" / "industry" / "tep"


def sensors(count: int, seed: int = 0) -> Array:
    """Six sensors that two things move, float32 (count, 1, 6)."""
    dice = np.random.default_rng(seed)
    mixing = np.array([[1, 1, 0.5, 0, -1, 0.3], [0, 0.5, -1, 1, 0.2, 1]])
    values = dice.normal(size=(count, 2)) @ mixing + 0.2 * dice.normal(size=(count, 6))
    return np.asarray(values * UNITS + 3 * UNITS, np.float32)[:, None]


def learnt(rows: Array) -> SeriesSignal:
    names = tuple(f"sensor {index}" for index in range(rows.shape[2]))
    return SeriesSignal(rows.shape[1], names).learn([rows])


def dataset(rows: Array) -> Dataset:
    """As much of a data set as `prepare` reads."""
    targets = np.zeros(len(rows), np.int64)
    part = type("Rows", (), {"inputs": rows, "targets": targets, "__len__": lambda _: len(rows)})()
    return cast("Dataset", SimpleNamespace(signal=learnt(rows), answer=Score(), train=part))


def solved(rows: Array, size: int = 5000) -> Network:
    data = dataset(rows)
    network = build(data.signal, data.answer, "principal", size)
    with torch.no_grad():
        principal.prepare(network.body, network, data)
    return network.eval()


def trained(rows: Array, steps: int = 120, size: int = 300) -> Network:
    network = build(learnt(rows), Score(), "autoencoder", size)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    raw, dice = torch.from_numpy(rows), torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    for _ in range(steps):
        chosen = torch.randint(len(raw), (64,), generator=dice)
        loss = Score().loss(network(raw[chosen]), torch.zeros(64))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


def distances(network: torch.nn.Module, rows: Array) -> Array:
    with torch.no_grad():
        return cast("Array", network(torch.from_numpy(rows)).numpy()[:, 0])


@cache
def made(family: str) -> Network:
    return solved(sensors(400)) if family == "principal" else trained(sensors(400))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_dial_is_in_parameters(family: str) -> None:
    signal, module = learnt(np.tile(sensors(50), (1, 8, 1))), registry.find("families", family)
    sizes = [parameters(module.build(signal, Score(), size)) for size in (500, 1000, 2000)]
    assert sizes == sorted(sizes)
    assert all(0.6 * size < found <= size for size, found in zip((500, 1000, 2000), sizes, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_does_not_belong_together_is_far(family: str) -> None:
    """Values that are usual one by one, in combinations that do not occur."""
    network, rows = made(family), sensors(400, seed=1)
    mixed = _distance.shuffled(torch.from_numpy(rows[:, 0]), seed=0).numpy()[:, None]
    near, far = distances(network, rows), distances(network, mixed)
    assert near.min() >= 0
    assert near.mean() < 0.5 * far.mean()
    assert 0.5 < far.mean() < 2


@pytest.mark.parametrize("family", FAMILIES)
def test_the_file_that_ships_finds_one_sensor_far_out(family: str) -> None:
    """The further the farther: nothing saturates, however small the unit of the sensor is."""
    network, rows = made(family), sensors(400)
    file = onnx.write(quantize(network, torch.from_numpy(rows)), learnt(rows), Score(), {})
    runner = OnnxRunner(file)
    usual = runner({"series": rows})["score"].max()
    found = []
    for deviations in (20, 40, 80):
        odd = rows[:1].copy()
        odd[..., 2] += deviations * UNITS[2]
        found.append(float(runner({"series": odd})["score"].item()))
    assert usual < found[0] < 0.5 * found[1] < 0.25 * found[2]
    assert np.allclose(runner({"series": rows})["score"][:, 0], distances(network, rows), rtol=0.3, atol=0.1)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_compiles_to_c_at_its_price(family: str) -> None:
    rows, answer = sensors(400), Score(threshold=0.5)
    signal, network = learnt(rows), made(family)
    file = onnx.write(quantize(network, torch.from_numpy(rows)), signal, answer, {})
    program = read(file)
    far = rows[:50] + np.asarray(9 * UNITS, np.float32)
    inputs = {"series": np.concatenate([rows[:50], far])}
    assert check(file, program, CRunner(emit.write(program, "net"), program), inputs) >= 0
    before, after = price(Answering(network, answer.head()), example(signal)), shipped(file)
    assert abs(before.flash_bytes - after.flash_bytes) < 500
    assert abs(before.ram_bytes - after.ram_bytes) < 64


def test_principal_is_the_distance_of_mahalanobis() -> None:
    rows = sensors(500)
    network = solved(rows)
    standard = learnt(rows).frontend()(torch.from_numpy(rows)).flatten(1).double().numpy()
    away = standard - standard.mean(axis=0)
    wanted = np.einsum("ni,ij,nj->n", away, np.linalg.inv(np.cov(away.T, bias=True)), away)
    found = distances(network, rows)
    used = int((cast("principal.Principal", network.body).gains.weight != 0).sum())
    assert 2 <= used <= 6
    assert np.corrcoef(found, wanted)[0, 1] > 0.97
    assert np.corrcoef(found, (away**2).sum(axis=1))[0, 1] < 0.9


def test_few_parameters_are_for_the_directions_that_vary_most() -> None:
    network = solved(sensors(500), size=22)
    body = cast("principal.Principal", network.body)
    assert body.directions.out_features == 2
    assert distances(network, sensors(500, seed=1)).mean() < 0.5


def test_sensors_that_say_the_same_do_not_blow_up() -> None:
    rows = sensors(300)
    twice = np.concatenate([rows, rows, np.ones_like(rows)], axis=2)
    assert np.isfinite(distances(solved(twice), twice)).all()
    assert distances(solved(twice), twice).max() < 10


def test_principal_takes_what_it_can_learn_from() -> None:
    with pytest.raises(DataError, match="One normal example"):
        solved(sensors(1))
    wide = SeriesSignal(1000, tuple(f"sensor {index}" for index in range(6)))
    with pytest.raises(Unsupported, match="6000 features"):
        principal.build(wide, Score(), 5000)


def test_shuffling_keeps_columns() -> None:
    x = torch.arange(30.0).reshape(10, 3)
    mixed = _distance.shuffled(x, seed=0)
    assert torch.equal(mixed.sort(0).values, x)
    assert not torch.equal(mixed, x)
    assert torch.equal(mixed, _distance.shuffled(x, seed=0))


@pytest.mark.skipif(not DATA.is_dir(), reason="there is no shared/data beside this checkout")
def test_faults_of_a_real_process_are_found_within_the_budget() -> None:
    """Tennessee Eastman, simulated: normal operation against fault 1; no more false alarms than asked for."""
    normal = np.load(DATA / "d00.npy").T.astype(np.float32)[:, None]
    network = solved(normal[:350])
    answer = Score().calibrate(distances(network, normal[350:])[:, None], np.zeros(150, np.int64))
    fault, free = (np.load(DATA / f"{name}_te.npy").astype(np.float32)[:, None] for name in ("d01", "d00"))
    assert (distances(network, fault[160:]) >= answer.threshold).mean() > 0.99
    assert (distances(network, free) >= answer.threshold).mean() < 0.02
