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
        },
        ("/customer_id", "/lines/0/quoted", "/ship_to", "/ship_to/recipient", "/reference"),
        [
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
    "POST api/v1/orders/<uuid:pk>/cancel/": Write(
        "orders/{order}/cancel/", {"reason": "changed my mind"}, cases=[("/reason", "x" * 501, 400)]
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
