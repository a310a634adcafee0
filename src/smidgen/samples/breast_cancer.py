"""569 tumours: 30 measurements of cell nuclei in a needle biopsy, and the diagnosis; from scikit-learn."""

import numpy as np

from smidgen.data.listing import Listing, Sample
from smidgen.samples import _tables

NUCLEI = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
    "fractal dimension",
)  # fmt: skip


def _listing(name: str) -> Listing:
    table = _tables.numbers(name, "sklearn", "datasets/data/breast_cancer.csv", skip=1)
    names = [f"{kind} {measure}" for kind in ("mean", "error of", "worst") for measure in NUCLEI]
    measured = {measure: table[:, index] for index, measure in enumerate(names)}
    diagnosis = np.array(["malignant", "benign"], object)[table[:, -1].astype(int)]
    return _tables.listing(name, {**measured, "diagnosis": diagnosis})


# Street, Wolberg, Mangasarian 1993, "Nuclear feature extraction for breast tumor diagnosis" (UCI).
SAMPLE = Sample("569 tumours with 30 measurements, benign or malignant, from scikit-learn", _listing)
