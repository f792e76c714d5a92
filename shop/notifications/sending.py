"""Mails go out here: outside every transaction, each by one worker at a time, at least once.

A worker that dies after the server took a mail and before that is noted leaves it to the next one, who sends it again
under the same Message-ID: it may come twice, and is never lost.
"""

import logging
import random
import time
from email.utils import format_datetime
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection
from django.db.models.functions import Now

from eventstore.persistence import rows
from shop.notifications.models import OutgoingMail

LEASE = 120.0  # seconds: longer than all that is said about one mail, each word within EMAIL_TIMEOUT
SHORTEST, LONGEST = 1.0, 900.0  # seconds before a mail that did not go out is tried again; doubled each time

logger = logging.getLogger(__name__)

HELD = """leased_until > clock_timestamp()
    and exists (select from pg_stat_activity where pid = backend)"""  # one whose connection is gone is replaced at once
# Materialised: read once. Were it read for each mail, as a planner may think best, several would be taken.
TAKE = f"""
    with free as materialized (
        select id from notifications_outgoingmail
        where status = 'waiting' and due_at <= clock_timestamp() and ({HELD}) is not true
            and (select count(*) from notifications_outgoingmail where status = 'waiting' and {HELD}) < %s
        order by due_at, id limit 1 for update skip locked)
    update notifications_outgoingmail m set epoch = m.epoch + 1, tries = m.tries + 1, backend = pg_backend_pid(),
        leased_until = clock_timestamp() + %s * interval '1 second'
    from free where m.id = free.id returning m.id"""


def send(*, at_once: int = 1, seconds: float = 20.0) -> int:
    """Send what is due; how many mails the server took.

    No more than ``at_once`` workers send at a time: a server that hangs must not take all of them from the projections.
    Without ``EMAIL_URL`` mails wait; in the demo, they are shown in the mailbox page.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Mails are sent outside of transactions: one would stay open for as long as it takes.")
    if not settings.EMAIL_URL:
        if settings.DEMO:
            OutgoingMail.objects.filter(status="waiting").update(status="shown", sent_at=Now())
        return 0
    until = time.monotonic() + seconds
    sent = 0
    server = get_connection()
    try:
        while time.monotonic() < until and (mail := take(at_once)):
            if not turn(server, mail):
                server.close()
                return sent
            sent += mail.status == "sent"
    finally:
        server.close()
    return sent


def take(at_once: int) -> OutgoingMail | None:
    """A mail that is due, and that nobody else sends."""
    found = rows(TAKE, at_once, LEASE)
    return OutgoingMail.objects.get(pk=found[0][0]) if found else None


def turn(server: Any, mail: OutgoingMail) -> bool:
    """Try to send it, and note what became of it. False: the server is in no state to be asked for the next one."""
    try:
        server.open()  # and kept open for the next one
        message(mail, server).send()
    except (SMTPException, OSError, ValueError) as error:
        if is_final(error):
            logger.warning("Mail %s is not taken: %s", mail.id, name(error))
            mark(mail, status="refused", error=str(error))
            return True
        logger.warning("Mail %s waits (tried %s times): %s", mail.id, mail.tries, name(error))
        mark(mail, error=str(error), seconds=pause(mail.tries))
        return False
    mark(mail, status="sent")
    return True


def message(mail: OutgoingMail, server: Any) -> EmailMessage:
    """The same to the byte, however often it is made."""
    headers = {
        "Message-ID": mail.message_id,
        "Date": format_datetime(mail.written_at),
        "Auto-Submitted": "auto-generated",  # https://www.rfc-editor.org/rfc/rfc3834: nobody's absence answers it
    }
    return EmailMessage(
        mail.subject, mail.text, settings.DEFAULT_FROM_EMAIL, [mail.recipient], headers=headers, connection=server
    )


def is_final(error: Exception) -> bool:
    """Whether the same mail would be refused again: what is wrong is this mail, not the server or the way to it."""
    match error:
        case SMTPRecipientsRefused():
            return all(code >= 500 for code, _ in error.recipients.values())
        case SMTPDataError():
            return error.smtp_code >= 500
    return isinstance(error, ValueError)  # no address, or a header that cannot be one


def mark(mail: OutgoingMail, *, status: str = "waiting", error: str = "", seconds: float = 0) -> None:
    """Note what became of it, unless it was taken from us; what was erased meanwhile stays erased."""
    rows(
        """update notifications_outgoingmail set leased_until = null,
               status = case when status = 'withdrawn' and %s = 'waiting' then status else %s end,
               error = case when recipient = '[erased]' then error else %s end,
               sent_at = case when %s = 'sent' then clock_timestamp() end,
               due_at = clock_timestamp() + %s * interval '1 second'
           where id = %s and epoch = %s returning 1""",
        *(status, status, error, status, seconds, mail.id, mail.epoch),
    )
    mail.status = status


def pause(tries: int) -> float:
    """At random, so that what failed together is not tried together."""
    return min(SHORTEST * 2 ** min(tries - 1, 20), LONGEST) * random.uniform(0.75, 1.25)


def name(error: Exception) -> str:
    """For the logs: what the server says may hold the address."""
    return f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".rstrip()
