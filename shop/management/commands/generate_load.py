"""Drive the shop over its REST API as customers and staff do, many at once, and report what came of it."""

import os
import random
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Thread, local
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.load import PROGRESS, Answer, Client, Report

BUYERS = 10  # of one unit
SETTLED = 20.0  # seconds in which the workers should have decided on an order
STOCK = 1_000_000
DAYS = 365
NOVEMBER = range(304, 334)  # days of the year
EVENING = range(18, 22)  # hours of the day
EXAMPLES = """examples:
  manage.py generate_load --token TOKEN                               200 orders, as fast as they are answered
  manage.py generate_load --token TOKEN --orders 5000 --minutes 10    a year of them in ten minutes, with its peaks
  manage.py generate_load --token TOKEN --skus 5000                   a price import of 5,000 SKUs meanwhile
"""
ADDRESS = {"street": "Kai 3", "city": "Hamburg", "postcode": "20457", "country": "DE"}


class Command(BaseCommand):
    help = (
        "Place orders over the REST API: a few goods that everybody wants, evenings and a November that are busier, "
        "cancellations, double submits, a price import meanwhile, ten buyers for one unit. Another seed makes other "
        "orders; the same one asks again under the same Idempotency-Keys, and places none twice. Ctrl-C gives the "
        "report so far."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=200, metavar="N", help="how many (200)")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="of what is random (1)")
        here = os.environ.get("SHOP_URL", "http://127.0.0.1:8000")  # ./run says it
        parser.add_argument("--url", default=here, help=f"of the shop ({here})")
        parser.add_argument("--token", required=True, help="of somebody who may do all this: the demo's, for one")
        parser.add_argument("--threads", type=int, default=8, help="that ask at once (8)")
        parser.add_argument("--skus", type=int, default=40, help="products; each gets a new price in the import (40)")
        parser.add_argument(
            "--minutes", type=float, default=0, help="that a year of orders takes, with its evenings and its November"
        )

    def handle(
        self, *, orders: int, seed: int, url: str, token: str, threads: int, skus: int, minutes: float, **options: Any
    ) -> None:
        for name, number in (("orders", orders), ("threads", threads), ("skus", skus)):
            if number < 1:
                raise CommandError(f"--{name} {number}: expected at least 1.")
        if minutes < 0:
            raise CommandError(f"--minutes {minutes:g}: expected at least 0.")
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"--url {url}: expected one that begins with http:// or https://.")
        report = Report()
        load = Load(url, token, seed, skus, report, self.told)
        try:
            load.run(orders, threads, minutes)
        except (OSError, Refusal) as error:
            report.stopped.set()
            self.tell(report)
            raise CommandError(f"{url}: {error}") from error
        except KeyboardInterrupt:
            report.stopped.set()
            self.tell(report)
            raise CommandError("Stopped.", returncode=130) from None
        self.tell(report)

    def told(self, words: str) -> None:
        self.stderr.write(words)

    def tell(self, report: Report) -> None:
        for line in report.lines():
            self.stdout.write(line)


class Refusal(Exception):
    """What everything else rests on was refused."""


