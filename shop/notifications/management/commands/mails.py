"""Mails by hand: send what is due in the foreground, without Celery."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from shop.notifications.models import OutgoingMail
from shop.notifications.sending import send

SHOWN = 50  # mails that wait


class Command(BaseCommand):
    help = "mails send [--follow]: send what is due. mails list: how many there are, and which wait, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        sending = commands.add_parser("send", help="Send what is due, then end.")
        sending.add_argument("--follow", action="store_true", help="Go on until Ctrl-C.")
        commands.add_parser("list", help="How many there are, and which wait, and why.")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        if command == "list":
            self.show()
            return
        while True:
            try:
                if sent := send():
                    self.stdout.write(f"sent {sent}")
                if not options["follow"]:
                    return
                time.sleep(1)
            except KeyboardInterrupt:
                return

    def show(self) -> None:
        for each in OutgoingMail.objects.values("status").annotate(count=Count("pk")).order_by("status"):
            self.stdout.write(f"{each['status']}: {each['count']}")
        for mail in OutgoingMail.objects.filter(status="waiting").order_by("due_at", "id")[:SHOWN]:
            last = f"tried {mail.tries} times, again at {mail.due_at:%H:%M:%S}: {mail.error or '-'}"
            self.stdout.write(f"{mail.id}  {mail.kind}  {last if mail.tries else 'new'}")
