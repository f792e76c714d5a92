"""What can be asked of the vault. A card goes in once, and is a token from then on.

The number is an argument of no command: of those the log keeps a digest.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4, uuid5

import msgspec
from django.db import transaction

from eventstore.cause import cause
from eventstore.commands import CommandReused
from eventstore.domain import value
from eventstore.personal import forget, keys, keys_to_seal, opened, seal
from shop.application import Receipt, command, shop
from shop.cards import brand_of
from shop.vault.domain import Card, CardExpired
from shop.vault.models import SealedCard


@value
class CardData:
    """What is on a card. It is never shown by accident."""

    number: str  # digits
    expiry_month: int
    expiry_year: int
    holder: str

    def __repr__(self) -> str:
        return "CardData(…)"


def store_card(
    *, number: str, expiry_month: int, expiry_year: int, holder: str, customer_id: UUID | None = None
) -> Receipt:
    """Seal it; its id is the token. CardExpired; CommandReused: another card came under that command id.

    ``customer_id``: whose it is, if that is known; it is forgotten with them.
    """
    now = datetime.now(UTC)
    if (expiry_year, expiry_month) < (now.year, now.month):
        raise CardExpired(f"The card expired in {expiry_month:02d}/{expiry_year}.", pointer="/expiry_year")
    data = CardData(number, expiry_month, expiry_year, holder)
    command_id = cause.get().command_id
    token = uuid5(command_id, "card") if command_id else uuid4()
    with transaction.atomic():
        sealed = seal(keys_to_seal([token])[token], msgspec.json.encode(data), _place(token))
        kept, is_new = SealedCard.objects.get_or_create(token=token, defaults={"sealed": sealed})
        if not is_new and _open(kept) != data:
            raise CommandReused("Another card came under the id of that command.")
        return _note_card(token, last_four=number[-4:], brand=brand_of(number), customer_id=customer_id)


@command
def _note_card(token: UUID, *, last_four: str, brand: str, customer_id: UUID | None) -> Receipt:
    return shop.record(Card.store(token, last_four, brand, customer_id))


@command
def reveal_card(token: UUID, *, reason: str) -> Receipt:
    """Record that somebody looks at it; ``card_data`` is for those who have."""
    card = shop.load(Card, token)
    card.reveal(reason)
    return shop.record(card)


@command
def forget_card(token: UUID) -> Receipt:
    """What is on it is gone for ever: its key is destroyed, and what was sealed deleted. The same again, nothing."""
    card = shop.load(Card, token)
    card.forget()
    with transaction.atomic():
        receipt = shop.record(card)
        forget(token)
        SealedCard.objects.filter(token=token).delete()
    return receipt


def card_data(token: UUID) -> CardData:
    return _open(SealedCard.objects.get(token=token))


def _open(kept: SealedCard) -> CardData:
    key = keys([kept.token])[kept.token]
    if key is None:
        raise LookupError(f"The key of card {kept.token} was destroyed.")
    return msgspec.json.decode(opened(key, bytes(kept.sealed), _place(kept.token)), type=CardData)


def _place(token: UUID) -> bytes:
    """What a sealed card is bound to, so that it opens under no other token."""
    return b"vault:" + token.bytes
