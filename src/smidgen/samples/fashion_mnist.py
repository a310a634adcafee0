"""70,000 pictures of clothing of 28x28 pixels, from Debian or downloaded (31 MB)."""

from pathlib import Path

from smidgen.data.listing import Sample
from smidgen.data.samples import Remote, remote

# Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
FASHION_MNIST = Remote(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": (
            26421880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        "train-labels-idx1-ubyte.gz": (
            29515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        "t10k-images-idx3-ubyte.gz": (
            4422102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        "t10k-labels-idx1-ubyte.gz": (
            5148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    },
    ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    Path("/usr/share/datasets/fashion-mnist"),
)

SAMPLE = Sample(
    "70,000 pictures of clothing of 28x28 pixels, from Debian or downloaded (31 MB)",
    lambda name: remote(name, FASHION_MNIST),
)
