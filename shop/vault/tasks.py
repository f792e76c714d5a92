"""What Celery runs for the vault: what is due is found by looking, so that a beat that stands still delays it."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from eventstore import log
from eventstore.cause import because
from projections.waiting import wait_until
from shop.vault.commands import forget_card
from shop.vault.uses import CardsInUse, no_longer_kept, nobodys

AT_ONCE = 100
PATIENCE = 5.0  # seconds until it has been heard of all that cards are used for


@shared_task(ignore_result=True)
def forget_cards() -> None:
    """Those that nobody keeps, ``FORGET_CARDS_AFTER`` hours after the last thing that they were to pay.

    Forgetting is for ever: where it is not known yet what cards are used for, it waits for its next turn.
    """
    since = timezone.now() - timedelta(hours=settings.FORGET_CARDS_AFTER)
    if not wait_until(log.last(), CardsInUse.name, timeout=PATIENCE):
        return
    with because(actor="timer"):
        for cards in (nobodys(since), no_longer_kept(since)):
            for token in cards.values_list("id", flat=True)[:AT_ONCE]:
                forget_card(token)
