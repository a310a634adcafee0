"""What survives a kill: the journal of a fit, one safetensors file for each stage.

A stage's file holds its tensors and, in the header, a JSON record. A finished stage is read back instead of being run
again; an unfinished one goes on at the step that was saved last. Files are replaced atomically and are data only.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from smidgen.errors import BundleError, StorageError
from smidgen.types import Json


class Journal:
    """The stages of one fit, in a folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def open(self, settings: Mapping[str, Json], resume: bool) -> None:
        """Start afresh, or go on where a run with the same settings stopped.

        Raises:
            BundleError: asked to resume, but there is nothing to resume or it was another run.
        """
        if self.folder is None:
            return
        identity = json.dumps(settings, sort_keys=True)
        record = self.folder / "settings.json"
        if resume:
            if not record.is_file():
                raise BundleError(f"There is no interrupted run in {self.folder}", "Leave out --resume to start one")
            if record.read_text(encoding="utf-8") != identity:
                raise BundleError(
                    f"The interrupted run in {self.folder} had other options or other data",
                    "Give the same ones, or leave out --resume to start afresh",
                )
            return
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            record.write_text(identity, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"Cannot write to {self.folder}: {error.strerror}", "Choose another --out") from error

    def read(self, stage: str) -> tuple[dict[str, Tensor], dict[str, Json]] | None:
        """The tensors and the record that were saved for a stage, or None."""
        path = self._path(stage)
        if path is None or not path.is_file():
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as file:
                record = json.loads((file.metadata() or {})["record"])
                return {name: file.get_tensor(name) for name in file.keys()}, record  # noqa: SIM118 - not a dict
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise BundleError(f"The checkpoint {path} is damaged", "Leave out --resume to start afresh") from error

    def write(self, stage: str, tensors: Mapping[str, Tensor], record: Mapping[str, Json]) -> None:
        """Save a stage, atomically. Raises StorageError."""
        path = self._path(stage)
        if path is None:
            return
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        draft = path.with_suffix(".draft")
        try:
            save_file({name: value.detach().contiguous().clone() for name, value in tensors.items()}, draft,
                      {"record": json.dumps(record)})  # fmt: skip
            os.replace(draft, path)  # noqa: PTH105 - one call, atomic
        except (OSError, SafetensorError) as error:
            draft.unlink(missing_ok=True)
            raise StorageError(f"Cannot save a checkpoint in {path.parent}: {error}", "Free some space") from error

    def close(self) -> None:
        """Delete the journal: the bundle is written."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, stage: str) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / (re.sub(r"[^a-z0-9.-]+", "-", stage.lower()) + ".safetensors")


def optimizer_state(optimizer: Optimizer) -> dict[str, Tensor]:
    """The tensors inside an optimizer, under flat names."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {
        f"optimizer.{index}.{key}": value
        for index, parameter in enumerate(parameters)
        for key, value in optimizer.state[parameter].items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `optimizer_state`."""
    parameters: list[nn.Parameter] = [p for group in optimizer.param_groups for p in group["params"]]
    for name, value in tensors.items():
        head, _, rest = name.partition(".")
        if head == "optimizer":
            index, _, key = rest.partition(".")
            parameter = parameters[int(index)]
            state: dict[str, Any] = optimizer.state[parameter]
            # Fused optimizers walk memory: the state needs the layout of its parameter.
            state[key] = (
                torch.empty_like(parameter).copy_(value) if value.ndim else value.to(parameter.device, copy=True)
            )
