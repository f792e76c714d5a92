"""Every operation that writes: a request that is good, and what makes it bad."""

from typing import Any, NamedTuple
from uuid import UUID

from tests.api.conftest import eur

ADDRESS = {"street": "Kai 3", "city": "Hamburg", "postcode": "20457", "country": "DE", "recipient": "Ada"}
ADDRESS_CASES = [
    ("/address/country", "ZZ", 400),
    ("/address/country", "de", 400),
    ("/address/postcode", "1" * 10_000, 400),
]
NAMES: list[tuple[str, Any, int]] = [("/name", text, 400) for text in ("", "   ", "\u200b", "a\nb", "x" * 201)]
PRICES = [
    *(
        ("/price/amount", amount, 400)
        for amount in (
            "-1",
            "1e5",
            "NaN",
            "Infinity",
            "1.00001",
            "10000000000",
            "01",
            "1.",
            ".5",
            "١",
            " 1",
            "1\n",
            "",
            12.5,
        )
    ),
    *(("/price/currency", code, 400) for code in ("XXX", "eur", "JPY", "")),
]
EMAILS = [
    ("/email", email, 400)
    for email in (
        "a@b",
        "a",
        "@example.com",
        "a@localhost",
        f"{'a' * 320}@example.com",
        "a@example.com\r\nBcc: b@example.com",
    )
]
REASONS: list[tuple[str, Any, int]] = [("/reason", text, 400) for text in ("", "   ", "\u200b", "a\nb", "x" * 501)]
PIECES: list[tuple[str, Any, int]] = [("/quantity", n, 400) for n in (-1, 1.5, 1e300, "2", 2**31, 2**63, 10**9 + 1)]
CARD = "4242 4242-4242 4242"
PAYMENTS: list[tuple[str, Any, int]] = [
    *(("/payment/kind", kind, 400) for kind in ("", "CARD", "cash", "account")),  # of an account, no token
    *(("/payment/token", token, 400) for token in ("x", "4242424242424242", None)),
    ("/payment/token", str(UUID(int=0)), 422),
    ("/payment/token", "{mug}", 422),
]
SUMS: list[tuple[str, Any, int]] = [
    *(("/amount/amount", amount, 400) for amount in ("-1", "1e5", "NaN", "1.00001", "", 12.5)),
    *(("/amount/amount", amount, 422) for amount in ("0", "0.001")),
    ("/amount/currency", "USD", 422),
]
CREDIT = [(at, value, 409 if value == "USD" else status) for at, value, status in SUMS]
OTHER = "7289a4cf-7768-586e-b906-bd30f971a80c"
PARKED, SKIPPED = 2**62, 2**62 + 1  # positions that no test's log comes to
POSITIONS = [
    *(("/position", position, 400) for position in (0, -1, 1.5, "1", 2**63)),
    ("/position", 2**61, 409),
]
SHARES: list[tuple[str, Any, int]] = [("/sample", share, 400) for share in (0, -1, 1.5, "1", [])]


class Write(NamedTuple):
    """A request that is good, and what makes it bad beside what makes any bad."""

    path: str
    good: dict[str, Any] = {}
    optional: tuple[str, ...] = ()
    cases: list[tuple[str, Any, int]] = []  # where, what instead, the status of the answer


