"""Causes and consequences: the commands and events of one correlation as a tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from eventstore.browser.consequences import Thing
from eventstore.browser.told import Told, entries, log, tell
from eventstore.models import Command

MOST = 500  # events on one page


@dataclass(eq=False)
class Asking:
    """Events that one command recorded, for one cause: a branch of the tree."""

    command_id: UUID | None
    causation_id: UUID | None  # the event that made somebody ask
    name: str = ""  # of the command, if it left a receipt
    events: list[Told] = field(default_factory=list)


class Line(NamedTuple):
    """One line of the tree as it is written down: it may open a list, and ends ``closes`` of them."""

    asking: Asking | None  # a branch: what was asked
    told: Told | None  # or an event of it
    opens: bool
    inner: bool  # the next line opens a list in this one
    closes: range
    strange: bool  # a branch whose cause is not on this page
    things: Sequence[Thing] = ()  # that came of the event and are none themselves


def of(correlation_id: UUID, after: int) -> tuple[list[Told], bool]:
    """The first events of the correlation after that position, and whether there are more."""
    by_position = (F("position") + 0).asc()  # not by the primary key, which would be walked from its beginning
    found = entries(log().filter(correlation_id=correlation_id, position__gt=after).order_by(by_position)[: MOST + 1])
    return tell(found[:MOST]), len(found) > MOST


class Tree(NamedTuple):
    """What was asked, and what came of it: ``caused`` has the branches that grow from an event, by its id."""

    roots: list[Asking]
    caused: dict[UUID, list[Asking]]

    def strange(self, branch: Asking) -> bool:
        """Whether its cause is not among the events of this tree."""
        return branch.causation_id is not None and branch in self.roots


def tree(told: Sequence[Told]) -> Tree:
    """The events of one correlation under the commands that recorded them, and these under the events that caused them.

    For whoever shows it: the page here, and a project's own API. It may be as deep as it is long: walk it, do not
    recurse.
    """
    known = {each.entry.event_id: each.entry.position for each in told}
    found = Tree([], {})
    for branch in _branches(told):
        cause = branch.causation_id
        # A cause comes before its consequences: a log that says otherwise is still shown, without going in circles.
        if cause and known.get(cause, branch.events[0].entry.position) < branch.events[0].entry.position:
            found.caused.setdefault(cause, []).append(branch)
        else:
            found.roots.append(branch)
    return found


def lines(told: Sequence[Told]) -> list[Line]:
    """The tree, top down: under each event what it caused, in order."""
    return list(_written(tree(told)))


def _branches(told: Sequence[Told]) -> list[Asking]:
    asked = {each.entry.command_id for each in told if each.entry.command_id}
    names = dict(QuerySet(Command).filter(command_id__in=asked).values_list("command_id", "name"))
    branches = dict[tuple[UUID | None, UUID | None], Asking]()
    for each in told:
        key = each.entry.causation_id, each.entry.command_id
        if key not in branches:
            branches[key] = Asking(key[1], key[0], names.get(key[1], "") if key[1] else "")
        branches[key].events.append(each)
    return list(branches.values())


def _written(tree: Tree) -> Iterator[Line]:
    """Depth first, without recursion: a chain of causes may be as long as a page."""
    stack: list[tuple[Asking | Told, bool, int]] = []  # what, whether it opens a list, how many lists end after it

    def push(items: Sequence[Asking | Told], closes: int) -> None:
        for n in reversed(range(len(items))):
            stack.append((items[n], n == 0, closes + 1 if n == len(items) - 1 else 0))

    push(tree.roots, -1)  # the outermost list is the page's own to end
    while stack:
        item, opens, closes = stack.pop()
        below: Sequence[Asking | Told]
        below = item.events if isinstance(item, Asking) else tree.caused.get(item.entry.event_id, [])
        ends = range(0 if below else closes)
        if isinstance(item, Asking):
            yield Line(item, None, opens, bool(below), ends, tree.strange(item))
        else:
            yield Line(None, item, opens, bool(below), ends, False)
        if below:
            push(below, closes)
