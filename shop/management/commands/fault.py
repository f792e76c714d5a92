"""Have a context's reads fail, or take longer, to see what the others do meanwhile."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop import faults
from shop.models import Fault


def contexts() -> list[str]:
    return sorted(config.label for config in apps.get_app_configs() if config.name.startswith("shop."))


class Command(BaseCommand):
    help = "Make a context's reads fail (on) or take longer (delay), until off. Without arguments, say what is set."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context", nargs="?", choices=contexts(), help="whose reads")
        parser.add_argument("state", nargs="?", choices=["on", "off", "delay"])
        parser.add_argument("--seconds", type=float, default=2.0, help="of a delay (2)")

    def handle(self, *, context: str | None, state: str | None, seconds: float, **_: Any) -> None:
        if not faults.allowed():
            raise CommandError("This makes parts of the shop fail: only with DEMO=true or DEBUG=true.")
        if context and not state:
            raise CommandError(f"Say what {context} is to be: on, off or delay.")
        if not 0 < seconds <= faults.LONGEST:
            raise CommandError(f"--seconds {seconds:g}: expected more than 0, at most {faults.LONGEST:g}.")
        if context and state == "off":
            Fault.objects.filter(context=context).delete()
        elif context:
            facts = {"seconds": seconds if state == "delay" else None}
            Fault.objects.update_or_create(context=context, defaults=facts)
        for fault in faults.present().values():
            self.stdout.write(str(fault))
        if not faults.present():
            self.stdout.write("No context has a fault.")
