"""What every entry of the registry must do. A new file is tested the day it is added, with no new test code."""

import json
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
import torch

import smidgen
from smidgen import registry
from smidgen.bundle import Bundle
from smidgen.compiler.cost import price
from smidgen.compiler.network import Network, build, example
from smidgen.compression.quantize import quantize
from smidgen.data.load import load
from smidgen.errors import SmidgenError, Unsupported
from smidgen.evidence import measure_latency
from smidgen.families._layers import parameters
from smidgen.runner import OnnxRunner
from smidgen.targets.onnx import write
from smidgen.types import Array, Dataset, Task

TASKS = registry.names("tasks")
SIZE: dict[str, str] = {}  # of the networks of a task, where 4k parameters will not do
DEVICE_FIELDS: dict[str, dict[str, type[Any]]] = {
    "memory": {"flash_bytes": int, "ram_bytes": int, "source": str},
    "core": {"instruction_set": str, "clock_hz": int},
}


def task(name: str) -> Task:
    return cast("Task", registry.find("tasks", name).TASK)


@cache
def sample(name: str) -> Dataset:
    """The task's packaged sample."""
    return load(task(name).sample, task=name)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """For each task a model of its first family, trained shortly on its sample."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("smidgen.verbs._proof.measure_latency", lambda r, s: measure_latency(r, s, 0.0, 3))
        for name in TASKS:
            out = tmp_path_factory.mktemp("contract") / name
            options: dict[str, Any] = {"family": task(name).families[0], "size": SIZE.get(name, "4k")}
            if "epochs" not in task(name).recipe:
                options["epochs"] = 6
            found = smidgen.fit(task(name).sample, task=name, out=out, augment=False, distill=False, **options)
            assert isinstance(found, Bundle)
            made[name] = found
    return made


def answers(bundle: Bundle, raw: Array) -> Array:
    return bundle.runner(threads=1)({bundle.signal.input.name: raw})[bundle.answer.output.name]


def some(name: str, count: int) -> Array:
    """Test examples of a task's sample."""
    return sample(name).test.inputs[np.arange(count)]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_is(name: str) -> None:
    found = task(name)
    assert found.name == name
    assert found.about
    assert 0 < found.floor < 1
    assert set(found.families) <= set(registry.names("families"))
    data = sample(name)
    assert (data.signal.kind, data.answer.kind) == (found.signal, found.answer)
    assert min(len(data.train), len(data.validation), len(data.test)) > 0


@pytest.mark.parametrize("name", TASKS)
def test_a_task_learns_its_sample_above_the_floor(name: str, bundles: dict[str, Bundle]) -> None:
    evidence = bundles[name].evidence
    assert evidence is not None
    shipped = evidence.find(sample(name).answer.metric, "model.onnx")
    assert shipped is not None
    assert shipped.value > task(name).floor


@pytest.mark.parametrize("name", TASKS)
def test_one_example_is_answered_as_in_a_batch(name: str, bundles: dict[str, Bundle]) -> None:
    raw = some(name, 9)
    alone = np.concatenate([answers(bundles[name], raw[index : index + 1]) for index in range(len(raw))])
    np.testing.assert_allclose(alone, answers(bundles[name], raw), atol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_a_bundle_survives_saving_and_loading(name: str, bundles: dict[str, Bundle]) -> None:
    again = Bundle.load(bundles[name].path)
    assert again.manifest == bundles[name].manifest
    assert again.signal == sample(name).signal
    assert again.answer == bundles[name].answer
    assert type(again.answer).from_json(json.loads(json.dumps(again.answer.to_json()))) == again.answer
    np.testing.assert_array_equal(answers(again, some(name, 5)), answers(bundles[name], some(name, 5)))


@pytest.mark.parametrize("target", registry.names("targets"))
@pytest.mark.parametrize("name", TASKS)
def test_a_target_agrees_or_says_what_it_cannot(
    name: str, target: str, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle = bundles[name]
    try:
        files = registry.find("targets", target).export(bundle.path, tmp_path / "out")
    except Unsupported:
        return  # which names the layer, by its signature
    assert files
    assert all(file.stat().st_size and file.is_relative_to(tmp_path / "out") for file in files)
    for file in files:
        if file.suffix == ".onnx":
            found = OnnxRunner(file, threads=1)({bundle.signal.input.name: some(name, 20)})
            np.testing.assert_allclose(found[bundle.answer.output.name], answers(bundle, some(name, 20)), atol=1e-6)


@pytest.mark.parametrize(("name", "family"), [(name, family) for name in TASKS for family in task(name).families])
def test_every_family_can_be_priced_quantised_and_shipped(name: str, family: str) -> None:
    data, module = sample(name), registry.find("families", family)
    size = max(module.SMALLEST, 1500)
    network = build(data.signal, data.answer, family, size)
    prepare(module, network, data)
    network.eval()
    assert price(network, example(data.signal)).flash_bytes > 0
    assert parameters(network.body) <= size
    raw = data.train.inputs[np.arange(64)]
    graph = quantize(network, torch.from_numpy(raw))
    run = OnnxRunner(write(graph, data.signal, data.answer, {}), threads=1)
    shipped = run({data.signal.input.name: raw})[data.answer.output.name]
    with torch.no_grad():
        simulated = data.answer.head()(graph(torch.from_numpy(raw))).numpy()
    assert data.answer.same(shipped, simulated).mean() > 0.95


def prepare(module: ModuleType, network: Network, data: Dataset) -> None:
    """Set out from the data, where the family does."""
    if hasattr(module, "prepare"):
        with torch.no_grad():
            module.prepare(network.body, network, data)


@pytest.mark.parametrize("name", registry.names("devices"))
def test_a_device_is_complete(name: str) -> None:
    path = registry.ROOT / "devices" / f"{name.replace('-', '_')}.toml"
    device = tomllib.loads(path.read_text(encoding="utf-8"))
    assert device == registry.device(name)
    assert isinstance(device["about"], str)
    for section, fields in DEVICE_FIELDS.items():
        for field, kind in fields.items():
            value = device[section][field]
            assert type(value) is kind, field
            assert value if kind is str else value > 0, field


@pytest.mark.parametrize("name", TASKS)
def test_the_wrong_data_is_one_clear_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(SmidgenError):
        smidgen.fit(str(tmp_path / "nowhere"), task=name, out=tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
