"""Contexts that are down or slow because somebody asked for it, to see what the others do meanwhile.

Only where DEBUG or DEMO is set: elsewhere nobody can ask for it, and nobody looks whether somebody did.
"""

import time

from django.conf import settings

from shop.errors import Refused
from shop.models import Fault

PATIENCE = 1.0  # seconds that one context waits for another
LONGEST = 10.0  # seconds that a read can be made to take


class ContextDown(Refused):
    """A context of the shop does not answer, or not in time."""

    code = "context_down"


def allowed() -> bool:
    return bool(settings.DEBUG or settings.DEMO)


def reach(context: str, patience: float = PATIENCE) -> None:
    """To be asked before reading what belongs to ``context``. ContextDown: it has not answered within ``patience``."""
    fault = Fault.objects.filter(context=context).first() if allowed() else None
    if fault is None:
        return
    if fault.seconds is not None:
        time.sleep(min(fault.seconds, patience))
        if fault.seconds <= patience:
            return
    raise ContextDown(f"{context} does not answer. Try again in a moment.", context=context)


def present() -> dict[str, Fault]:
    """The faults that there are, by context."""
    return {fault.context: fault for fault in Fault.objects.order_by("context")} if allowed() else {}
