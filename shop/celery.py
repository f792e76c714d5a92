"""The Celery application. It carries wake-ups and nothing that could be lost: the work lies in the log."""

import os
from logging import getLogger
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]
def log_as_everywhere(loglevel: int | None = None, **_: Any) -> None:
    """As Django's settings say, in place of Celery's own way; ``--loglevel`` is for what Celery itself has to say."""
    dictConfig(settings.LOGGING)
    if loglevel:
        getLogger("celery").setLevel(loglevel)
