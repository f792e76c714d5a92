"""Real orders come in while workers are killed and the broker is away: nothing is lost, nothing is doubled."""

import csv
import os
import subprocess
import time
from pathlib import Path

import pytest
from django.db import connections

from eventstore import log
from eventstore.models import Event
from projections.models import Checkpoint
from projections.projection import Policy, known
from projections.rebuild import verify
from tests.system import processes
from tests.system.processes import until

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACT = Path(__file__).parents[1] / "data" / "orders-extract.csv"


@pytest.fixture
def orders(tmp_path):
    """The extract three times over, as other invoices."""
    path = tmp_path / "orders.csv"
    with EXTRACT.open() as source, path.open("w", newline="") as target:
        rows = list(csv.DictReader(source))
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        for copy in range(3):
            writer.writerows({**row, "InvoiceNo": f"{copy}{row['InvoiceNo']}"} for row in rows)
    return path


def test_scenario_13_exactly_once_effect_of_real_orders_while_workers_die(empty_log, broker, orders, tmp_path):
    kills, _ = import_under_fire(broker, orders, tmp_path, away=1.0, between=1.5)

    assert kills >= 2
    with EXTRACT.open() as source:
        sellable = {row["InvoiceNo"] for row in csv.DictReader(source) if row["Quantity"] != "0"}
    assert Event.objects.filter(name="Order.Placed").count() == 3 * len(sellable)


@pytest.mark.long
def test_all_of_a_years_real_orders(empty_log, broker, tmp_path):
    """``DAYBOOK_ORDERS=orders-sample.csv.gz ./test -m long -k real_orders -s``"""
    kills, took = import_under_fire(broker, Path(os.environ["DAYBOOK_ORDERS"]), tmp_path, away=20.0, between=6.0)

    print(f"\n{(tmp_path / 'import.log').read_text()[-600:]}\nworkers killed: {kills}, import: {took:.0f} s")
    assert kills >= 10
    assert took < 240


def import_under_fire(broker, orders, tmp_path, *, away, between):
    """Import ``orders``; a worker that is at work is killed every ``between`` seconds, the broker is ``away`` once; the
    kills, and the seconds it took."""
    output = tmp_path / "workers.log"
    beat, worker = processes.beat(broker.url, tmp_path / "beat.log"), processes.worker(broker.url, output)
    began, kills, broker_back, stood = time.monotonic(), 0, None, leases_taken()
    importing = processes.start(
        broker.url, "manage.py", "import_orders", str(orders), "--currency", "USD", output=tmp_path / "import.log"
    )
    try:
        while importing.poll() is None:
            try:
                importing.wait(between)
            except subprocess.TimeoutExpired:
                if leases_taken() == stood:
                    continue
                processes.kill(worker)
                kills += 1
                worker, stood = processes.worker(broker.url, output), leases_taken()
                if kills == 2:
                    broker.end()
                    broker_back = time.monotonic() + away
            if broker_back and time.monotonic() > broker_back:
                broker.start()
                broker_back = None
        took = time.monotonic() - began
        assert importing.returncode == 0, (tmp_path / "import.log").read_text()[-2000:]
        if broker_back:
            broker.start()
        until(all_caught_up, 180, "the projections to catch up")
    finally:
        for process in (importing, worker, beat):
            processes.kill(process)
    for projection in (each for each in known().values() if not isinstance(each, Policy)):
        for compared in verify(projection):
            assert not compared.differing, str(compared)
    connections.close_all()
    return kills, took


def leases_taken():
    return sum(Checkpoint.objects.values_list("epoch", flat=True))


def all_caught_up():
    head = log.horizon()
    stood = Checkpoint.objects.filter(position=head, error="").values_list("name", flat=True)
    return set(stood) == set(known())
