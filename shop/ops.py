"""Projections over HTTP, for operators: where they stand, and what is asked of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.urls import path, reverse
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from eventstore import log
from projections import doors
from projections.admin import live
from projections.lease import Busy, LeaseLost
from projections.listing import as_dict
from projections.models import Checkpoint
from projections.pages import ONLY_ASKED, note
from projections.parking import NotParked
from projections.projection import Policy, known
from projections.status import alerts, statuses
from shop.docs import Schema, asks, shows
from shop.forms import Form, Nothing
from shop.ops_shapes import (
    BackForm,
    DryRunForm,
    ParkedSerializer,
    PauseForm,
    ProjectionSerializer,
    RebuildForm,
    ReplayForm,
    RetriedSerializer,
    RetryForm,
    SkipForm,
    UnskipForm,
    VerifyForm,
)
from shop.paging import PARAMETERS
from shop.parameters import Asked
from shop.problems import Problem
from shop.roles import ByRole


class Operations(GenericAPIView):
    schema = Schema()
    metadata_class = None
    permission_classes = [ByRole]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.asked = Asked(request, self.known())
        if not self.known():
            self.asked.settle()

    def known(self) -> tuple[str, ...]:
        """The parameters that it takes."""
        return ()


class ProjectionList(Operations):
    pagination_class = None

    @shows(ProjectionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Where every projection and policy stands, and what is wrong with it."""
        return Response(shown(known().values()))


