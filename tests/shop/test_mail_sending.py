"""Mails are sent at least once, by one worker at a time, whatever the mail server does."""

import threading
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.conf import settings as shop_settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from shop.celery import app
from shop.notifications import sending
from shop.notifications.models import OutgoingMail
from shop.notifications.sending import LONGEST, pause, send
from shop.notifications.tasks import send_mails
from tests.shop.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings):
    server = MailServer().start()
    use(settings, server.port)
    yield server
    server.stop()


def use(settings, port):
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_TIMEOUT = 5
    settings.DEFAULT_FROM_EMAIL = "The shop <shop@example.org>"


def mail(number=1, **facts):
    mail_id = uuid4()
    usual = {"recipient": f"ada{number}@example.com", "subject": f"Über {number}", "text": f"Dear Ada,\n\n{number} ×\n"}
    return OutgoingMail.objects.create(
        id=mail_id,
        message_id=f"<{mail_id}@example.org>",
        kind="confirmed",
        customer_id=uuid4(),
        order_id=uuid4(),
        **usual | facts,
    )


def due_now():
    """All that waits: its pause is over."""
    OutgoingMail.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_what_is_due_is_sent_and_marked(server):
    first = mail(1)

    assert send() == 1

    (sent,) = server.taken
    first.refresh_from_db()
    assert (first.status, first.tries, first.error, first.leased_until) == ("sent", 1, "", None)
    assert first.sent_at is not None
    assert (sent["To"], sent["From"], sent["Subject"]) == ("ada1@example.com", "The shop <shop@example.org>", "Über 1")
    assert (sent["Message-ID"], sent["Auto-Submitted"]) == (first.message_id, "auto-generated")
    assert sent.get_content().splitlines() == ["Dear Ada,", "", "1 ×"]
    assert send() == 0


def test_a_server_that_is_away_delays_mails_and_loses_none(server, settings):
    port = server.port
    server.stop()
    waiting = [mail(number) for number in range(3)]

    for _ in range(4):
        send()
        due_now()
    away = list(OutgoingMail.objects.values_list("status", "tries"))
    again = MailServer(port).start()
    try:
        while send():
            pass
    finally:
        again.stop()

    assert {status for status, _ in away} == {"waiting"}
    assert sum(tries for _, tries in away) == 4, "one tries, the others wait for it"
    assert sorted(m["Message-ID"] for m in again.taken) == sorted(each.message_id for each in waiting)
    assert set(OutgoingMail.objects.values_list("status", "error")) == {("sent", "")}


def test_why_a_mail_waits_is_kept_and_its_pauses_grow(server):
    one = mail()
    server.answers["RCPT"] = "451 4.7.1 greylisted, try again later"

    gaps = []
    for _ in range(3):
        send()
        one.refresh_from_db()
        gaps.append((one.due_at - timezone.now()).total_seconds())
        due_now()

    assert (one.status, one.tries) == ("waiting", 3)
    assert "greylisted" in one.error
    assert gaps[0] < gaps[1] < gaps[2]
    assert pause(500) <= LONGEST * 1.25


def test_what_is_not_due_is_let_be(server):
    mail(due_at=timezone.now() + timedelta(minutes=1))

    assert send() == 0
    assert server.taken == []


@pytest.mark.parametrize(
    ("word", "answer", "status"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", "refused"),
        (".", "554 5.7.1 spam", "refused"),
        ("RCPT", "452 4.2.2 mailbox full", "waiting"),
        (".", "451 4.3.0 try again", "waiting"),
        ("MAIL", "550 5.7.1 you may not send as that", "waiting"),  # mended in the settings, not in the mail
    ],
)
def test_only_what_will_never_be_taken_is_given_up(server, word, answer, status):
    mail(1)
    server.answers[word] = answer

    send()

    (one,) = OutgoingMail.objects.all()
    assert one.status == status
    assert answer[4:] in one.error


