"""Who chose what: read from tables, thinned to what can be learnt from, and divided."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smidgen.data.listing import Columns, Listing
    from smidgen.types import Array, Reading

USERS = ("user", "userid", "user_id", "uid", "person", "customer", "customer_id", "visitor", "visitorid", "member")
ITEMS = ("item", "itemid", "item_id", "movieid", "movie_id", "iid", "product", "product_id", "article", "article_id",
         "news_id", "newsid", "book_id", "song_id", "track_id", "isbn")  # fmt: skip
PEOPLE = (("source", "target"), ("follower", "followed"), ("user", "friend"), ("person", "friend"), ("from", "to"))
RATINGS = ("rating", "score", "stars", "value")
TIMES = ("timestamp", "time", "date", "datetime")
NEW = "new"  # the column of a table of items that marks those whose choices nothing is learnt from
TITLES = ("title", "name", "headline", "label")
LIKED = 0.7  # of the highest rating: 3.5 of 5 stars; lower ratings are not what somebody likes
HIGHEST = 100  # of a scale; larger values count something, and any of them is a choice
CORE = 5  # choices of each user and each item, at least
CORE_OF_PEOPLE = 3
TEST, VALIDATION = 0.25, 0.1  # shares of the choices of each user, the second of what the first leaves
EDGES_TEST, EDGES_VALIDATION = 0.2, 0.1  # of all links between people
LAST = 0.2  # of the training choices of each user: what a network is to guess from those before
MOST = 5000  # choices of one user that count: the latest ones


@dataclass(frozen=True)
class Form:
    """Which columns are what; "" where there is none."""

    user: str
    item: str
    rating: str = ""
    time: str = ""
    people: bool = False  # items are users too, and a link goes both ways


@dataclass(frozen=True)
class Choices:
    """Each choice once, in order of time (or else at random) within each user. Ids are as in the file.

    `users` and `items` are (n,) numbers of `user_ids` and `item_ids`, both sorted.
    """

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    users: Array
    items: Array
    timed: bool
    notes: list[str] = field(default_factory=list)


def form_of(columns: Columns, how: Reading) -> Form | None:
    """What the columns of a table mean, or None where it does not say who chose what. Raises DataError."""
    names = {name.strip().lower() for name in columns.names}
    pair = next((pair for pair in PEOPLE if {*pair} <= names), None)
    if pair and not how.target and not how.group:
        user, item = (columns.find("", (name,)) for name in pair)
    else:
        user, item = columns.find(how.group, USERS), columns.find(how.target, ITEMS)
    if not user or not item or user == item:
        return None
    rating, time = columns.find("", RATINGS), columns.find(how.time, TIMES)
    left_out = {name.strip().lower() for name in how.ignore}
    rating, time = (name if name.lower() not in left_out else "" for name in (rating, time))
    return Form(user, item, rating, time, pair is not None)


def read(columns: Columns, form: Form, how: Reading) -> Choices:
    """All choices in a table; raises DataError where there are none."""
    notes: list[str] = []
    users, items = columns.text(form.user), columns.text(form.item)
    kept = np.array([bool(user and item) for user, item in zip(users, items, strict=True)], bool)
    if not kept.all():
        notes.append(f"{(~kept).sum():,} rows without a user or an item were left out")
    if form.rating:
        liked, note = _liked(columns, form.rating, how.positive)
        kept &= liked
        notes.append(note)
    order = _order(columns, form, users, items)
    rows = order[kept[order]]
    pairs = [(users[row], items[row]) for row in rows.tolist()]
    if form.people:
        pairs = [pair for one, other in pairs if one != other for pair in ((one, other), (other, one))]
    pairs = _latest(list(dict.fromkeys(pairs)))
    if len({item for _, item in pairs}) < 2:
        raise DataError(f"Nobody chooses among items in the column {form.item!r}", "Say another --target or --positive")
    return numbered(pairs, bool(form.time), notes)


def _latest(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """At most the last MOST choices of each user."""
    left = Counter(user for user, _ in pairs)
    kept = []
    for user, item in pairs:
        left[user] -= 1
        if left[user] < MOST:
            kept.append((user, item))
    return kept


def _liked(columns: Columns, rating: str, positive: str) -> tuple[Array, str]:
    """Which rows are choices by their rating, and a sentence that says so."""
    if not columns.is_number(rating):
        raise DataError(f"The column {rating!r} holds ratings that are no numbers", f"Leave it out: --ignore {rating}")
    values = columns.columns[rating]
    highest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    try:
        least = float(positive) if positive else LIKED * highest if highest <= HIGHEST else -np.inf
    except ValueError:
        raise DataError(f"--positive {positive} is no rating", f"Give the least {rating} that counts") from None
    liked = values >= least
    if np.isinf(least):
        return liked, f"Every row is a choice, whatever its {rating}"
    return liked, f"A choice is a {rating} of {least:g} or more (--positive): {liked.sum():,} of {len(liked):,} rows"


def _order(columns: Columns, form: Form, users: Sequence[str], items: Sequence[str]) -> Array:
    """Rows in order of time; without one, or at the same time, in an order that only users and items decide."""
    chance = np.array([chance_of(user, item) for user, item in zip(users, items, strict=True)])
    if not form.time:
        return np.argsort(chance, kind="stable")
    times: Array = columns.columns[form.time]
    keys = times if columns.is_number(form.time) else np.unique(times.astype(str), return_inverse=True)[1].reshape(-1)
    return np.lexsort((chance, keys))


def chance_of(*parts: object) -> float:
    """A number from 0 to 1 that looks random, but only these parts decide."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def numbered(pairs: Sequence[tuple[str, str]], timed: bool, notes: list[str]) -> Choices:
    """Pairs of user and item, in order, as choices."""
    user_ids, item_ids = (sorted({pair[side] for pair in pairs}, key=natural) for side in (0, 1))
    numbers = [{name: number for number, name in enumerate(ids)} for ids in (user_ids, item_ids)]
    users, items = (np.array([numbers[side][pair[side]] for pair in pairs], np.int64) for side in (0, 1))
    return Choices(user_ids, item_ids, users, items, timed, notes)


