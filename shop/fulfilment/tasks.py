"""What is due, found by looking: a clock that stood still delays it, and loses nothing."""

import logging

from celery import shared_task
from django.utils import timezone

from eventstore.cause import because
from shop.fulfilment.commands import time_out
from shop.fulfilment.models import OrderProcess

AT_ONCE = 100

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def give_up() -> None:
    """End the steps that have taken too long."""
    due = OrderProcess.objects.filter(status="running", due__lte=timezone.now()).order_by("due")
    with because(actor="timer"):
        for process_id in due.values_list("id", flat=True)[:AT_ONCE]:
            time_out(process_id)
