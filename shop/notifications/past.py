"""The outbox as it was: which mails there were by then, and how far each had come.

It is no read model: an instant means what had really been written and sent by then, however late that was. A position
means the mails that tell of events up to it, as they were when that event was recorded.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from eventstore.persistence import rows
from projections.as_of import PAUSE, NotYet, seen
from shop.clock import instant_of
from shop.notifications.models import MailVersion, OutgoingMail
from shop.notifications.policies import Mails

STATE = ("status", "error", "tries", "due_at", "sent_at")

# Whoever writes to the outbox holds this lock until it ends, and took it before it looked at the clock.
WRITING = """select exists (select from pg_locks where relation = 'notifications_outgoingmail'::regclass
    and database = (select oid from pg_database where datname = current_database())
    and mode = 'RowExclusiveLock' and pid <> pg_backend_pid())"""


def as_of(mails: QuerySet[OutgoingMail], moment: int | datetime) -> QuerySet[OutgoingMail]:
    """Those that there were; ``stood`` is the status that each had."""
    if (instant := when(moment)) is None:
        return mails.none()
    known = mails.filter(written_at__lte=moment) if isinstance(moment, datetime) else mails.filter(position__lte=moment)
    then = versions(instant).filter(mail_id=OuterRef("pk")).values("status")[:1]
    return known.annotate(stood=Coalesce(Subquery(then), "status"))


def when(moment: int | datetime) -> datetime | None:
    """None: before the first event."""
    return moment if isinstance(moment, datetime) else instant_of(str(moment))


def versions(instant: datetime) -> QuerySet[MailVersion]:
    """What was changed since; of each mail, the first is how it was at ``instant``."""
    return MailVersion.objects.filter(until__gt=instant).order_by("mail_id", "until", "id")


def settle(moment: int | datetime, timeout: float) -> None:
    """Wait until nothing that was so by ``moment`` is still being written. NotYet: it takes longer than ``timeout``."""
    until = time.monotonic() + timeout
    if isinstance(moment, int):
        seen(Mails, moment, timeout)
    while rows(WRITING)[0][0]:
        if time.monotonic() > until:
            raise NotYet("Somebody is still writing to the outbox.")
        time.sleep(PAUSE)


def turned_back(mails: Sequence[OutgoingMail], moment: int | datetime) -> Sequence[OutgoingMail]:
    """Each as it was then."""
    changed = versions(when(moment) or datetime.now(UTC)).filter(mail__in=mails).distinct("mail_id")
    then: dict[Any, MailVersion] = {version.mail_id: version for version in changed}  # type: ignore[attr-defined]
    for mail in mails:
        if version := then.get(mail.id):
            for name in STATE:
                setattr(mail, name, getattr(version, name))
    return mails
