"""What Celery runs for payments: every second, it looks for what the gateway is to do."""

from celery import shared_task

from shop.payments.gateway import gateway
from shop.payments.work import work


@shared_task(ignore_result=True)
def ask_gateway() -> None:
    if there := gateway():
        work(there)