def natural(name: str) -> tuple[int, int, str]:
    """What sorts whole numbers by value, before all else."""
    return (0, int(name), name) if name.isdecimal() and len(name) < 19 else (1, 0, name)


def thinned(choices: Choices, least: int, spared: Sequence[str] = ()) -> Choices:
    """Without users and items that have fewer than `least` choices, again and again until all have them.

    Args:
        choices: all.
        least: of each user and item.
        spared: ids of items that stay even so; their choices do not count for users.

    Raises:
        DataError: nothing is left.
    """
    kept = np.ones(len(choices.users), bool)
    spare = np.isin(np.array(choices.item_ids, object), np.array(spared, object))
    while True:
        counted = kept & ~spare[choices.items]
        of_users = np.bincount(choices.users[counted], minlength=len(choices.user_ids))
        of_items = np.bincount(choices.items[counted], minlength=len(choices.item_ids))
        good = (of_users[choices.users] >= least) & ((of_items[choices.items] >= least) | spare[choices.items])
        if (good | ~kept).all():
            break
        kept &= good
    if not kept.any():
        raise DataError(f"No user and item have {least} choices each", "Give more choices, or a lower --positive")
    pairs = [
        (choices.user_ids[user], choices.item_ids[item])
        for user, item in zip(choices.users[kept].tolist(), choices.items[kept].tolist(), strict=True)
    ]
    made = numbered(pairs, choices.timed, [*choices.notes])
    made.notes.append(
        f"Users and items with fewer than {least} choices were left out: {len(made.user_ids):,} of "
        f"{len(choices.user_ids):,} users, {len(made.item_ids):,} of {len(choices.item_ids):,} items, "
        f"{len(pairs):,} of {len(choices.users):,} choices are left"
    )
    return made


@dataclass(frozen=True)
class Divided:
    """The choices of each user that has any: item numbers from 0 in order, by part; and the rule in words."""

    users: Sequence[int]
    train: Sequence[Array]
    validation: Sequence[Array]
    test: Sequence[Array]
    rule: str


