"""What Django's ``check`` says of the log. ``manage.py check --database default`` looks into the database too."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from eventsourcing.persistence import ProgrammingError

from eventstore import auditing, log, personal
from eventstore.evolution import aliases, retired_names
from eventstore.mapper import shape
from eventstore.names import classes, known

HINT = "Put what `manage.py events new-key` prints first in EVENTSTORE_KEYS."
TOO_LONG = timedelta(seconds=10)  # for a transaction that holds the horizon back


@register()
def every_name_can_be_read(**_: Any) -> list[CheckMessage]:
    """Each event has types that JSON can be read as, and none that could change after it happened."""
    found: list[CheckMessage] = []
    sealed = False
    for name in sorted(known()):
        try:
            sealed = bool(shape(name).personal) or sealed
        except TypeError as error:
            found.append(Error(str(error), id="eventstore.E001"))
    for old, now in aliases.items():
        if isinstance(now, str) and now not in classes and now not in retired_names and now not in aliases:
            found.append(Error(f"{old} is read as {now}, and no class is stored as {now}.", id="eventstore.E002"))
        if old in classes:
            found.append(Error(f"{old} is read as {now}, and is stored by a class itself.", id="eventstore.E003"))
    if sealed:
        try:
            personal.masters()
        except personal.KeyUnavailable as error:
            if getattr(settings, "EVENTSTORE_KEYS", ()):
                found.append(Error(str(error), hint=HINT, id="eventstore.E004"))
            else:  # nothing is sealed or opened then: no reason to keep a project that begins from `migrate`
                found.append(checks.Warning(str(error), hint=HINT, id="eventstore.W002"))
    return found


@register(Tags.database)
def every_stored_name_is_known(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Names what lies in the log and was renamed or taken away since, without a word."""
    return [
        Error(
            f"The log has events stored as {name}, and no class is stored so.",
            hint=f"Say beside the aggregate formerly({name!r}, now=…) or retired({name!r}).",
            id="eventstore.E005",
        )
        for using in databases or ()
        for name in _unknown(using)
    ]


def _unknown(using: str) -> list[str]:
    try:
        return auditing.unknown(using)
    except ProgrammingError:  # as below
        return []


@register(Tags.database)
def nothing_holds_the_horizon(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Names the transaction that keeps all readers of the log waiting, when one does."""
    return [
        checks.Warning(
            f"Readers of the log wait at position {holder.floor} for a transaction of process {holder.pid} "
            f"({holder.application or 'no name'}), {holder.state} and {holder.age.total_seconds():.0f} s old: "
            f"{holder.query}",
            hint=f"select pg_terminate_backend({holder.pid}) ends it; what it appended is then undone.",
            id="eventstore.W001",
        )
        for using in databases or ()
        for holder in _holders(using)[:1]
        if holder.age > TOO_LONG
    ]


def _holders(using: str) -> list[log.Holder]:
    try:
        return log.holders(using)
    except ProgrammingError:  # `migrate` checks before it has made the log
        return []