WRITES = {
    "POST api/v1/customers/": Write(
        "customers/",
        {"name": "Grace", "email": "grace@example.com"},
        cases=[*NAMES, *EMAILS, ("/email", "ADA@example.com", 409)],
    ),
    "POST api/v1/customers/<uuid:pk>/rename/": Write("customers/{ada}/rename/", {"name": "Grace"}, cases=NAMES),
    "POST api/v1/customers/<uuid:pk>/email/": Write(
        "customers/{ada}/email/",
        {"email": "grace@example.com"},
        cases=[*EMAILS, ("/email", "bob@example.com", 409)],
    ),
    "POST api/v1/customers/<uuid:pk>/erase/": Write("customers/{ada}/erase/"),
    "POST api/v1/customers/<uuid:pk>/addresses/": Write(
        "customers/{ada}/addresses/",
        {"address": ADDRESS, "default": True},
        ("/default", "/address/recipient"),
        ADDRESS_CASES,
    ),
    "PUT api/v1/customers/<uuid:pk>/addresses/<ordinal:number>/": Write(
        "customers/{ada}/addresses/1/", {"address": ADDRESS}, ("/address/recipient",), ADDRESS_CASES
    ),
    "DELETE api/v1/customers/<uuid:pk>/addresses/<ordinal:number>/": Write("customers/{ada}/addresses/1/"),
    "POST api/v1/customers/<uuid:pk>/addresses/<ordinal:number>/default/": Write(
        "customers/{ada}/addresses/1/default/"
    ),
    "POST api/v1/customers/<uuid:pk>/payment-methods/": Write(
        "customers/{ada}/payment-methods/",
        {"token": "7289a4cf-7768-586e-b906-bd30f971a80c", "label": "Visa", "last_four": "4242"},
        cases=[
            *(("/last_four", text, 400) for text in ("424", "42424", "424x", "٤٢٤٢")),
            *(("/token", text, 400) for text in ("x", "0" * 32)),
            *((at.replace("name", "label"), *case) for at, *case in NAMES),
            ("/label", f"Visa {CARD}", 422),
        ],
    ),
    "DELETE api/v1/customers/<uuid:pk>/payment-methods/<ordinal:number>/": Write("customers/{ada}/payment-methods/1/"),
    "PUT api/v1/customers/<uuid:pk>/birthday/": Write(
        "customers/{ada}/birthday/",
        {"birthday": "1985-12-10"},
        cases=[
            *(("/birthday", day, 400) for day in ("", "1985-02-29", "10.12.1985", "1985-12-10T00:00Z", "85-12-10")),
            *(("/birthday", day, 422) for day in ("9999-12-31", "1899-12-31", "0001-01-01")),
        ],
    ),
    "POST api/v1/customers/<uuid:pk>/premium/": Write(
        "customers/{ada}/premium/",
        {"until": "2099-12-31", "trial": True},
        ("/trial",),
        [("/until", "2099-02-29", 400), ("/until", "2001-01-01", 422)],
    ),
    "DELETE api/v1/customers/<uuid:pk>/premium/": Write("customers/{ada}/premium/"),
    "POST api/v1/customers/<uuid:pk>/block/": Write(
        "customers/{ada}/block/", {"reason": "three unpaid invoices"}, cases=REASONS
    ),
    "DELETE api/v1/customers/<uuid:pk>/block/": Write("customers/{ada}/block/"),
    "POST api/v1/customers/<uuid:pk>/merge/": Write(
        "customers/{bob}/merge/",
        {"into": "{ada}"},
        cases=[*(("/into", text, 400) for text in ("x", "")), *(("/into", who, 409) for who in ("{bob}", "{mug}"))],
    ),
    "PUT api/v1/customers/<uuid:pk>/credit/limit/": Write(
        "customers/{ada}/credit/limit/",
        {"limit": eur("500.00")},
        cases=[
            *((at.replace("/amount/", "/limit/"), *case) for at, *case in CREDIT if case != ["0", 422]),
        ],
    ),
    "POST api/v1/customers/<uuid:pk>/credit/settle/": Write(
        "customers/{ada}/credit/settle/",
        {"amount": eur("20.00"), "reference": "transfer of 1 March"},
        ("/reference",),
        [*CREDIT, ("/amount/amount", "120.01", 409), ("/reference", f"card {CARD}", 422)],
    ),
    "POST api/v1/products/": Write(
        "products/",
        {"sku": "CUP-1", "name": "Cup", "price": eur("9.90"), "publish": True},
        ("/price", "/publish"),
        [
            *NAMES,
            *PRICES,
            *(("/sku", sku, 400) for sku in ("", "a\tb", "x" * 65)),
            ("/sku", "MUG-1", 409),
            ("/price", None, 409),  # not without one, if it is to be published
        ],
    ),
    "POST api/v1/products/<uuid:pk>/price/": Write("products/{mug}/price/", {"price": eur("9.90")}, cases=PRICES),
    "POST api/v1/repricings/": Write(
        "repricings/",
        {
            "title": "Spring",
            "reason": "the potter is dearer",
            "lines": [{"sku": "MUG-1", "price": eur("13.00"), "starts": "2099-11-27T00:00:00Z"}],
        },
        ("/lines/0/starts",),
        [
            *REASONS,
            *((at.replace("name", "title"), *case) for at, *case in NAMES),
            *((f"/lines/0{at}", *case) for at, *case in PRICES),
            ("/lines", [], 400),
            ("/lines/0/sku", "CUP-9", 422),
            ("/lines/0/starts", "2099-11-27", 400),
        ],
    ),
    "POST api/v1/repricings/undo/": Write(
        "repricings/undo/",
        {"correlation_id": "{slip}", "reason": "it was a slip"},
        cases=[*REASONS, ("/correlation_id", "x", 400), ("/correlation_id", OTHER, 404)],
    ),
    "POST api/v1/repricings/<uuid:pk>/stop/": Write(
        "repricings/{repricing}/stop/", {"reason": "the wrong file"}, cases=REASONS
    ),
    "PUT api/v1/products/<uuid:pk>/description/": Write(
        "products/{mug}/description/",
        {"description": "Stoneware.\nFired twice."},
        cases=[("/description", text, 400) for text in ("\u200b", "a\tb", "a\n\rb", "x" * 2001)],
    ),
    "POST api/v1/products/<uuid:pk>/schedule/": Write(
        "products/{mug}/schedule/",
        {"price": eur("9.90"), "starts": "2099-11-27T00:00:00Z", "ends": "2099-11-30T00:00:00+01:00"},
        ("/ends",),
        [
            *PRICES,
            *(
                (f"/{name}", text, 400)
                for name in ("starts", "ends")
                for text in ("", "2099-11-27", "2099-11-27T00:00", "2099-02-29T00:00Z", "0001-01-01T00:00+14:00")
            ),
            ("/starts", "2001-01-01T00:00Z", 422),
            ("/ends", "2099-11-27T00:00Z", 422),
        ],
    ),
    "DELETE api/v1/products/<uuid:pk>/schedule/<ordinal:number>/": Write("products/{timed}/schedule/1/"),
    "POST api/v1/products/<uuid:pk>/rename/": Write("products/{mug}/rename/", {"name": "Cup"}, cases=NAMES),
    "POST api/v1/products/<uuid:pk>/publish/": Write("products/{draft}/publish/"),
    "POST api/v1/products/<uuid:pk>/withdraw/": Write("products/{mug}/withdraw/"),
    "POST api/v1/orders/": Write(
        "orders/",
        {
            "customer_id": "{ada}",
            "lines": [{"sku": "MUG-1", "quantity": 2, "quoted": eur("12.50")}],
            "ship_to": ADDRESS,
            "reference": "PO 4711",
            "payment": {"kind": "card", "token": "{card}"},
        },
        ("/customer_id", "/lines/0/quoted", "/ship_to", "/ship_to/recipient", "/reference", "/payment"),
        [
            *PAYMENTS,
            *(("/lines/0/quantity", n, 400) for n in (0, -1, 1.5, 1e300, "2", 2**31, 2**63, 10**18, 1_000_001)),
            *(("/customer_id", text, 400) for text in ("x", "urn:uuid:7289a4cf-7768-586e-b906-bd30f971a80c", "0" * 32)),
            ("/customer_id", str(UUID(int=0)), 422),
            ("/customer_id", "{mug}", 422),
            ("/lines", [], 422),
            ("/lines", [{"sku": f"S{n}", "quantity": 1} for n in range(1001)], 400),
            ("/lines/1", {"sku": "MUG-1", "quantity": 1}, 400),
            ("/lines/1", {"sku": "DOLLAR-1", "quantity": 1}, 422),
            ("/lines/0/sku", "NONE", 422),
            ("/lines/0/sku", "DRAFT-1", 409),
            ("/lines/0/quoted/amount", "12.49", 409),
            ("/lines/0/quoted/currency", "USD", 409),
            ("/lines/0", {"sku": "GOLD-1", "quantity": 1_000_000}, 422),
            ("/reference", "x" * 201, 400),
            ("/ship_to/country", "ZZ", 400),
            *(
                (f"/{name}", "1", 400)
                for name in ("price", "total", "status", "user_id", "is_staff", "position", "version")
            ),
        ],
    ),
    "POST api/v1/orders/<uuid:pk>/address/": Write(
        "orders/{order}/address/",
        {"address": ADDRESS, "reason": "moves next week"},
        ("/reason", "/address/recipient"),
        [*ADDRESS_CASES, ("/reason", "x" * 501, 400)],
    ),
    "POST api/v1/orders/<uuid:pk>/lines/": Write(
        "orders/{confirmed}/lines/",
        {"lines": [{"number": 1, "quantity": 1}], "reason": "needs only one"},
        cases=[
            *REASONS,
            *(("/lines/0/number", n, status) for n, status in ((0, 400), (-1, 400), (1.5, 400), (1001, 400), (2, 404))),
            *(("/lines/0/quantity", n, status) for n, status in ((-1, 400), ("1", 400), (3, 422), (0, 422))),
            ("/lines/1", {"number": 1, "quantity": 1}, 400),
            ("/lines", [], 400),
        ],
    ),
    "POST api/v1/orders/<uuid:pk>/complete/": Write("orders/{delivered}/complete/"),
    "POST api/v1/orders/<uuid:pk>/notes/": Write(
        "orders/{order}/notes/",
        {"text": "Asked to ring at the back door."},
        cases=[*((at.replace("reason", "text"), *case) for at, *case in REASONS[:-1]), ("/text", f"card {CARD}", 422)],
    ),
    "POST api/v1/checkouts/": Write(
        "checkouts/",
        {"customer_id": "{ada}"},
        ("/customer_id",),
        [("/customer_id", "x", 400), ("/customer_id", str(UUID(int=0)), 422), ("/customer_id", "{mug}", 422)],
    ),
    "POST api/v1/checkouts/<uuid:pk>/items/": Write(
        "checkouts/{checkout}/items/",
        {"sku": "MUG-1", "quantity": 3},
        cases=[*PIECES[:-1], ("/quantity", 1_000_001, 400), ("/sku", "NONE", 422), ("/sku", "DRAFT-1", 409)],
    ),
    "POST api/v1/checkouts/<uuid:pk>/address/": Write(
        "checkouts/{checkout}/address/", {"address": ADDRESS}, ("/address/recipient",), ADDRESS_CASES
    ),
    "POST api/v1/checkouts/<uuid:pk>/payment/": Write(
        "checkouts/{checkout}/payment/",
        {"payment": {"kind": "card", "token": "{card}"}},
        cases=PAYMENTS,
    ),
    "POST api/v1/checkouts/<uuid:pk>/quote/": Write("checkouts/{checkout}/quote/"),
    "POST api/v1/checkouts/<uuid:pk>/accept/": Write(
        "checkouts/{checkout}/accept/",
        {"quote": 1},
        cases=[*(("/quote", n, 400) for n in (0, -1, "1", 1.5, 2**63)), ("/quote", 2, 409)],
    ),
    "POST api/v1/checkouts/<uuid:pk>/abandon/": Write(
        "checkouts/{checkout}/abandon/",
        {"reason": "only looking"},
        ("/reason",),
        [("/reason", "x" * 501, 400), ("/reason", "a\nb", 400)],
    ),
    "POST api/v1/orders/<uuid:pk>/cancel/": Write(
        "orders/{order}/cancel/", {"reason": "changed my mind"}, cases=[("/reason", "x" * 501, 400)]
    ),
    "POST api/v1/ops/projections/<slug:name>/pause/": Write(
        "ops/projections/Orders/pause/", {"reason": "prices are wrong"}, cases=REASONS
    ),
    "POST api/v1/ops/projections/<slug:name>/resume/": Write("ops/projections/Products/resume/"),
    "POST api/v1/ops/projections/<slug:name>/rebuild/": Write(
        "ops/projections/Orders/rebuild/", {"expect_changes": True}, ("/expect_changes",)
    ),
    "POST api/v1/ops/projections/<slug:name>/dry-run/": Write(
        "ops/projections/Orders/dry-run/", {"sample": 1}, ("/sample",), SHARES
    ),
    "POST api/v1/ops/projections/<slug:name>/verify/": Write(
        "ops/projections/Orders/verify/", {"sample": 1, "heal": False}, ("/sample", "/heal"), SHARES
    ),
    "POST api/v1/ops/projections/<slug:name>/replay/": Write(
        "ops/projections/Orders/replay/", {"sure": True}, cases=[("/sure", False, 400)]
    ),
    "POST api/v1/ops/projections/<slug:name>/abandon/": Write("ops/projections/Orders/abandon/"),
    "POST api/v1/ops/projections/<slug:name>/back/": Write(
        "ops/projections/Orders/back/", {"even_so": False}, ("/even_so",)
    ),
    "POST api/v1/ops/projections/<slug:name>/retry/": Write(
        "ops/projections/Customers/retry/", {"stream_id": "{ada}"}, ("/stream_id",), [("/stream_id", "{mug}", 409)]
    ),
    "POST api/v1/ops/projections/<slug:name>/skip/": Write(
        "ops/projections/Customers/skip/",
        {"position": PARKED, "reason": "a test"},
        cases=[*REASONS, *POSITIONS, ("/position", SKIPPED, 409)],
    ),
    "POST api/v1/ops/projections/<slug:name>/unskip/": Write(
        "ops/projections/Customers/unskip/", {"position": SKIPPED}, cases=[*POSITIONS, ("/position", PARKED, 409)]
    ),
    "POST api/v1/stock/<str:sku>/receive/": Write(
        "stock/MUG-1/receive/",
        {"quantity": 24, "reference": "delivery note 4711"},
        ("/reference",),
        [*PIECES, ("/quantity", 0, 400), ("/quantity", 10**9, 422), ("/reference", "x" * 201, 400)],
    ),
    "POST api/v1/stock/<str:sku>/count/": Write(
        "stock/MUG-1/count/",
        {"counted": 9, "reason": "stock-taking"},
        cases=[*((at.replace("quantity", "counted"), *case) for at, *case in PIECES), *REASONS, ("/counted", 0, 409)],
    ),
    "POST api/v1/stock/<str:sku>/policy/": Write(
        "stock/MUG-1/policy/",
        {"back_orders": True, "low_at": 5},
        cases=[(at.replace("quantity", "low_at"), *case) for at, *case in PIECES],
    ),
    "POST api/v1/shipments/<uuid:pk>/address/": Write(
        "shipments/{planned}/address/",
        {"decision": "use_present"},
        cases=[("/decision", text, 400) for text in ("", "KEEP", "withdrawn", "open")],
    ),
    "POST api/v1/shipments/<uuid:pk>/pack/": Write("shipments/{planned}/pack/"),
    "POST api/v1/shipments/<uuid:pk>/dispatch/": Write(
        "shipments/{packed}/dispatch/",
        {"carrier": "DHL", "tracking": "JD01"},
        ("/tracking",),
        [*(("/carrier", text, 400) for text in ("", " ", "a\nb", "x" * 101)), ("/tracking", "x" * 201, 400)],
    ),
    "POST api/v1/shipments/<uuid:pk>/deliver/": Write("shipments/{sent}/deliver/"),
    "POST api/v1/shipments/<uuid:pk>/lose/": Write(
        "shipments/{sent}/lose/", {"reason": "fell into the harbour"}, cases=REASONS
    ),
    "POST api/v1/payments/<uuid:pk>/capture/": Write(
        "payments/{authorised}/capture/",
        {"amount": eur("10.00")},
        ("/amount",),
        [*SUMS, ("/amount/amount", "25.01", 409)],
    ),
    "POST api/v1/payments/<uuid:pk>/void/": Write("payments/{authorised}/void/"),
    "POST api/v1/payments/<uuid:pk>/refund/": Write(
        "payments/{captured}/refund/",
        {"amount": eur("10.00"), "reason": "came back"},
        cases=[*REASONS, *SUMS, ("/amount/amount", "25.01", 409), ("/reason", f"card {CARD}", 422)],
    ),
    "POST api/v1/cards/": Write(
        "cards/",
        {"number": CARD, "expiry_month": 12, "expiry_year": 2099, "holder": "Ada Lovelace"},
        cases=[
            *(("/number", text, 400) for text in ("", "x", "4242 4242 4242 4241", "4242", "4" * 40, "٤" * 16)),
            *(("/expiry_month", month, 400) for month in (0, 13, -1)),
            *(("/expiry_year", year, 400) for year in (99, 1999, 2200)),
            ("/expiry_year", 2001, 422),
            ("/holder", f"Ada {CARD}", 422),
            ("/holder", "x" * 201, 400),
        ],
    ),
    "POST api/v1/cards/<uuid:pk>/reveal/": Write(
        "cards/{card}/reveal/", {"reason": "chargeback 4711"}, cases=[*REASONS, ("/reason", CARD, 422)]
    ),
    "POST api/v1/token/": Write(
        "token/", {"username": "support", "password": "secret"}, cases=[("/password", "wrong", 401)]
    ),
}

