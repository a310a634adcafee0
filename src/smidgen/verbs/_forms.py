"""The forms of a bundle's model that can run here."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from smidgen.bundle import MODEL, WEIGHTS, Bundle
from smidgen.errors import BundleError

if TYPE_CHECKING:
    from smidgen.compiler.network import Network
    from smidgen.types import Runner

FLOAT = "float"


def forms(bundle: Bundle) -> dict[str, Runner]:
    """The file of each form -> its runner, on one thread. The float form needs torch, and is left out without it."""
    found: dict[str, Runner] = {MODEL: bundle.runner(threads=1)}
    network = float_network(bundle)
    if network is not None:
        from smidgen.compiler.network import Answering
        from smidgen.runner import TorchRunner

        shipped = Answering(network, network.head)
        found[WEIGHTS] = TorchRunner(shipped, bundle.signal.input.name, bundle.answer.output.name, FLOAT)
    return found


def float_network(bundle: Bundle) -> Network | None:
    """The network with its float weights; None where the bundle has none, or torch is not installed.

    Raises:
        BundleError: the weights are not those of the network that the manifest describes.
    """
    if WEIGHTS not in bundle.manifest["files"] or importlib.util.find_spec("torch") is None:
        return None
    from safetensors.torch import load

    from smidgen.compiler.network import build

    manifest = bundle.manifest
    activation = manifest["options"].get("activation") or "relu"
    network = build(bundle.signal, bundle.answer, manifest["family"], manifest["size"], activation)
    try:
        network.load_state_dict(load((bundle.path / WEIGHTS).read_bytes()))
    except Exception as error:  # noqa: BLE001  safetensors and torch raise types of their own
        raise BundleError(f"{WEIGHTS} does not fit a {manifest['family']}: {error}", "Fit again") from None
    return network.eval()
