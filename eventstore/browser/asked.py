"""Which events a page of the log shows: what is asked of it, and how far it looks.

A page is found by position, never counted. What has an index (a stream, a correlation, a command with a receipt) is
found by it; what has none (a name, an actor) is looked for among the next ``LOOK`` positions, and the page says how far
it came.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.db.models import F, Max, Min, QuerySet

from eventstore.browser.told import Told, entries, log, tell
from eventstore.evolution import retired_names, stored_as
from eventstore.history import Entry
from eventstore.models import Command, Event
from eventstore.names import known
from eventstore.persistence import rows

PAGE = 50  # events
LOOK = 100_000  # positions
SLACK = timedelta(minutes=1)  # by which clocks and waiting writers may put recorded_at out of order
END = 2**63 - 2

# The first position recorded at that instant or later: recorded_at has no index, but goes with position, so it is
# found by halving, in as many looks at the primary key as a search in an index would take.
FIRST_SINCE = """
    with recursive search (low, high) as (
        select min(position), max(position) + 1 from eventstore_event
        union all
        select case when found.recorded_at < %s then found.position + 1 else low end,
               case when found.recorded_at < %s then high else (low + high) / 2 end
        from search left join lateral (
            select position, recorded_at from eventstore_event
            where position >= (low + high) / 2 and position < high order by position limit 1) found on true
        where low < high)
    select low from search where low >= high"""


def names() -> list[tuple[str, Any]]:
    """All known names under their aggregates, as a select shows them."""
    groups = dict[str, list[tuple[str, str]]]()
    for name in sorted(known() | retired_names):
        groups.setdefault(name.partition(".")[0], []).append((name, name))
    return [("", "any event"), *groups.items()]


class Asked(forms.Form):
    """The parameters of a page of events."""

    name = forms.CharField(required=False, max_length=200, label="Event")
    actor = forms.CharField(required=False, max_length=200, label="Who")
    since = forms.DateTimeField(required=False, label="From")
    until = forms.DateTimeField(required=False, label="To")
    stream = forms.UUIDField(required=False, label="Stream id")
    correlation = forms.UUIDField(required=False, label="Correlation id")
    command = forms.UUIDField(required=False, label="Command id")
    before = forms.IntegerField(required=False, min_value=0, max_value=END, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=END, widget=forms.HiddenInput)

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, auto_id="log-%s")
        choices = names()
        if (name := parameters.get("name", "")) and name not in known() | retired_names:
            choices.append((name, f"{name} (unknown)"))
        self.fields["name"].widget = forms.Select(choices=choices)
        for field, hint in (("actor", "anybody"), ("stream", "UUID"), ("correlation", "UUID"), ("command", "UUID")):
            self.fields[field].widget.attrs |= {"placeholder": hint, "autocomplete": "off", "spellcheck": "false"}
        for field in ("since", "until"):
            self.fields[field].widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def clean_since(self) -> datetime | None:
        return _of_our_time(self.cleaned_data["since"])

    def clean_until(self) -> datetime | None:
        return _of_our_time(self.cleaned_data["until"])

    def given(self) -> dict[str, str]:
        """The filters as they were asked, for links to other pages of the same."""
        return {f: self.data[f] for f in self.fields if self.data.get(f) and f not in ("before", "after")}

    def unknown_name(self) -> str:
        name: str = self.data.get("name", "")
        return "" if name in known() | retired_names else name


def _of_our_time(instant: datetime | None) -> datetime | None:
    if instant and not 1900 <= instant.year <= 2999:
        raise forms.ValidationError("Enter a year from 1900 to 2999.")
    return instant


class Page(NamedTuple):
    """Events, newest first, and where to go on."""

    told: list[Told]
    older: dict[str, int] | None  # the parameter of the next page; None: there is none
    newer: dict[str, int] | None
    looked: range | None  # the positions looked at, where not all of them were


def find(asked: dict[str, Any]) -> Page:
    """The page that ``asked`` (cleaned) describes."""
    lowest, highest = bounds(asked["since"], asked["until"])
    events, bounded = _filtered(asked)
    after, before = asked["after"], asked["before"]
    upwards = after is not None and before is None
    if upwards:
        low, high = max(lowest, after + 1), highest
        high = min(high, low + LOOK - 1) if bounded else high
    else:
        low, high = lowest, highest if before is None else min(highest, before - 1)
        low = max(low, high - LOOK + 1) if bounded else low
    found = _by_position(events.filter(position__range=(low, high)), asked, upwards)
    told = [each for each in tell(found[:PAGE]) if _has_name(each, asked["name"])]
    ahead: int | None = None  # where to go on in the direction of looking
    if len(found) > PAGE:
        ahead = found[PAGE - 1].position
    elif (high < highest) if upwards else (low > lowest):
        ahead = high if upwards else low
    looked = range(low, high + 1) if bounded and (low > lowest or high < highest) and low <= high else None
    if upwards:
        older = {"before": after + 1} if after >= lowest else None
        return Page(told[::-1], older, None if ahead is None else {"after": ahead}, looked)
    newer = {"after": max(0, before - 1)} if before is not None and before <= highest else None
    return Page(told, None if ahead is None else {"before": ahead}, newer, looked)


def bounds(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The first and last position of a period; with an empty log (1, 0)."""
    found = log().aggregate(lowest=Min("position"), highest=Max("position"))
    lowest, highest = found["lowest"] or 1, found["highest"] or 0
    if since and highest:
        lowest = rows(FIRST_SINCE, since - SLACK, since - SLACK)[0][0]
    if until and highest:
        highest = rows(FIRST_SINCE, until + SLACK, until + SLACK)[0][0] - 1
    return lowest, highest


def _filtered(asked: dict[str, Any]) -> tuple[QuerySet[Event], bool]:
    """The events, and whether they must be looked for without an index."""
    events = log()
    if asked["since"]:
        events = events.filter(recorded_at__gte=asked["since"])
    if asked["until"]:
        events = events.filter(recorded_at__lte=asked["until"])
    if asked["name"]:
        events = events.filter(name__in=stored_as(asked["name"]))
    if asked["actor"]:
        events = events.filter(actor=asked["actor"])
    if asked["stream"]:
        events = events.filter(stream_id=asked["stream"])
    if asked["command"]:
        asked["correlation"] = asked["correlation"] or correlation_of(asked["command"])
        events = events.filter(command_id=asked["command"])
    if asked["correlation"]:
        events = events.filter(correlation_id=asked["correlation"])
    indexed = asked["stream"] or asked["correlation"]
    return events, not indexed and any(asked[f] for f in ("name", "actor", "command"))


def correlation_of(command_id: UUID) -> UUID | None:
    """Under which correlation the command's events lie, if its receipt says where: command ids have no index there."""
    receipts: QuerySet[Command] = QuerySet(Command)
    at = receipts.filter(command_id=command_id).values("position")
    return log().filter(position__in=at).values_list("correlation_id", flat=True).first()


def _by_position(events: QuerySet[Event], asked: dict[str, Any], upwards: bool) -> list[Entry]:
    """One more than a page, in the direction of looking; a stream or a correlation is found by its index."""
    order: Any = F("position")
    if asked["stream"]:
        order = F("version")
    elif asked["correlation"]:
        order = F("position") + 0  # not the primary key: it would be walked for as long as none is found
    return entries(events.order_by(order.asc() if upwards else order.desc())[: PAGE + 1])


def _has_name(told: Told, name: str) -> bool:
    """A name that was split is stored under what may be read as several."""
    return not name or told.entry.name == name or bool(told.problem)
