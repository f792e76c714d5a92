"""Which queue carries the wake-ups of which projections: one for all, or one for each context."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from projections.projection import known


def by_context() -> dict[str, str]:
    """App label → queue, as the setting PROJECTIONS_QUEUES says; all others use Celery's default queue."""
    return getattr(settings, "PROJECTIONS_QUEUES", {})


def default() -> str:
    return getattr(settings, "CELERY_TASK_DEFAULT_QUEUE", "celery")


def of(projection: Any) -> str:
    return by_context().get(projection.context, default())


def in_use() -> list[str]:
    return sorted({of(each) for each in known().values()})


def served_by(queues: Sequence[str]) -> list[Any]:
    """The projections whose wake-ups come by one of ``queues``."""
    return [each for each in known().values() if of(each) in queues]


@register
def check_queues(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """A context that does not exist has no projections: its queue would carry nothing."""
    labels = [config.label for config in apps.get_app_configs()]
    return [
        Error(
            f"PROJECTIONS_QUEUES: there is no app {label}.",
            hint=f"Is it {near[0]}?" if (near := get_close_matches(label, labels, n=1)) else None,
            id="projections.E020",
        )
        for label in by_context()
        if label not in labels
    ]
