"""The outbox over HTTP, to look at."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from projections.waiting import wait_until
from shop.docs import AN_ID
from shop.notifications import past
from shop.notifications.models import OutgoingMail
from shop.notifications.policies import Mails as Writing
from shop.problems import Problem
from shop.resource import PATIENCE, Resource, looking_back, position

KINDS = ("confirmed", "rejected", "cancelled", "edited", "address", "dispatched", "refunded")
STATUSES = ("waiting", "sent", "shown", "refused", "withdrawn")


class MailSerializer(serializers.Serializer):
    """A mail as lists show it."""

    example: dict[str, Any] = {
        "id": AN_ID,
        "message_id": f"<{AN_ID}@shop.example.org>",
        "kind": "confirmed",
        "customer_id": AN_ID,
        "order_id": AN_ID,
        "recipient": "ada@example.com",
        "subject": "Your order PO 4711 is confirmed",
        "status": "sent",
        "tries": 1,
        "error": "",
        "written_at": "2026-03-01T12:00:00.123456Z",
        "due_at": "2026-03-01T12:00:00.123456Z",
        "sent_at": "2026-03-01T12:00:01.123456Z",
    }

    id = serializers.UUIDField()
    message_id = serializers.CharField(help_text="The same, however often it is sent.")
    kind = serializers.CharField(help_text=", ".join(KINDS))
    customer_id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    recipient = serializers.CharField()
    subject = serializers.CharField()
    status = serializers.CharField(help_text="waiting → sent | shown | refused | withdrawn")
    tries = serializers.IntegerField()
    error = serializers.CharField(help_text="What the mail server, or the way to it, said last.")
    written_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="While it waits: when it is tried next.")
    sent_at = serializers.DateTimeField(allow_null=True)


class MailPageSerializer(MailSerializer):
    """A mail with its text."""

    example = MailSerializer.example | {"text": "Dear Ada,\n\nthank you for your order.\n"}

    text = serializers.CharField()


class MailFilters(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", max_length=200, help_text="Part of the recipient or the subject.")
    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in KINDS])
    status = django_filters.ChoiceFilter(choices=[(status, status) for status in STATUSES], method="standing")
    customer_id = django_filters.UUIDFilter()
    order_id = django_filters.UUIDFilter()

    def standing(self, mails: QuerySet[OutgoingMail], name: str, value: str) -> QuerySet[OutgoingMail]:
        return mails.filter(**{"stood" if "stood" in mails.query.annotations else "status": value})

    def search(self, mails: QuerySet[OutgoingMail], name: str, value: str) -> QuerySet[OutgoingMail]:
        return mails.filter(Q(recipient__icontains=value) | Q(subject__icontains=value))


class Mails(Resource):
    """No read model: an outbox, with a past of its own. Only ``list`` and ``retrieve`` have a route."""

    queryset = OutgoingMail.objects.all()
    filterset_class = MailFilters
    orderings = {"-written_at": "written_at"}

    def get_serializer_class(self) -> type[MailSerializer]:
        return MailSerializer if self.action == "list" else MailPageSerializer

    def known(self) -> tuple[str, ...]:
        return super().known() if self.action == "list" else ("after", "as_of")

    def get_queryset(self) -> QuerySet[OutgoingMail]:
        mails = super().get_queryset()
        return mails if self.moment is None else past.as_of(mails, self.moment)

    def list(self, request: Request) -> Response:
        """Mails, the latest first.

        `after` waits until an event has been heard of. `as_of` an instant: what had been written by then, and how far
        it had come; a position: what tells of events up to it, as it was when that event was recorded.
        """
        return super().list(request)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One, with its text; with `as_of`, as it was then."""
        after = self.asked.get("after", position)
        self.asked.settle()
        self.wait(after)
        rows, _ = self.then_known(self.get_queryset(), "")
        (mail,) = self.made_ready([get_object_or_404(rows, pk=pk)])
        return Response(self.get_serializer(mail).data)

    def then_known(self, rows: QuerySet[Any], came: str) -> tuple[QuerySet[Any], int | None]:
        if self.moment is not None:
            with looking_back():
                past.settle(self.moment, PATIENCE)
        return rows, None

    def made_ready(self, mails: Sequence[OutgoingMail]) -> Sequence[OutgoingMail]:
        return mails if self.moment is None else past.turned_back(mails, self.moment)

    def wait(self, after: int | None, model: Any = None) -> None:
        if after and not wait_until(after, Writing.name, timeout=PATIENCE):
            raise Problem("not_yet", f"No mail has been written yet for what is at position {after}. Ask again.")
