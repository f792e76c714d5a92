from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventstoreConfig(AppConfig):
    """Finds every app's ``domain`` module, as Django's admin finds ``admin``: the log can read all they store."""

    name = "eventstore"
    verbose_name = "The log"

    def ready(self) -> None:
        from eventstore import checks, patience  # noqa: F401  # they register themselves

        autodiscover_modules("domain")
