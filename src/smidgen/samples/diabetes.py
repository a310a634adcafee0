"""442 patients with diabetes: ten measurements, and how far the disease went on within a year; from scikit-learn."""

from smidgen.data.listing import Listing, Sample
from smidgen.samples import _tables

MEASURES = (
    "age [years]", "sex", "body mass index [kg/m2]", "blood pressure [mmHg]", "cholesterol [mg/dl]", "ldl [mg/dl]",
    "hdl [mg/dl]", "cholesterol to hdl", "log triglycerides", "blood sugar [mg/dl]",
)  # fmt: skip


def _listing(name: str) -> Listing:
    table = _tables.numbers(name, "sklearn", "datasets/data/diabetes_data_raw.csv.gz", delimiter=None)
    target = _tables.numbers(name, "sklearn", "datasets/data/diabetes_target.csv.gz", delimiter=None)
    measured = {measure: table[:, index] for index, measure in enumerate(MEASURES)}
    return _tables.listing(name, {**measured, "progression": target[:, 0]})


# Efron, Hastie, Johnstone, Tibshirani 2004, "Least angle regression", Annals of Statistics 32:407.
SAMPLE = Sample("442 patients with ten measurements and how far their diabetes went on, from scikit-learn", _listing)
