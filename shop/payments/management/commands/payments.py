"""Payments by hand: ask the gateway in the foreground, without Celery."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.payments.gateway import gateway
from shop.payments.models import GatewayCall, PaymentWork
from shop.payments.work import work


class Command(BaseCommand):
    help = "payments work [--follow]: ask the gateway for what is due. payments list: what waits, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        working = commands.add_parser("work", help="Ask the gateway for what is due, then end.")
        working.add_argument("--follow", action="store_true", help="Go on until Ctrl-C.")
        commands.add_parser("list", help="What the gateway is still to do, and what it said last.")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        if command == "list":
            self.show()
            return
        there = gateway()
        if there is None:
            raise CommandError("GATEWAY_URL: expected where the gateway is, found nothing.")
        while True:
            if asked := work(there):
                self.stdout.write(f"asked {asked} times")
            if not options["follow"]:
                return
            time.sleep(1)

    def show(self) -> None:
        calls = GatewayCall.objects.in_bulk(list(PaymentWork.objects.values_list("id", flat=True)))
        for waiting in PaymentWork.objects.order_by("since", "id"):
            call = calls.get(waiting.id)
            last = f"asked {call.tries} times, again at {call.due_at:%H:%M:%S}: {call.said or '-'}" if call else "new"
            self.stdout.write(f"{waiting.id}  {waiting}  {last}")
