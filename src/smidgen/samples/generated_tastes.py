"""What 500 made-up people read of 240 made-up articles: generated, not observed."""

import numpy as np

from smidgen.data.listing import Columns, Listing, Sample

PEOPLE, ARTICLES, SEED = 500, 240, 12
TOPICS = ("cooking", "football", "gardens", "history", "music", "science", "trains", "weather")
KINDS = ("interview", "essay", "news", "quiz")
FRESH = 24  # articles that are marked as new: nobody's choice of them is learnt from


def _listing(name: str) -> Listing:
    """People like two topics and one kind of article; popular articles are read more."""
    dice = np.random.default_rng(SEED)
    topic, kind = dice.integers(len(TOPICS), size=ARTICLES), dice.integers(len(KINDS), size=ARTICLES)
    popularity = dice.normal(0, 0.7, ARTICLES)
    rows = []
    for person in range(PEOPLE):
        likes = dice.choice(len(TOPICS), 2, replace=False)
        scores = popularity + 2.5 * np.isin(topic, likes) + 1.0 * (kind == dice.integers(len(KINDS)))
        order = np.argsort(-(scores + dice.gumbel(size=ARTICLES)))
        rows += [(f"p{person:03}", f"a{article:03}") for article in order[: dice.integers(8, 30)].tolist()]
    when = dice.permutation(len(rows)).astype(np.float64)
    lines = [f"{name}:{row}" for row in range(1, len(rows) + 1)]
    users, items = (np.array(column, object) for column in zip(*rows, strict=True))
    content = Columns(("user", "item", "time"), {"user": users, "item": items, "time": when}, lines)
    titles = [f"{KINDS[k]} on {TOPICS[t]} {number}" for number, (k, t) in enumerate(zip(kind, topic, strict=True))]
    described = {
        "item": np.array([f"a{article:03}" for article in range(ARTICLES)], object),
        "title": np.array(titles, object),
        "new": (np.arange(ARTICLES) >= ARTICLES - FRESH).astype(np.float64),
    }
    articles = Columns(tuple(described), described, [f"{name}:articles {row}" for row in range(1, ARTICLES + 1)])
    return Listing(name, "sample", lines, [], content, tables={"articles": articles})


SAMPLE = Sample("what 500 people read of 240 articles, some of them new: generated, not observed", _listing)
