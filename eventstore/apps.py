from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventstoreConfig(AppConfig):
    """Finds every app's ``domain`` module, as Django's admin finds ``admin``: the log can read all they store."""

    name = "eventstore"
    verbose_name = "The log"

    def ready(self) -> None:
        from eventstore import checks  # noqa: F401  # registers them

        autodiscover_modules("domain")
