"""What Celery runs for ordering: what is due is found by looking, so that a beat that stands still delays it.

Orders that were delivered long ago are completed; checkouts that nobody comes back to are abandoned.
"""

from contextlib import suppress
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from eventstore.cause import because
from shop.errors import WrongStatus
from shop.ordering.checkout.commands import abandon_checkout
from shop.ordering.checkout.models import CheckoutSummary
from shop.ordering.commands import complete_order
from shop.ordering.models import OrderSummary

AT_ONCE = 100


@shared_task(ignore_result=True)
def complete_delivered() -> None:
    """``COMPLETE_AFTER_DAYS`` after the parcel came, nothing is to come back any more."""
    since = timezone.now() - timedelta(days=settings.COMPLETE_AFTER_DAYS)
    due = OrderSummary.objects.filter(status="delivered", delivered_at__lte=since).order_by("delivered_at")
    with because(actor="timer"):
        for order_id in due.values_list("id", flat=True)[:AT_ONCE]:
            with suppress(WrongStatus):  # somebody has done it, and the read model does not know yet
                complete_order(order_id)


@shared_task(ignore_result=True)
def abandon_idle() -> None:
    """Checkouts in which nothing has happened for ``CHECKOUT_EXPIRES_AFTER`` hours."""
    since = timezone.now() - timedelta(hours=settings.CHECKOUT_EXPIRES_AFTER)
    idle = CheckoutSummary.objects.filter(status="open", changed_at__lte=since).order_by("changed_at")
    with because(actor="timer"):
        for checkout_id in idle.values_list("id", flat=True)[:AT_ONCE]:
            with suppress(WrongStatus):
                abandon_checkout(checkout_id, reason="Nothing has happened in it for a long time.")
