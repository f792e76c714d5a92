"""The shop's settings, and a small library beside it: the engines must serve any domain."""

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.lending"]
EVENTSTORE_KEYS = ["test:dGhlIGtleSBvZiB0ZXN0cywga25vd24gdG8gYWxsLi4="]
