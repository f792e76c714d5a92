"""What every kind of object has over HTTP: each as it is and as it was, lists of them, and all that ever happened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Max, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django_filters.rest_framework import DjangoFilterBackend
from eventsourcing.application import AggregateNotFoundError
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from eventstore.domain import Aggregate
from eventstore.history import Entry, Moment, at, effective
from eventstore.history import moment as as_of
from eventstore.log import exists
from eventstore.mapper import present
from eventstore.models import Event
from projections.as_of import NotYet, Pruned, seen, settled
from projections.models import ReadModel
from projections.projection import keeper
from projections.waiting import is_parked, wait_until
from shop import faults
from shop.application import find, shop
from shop.docs import MOMENT, Schema, shows
from shop.expand import Expansion, expand
from shop.http import etag
from shop.paging import PARAMETERS, KeysetPagination
from shop.parameters import Asked, number
from shop.problems import Problem
from shop.roles import may, own

PATIENCE = 3.0  # seconds for a projection to come to ?after=
HISTORY = ("after", "as_of", "cursor", "page_size")  # what a list below an object takes


class EventSerializer(serializers.Serializer):
    example = {
        "position": 1042,
        "version": 2,
        "name": "Customer.Renamed",
        "facts": {"name": "Ada Lovelace"},
        "actor": "support",
        "reason": None,
        "recorded_at": "2026-03-01T12:00:00.123456Z",
        "effective_at": "2026-03-01T12:00:00.123456Z",
    }

    position = serializers.IntegerField(help_text="In the log.")
    version = serializers.IntegerField(help_text="Of the object, after it.")
    name = serializers.CharField()
    facts = serializers.DictField()
    actor = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    recorded_at = serializers.DateTimeField(help_text="When we learned it.")
    effective_at = serializers.DateTimeField(help_text="When it was true.")


class Resource(GenericViewSet):
    """Objects of one kind. POST asks, GET reads: now from the read model, then from the log."""

    schema = Schema()
    metadata_class = None
    lookup_value_converter = "uuid"
    filter_backends = [DjangoFilterBackend]

    aggregate: ClassVar[type[Aggregate]]
    orderings: ClassVar[Mapping[str, str]]  # name → field of the model; the first, with its sign, is the usual order
    expansions: ClassVar[Mapping[str, Expansion]] = {}  # what `?expand=` may ask for
    moment: int | datetime | None = None  # that a list is as of; None: now

    def get_queryset(self) -> QuerySet[Any]:
        """Those that the caller may see: a customer, their own."""
        found: QuerySet[Any] = super().get_queryset()
        seen = own(self.request.user, self.basename) if self.request else None
        return found.filter(**{f"{seen[0]}__in": seen[1]}) if seen else found

    def made_ready(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows of a list's page, as they are shown."""
        return rows

    def row(self, pk: UUID) -> ReadModel:
        row: ReadModel = get_object_or_404(self.get_queryset(), pk=pk)
        return row

    def row_of(self, aggregate: Any) -> ReadModel:
        """What the read model says of the object, said of ``aggregate``."""
        raise NotImplementedError

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0")
        if has_body and request._request.content_type != "application/json":
            raise UnsupportedMediaType(request.content_type)
        known = self.known()
        self.asked = Asked(request, known)
        if "as_of" in known and "effective_at" not in known:
            self.moment = self.asked.get("as_of", of_all)
            self.asked.alone("as_of", "after")
        if request.method not in ("GET", "HEAD"):
            self.asked.settle()
        else:
            faults.reach(self.queryset.model._meta.app_label, faults.LONGEST)
        if "pk" in self.kwargs and own(request.user, self.basename):
            self.hide_others(find(self.aggregate, self.kwargs["pk"]))  # in the log: a list may not know of it yet

    def hide_others(self, aggregate: Any) -> None:
        """Http404: it is not the caller's to see."""
        seen = own(self.request.user, self.basename)
        if seen and getattr(aggregate, seen[0], None) not in seen[1]:
            raise Http404

    def known(self) -> tuple[str, ...]:
        """The parameters that the action takes."""
        match self.action:
            case "list":
                return ("after", "as_of", *self.may_expand, *PARAMETERS, *self.filterset_class.base_filters)
            case "retrieve":
                return ("after", "as_of", "effective_at", *self.may_expand)
            case str() if hasattr(getattr(self, self.action, None), "shows"):
                return HISTORY
        return ()

    @property
    def may_expand(self) -> tuple[str, ...]:
        return ("expand",) if self.offered else ()

    @property
    def offered(self) -> Mapping[str, Expansion]:
        """What can be expanded here: lists have no parts."""
        return {name: each for name, each in self.expansions.items() if not (each.within and self.action == "list")}

    def list(self, request: Request) -> Response:
        """A page of them, filtered and in order.

        Without `as_of`, they are as of the last event that the read model has seen; `after` waits for one. With it, all
        pages are of that one moment.
        """
        filters = DjangoFilterBackend().get_filterset(request, self.get_queryset(), self)
        for name, errors in filters.errors.items():
            if name in self.asked.values:
                self.asked.wrong(name, expected(filters.filters[name], self.asked.values[name]) or " ".join(errors))
        rows = filters.qs if filters.is_valid() else self.get_queryset()
        wanted = self.wanted()
        answer = self.page(rows, self.get_serializer_class(), self.orderings, self.made_ready)
        return self.expanded(answer, answer.data["results"], wanted)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One, as it is now or as it was.

        `as_of` asks what was known at a moment, `effective_at` what was true at an instant. Without them, it is as of
        the last event that the read model has seen; `after` waits for one.
        """
        after = self.asked.get("after", position)
        moment = self.asked.get("as_of", as_of) or self.asked.get("effective_at", effective)
        self.asked.alone("as_of", "effective_at", "after")
        wanted = self.wanted()
        self.asked.settle()
        self.wait(after)
        row = self.row_of(self.then(pk, moment)) if moment else self.row(pk)
        answer = Response(self.get_serializer(row).data, headers={"ETag": etag(row.version)})
        return self.expanded(answer, [answer.data], wanted)

    def wanted(self) -> Sequence[str]:
        """What is to be expanded. It is live, and goes with no moment of the past."""

        def read(text: str) -> Sequence[str]:
            for name in text.split(","):
                if name not in self.offered:
                    raise ValueError(f"{name[:40]!r} cannot be expanded here; there is {', '.join(self.offered)}.")
            return text.split(",")

        self.asked.alone("as_of", "expand")
        self.asked.alone("effective_at", "expand")
        return self.asked.get("expand", read) or []

    def expanded(self, answer: Response, shown: Sequence[dict[str, Any]], wanted: Sequence[str]) -> Response:
        for name in wanted:
            if not may(self.request.user, self.expansions[name].source.action):
                raise PermissionDenied(f"{name} is not yours to see.")
        if wanted:
            answer["X-Cache"] = expand(shown, self.expansions, wanted)
        return answer

    @action(detail=True)
    @shows(EventSerializer(many=True))
    def history(self, request: Request, pk: UUID) -> Response:
        """All that happened to it, oldest first, with who and why; `as_of`: until then."""
        events = Event.objects.filter(stream_id=pk, name__startswith=f"{self.aggregate.__name__}.")
        if not events.exists():
            raise Http404
        return self.page(events, EventSerializer, {"version": "version"}, opened, wait=False, came="position")

    def then(self, pk: UUID, moment: Moment, kind: type[Aggregate] | None = None) -> Any:
        """The aggregate as it was. ``kind``: if it is another than the resource's own."""
        try:
            aggregate = at(pk, moment)
        except AggregateNotFoundError:
            if not exists(pk):
                raise
            asked = "as_of" if "as_of" in self.asked.values else "effective_at"
            last = Event.objects.filter(stream_id=pk).aggregate(last=Max("version"))["last"]
            of_version = f"It is at version {last}: there is no {moment} yet."
            detail = of_version if moment.column == "version" else f"There was none at {moment}."
            wrong = {"parameter": asked, "code": "not_found", "detail": detail}
            raise Problem("not_found", wrong["detail"], [wrong]) from None
        if not isinstance(aggregate, kind or self.aggregate):
            raise Http404
        if kind is None:
            self.hide_others(aggregate)  # a product that was a draft then
        return aggregate

    def page(
        self,
        rows: QuerySet[Any],
        serializer: type[serializers.Serializer],
        orderings: Mapping[str, str],
        prepare: Callable[[Sequence[Any]], Sequence[Any]] = tuple,
        *,
        wait: bool = True,
        came: str = "",
    ) -> Response:
        """One page of ``rows``. ``came``: they are a history themselves; the field that has their events' positions."""
        pages: KeysetPagination = self.paginator
        after = self.asked.get("after", position)
        pages.read(self.asked, rows.model, orderings)
        self.asked.settle()
        if wait:
            self.wait(after, rows.model)
        rows, at = self.then_known(rows, came)
        pages.settle(self.asked, at)
        found = prepare(pages.paginate_queryset(rows, self.request, self))
        return pages.get_paginated_response(serializer(found, many=True).data)

    def then_known(self, rows: QuerySet[Any], came: str) -> tuple[QuerySet[Any], int | None]:
        """Of ``rows``, what was known at the moment that is asked about, and its position."""
        if self.moment is None:
            return rows, None
        if came:
            return until(rows, self.moment, came)
        rows = past(rows, self.moment)
        return rows, rows.position  # type: ignore[attr-defined]

    def wait(self, after: int | None, model: type[ReadModel] | None = None) -> None:
        """Until the read model has seen the event at ``after``."""
        if after:
            wait_for(keeper(model or self.queryset.model).name, after)


