"""All that can be wrong with a request, once: for answers, documentation and tests (RFC 9457)."""

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.http import JsonResponse

TYPES = "/api/v1/problems/"  # where each code is explained: the `type` of a problem
MEDIA_TYPE = "application/problem+json"
MOST = 100  # errors named in one answer

request_id: ContextVar[str] = ContextVar("request_id", default="")

CARD_DATA = "card_data_refused"
AGAIN = {"Retry-After": "1"}
SIGN_IN = {"WWW-Authenticate": 'Token realm="daybook"'}


class Kind(NamedTuple):
    """What all problems with one code have in common."""

    status: int
    title: str
    headers: Mapping[str, str] = {}


CATALOGUE: dict[str, Kind] = {
    # The request
    "bad_request": Kind(400, "The request cannot be understood"),
    "parse_error": Kind(400, "The body is not a JSON object"),
    "invalid": Kind(400, "The body has something that cannot be used"),
    "bad_parameter": Kind(400, "The address has a parameter that cannot be used"),
    "unknown_parameter": Kind(400, "The address has a parameter that does not exist here"),
    "repeated_parameter": Kind(400, "The address has a parameter more than once"),
    "bad_idempotency_key": Kind(400, "The Idempotency-Key cannot be used"),
    "idempotency_key_required": Kind(400, "This is not done without an Idempotency-Key"),
    "not_authenticated": Kind(401, "This needs a sign-in", SIGN_IN),
    "authentication_failed": Kind(401, "The sign-in failed", SIGN_IN),
    "bad_signature": Kind(401, "This is not signed as it must be"),
    "permission_denied": Kind(403, "This is not yours to do"),
    "not_found": Kind(404, "There is nothing here"),
    "method_not_allowed": Kind(405, "This cannot be done here"),
    "not_acceptable": Kind(406, "No answer can be given in the wanted media type"),
    "pruned": Kind(410, "The past is not kept from so far back"),
    "length_required": Kind(411, "The length of the body must be said first"),
    "too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body must be plain application/json"),
    "idempotency_key_reused": Kind(422, "The Idempotency-Key was used for another request"),
    "not_yet": Kind(425, "What was asked for has not been worked in yet", AGAIN),
    "throttled": Kind(429, "Too many requests"),
    "headers_too_large": Kind(431, "The request's headers are too large"),
    # The domain
    "refused": Kind(409, "This was refused"),
    "wrong_status": Kind(409, "This needs another status"),
    "customer_erased": Kind(409, "The customer was erased"),
    "customer_merged": Kind(409, "The customer was merged into another"),
    "cannot_merge": Kind(409, "The customers cannot be merged"),
    "order_exists": Kind(409, "There is an order with that id"),
    "email_taken": Kind(409, "The e-mail address belongs to another customer"),
    "sku_taken": Kind(409, "The SKU belongs to another product"),
    "no_price": Kind(409, "The product has no price"),
    "bad_schedule": Kind(422, "A price cannot be scheduled so"),
    "price_moved": Kind(409, "The price was changed meanwhile"),
    "nothing_to_change": Kind(409, "Every price is what it is to be"),
    "too_many_changes": Kind(422, "It is more than is done at once"),
    "nothing_to_undo": Kind(404, "No price was changed under that correlation id"),
    "unknown_schedule": Kind(404, "The product has no such scheduled price"),
    "not_on_sale": Kind(409, "A product is not on sale"),
    "stale_price": Kind(409, "A price is no longer what was quoted"),
    "stale_total": Kind(409, "The total is no longer what was quoted"),
    "unknown_address": Kind(404, "The customer has no such address"),
    "unknown_payment_method": Kind(404, "The customer has no such payment method"),
    "bad_birthday": Kind(422, "Nobody who lives was born then"),
    "already_over": Kind(422, "It would be over already"),
    "credit_exceeded": Kind(409, "It is more than the account allows"),
    "other_currency": Kind(409, "The account is in another currency"),
    "customer_blocked": Kind(409, "The customer may not order"),
    "unknown_card": Kind(422, "The vault has no such card"),
    "no_account": Kind(422, "A guest has no account to buy on"),
    "unknown_line": Kind(404, "The order has no such line"),
    "more_than_ordered": Kind(422, "It is more than was ordered"),
    "no_quote": Kind(409, "Nothing was quoted since the checkout was changed last"),
    "quote_replaced": Kind(409, "There is a later quote"),
    "quote_expired": Kind(409, "The quote does not hold any more"),
    "unknown_customer": Kind(422, "There is no such customer"),
    "unknown_product": Kind(422, "There is no such product"),
    "insufficient_stock": Kind(409, "There is not as much in stock"),
    "unknown_stock": Kind(404, "Of this SKU there was never any in stock"),
    "not_reserved": Kind(409, "The order has no such reservation"),
    "reserved_before": Kind(409, "The order has reserved before, and can only once"),
    "not_shipped": Kind(409, "The order was not sent as much as is to come back"),
    "address_question_open": Kind(409, "Somebody must decide first where the parcel goes"),
    "no_address_question": Kind(409, "There is nothing to decide about the address"),
    "no_address": Kind(409, "It is not known where the parcel goes"),
    "empty_shipment": Kind(422, "A shipment needs at least one line"),
    "mixed_currencies": Kind(422, "An order is in one currency"),
    "empty_order": Kind(422, "An order needs at least one line"),
    "bad_quantity": Kind(422, "A line is for one piece at least"),
    "too_much": Kind(422, "The total is more than can be taken"),
    CARD_DATA: Kind(422, "A card number does not belong here"),
    "card_expired": Kind(422, "The card has expired"),
    "card_forgotten": Kind(409, "The card was forgotten"),
    "not_paid": Kind(409, "The money for the order was let go of"),
    "payment_exists": Kind(409, "There is another payment for that order"),
    "bad_amount": Kind(422, "The amount cannot be paid"),
    "more_than_authorised": Kind(409, "It is more than was authorised"),
    "more_than_captured": Kind(409, "It is more than can be refunded"),
    "not_renamed": Kind(409, "It was not renamed"),
    # Operations
    "paused_already": Kind(409, "It is paused already"),
    "not_paused": Kind(409, "It is not paused"),
    "not_rebuilt": Kind(409, "It cannot be rebuilt now"),
    "not_verified": Kind(409, "It cannot be verified now"),
    "not_replayed": Kind(409, "It cannot be replayed now"),
    "nothing_built": Kind(409, "Nothing is being built"),
    "no_way_back": Kind(409, "It cannot go back to its old tables"),
    "not_parked": Kind(409, "No such event is parked"),
    "busy": Kind(409, "A worker is at it, and does not let go of it", AGAIN),
    # The system
    "version_conflict": Kind(412, "It is not the version that you expect"),
    "concurrent_change": Kind(409, "Others were faster, again and again", AGAIN),
    "server_error": Kind(500, "Something is wrong on our side"),
    "not_supported": Kind(501, "The server does not know this way of sending"),
    "unavailable": Kind(503, "The shop is out of service for a moment", AGAIN),
    "context_down": Kind(503, "A part of the shop does not answer", AGAIN),
    "read_only": Kind(503, "The shop can only be read for a moment", AGAIN),
    "storage_full": Kind(503, "There is no room to store anything", AGAIN),
}