def divide(choices: Choices, seed: int, people: bool, fresh: Array) -> Divided:
    """The last choice of each user for the test and the one before for validation; or shares, where no time is known.

    Args:
        choices: in order.
        seed: of the shares.
        people: links go both ways, and both ways are on one side.
        fresh: bool for each item: its choices are always test.
    """
    order = np.argsort(choices.users, kind="stable")
    starts = np.flatnonzero(np.diff(choices.users[order], prepend=-1))
    each = np.split(order, starts[1:])
    users = choices.users[order[starts]].tolist()
    parts = [_parts(choices, rows, seed, people, fresh) for rows in each]
    train, validation, test = (
        [choices.items[rows[part == which]] for rows, part in zip(each, parts, strict=True)] for which in range(3)
    )
    return Divided(users, train, validation, test, _rule(choices, seed, people, fresh))


def _rule(choices: Choices, seed: int, people: bool, fresh: Array) -> str:
    if people:
        rule = (
            f"{EDGES_TEST:.0%} of all links for the test, {EDGES_VALIDATION:.0%} for validation, at random, seed {seed}"
        )
    elif choices.timed:
        rule = "by time: the last choice of each user is for the test, the one before for validation"
    else:
        rule = f"{TEST:.0%} of the choices of each user for the test, {VALIDATION:.0%} of the rest for validation"
        rule += f", seed {seed}"
    rule = rule.replace("%", " %") + "; both are to be guessed from what is left"
    return f"{rule}; all choices of the {fresh.sum():,} new items are for the test" if fresh.any() else rule


def _parts(choices: Choices, rows: Array, seed: int, people: bool, fresh: Array) -> Array:
    """0 for training, 1 for validation, 2 for the test, for each choice of one user: (n,)."""
    own = ~fresh[choices.items[rows]]
    parts = np.where(own, 0, 2)
    old = np.flatnonzero(own)
    if people:
        me = choices.user_ids[choices.users[rows[0]]]
        links = [sorted((me, choices.item_ids[item])) for item in choices.items[rows[old]].tolist()]
        luck = np.array([chance_of(seed, *link) for link in links])
        parts[old] = np.where(luck < EDGES_TEST, 2, np.where(luck < EDGES_TEST + EDGES_VALIDATION, 1, 0))
        return parts
    if len(old) < 3:
        return parts
    if choices.timed:
        parts[old[-1]], parts[old[-2]] = 2, 1
        return parts
    me = choices.user_ids[choices.users[rows[0]]]
    luck = np.argsort([chance_of(seed, me, choices.item_ids[item]) for item in choices.items[rows[old]].tolist()])
    test = max(1, round(TEST * len(old)))
    parts[old[luck[:test]]] = 2
    parts[old[luck[test : test + max(1, round(VALIDATION * (len(old) - test)))]]] = 1
    return parts


def marked(found: Listing, form: Form) -> tuple[Columns | None, str, set[str]]:
    """The table of items, the name of its column of ids, and the ids of those that are marked as new."""
    table, key = item_table(found.tables, form)
    if table is None:
        return None, "", set()
    mark = table.find("", (NEW,))
    if not mark:
        return table, key, set()
    new = {
        one for one, flag in zip(table.text(key), table.text(mark), strict=True) if flag.lower() in ("1", "true", "yes")
    }
    return table, key, new


def item_table(tables: Mapping[str, Columns], form: Form) -> tuple[Columns | None, str]:
    """The table that describes items, one row each, and its column of ids."""
    wanted = ("id", *ITEMS, form.user.lower()) if form.people else (form.item.lower(), "id", *ITEMS)
    for name in sorted(tables):
        table = tables[name]
        key = table.find("", wanted)
        if (
            key
            and len(table.names) > 1
            and max(Counter(table.text(key)).values(), default=2) == 1
            and _described(table, key)
        ):
            return table, key
    return None, ""


def _described(table: Columns, key: str) -> bool:
    """Whether a table says something in words of each row."""
    return any(name != key and not table.is_number(name) for name in table.names)


def titles(ids: Sequence[str], table: Columns | None, key: str) -> list[str]:
    """A name for each item: its title where the table has one, with its id where two have the same."""
    title = table.find("", TITLES) if table else ""
    known = dict(zip(table.text(key), table.text(title), strict=True)) if table and title else {}
    named = [" ".join((known.get(one) or one).split()) for one in ids]
    counts = Counter(named)
    return [name if counts[name] == 1 else f"{name} [{one}]" for name, one in zip(named, ids, strict=True)]
