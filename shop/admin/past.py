"""Lists and pages as of a moment: what the box says, and what came of it."""

import re
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from eventstore import history, log
from projections.as_of import NotYet, Pruned
from projections.models import ReadModel
from projections.projection import registered

PATIENCE = 3.0  # seconds for a projection to come to the moment
BOX = "as_of"
EXPECTED = "an instant such as 2026-03-01 12:00, or a position such as 1042"


class Past:
    """What a request asks of the past: nothing, a moment, or something that is none (``problem``)."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.moment: int | datetime | None = None
        self.problem = ""
        if not self.text:
            return
        try:
            self.moment = moment(self.text)
        except ValueError as error:
            self.problem = str(error)

    def __bool__(self) -> bool:
        return self.moment is not None

    def __str__(self) -> str:
        if isinstance(self.moment, datetime):
            return f"{self.moment:%d %b %Y, %H:%M:%S} UTC"
        return f"position {self.moment}"

    @property
    def day(self) -> date | None:
        """On which that was, in UTC."""
        if isinstance(self.moment, int):
            return next((event.recorded_at.astimezone(UTC).date() for event in log.at([self.moment])), None)
        return self.moment and self.moment.astimezone(UTC).date()

    def of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """``rows`` as they were; with a ``problem``, as they are."""
        if self.moment is None:
            return rows
        try:
            return rows.as_of(self.moment, timeout=PATIENCE)  # type: ignore[attr-defined,no-any-return]
        except (NotYet, Pruned, ValueError) as error:
            self.moment, self.problem = None, str(error)
            return rows


def moment(text: str) -> int | datetime:
    """A position, or an instant: in UTC, if it does not say its zone. ValueError says what is wrong with it."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+)?", text):
        text = datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat()
    if re.fullmatch(r"v[0-9]+", text):
        raise ValueError(f"{text} is a version of one object. Expected {EXPECTED}.")
    if not text.isdecimal():
        return history.instant(text, EXPECTED)
    return history.moment(text).bound  # type: ignore[no-any-return]


def past_of(request: HttpRequest) -> Past:
    """The same for the whole request."""
    if not hasattr(request, "_past"):
        request._past = Past(request.GET.get(BOX, "")[:100])  # type: ignore[attr-defined]
    return request._past  # type: ignore[attr-defined,no-any-return]


def keeps_history(model: Any) -> bool:
    """Whether a list of it can be asked about the past."""
    return issubclass(model, ReadModel) and any(model in each.tables and each.keeps_history for each in registered)