class Load:
    """Everything that is asked is drawn from the seed before it is asked, so that threads do not change it."""

    def __init__(
        self, url: str, token: str, seed: int, skus: int, report: Report, progress: Callable[[str], None]
    ) -> None:
        self.url, self.token, self.seed, self.report, self.progress = url, token, seed, report, progress
        self.random = random.Random(seed)
        self.skus = [f"LOAD-{seed}-{n}" for n in range(1, skus + 1)]
        self.products: dict[str, str] = {}
        self.customers: list[str] = []
        self.mine = local()
        self.clients: list[Client] = []

    def run(self, orders: int, threads: int, minutes: float = 0) -> None:
        try:
            self.play(orders, threads, minutes)
        finally:
            for client in self.clients:
                client.close()

    def play(self, orders: int, threads: int, minutes: float) -> None:
        with ThreadPoolExecutor(threads, "load") as pool:
            try:
                self.all(pool, "products", [lambda sku=sku: self.product(sku, STOCK) for sku in self.skus])
                self.all(pool, "customers", [lambda n=n: self.customer(n) for n in range(max(1, orders // 10))])
                prices = [lambda sku=sku: self.price(sku, "import", self.cents()) for sku in self.skus]
                year = moments(self.random, orders)
                began = time.monotonic()
                due = [began + 60 * minutes * moment for moment in year]
                shopping = [self.shopping(number, due[number]) for number in range(orders)]
                self.report.count(f"orders of November, of {orders:,}", sum(int(at * DAYS) in NOVEMBER for at in year))
                # The import runs while customers buy: some of them were quoted the price before it.
                self.all(pool, "orders", self.mixed(shopping, prices))
                self.race(pool)
            except BaseException:
                self.report.stopped.set()
                pool.shutdown(cancel_futures=True)
                raise

    def all(self, pool: ThreadPoolExecutor, what: str, tasks: list[Callable[[], Any]]) -> None:
        waiting: set[Future[Any]] = {pool.submit(task) for task in tasks}
        done = 0
        said = time.monotonic()
        while waiting:
            ready, waiting = wait(waiting, PROGRESS, FIRST_COMPLETED)
            for each in ready:
                each.result()
            done += len(ready)
            if not waiting or time.monotonic() - said >= PROGRESS:
                said = time.monotonic()
                self.progress(f"{what}: {done:,} of {len(tasks):,}, {self.report.requests:,} requests")

    def mixed(self, *kinds: list[Callable[[], Any]]) -> list[Callable[[], Any]]:
        turns = [each for each, kind in ((iter(kind), kind) for kind in kinds) for _ in kind]
        self.random.shuffle(turns)
        return [next(each) for each in turns]  # each kind in its own order

    @property
    def client(self) -> Client:
        if not hasattr(self.mine, "client"):
            self.mine.client = Client(self.url, self.token, self.report)
            self.clients.append(self.mine.client)
        return self.mine.client  # type: ignore[no-any-return]

    def key(self, *step: object) -> str:
        return "/".join(map(str, ("load", self.seed, *step)))

    def cents(self) -> str:
        return f"{self.random.randint(100, 9999) / 100:.2f}"

    # Staff

    def product(self, sku: str, stock: int) -> None:
        body = {"sku": sku, "name": f"Load {sku}", "price": euros("10.00"), "publish": True}
        created = self.client.post("products/", "/api/v1/products/", body, self.key("product", sku))
        self.products[sku] = needed(created)["id"]
        path = f"/api/v1/stock/{sku}/receive/"
        needed(self.client.post("stock/{sku}/receive/", path, {"quantity": stock}, self.key("stock", sku)))

    def price(self, sku: str, step: str, amount: str) -> None:
        path = f"/api/v1/products/{self.products[sku]}/price/"
        answer = self.client.post("products/{id}/price/", path, {"price": euros(amount)}, self.key("price", step, sku))
        self.report.count("prices imported", answer.status == 200)

    # Customers

    def customer(self, number: int) -> None:
        body = {"name": f"Load {number}", "email": f"load-{self.seed}-{number}@example.com"}
        customer = needed(self.client.post("customers/", "/api/v1/customers/", body, self.key("customer", number)))
        path = f"/api/v1/customers/{customer['id']}/addresses/"
        key = self.key("address", number)
        needed(self.client.post("customers/{id}/addresses/", path, {"address": ADDRESS}, key))
        self.customers.append(customer["id"])

    def shopping(self, number: int, due: float) -> Callable[[], None]:
        """What one customer does: looks, buys, perhaps twice by mistake, perhaps cancels; looks at the order."""
        basket = {self.wanted(): self.random.randint(1, 3) for _ in range(self.random.randint(1, 4))}
        who, chance = self.random.random(), self.random.random()

        def shop() -> None:
            if self.report.stopped.wait(max(0, due - time.monotonic())):
                return
            self.client.get("products/", "/api/v1/products/?q=Load&page_size=20")
            customer = sorted(self.customers)[int(who * len(self.customers))]
            placed = self.order(number, customer, basket, twice=chance < 0.05)
            if placed is None:
                return
            if chance > 0.93:
                reason = {"reason": "changed my mind"}
                path = f"/api/v1/orders/{placed['id']}/cancel/"
                cancelled = self.client.post("orders/{id}/cancel/", path, reason, self.key("cancel", number))
                self.report.count("orders cancelled", cancelled.status == 200)
            path = f"/api/v1/orders/{placed['id']}/?after={placed['position']}&expand=customer"
            self.client.get("orders/{id}/", path)

        return shop

    def wanted(self) -> str:
        """Of few goods everybody wants one (Pareto: https://en.wikipedia.org/wiki/Pareto_distribution)."""
        return self.skus[min(len(self.skus), int(self.random.paretovariate(0.8))) - 1]

    def order(self, number: int, customer: str, basket: dict[str, int], *, twice: bool) -> Any:
        shown = {sku: self.shown(sku) for sku in basket} if number % 4 == 0 else {}
        lines = [{"sku": sku, "quantity": n, "quoted": shown.get(sku)} for sku, n in sorted(basket.items())]
        body = {"customer_id": customer, "lines": lines, "reference": f"L{self.seed}-{number}"}
        answers: list[Answer] = []

        def submit() -> None:
            answers.append(self.client.post("orders/", "/api/v1/orders/", body, self.key("order", number)))

        second = Thread(target=submit)
        if twice:
            second.start()
        submit()
        if twice:
            second.join()
            made = {answer.body["id"] if answer.status == 201 else answer.code for answer in answers}
            self.report.count("double submits, one answer" if len(made) == 1 else "double submits, TWO ANSWERS")
        placed = answers[0]
        self.report.count("orders placed", placed.status == 201)
        return placed.body if placed.status == 201 else None

    def shown(self, sku: str) -> Any:
        found = self.client.get("products/{id}/", f"/api/v1/products/{self.products[sku]}/")
        return found.body.get("price") if found.status == 200 else None

    def race(self, pool: ThreadPoolExecutor) -> None:
        """Ten want the last one."""
        sku = f"LOAD-{self.seed}-LAST"
        self.product(sku, 1)
        placed: list[str] = []

        def buy(number: int) -> None:
            found = self.order(-number, self.customers[number % len(self.customers)], {sku: 1}, twice=False)
            if found:
                placed.append(found["id"])

        self.all(pool, f"{BUYERS} buyers for one unit", [lambda n=n: buy(n) for n in range(1, BUYERS + 1)])
        until = time.monotonic() + SETTLED
        for order in placed:
            status = "placed"
            while status == "placed" and not self.report.stopped.is_set():
                found = self.client.get("orders/{id}/", f"/api/v1/orders/{order}/")
                status = found.body["status"] if found.status == 200 else "placed"
                if time.monotonic() > until:
                    break
                if status == "placed":
                    self.report.stopped.wait(0.2)
            self.report.count(f"the last unit, {BUYERS} buyers: {status}")


def moments(chance: random.Random, number: int) -> list[float]:
    """So many moments of a year, from 0 to 1, the first first: thrice as many in an evening hour, and in November."""
    found: list[float] = []
    while len(found) < number:
        at = chance.random() * DAYS
        day, hour = int(at), int(at % 1 * 24)
        weight = (3 if day in NOVEMBER else 1) * (3 if hour in EVENING else 1)
        if chance.random() < weight / 9:
            found.append(at / DAYS)
    return sorted(found)


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def needed(answer: Answer) -> Any:
    if answer.status not in (200, 201):
        said = answer.body.get("detail", "") if isinstance(answer.body, dict) else ""
        raise Refusal(f"{answer.status} {answer.code} {said}")
    return answer.body
