"""Show a few held-out examples to a model, and its answers beside the truth: python docs/demo.py demo/digits."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import smidgen
from smidgen.data.load import load


def main(folder: str) -> None:
    """Write one held-out picture of each class beside the bundle, as a PNG, and predict it."""
    bundle = smidgen.Bundle.load(folder)
    origin, seed = bundle.manifest["data"]["source"], bundle.manifest["options"]["seed"]
    data = load(origin, seed=seed)  # the same split as in training
    pictures = Path(folder).parent / "held-out"
    pictures.mkdir(exist_ok=True)
    _, first = np.unique(data.test.targets, return_index=True)
    files = {}
    for index, pixels in zip(first, data.test.inputs[first], strict=True):
        name = bundle.manifest["answer"]["names"][data.test.targets[index]]
        files[pictures / f"{name}.png"] = name
        Image.fromarray(pixels.squeeze()).save(pictures / f"{name}.png")

    print(f"{'picture':<24}{'true':>6}{'model says':>12}{'sure':>10}")
    for (path, name), each in zip(files.items(), smidgen.predict(bundle, list(files)).predictions, strict=True):
        said, sure = each.answer["label"], each.answer["probability"]
        print(f"{path!s:<24}{name:>6}{said:>12}{sure:>10.1%}{'' if said == name else '  wrong'}")
    print(f"\nThe whole story, in a browser: {bundle.path / 'report.html'}")


if __name__ == "__main__":
    main(sys.argv[1])