@pytest.mark.parametrize(
    "bad",
    [
        {"recipient": "ada@example.com\r\nBcc: eve@example.com"},
        {"recipient": "ada@example.com, eve@example.com"},
        {"subject": "Hello\r\nBcc: eve@example.com"},
        {"subject": "Hello\nBcc: eve@example.com"},
    ],
)
def test_no_header_can_be_slipped_in(server, bad):
    mail(1, **bad)
    other = mail(2)

    send()

    assert [each["To"] for each in server.taken] == ["ada2@example.com"]
    assert "eve@example.com" not in "".join(map(str, server.taken))
    assert OutgoingMail.objects.exclude(pk=other.pk).get().status == "refused"


def test_two_workers_never_send_the_same(server):
    for number in range(30):
        mail(number)
    start = threading.Barrier(4)

    def work():
        start.wait()
        try:
            send(at_once=4)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    ids = [each["Message-ID"] for each in server.taken]
    assert len(ids) == len(set(ids)) == 30
    assert set(OutgoingMail.objects.values_list("status", "tries")) == {("sent", 1)}


def test_while_one_is_slow_nobody_else_sends_it_nor_more_than_are_allowed(server):
    mail(1)
    mail(2)
    arrived, go_on = threading.Event(), threading.Event()
    server.before_250 = lambda: (arrived.set(), go_on.wait(10))

    def work():
        try:
            send()
        finally:
            connections.close_all()

    slow = threading.Thread(target=work)
    slow.start()
    assert arrived.wait(10)
    meanwhile = send(at_once=1)
    go_on.set()
    slow.join(30)

    assert meanwhile == 0
    assert sorted(each["Subject"] for each in server.taken) == ["Über 1", "Über 2"]


def test_one_is_taken_at_a_time_though_the_planner_believes_that_there_is_only_one():
    mail(1)
    OutgoingMail.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("analyze notifications_outgoingmail")
    for number in range(12):
        mail(number)

    assert sending.take(9)
    assert sending.take(9)

    assert OutgoingMail.objects.filter(leased_until__isnull=False).count() == 2


def test_who_lost_its_lease_marks_nothing(server):
    mail(1)
    taken = sending.take(1)
    OutgoingMail.objects.update(leased_until=timezone.now() - timedelta(seconds=1))  # frozen, and thawed too late
    send()
    sending.mark(taken, error="late", seconds=60)

    one = OutgoingMail.objects.get()
    assert (one.status, one.error, one.epoch) == ("sent", "", 2)


@pytest.mark.parametrize(("answer", "status"), [(None, "sent"), ("451 later", "withdrawn"), ("550 no", "refused")])
def test_who_is_erased_while_a_mail_goes_out_stays_erased(server, answer, status):
    mail(1)
    erased = {"status": "withdrawn", "recipient": "[erased]", "error": "[erased]"}

    def erase():
        OutgoingMail.objects.update(**erased)
        connections.close_all()

    server.before_250 = erase
    server.answers["."] = answer

    send()

    one = OutgoingMail.objects.get()
    assert (one.status, one.recipient, one.error) == (status, "[erased]", "[erased]")


def test_mails_are_not_sent_inside_a_transaction(server):
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of transactions"):
        send()


def test_without_a_server_the_demo_shows_mails_and_others_keep_them(settings):
    settings.EMAIL_URL, settings.DEMO = "", False
    mail(1)

    send()
    kept = OutgoingMail.objects.get().status
    settings.DEMO = True
    send()

    shown = OutgoingMail.objects.get()
    assert (kept, shown.status, shown.tries) == ("waiting", "shown", 0)


def test_celery_looks_every_second(server):
    mail(1)

    send_mails()

    assert len(server.taken) == 1
    app.loader.import_default_modules()
    scheduled = shop_settings.CELERY_BEAT_SCHEDULE["send mails"]
    assert scheduled["task"] in app.tasks


def test_an_operator_sends_and_looks_by_hand(server):
    mail(1)
    server.answers["RCPT"] = "451 later"
    call_command("mails", "send")
    call_command("mails", "list", stdout=(waiting := StringIO()))
    server.answers.clear()
    due_now()
    call_command("mails", "send", stdout=(sent := StringIO()))
    call_command("mails", "list", stdout=(after := StringIO()))

    assert waiting.getvalue().startswith("waiting: 1\n")
    assert "tried 1 times" in waiting.getvalue()
    assert sent.getvalue() == "sent 1\n"
    assert after.getvalue() == "sent: 1\n"