class OneProjection(Operations):
    @shows(ProjectionSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Where one stands; while it is rebuilt, how far that has come."""
        return Response(shown([named(name)])[0])


class ParkedEvents(Operations):
    @shows(ParkedSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Events that could not be applied, the first of each stream, and those that were skipped; oldest first."""
        found = doors.parked()
        self.paginator.read(self.asked, found.model, {"parked_at": "parked_at"})
        self.asked.settle()
        page = self.paginator.paginate_queryset(found, request, self)
        return self.paginator.get_paginated_response(ParkedSerializer(page, many=True).data)

    def known(self) -> tuple[str, ...]:
        return PARAMETERS


class PauseProjection(Operations):
    @asks(PauseForm, "paused_already")
    @shows(ProjectionSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Have nobody move it until it is resumed: its rows stay as they are, and events wait in the log."""
        return act(request, name, "pause", PauseForm, "paused_already")


class ResumeProjection(Operations):
    @asks(Nothing, "not_paused")
    @shows(ProjectionSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Let one that is paused go on where it was."""
        return act(request, name, "resume", Nothing, "not_paused")


class RebuildProjection(Operations):
    @asks(RebuildForm, "not_rebuilt")
    @shows(ProjectionSerializer, status=202)
    def post(self, request: Request, name: str) -> Response:
        """Have the workers build its tables anew beside the live ones, compare, and swap.

        Readers do not notice. The answer is 202 at once: look where `Location` says, at `progress` for how far it has
        come, at `errands` for what came of it, at `refused_why` for why it was not swapped.
        """
        return left_to_workers(request, name, "rebuild", RebuildForm, "not_rebuilt")


class DryRunProjection(Operations):
    @asks(DryRunForm, "not_rebuilt")
    @shows(ProjectionSerializer, status=202)
    def post(self, request: Request, name: str) -> Response:
        """Have the workers say what a rebuild would change, and how long it takes: of all streams or a share of them.

        The answer is 202 at once; what they found is in `errands`, where `Location` says. Nothing is changed.
        """
        return left_to_workers(request, name, "dry-run", DryRunForm, "not_rebuilt")


class VerifyProjection(Operations):
    @asks(VerifyForm, "not_verified")
    @shows(ProjectionSerializer, status=202)
    def post(self, request: Request, name: str) -> Response:
        """Have the workers compare its tables row by row with what the log makes, of all streams or a share of them.

        The answer is 202 at once; how many rows differ, and in which columns, is in `errands`, where `Location` says.
        With `heal`, what was built takes the place of tables that differ.
        """
        return left_to_workers(request, name, "verify", VerifyForm, "not_verified")


class ReplayProjection(Operations):
    @asks(ReplayForm, "not_replayed")
    @shows(ProjectionSerializer, status=202)
    def post(self, request: Request, name: str) -> Response:
        """Have the workers empty its live tables and fill them again from the first event: readers see them fill.

        A rebuild is what nobody notices. The answer is 202 at once; `progress` says how far it has come.
        """
        return left_to_workers(request, name, "replay", ReplayForm, "not_replayed")


class AbandonBuilding(Operations):
    @asks(Nothing, "nothing_built")
    @shows(ProjectionSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Throw away what is being built for a rebuild or to be compared; what was asked of the workers is not done."""
        return act(request, name, "abandon", Nothing, "nothing_built")


class TakeProjectionBack(Operations):
    @asks(BackForm, "no_way_back", "busy")
    @shows(ProjectionSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Put the tables that were kept at the last rebuild in the place of the live ones, at once; they catch up.

        Where their rows were found to differ from what the log makes (`kept_differing`), only with `even_so`.
        """
        return act(request, name, "back", BackForm, "no_way_back")


class RetryParked(Operations):
    @asks(RetryForm, "not_parked", "not_rebuilt", "busy")
    @shows(RetriedSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Apply what is parked, in order; what fails again stays, with all that follows it in its stream.

        It is done when the answer comes. Only where rows are made of several streams it is left to the workers, who
        rebuild the projection (`rebuild_asked`).
        """
        projection, form = named(name), read(request, RetryForm)
        with refusals("not_rebuilt"):
            retried = doors.retry(projection, by=request.user.get_username(), **form)
        trace(request, name, doors.told(projection, retried))
        if retried is None:
            parked = shown([projection])[0]["parked"]
            return Response({"applied": 0, "parked": parked, "rebuild_asked": True, "errors": []})
        told = {"applied": retried.applied, "parked": retried.parked, "errors": retried.errors}
        return Response(told | {"rebuild_asked": False})


class SkipParked(Operations):
    @asks(SkipForm, "not_parked")
    @shows(ProjectionSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Leave a parked event out for good, also of rebuilds: the rows are as if it had not happened.

        What waits behind it stays parked until it is retried.
        """
        return act(request, name, "skip", SkipForm, "not_parked")


class UnskipParked(Operations):
    @asks(UnskipForm, "not_parked")
    @shows(ProjectionSerializer)
    def post(self, request: Request, name: str) -> Response:
        """Undo a skip: the event is parked again, and can be retried."""
        return act(request, name, "unskip", UnskipForm, "not_parked")


def act(request: Request, name: str, action: str, form: type[Form], refused: str) -> Response:
    """Do it, leave a trace of who did, and show how the projection is now; or a problem with that code."""
    projection, asked = named(name), read(request, form)
    asked = {field: value for field, value in asked.items() if field not in ONLY_ASKED}
    with refusals(refused):
        said = (doors.ON_PROJECTIONS | doors.ON_PARKED)[action].do(projection, by=request.user.get_username(), **asked)
    trace(request, name, said)
    return Response(shown([projection])[0])


def left_to_workers(request: Request, name: str, action: str, form: type[Form], refused: str) -> Response:
    answer = act(request, name, action, form, refused)
    return Response(answer.data, 202, headers={"Location": reverse("ops-projection", args=[name])})


def read(request: Request, form: type[Form]) -> dict[str, Any]:
    asked = form(data=request.data or {})
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def named(name: str) -> Any:
    try:
        return doors.named(name)
    except doors.Unknown as error:
        raise Problem("not_found", str(error)) from None


def shown(chosen: Any) -> list[dict[str, Any]]:
    found, end = statuses(chosen), log.horizon()
    wrong: dict[str, list[str]] = {each.name: [] for each in found}
    for alert in alerts(found):
        wrong[alert.projection].append(alert.text)
    more = [
        {
            "kind": "policy" if isinstance(known()[each.name], Policy) else "projection",
            "state": doors.state(each),
            "alerts": wrong[each.name],
            "horizon": end,
        }
        for each in found
    ]
    return [ProjectionSerializer(as_dict(each) | some).data for each, some in zip(found, more, strict=True)]


def trace(request: Request, name: str, said: str) -> None:
    note(request.user, live().filter(projection=name).first() or Checkpoint(name=name, projection=name), said)


@contextmanager
def refusals(code: str) -> Iterator[None]:
    try:
        yield
    except NotParked as error:
        raise Problem("not_parked", str(error)) from error
    except (Busy, LeaseLost) as error:
        raise Problem("busy", str(error)) from error
    except doors.REFUSALS as error:
        raise Problem(code, str(error)) from error


urls = [
    path("projections/", ProjectionList.as_view(), name="ops-projections"),
    path("projections/<slug:name>/", OneProjection.as_view(), name="ops-projection"),
    path("projections/<slug:name>/pause/", PauseProjection.as_view()),
    path("projections/<slug:name>/resume/", ResumeProjection.as_view()),
    path("projections/<slug:name>/rebuild/", RebuildProjection.as_view()),
    path("projections/<slug:name>/dry-run/", DryRunProjection.as_view()),
    path("projections/<slug:name>/verify/", VerifyProjection.as_view()),
    path("projections/<slug:name>/replay/", ReplayProjection.as_view()),
    path("projections/<slug:name>/abandon/", AbandonBuilding.as_view()),
    path("projections/<slug:name>/back/", TakeProjectionBack.as_view()),
    path("projections/<slug:name>/retry/", RetryParked.as_view()),
    path("projections/<slug:name>/skip/", SkipParked.as_view()),
    path("projections/<slug:name>/unskip/", UnskipParked.as_view()),
    path("parked/", ParkedEvents.as_view(), name="ops-parked"),
]
