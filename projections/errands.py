"""What somebody asked the workers to do with a projection, done in steps: other projections wait for one at most."""

import logging
import time
from typing import Any

from django.utils import timezone

from projections import operations, places, rebuild, shadow, verify
from projections.lease import Busy, LeaseLost
from projections.models import Errand
from projections.places import NotNow
from projections.projection import Policy
from projections.trouble import of_the_moment

logger = logging.getLogger(__name__)


def go_on(projection: Any, *, seconds: float) -> bool:
    """A step, of about so many seconds, of what is to be done with it; answers whether there was anything."""
    if isinstance(projection, Policy):
        return False
    waiting = Errand.objects.filter(projection=projection.name, ended_at=None)
    errand = waiting.exclude(kind="rebuild").order_by("asked_at").first()
    if errand is not None:
        _step(projection, errand, time.monotonic() + seconds)
    elif rebuild.is_due(projection):
        rebuild.go_on(projection, seconds=seconds)
    else:
        return False
    return True


def _step(projection: Any, errand: Errand, until: float) -> None:
    """What refuses it is noted, and logged."""
    if errand.begun_at is None:
        errand.begun_at = timezone.now()
        Errand.objects.filter(pk=errand.pk, asked_at=errand.asked_at).update(begun_at=errand.begun_at)
    try:
        found = DO[errand.kind](projection, errand, until)
    except (NotNow, LeaseLost, Busy) as error:
        logger.info("%s", error)
    except Exception as error:
        if of_the_moment(error):
            raise
        operations.end(projection, errand.kind, errand=errand, refused=str(error))
        if not isinstance(error, operations.Refused):
            logger.exception("%s: %s failed.", projection.name, errand.kind, extra={"projection": projection.name})
    else:
        if found is not None:
            operations.end(projection, errand.kind, errand=errand, found=found)
        elif not Errand.objects.filter(pk=errand.pk, asked_at=errand.asked_at, ended_at=None).exists():
            places.throw_away(projection.name, shadow.rehearsal(projection))  # another came to its end just now


def _verify(projection: Any, errand: Errand, until: float) -> dict[str, Any] | None:
    heal, sample = errand.options.get("heal", False), errand.options.get("sample", 1.0)
    compared = verify.check(projection, sample=sample, heal=heal, until=until, restart=False)
    return None if compared is None else verify.told(compared, heal=heal)


def _dry_run(projection: Any, errand: Errand, until: float) -> dict[str, Any] | None:
    found = verify.rehearse(projection, sample=errand.options.get("sample", 1.0), until=until, restart=False)
    if found is None or errand.begun_at is None:
        return None
    took = (timezone.now() - errand.begun_at).total_seconds()  # of all steps
    return found._replace(seconds=took, whole_seconds=took * found.whole_seconds / found.seconds).told()


def _replay(projection: Any, errand: Errand, until: float) -> dict[str, Any]:
    return {"rows": operations.replay(projection)}


DO = {"verify": _verify, "dry_run": _dry_run, "replay": _replay}
