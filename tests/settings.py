"""The shop's settings, and a small library beside it: the engines must serve any domain."""

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.lending"]
EVENTSTORE_KEYS = ["test:dGhlIGtleSBvZiB0ZXN0cywga25vd24gdG8gYWxsLi4="]
ROLES_OF_STAFF = ["support", "catalog", "warehouse", "finance", "auditor"]  # of staff whom a test gives no group

WHITENOISE_AUTOREFRESH = True  # each of a test's clients would look at all static files otherwise
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a good one is slow by design
