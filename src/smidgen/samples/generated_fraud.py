"""20,000 card payments that were generated, not recorded: about 1 in 40 is fraud."""

import numpy as np

from smidgen.data.listing import Listing, Sample
from smidgen.samples import _tables

COUNT, SEED = 20_000, 6
SHOPS = ("food", "fuel", "travel", "clothes", "electronics", "gifts")
RISK = (-0.8, -0.4, 0.3, 0.0, 0.9, 1.1)  # of each, in the logarithm of the odds
UNKNOWN = 0.03  # the share of payments whose distance is not known


def _listing(name: str) -> Listing:
    """The odds of fraud grow with amount, distance and speed, more so at night, abroad and in some shops."""
    dice = np.random.default_rng(SEED)
    amount = np.round(np.exp(dice.normal(3.4, 1.1, COUNT)), 2)
    hour = np.floor(dice.normal(14, 5, COUNT)) % 24
    distance = np.round(0.1 + np.exp(dice.normal(1.5, 1.6, COUNT)), 1)
    since = np.round(0.01 + np.exp(dice.normal(2.5, 1.5, COUNT)), 2)
    age = np.round(dice.gamma(2.0, 2.2, COUNT), 1)
    abroad, shop = dice.random(COUNT) < 0.08, dice.choice(len(SHOPS), COUNT, p=(0.34, 0.2, 0.08, 0.18, 0.12, 0.08))
    night = (hour < 5) | (hour > 22)
    odds = (
        -6.0 + 0.75 * np.log(amount) + 0.45 * np.log(distance) - 0.55 * np.log(since) + np.array(RISK)[shop]
        + 1.4 * abroad + 1.1 * night + 1.6 * (abroad & (np.log(amount) > 4.5)) - 0.12 * age
    )  # fmt: skip
    fraud = dice.random(COUNT) < 1 / (1 + np.exp(-odds))
    columns = {
        "amount [EUR]": amount,
        "hour": hour,
        "distance from home [km]": np.where(dice.random(COUNT) < UNKNOWN, np.nan, distance),
        "hours since last payment [h]": since,
        "age of card [years]": age,
        "abroad": np.where(abroad, "yes", "no").astype(object),
        "shop": np.array(SHOPS, object)[shop],
        "fraud": np.where(fraud, "fraud", "honest").astype(object),
    }
    return _tables.listing(name, columns)


SAMPLE = Sample("20,000 card payments, some of them fraud: generated, not recorded", _listing)
