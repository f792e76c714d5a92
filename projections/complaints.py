"""What is wrong is logged once, whichever process sees it first; and again when it has changed or come back."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from projections.models import Complaint
from projections.status import alerts, statuses

logger = logging.getLogger(__name__)


def say(projections: Sequence[Any]) -> None:
    """Log each alert about ``projections`` that is news.

    What was said is read before what is wrong, and changed only where it is still that: of several processes that look
    at once, one says it.
    """
    said = Complaint.objects.filter(projection__in=[each.name for each in projections])
    before = {(each.projection, each.kind): each.text for each in said}
    stand = {each.name: each for each in statuses(projections)}
    present = {(alert.projection, alert.kind): alert.text for alert in alerts(stand.values())}
    for projection, kind in before.keys() - present.keys():
        said.filter(projection=projection, kind=kind, text=before[projection, kind]).delete()
    for (projection, kind), text in present.items():
        with transaction.atomic():  # whoever dies before it is said has not said it: another does
            if _is_news(projection, kind, text, before.get((projection, kind))):
                extra = {"projection": projection, "position": stand[projection].position, "kind": kind}
                logger.error("%s", text, extra=extra)


def _is_news(projection: str, kind: str, text: str, before: str | None) -> bool:
    about = {"projection": projection, "kind": kind}
    if before is None:
        return Complaint.objects.get_or_create(**about, defaults={"text": text})[1]
    if before == text:
        return False
    return bool(Complaint.objects.filter(**about, text=before).update(text=text, said_at=timezone.now()))
