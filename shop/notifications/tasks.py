"""What Celery runs for notifications: every second, it looks for mails that are due."""

from celery import shared_task

from shop.notifications.sending import send


@shared_task(ignore_result=True)
def send_mails() -> None:
    send()
