"""1,797 digits of 8x8 pixels, from scikit-learn."""

from smidgen.data.listing import Sample
from smidgen.data.samples import packaged

# Alpaydin and Kaynak 1998, UCI "Optical recognition of handwritten digits".
SAMPLE = Sample(
    "1,797 digits of 8x8 pixels, from scikit-learn",
    lambda name: packaged(name, "sklearn", "datasets/data/digits.csv.gz", side=8, largest=16),
)
