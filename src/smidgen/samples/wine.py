"""178 wines: 13 chemical measurements, and which of three growers made it; from scikit-learn."""

import numpy as np

from smidgen.data.listing import Listing, Sample
from smidgen.samples import _tables

MEASURES = (
    "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "phenols", "flavanoids", "nonflavanoid phenols",
    "proanthocyanins", "colour intensity", "hue", "od280 to od315", "proline",
)  # fmt: skip


def _listing(name: str) -> Listing:
    table = _tables.numbers(name, "sklearn", "datasets/data/wine_data.csv", skip=1)
    measured = {measure: table[:, index] for index, measure in enumerate(MEASURES)}
    grower = np.array(["first", "second", "third"], object)[table[:, -1].astype(int)]
    return _tables.listing(name, {**measured, "class": grower})


# Forina et al. 1988, PARVUS; UCI "Wine", Aeberhard and Forina 1991.
SAMPLE = Sample("178 wines of three growers with 13 chemical measurements, from scikit-learn", _listing)