BY_STATUS = {
    400: "bad_request",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    431: "headers_too_large",
    501: "not_supported",
    503: "unavailable",
}


class Problem(Exception):
    """The answer is no: ``code`` says which, ``errors`` say where. ``facts`` are what one needs to go on."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        errors: Iterable[dict[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.facts = code, detail, facts or {}
        self.kind = CATALOGUE.get(code, CATALOGUE["refused"])
        self.errors = list(errors)
        self.headers = {**self.kind.headers, **(headers or {})}

    def body(self) -> dict[str, Any]:
        """As RFC 9457 has it, with a code, all errors and the request's id; ``facts`` beside them."""
        return {
            **self.facts,
            "type": f"{TYPES}{self.code}/",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail or f"{self.kind.title}.",
            "code": self.code,
            "errors": self.errors[:MOST],
            "request_id": request_id.get(),
        }

    def answer(self) -> JsonResponse:
        answer = JsonResponse(self.body(), status=self.kind.status, content_type=MEDIA_TYPE, headers=self.headers)
        answer.content += b"\n"  # in a terminal, the next line is the reader's
        return answer


def errors_in(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Django REST framework's tree of errors, one by one, each with its JSON pointer (RFC 6901) into the body."""
    if isinstance(detail, dict):
        for name, below in detail.items():
            yield from errors_in(below, pointer + ("" if name == "non_field_errors" else step(name)))
    elif isinstance(detail, list):
        for number, below in enumerate(detail):
            yield from errors_in(below, pointer if isinstance(below, str) else f"{pointer}/{number}")
    else:
        yield {"pointer": pointer, "code": detail.code, "detail": str(detail)}


def step(name: object) -> str:
    """Of a JSON pointer, one step down."""
    return "/" + str(name)[:100].replace("~", "~0").replace("/", "~1")