def wait_for(name: str, after: int) -> None:
    """Until that projection has seen the event at ``after``."""
    if not wait_until(after, name, timeout=PATIENCE):
        if is_parked(after, name):
            raise Problem("not_yet", f"{name} could not apply the event at position {after}. Staff must look at it.")
        raise Problem("not_yet", f"{name} has not come to position {after} within {PATIENCE:g} seconds. Ask again.")


def opened(events: Sequence[Event]) -> Sequence[Entry]:
    """As today's code reads them, personal facts too; those of who was erased say so."""
    return present([Entry(*(getattr(event, name) for name in Entry._fields)) for event in events])


def expected(filter: Any, given: str) -> str:
    """Of a filter that takes one of a few words: which."""
    choices = [str(value) for value, _ in filter.extra.get("choices", ())]
    return f"Expected {' or '.join(choices)}, found {given[:40]!r}." if choices else ""


def of_all(text: str) -> int | datetime:
    """A moment that everything has."""
    expected = f"an instant such as {MOMENT}, or a position such as 1042"
    if (moment := as_of(text, expected)).column == "version":
        raise ValueError(f"{text} is the version of one object. Expected {expected}.")
    return moment.bound  # type: ignore[no-any-return]


def past(rows: QuerySet[Any], moment: int | datetime) -> QuerySet[Any]:
    """As they were."""
    with looking_back():
        return rows.as_of(moment, timeout=PATIENCE)  # type: ignore[attr-defined,no-any-return]


def until(rows: QuerySet[Any], moment: int | datetime, came: str) -> tuple[QuerySet[Any], int]:
    """Those whose event had happened by ``moment``, by the field ``came``, and its position."""
    with looking_back():
        is_log = rows.model is Event
        at = settled(moment, PATIENCE) if is_log else seen(keeper(rows.model), moment, PATIENCE)
    return rows.filter(**{f"{came}__lte": at}), at


@contextmanager
def looking_back() -> Iterator[None]:
    """What stands in the way of it, as problems."""
    try:
        yield
    except NotYet as error:
        raise Problem("not_yet", f"{error} Ask again.") from error
    except Pruned as error:
        wrong = {"parameter": "as_of", "code": "pruned", "detail": str(error)}
        raise Problem("pruned", str(error), [wrong], facts={"kept_since": error.earliest}) from error


def position(text: str) -> int:
    if (found := number(text)) > (end := shop.recorder.max_notification_id() or 0):
        raise ValueError(f"Position {found} is still to come: the log ends at {end}.")
    return found
