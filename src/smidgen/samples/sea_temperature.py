"""The temperature of the eastern Pacific near Peru, monthly from 1950 to 2010; from statsmodels."""

import numpy as np

from smidgen.data.listing import Listing, Sample
from smidgen.samples import _tables


def _listing(name: str) -> Listing:
    table = _tables.numbers(name, "statsmodels", "datasets/elnino/elnino.csv", skip=1)  # (years, 1 + 12)
    months = [f"{int(year)}-{month:02}" for year in table[:, 0] for month in range(1, 13)]
    return _tables.listing(name, {"month": np.array(months, object), "temperature [C]": table[:, 1:].reshape(-1)})


# NOAA, "El Nino - sea surface temperatures", as statsmodels ships it.
SAMPLE = Sample("732 months of the temperature of the sea near Peru, from statsmodels", _listing)
