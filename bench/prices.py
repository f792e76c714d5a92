"""Prices of 5,000 products from a file: previewed, carried out and undone by one worker, all projections with it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bench import common
from bench.common import Row, empty, once
from bench.desk import signed_in
from projections.engine import catch_up
from shop.application import shop
from shop.catalog.domain import Product
from shop.catalog.models import RepricingSummary
from shop.desk.prices import drafts
from shop.values import Money

LINES = 5_000


def rows() -> Iterator[Row]:
    empty()
    settings.ALLOWED_HOSTS = ["testserver"]
    drafts.PATIENCE = 0  # nobody is at work while it is asked for
    lines = 200 if common.rounds == 2 else LINES
    fill(lines)
    client, answers = signed_in(), [""]
    client.get("/admin/prices/import/")  # what a process does once is not counted

    def asked(path: str, posted: dict[str, Any]) -> None:
        answer = client.post(path, posted)
        assert answer.status_code == 302, answer.content.decode()
        answers.append(answer.url)

    def row(what: str, work: Callable[[], Any]) -> Row:
        sample = once(work, lines)()
        notes = {"s": round(lines / sample.rate, 2), "CPU s": round(lines * sum(filter(None, sample[1:])) / 1e6, 2)}
        return Row(what, {"lines": [sample]}, {}, notes=notes)

    yield row(
        "preview of a file", lambda: asked("/admin/prices/import/", {"file": SimpleUploadedFile("f", csv(lines))})
    )
    yield row("a page of it", lambda: looked(client, answers[-1]))
    yield row("asking for it", lambda: asked(answers[-1], {"reason": "spring"}))
    yield row("carried out", catch_up)
    undo = f"/admin/prices/undo/{RepricingSummary.objects.get().correlation_id}/"
    yield row("preview of its undo", lambda: asked(undo, {}))
    yield row("asking for the undo", lambda: asked(answers[-1], {"reason": "a slip"}))
    yield row("undone", catch_up)
    found = RepricingSummary.objects.values_list("status", "changed")
    assert list(found) == [("finished", lines)] * 2, list(found)


def looked(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


def csv(lines: int) -> bytes:
    return ("sku,price\n" + "\n".join(f"SKU-{n},12.75" for n in range(lines))).encode()


def fill(lines: int) -> None:
    """So many products, of four events each."""
    for n in range(lines):
        product = Product.create(f"SKU-{n}", f"Thing {n}")
        product.set_price(Money(Decimal("12.50"), "EUR"), datetime.now(UTC))
        product.publish()
        product.rename(f"Thing number {n}")
        shop.append([product])
    catch_up()