BODIES: list[tuple[str, bytes, dict[str, str], int]] = [
    *(
        (text[:20], text.encode("utf-8", "surrogatepass"), {}, 400)
        for text in (
            *('{"', "{} {}", "{'a': 1}", "[]", '"x"', "null", "1", "true", "\ufeff{}", "\0", "{\0}"),
            *('{"a": 1, "a": 1}', '{"a": {"b": 1, "b": 2}}', '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}'),
            *('{"a": 1e400}', '{"a": ' + "9" * 5000 + "}", '{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": "\ud800"}'),
            *('{"a":' * 10_000 + "1" + "}" * 10_000, "[" * 30_000, '{"a": ' + "[" * 11 + "]" * 11 + "}"),
            *(
                '{"surely_unknown": 1}',
                '{"__proto__": {}}',
                '{"": 1}',
                '{"\\u0000": 1}',
                '{"\\udfff": 1}',
                '{"a/b~": 1}',
            ),
        )
    ),
    ("UTF-16", "{}".encode("utf-16"), {}, 400),
    ("UTF-16 by header", b"{}", {"CONTENT_TYPE": "application/json; charset=utf-16"}, 400),
    ("no UTF-8", b'{"a": "\xff"}', {}, 400),
    ("10 MB", b'{"a": "' + b"x" * 10_000_000 + b'"}', {}, 413),
    ("a byte too much", b'{"a": "' + b"x" * (65536 - 8) + b'"}', {}, 413),
    ("plain text", b"{}", {"CONTENT_TYPE": "text/plain"}, 415),
    ("XML", b"<a/>", {"CONTENT_TYPE": "application/xml"}, 415),
    ("a form", b"a=1", {"CONTENT_TYPE": "application/x-www-form-urlencoded"}, 415),
    (
        "many fields",
        b"&".join(b"a%d=1" % n for n in range(10_000)),
        {"CONTENT_TYPE": "multipart/form-data; boundary=a"},
        415,
    ),
    ("no type", b"{}", {"CONTENT_TYPE": ""}, 415),
    ("gzip", b"{}", {"HTTP_CONTENT_ENCODING": "gzip"}, 415),
    ("chunks", b"{}", {"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
    ("wants an image", b"{}", {"HTTP_ACCEPT": "image/png"}, 406),
]
