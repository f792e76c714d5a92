"""Accounts over HTTP, below their customers: what these may owe, and what moved."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from eventstore.history import effective
from eventstore.history import moment as as_of
from shop.customers.commands import set_credit_limit, settle_credit
from shop.customers.domain import CreditAccount, credit_of
from shop.customers.models import CreditMovement, CreditSummary
from shop.customers.shapes import CreditMovementSerializer, CreditSerializer, SetCreditLimit, SettleCredit
from shop.docs import asks, shows
from shop.forms import Form
from shop.http import ask, etag
from shop.resource import Resource, position


class OfAccounts(Resource):
    @action(detail=True)
    @shows(CreditSerializer)
    def credit(self, request: Request, pk: UUID) -> Response:
        """What a customer may owe, and owes: now, as it was known then, or as it was true then."""
        after = self.asked.get("after", position)
        moment = self.asked.get("as_of", as_of) or self.asked.get("effective_at", effective)
        self.asked.alone("as_of", "effective_at", "after")
        self.asked.settle()
        self.wait(after, CreditSummary)
        if moment:
            account = account_of(self.then(credit_of(pk), moment, CreditAccount))
        else:
            account = get_object_or_404(CreditSummary, customer_id=pk)
        return Response(CreditSerializer(account).data, headers={"ETag": etag(account.version)})

    @action(detail=True, url_path="credit/statement")
    @shows(CreditMovementSerializer(many=True))
    def statement(self, request: Request, pk: UUID) -> Response:
        """All that moved on a customer's account, the first one first, with the balance after it.

        With `as_of`, all that had moved by then.
        """
        return self.of(pk, CreditMovement.objects.all(), CreditMovementSerializer, {"version": "number"})

    @action(detail=True, methods=["put"], url_path="credit/limit")
    @asks(SetCreditLimit, "idempotency_key_required", "customer_erased", "other_currency", "bad_amount")
    def credit_limit(self, request: Request, pk: UUID) -> Response:
        """Say how much a customer may owe. The first limit opens the account.

        Less than they owe already cancels nothing.
        """
        return self.asked_of_account(pk, SetCreditLimit, set_credit_limit)

    @action(detail=True, methods=["post"], url_path="credit/settle")
    @asks(SettleCredit, "idempotency_key_required", "credit_exceeded", "other_currency", "bad_amount")
    def settle_credit(self, request: Request, pk: UUID) -> Response:
        """Note that a customer has paid what they owe, or some of it."""
        return self.asked_of_account(pk, SettleCredit, settle_credit)

    def asked_of_account(self, pk: UUID, form: type[Form], command: Callable[..., Any]) -> Response:
        answer = ask(self.request, form, command, pk, key_required=True)
        answer["Location"] = answer["Location"].replace(f"{answer.data['id']}/", f"{pk}/credit/")
        return answer


def account_of(account: CreditAccount) -> CreditSummary:
    """Its row, as it was."""
    return CreditSummary(
        id=account.id,
        version=account.version,
        customer_id=account.customer_id,
        currency=account.limit.currency,
        limit=account.limit.amount,
        reserved=account.reserved.amount,
        owed=account.owed.amount,
        available=account.available.amount,
        opened_at=account.created_on,
    )
