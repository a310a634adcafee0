"""Interactions: what somebody chose, as item numbers in order of time, the latest last."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from smidgen.data.listing import Columns, Listing
from smidgen.data.reading import Collected, Match
from smidgen.errors import BundleError, DataError
from smidgen.signals import _choices
from smidgen.signals._attributes import features
from smidgen.signals._choices import CORE, CORE_OF_PEOPLE, ITEMS, LAST, Choices, Divided, Form
from smidgen.types import Array, Changes, Json, Reading, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor, nn

    from smidgen.data.store import Memory
    from smidgen.types import Answer, Progress

LONGEST = 4096  # choices of a history that a model sees: the latest ones; also all that it can hide
MOST = 1_000_000  # items; more is damage
SKETCHED = 64  # of the latest choices


@dataclass(frozen=True)
class InteractionsSignal:
    """`history` places for item numbers from 1; 0 is none, and stands before all others.

    `items` are their names, each another one, sorted; `ids`, what files call them. `attributes` say what items are
    like, (items, d); they are there while a model is made, and not kept.
    """

    history: int
    items: tuple[str, ...]
    ids: tuple[str, ...]
    user: str = "user"
    item: str = "item"
    people: bool = False  # items are users too; nobody is recommended to himself
    attributes: Array | None = field(default=None, compare=False, repr=False)

    kind = "interactions"
    noun = "histories"
    comparable = False  # people with nearly the same taste are no copies

    @property
    def input(self) -> TensorSpec:
        """Item numbers, (history,)."""
        return TensorSpec("history", "int32", (self.history,))

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """(time,): codes to be embedded."""
        return (self.history,)

    def frontend(self) -> nn.Module:
        """The codes as they are."""
        from torch import nn

        return nn.Identity()

    def restore(self, answer: Answer) -> nn.Module | None:  # noqa: ARG002
        """What hides items that were chosen already."""
        from smidgen.signals._seen import Unseen

        return Unseen(self.history, len(self.items))

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:
        """A table that says who chose what."""
        if not isinstance(found.content, Columns) or how.task.target != "choice":
            return None
        form = _choices.form_of(found.content, how)
        if form is None:
            return None
        many = len(set(found.content.text(form.user))) < len(found.content)
        why = f"its columns {form.user} and {form.item} say who chose what"
        return Match(0.95 if many else 0.3, why)

    @classmethod
    def collect(
        cls,
        found: Listing,
        how: Reading,
        memory: Memory,
        progress: Progress,  # noqa: ARG003
        sensor: Self | None = None,
    ) -> Collected:
        """Read who chose what, leave out who chose too little, and divide the choices of each user.

        Raises:
            DataError: the table does not say who chose what, or too little is left.
        """
        if not isinstance(found.content, Columns):
            raise DataError(f"{found.source} is no table", "Give a .csv with the columns user and item")
        form = _choices.form_of(found.content, how)
        if form is None:
            raise DataError(
                f"{found.source} does not say who chose what", "Name the columns: --group of users, --target of items"
            )
        table, key, new = _choices.marked(found, form)
        choices = _choices.read(found.content, form, how)
        if sensor:
            signal, choices = sensor, sensor._own(choices, found.source)
        else:
            choices = _choices.thinned(choices, CORE_OF_PEOPLE if form.people else CORE, sorted(new))
            signal = cls._planned(choices, form, _choices.titles(choices.item_ids, table, key), found)
        fresh = np.array([one in new for one in choices.item_ids], bool)
        return signal._examples(choices, _choices.divide(choices, how.seed, form.people, fresh), memory)

    @classmethod
    def _planned(cls, choices: Choices, form: Form, names: Sequence[str], found: Listing) -> Self:
        order = sorted(range(len(names)), key=lambda number: names[number])
        ids = tuple(choices.item_ids[number] for number in order)
        keys = (form.item.lower(), "id", *ITEMS)
        described = features(ids, found.tables, keys) if found.tables else None
        counts = np.bincount(choices.users)
        history = int(min(LONGEST, counts.max() + form.people))
        sorted_names = tuple(names[number] for number in order)
        return cls(history, sorted_names, ids, form.user, form.item, form.people, described)

    def _own(self, choices: Choices, source: str) -> Choices:
        """The choices of items that this sensor knows."""
        known = set(self.ids)
        pairs = [
            (choices.user_ids[user], choices.item_ids[item])
            for user, item in zip(choices.users.tolist(), choices.items.tolist(), strict=True)
            if choices.item_ids[item] in known
        ]
        if not pairs:
            raise DataError(f"{source} has none of the items that the model knows", "Their ids must be the same")
        return _choices.numbered(pairs, choices.timed, choices.notes)

    def _examples(self, choices: Choices, divided: Divided, memory: Memory) -> Collected:
        """Of each user an example for each part: what is known then, and what is to be guessed."""
        numbers = {one: number for number, one in enumerate(self.ids)}
        places = np.array([numbers[one] for one in choices.item_ids], np.int64)  # of an item among the outputs
        rows, labels, names, parts = list[Array](), list[str](), list[str](), list[str]()
        for user, *each in zip(divided.users, divided.train, divided.validation, divided.test, strict=True):
            name = choices.user_ids[user]
            train, validation, test = (places[items] for items in each)
            before = (
                np.sort(np.concatenate([train, validation])) if self.people else np.concatenate([train, validation])
            )
            cut = len(train) - max(1, round(LAST * len(train)))
            wanted = (("train", train[:cut], train), ("validation", train, validation), ("test", before, test))
            for part, known, chosen in wanted:
                if len(chosen):
                    rows.append(self._row(known, name))
                    labels.append("\n".join(self.items[item] for item in chosen.tolist()))
                    names.append(f"{self.user} {name}")
                    parts.append(part)
        writer = memory.writer(len(rows), self.input.shape, self.input.dtype)
        writer.append(np.array(rows, np.int32).reshape(-1, self.history))
        long = sum(len(train) > self.history for train in divided.train)
        cut_off = [f"Of {long:,} long histories a model sees the last {self.history} choices"] if long else []
        sizes = {f"{len(self.items)} items": len(rows)}
        return Collected(
            self,
            writer.store(),
            labels,
            names,
            parts,
            rule=divided.rule,
            sizes=sizes,
            warnings=[*choices.notes, *cut_off],
        )

    def _row(self, known: Array, name: str = "") -> Array:
        """Item numbers from 0 as one example; where items are people, the person itself comes first."""
        if self.people and name in self.ids:
            known = np.concatenate([[self.ids.index(name)], known])[-self.history :]
        row = np.zeros(self.history, np.int32)
        kept = np.asarray(known[-self.history :], np.int32)
        row[self.history - len(kept) :] = kept + 1
        return row

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """The history of each user in a table, or one that is given by names: "Heat (1995); Casino"; ";" is empty.

        Raises:
            DataError: an item that is not known.
        """
        try:
            is_file = bool(given.strip()) and Path(given).is_file()
        except (OSError, ValueError):
            is_file = False
        if not is_file:
            known = [self._found(part.strip()) for part in given.replace("\n", ";").split(";") if part.strip()]
            named = given.strip() if self.people and given.strip() in self.ids else ""
            yield (
                given.strip(" ;") or "nothing chosen yet",
                self._row(np.array([] if named else known, np.int64), named),
            )
            return
        yield from self._read(given)

    def _read(self, path: str) -> Iterator[tuple[str, Array]]:
        """The users of a table, each with all of its choices."""
        from smidgen.data.columns import read
        from smidgen.types import Task

        columns, _ = read(Path(path))
        names = {name.strip().lower(): name for name in columns.names}
        item = names.get(self.item.lower(), "")
        if not item:
            raise DataError(f"{path} has no column {self.item!r}", f"It should have {self.user},{self.item}")
        how = Reading(Task("predict", self.kind, "ranking", (), "", 0.0, "", "choice"))
        form = Form(
            names.get(self.user.lower(), ""),
            item,
            columns.find("", _choices.RATINGS),
            columns.find("", _choices.TIMES),
            self.people,
        )
        if not form.user:
            known = [self._found(one) for one in columns.text(item) if one]
            yield path, self._row(np.array(known, np.int64))
            return
        choices = self._own(_choices.read(columns, form, how), path)
        places = {one: number for number, one in enumerate(self.ids)}
        for number, user in enumerate(choices.user_ids):
            chosen = [places[choices.item_ids[item]] for item in choices.items[choices.users == number].tolist()]
            yield f"{self.user} {user}", self._row(np.array(chosen, np.int64), user)

    def _found(self, wanted: str) -> int:
        """The number from 0 of the item of that name or id; raises DataError, with those that are close."""
        folded = wanted.casefold()
        names = [name.casefold() for name in self.items]
        for known in (names, self.ids, [name.rpartition(" (")[0] for name in names]):
            if folded in known:
                return list(known).index(folded)
        close = [self.items[number] for number, name in enumerate(names) if folded in name][:3]
        close = close or [self.items[names.index(name)] for name in get_close_matches(folded, names, 3, 0.5)]
        hint = f"did you mean {' or '.join(close)}?" if close else "give names as they are recommended, with ; between"
        raise DataError(f"There is no item called {wanted!r}; {hint}")

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:  # noqa: ARG002
        """Some of the history may be missing."""
        return [[{"forget": 0.5}, {"forget": 0.2}]]

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:
        """Forget each item of a batch (b, history) with the chance `forget`; those that stay keep their places."""
        import torch

        dice = torch.Generator().manual_seed(seed)
        return raw * (torch.rand(raw.shape, generator=dice) >= how.get("forget", 0.0))

    def learn(self, blocks: Iterable[Array]) -> Self:  # noqa: ARG002
        """Nothing: families learn all there is."""
        return self

    def sketch(self, block: Array) -> Array:
        """A byte for each of the latest choices, (b, d)."""
        return np.asarray(block[:, -SKETCHED:] % 251, np.uint8)

    def to_json(self) -> dict[str, Json]:
        """The fields by name, but for attributes."""
        return {
            "history": self.history,
            "items": list(self.items),
            "ids": list(self.ids),
            "user": self.user,
            "item": self.item,
            "people": self.people,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or makes no sense."""
        history, items, ids = (state.get(name) for name in ("history", "items", "ids"))
        if type(history) is not int or not 1 <= history <= LONGEST:
            raise BundleError(f"signal.history should be a whole number from 1 to {LONGEST}, not {history!r}")
        if not isinstance(items, list) or not isinstance(ids, list) or not 2 <= len(items) == len(ids) <= MOST:
            raise BundleError(f"signal.items and signal.ids should be as many names, 2 to {MOST}")
        if not all(type(name) is str and name for name in (*items, *ids)) or len(set(items)) < len(items):
            raise BundleError("signal.items and signal.ids should be names, each item another one")
        user, item, people = (state.get(name) for name in ("user", "item", "people"))
        if type(user) is not str or type(item) is not str or type(people) is not bool:
            raise BundleError("signal.user and signal.item should be names of columns, signal.people true or false")
        return cls(history, tuple(items), tuple(ids), user, item, people)


SIGNAL = InteractionsSignal
