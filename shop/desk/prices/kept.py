"""Previews between two requests."""

from datetime import timedelta

import msgspec
from django.utils import timezone

from eventstore.domain import uuid7
from shop.catalog.repricing.previews import Preview
from shop.desk.models import PriceDraft

FOR = timedelta(days=2)


def keep(found: Preview, **facts: object) -> PriceDraft:
    """As a draft; those that nobody has applied for days are forgotten."""
    PriceDraft.objects.filter(made_at__lt=timezone.now() - FOR).delete()
    return PriceDraft.objects.create(id=uuid7(), preview=msgspec.to_builtins(found), **facts)


def read(draft: PriceDraft) -> Preview:
    return msgspec.convert(draft.preview, Preview)
