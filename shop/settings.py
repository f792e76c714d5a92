"""Everything that differs between deployments comes from the environment; see ``.env.example``."""

from pathlib import Path

import environ
from kombu import Exchange, Queue

from shop.csp import STRICT
from shop.desk.look import UNFOLD  # noqa: F401  # it is a setting
from shop.percents import by_country, percent

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)  # lets `manage.py demo` make sign-ins whose passwords are in the README
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "eventstore",
    "projections",
    "shop",
    "shop.customers",
    "shop.catalog",
    "shop.ordering",
    "shop.payments",
    "shop.vault",
    "shop.inventory",
    "shop.shipping",
    "shop.notifications",
    "shop.billing",
    "shop.reporting",
    "shop.fulfilment",
    "shop.desk",
    "shop.storefront",
    "shop.demo",
]

MIDDLEWARE = [
    "shop.http.ProblemsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "shop.csp.ByPlace",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.http.PathMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.storefront.errors.Explain",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.storefront.context.everywhere",
            ]
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"] |= {
    "connect_timeout": 3,
    # A host that is gone is noticed within seconds, whoever waits for it; `eventstore.commands` sees to one that hangs.
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    # A writer that hangs would hold the horizon back for every reader: no wait and no idle transaction is endless.
    # Nor does one go on for a client that gave up: the server looks for it every second.
    "options": "-c lock_timeout=4s -c idle_in_transaction_session_timeout=60s -c client_connection_check_interval=1s",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    "socket_connect_timeout": 0.25,
    "socket_timeout": 0.5,
    "visibility_timeout": 600,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives its broker
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # of those acknowledged late: there are none
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = 1000  # tasks: else each opens a connection of its own, which takes longer than moving a row

# Which queue carries the wake-ups of a context's projections: app label → queue, ordering=ordering,catalog=catalog;
# whoever is not named shares the default queue, `celery`. A worker takes all queues, unless it is told which ones:
# `celery -A shop worker -Q ordering` serves ordering alone, and then another must serve `-Q celery,catalog`, or all.
PROJECTIONS_QUEUES = env.dict("PROJECTIONS_QUEUES", default={})
CELERY_TASK_DEFAULT_QUEUE = "celery"
QUEUES = sorted({CELERY_TASK_DEFAULT_QUEUE, *PROJECTIONS_QUEUES.values()})
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in QUEUES]
CELERY_BEAT_SCHEDULE = {
    f"sweep {name}": {
        "task": "projections.tasks.sweep",
        "args": [name],
        "schedule": 1.0,
        "options": {"queue": name, "expires": 10},
    }
    for name in QUEUES
}

# What each context looks for by itself, on the queue of its own: the name, the task, and every how many seconds.
for name, task, seconds in (
    ("ask gateway", "shop.payments.tasks.ask_gateway", 1.0),
    ("send mails", "shop.notifications.tasks.send_mails", 1.0),
    ("give up", "shop.fulfilment.tasks.give_up", 5.0),
    ("complete delivered", "shop.ordering.tasks.complete_delivered", 60.0),
    ("forget cards", "shop.vault.tasks.forget_cards", 60.0),
    ("abandon idle", "shop.ordering.tasks.abandon_idle", 60.0),
):
    CELERY_BEAT_SCHEDULE[name] = {
        "task": task,
        "schedule": seconds,
        "options": {
            "queue": PROJECTIONS_QUEUES.get(task.split(".")[1], CELERY_TASK_DEFAULT_QUEUE),
            "expires": int(seconds),
        },
    }

# What is cached can be read again, and who is counted too often can wait: both bear a Redis that goes away.
CACHES = {
    "default": {
        "BACKEND": "shop.cache.ForgivingCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "daybook",
        "OPTIONS": {"socket_connect_timeout": 0.25, "socket_timeout": 0.5},
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},  # what ends with the release
}

EVENTSTORE_KEYS = env.list("EVENTSTORE_KEYS", default=[])  # NAME:BASE64, the present one first: they wrap persons' keys

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "shop.formats"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=None)  # where `collectstatic` puts what is served
WHITENOISE_USE_FINDERS = STATIC_ROOT is None  # a checkout serves the files where they are

SECURE = env.bool("SECURE", default=True)  # false only where there is no HTTPS: on one's own machine
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {"DIRECTIVES": STRICT}
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # bytes of a request's body
LOGIN_REDIRECT_URL = LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "shop.storefront.errors.forged"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "UserAttributeSimilarityValidator")
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["shop.roles.ByRole"],
    "DEFAULT_THROTTLE_CLASSES": ["shop.throttling.ByRole"],
    "DEFAULT_PARSER_CLASSES": ["shop.http.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["shop.bodies.JSONLine"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "shop.paging.KeysetPagination",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "shop.http.explain",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),  # in front of us: whose X-Forwarded-For is believed
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Daybook",
    "DESCRIPTION": "An event-sourced shop: every write is a command, every object has a past.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}
ROLES_OF_STAFF = env.list("ROLES_OF_STAFF", default=[])  # of staff who are in no role's group: see shop/roles.py
REQUESTS_A_MINUTE = {  # of one caller; 0: as many as they like
    name: env.int(f"REQUESTS_A_MINUTE_{name.upper()}", default=most)
    for name, most in (("staff", 6000), ("customer", 300), ("newcomer", 30), ("anonymous", 120))
}

ENVIRONMENT = env.str("ENVIRONMENT", default="")  # what the desk calls this shop in its corner: Staging

SHOP_NAME = env.str("SHOP_NAME", default="Harbour & Hearth")
SHOP_CURRENCY = env.str("SHOP_CURRENCY", default="EUR")

# Prices are without tax. GB=20,DE=19: by the country that an order goes to, none elsewhere; 20,CH=0: 20 elsewhere.
TAX_PERCENT = by_country("TAX_PERCENT", env.str("TAX_PERCENT", default="") or "0")
PREMIUM_DISCOUNT_PERCENT = percent(  # off the goods, for who is premium when they buy
    "PREMIUM_DISCOUNT_PERCENT", env.str("PREMIUM_DISCOUNT_PERCENT", default="") or "0"
)

PLACE_ORDER_MODE = env.str("PLACE_ORDER_MODE", default="saga")  # or transaction: all steps in the commit that places it
CHECKOUT_EXPIRES_AFTER = env.int("CHECKOUT_EXPIRES_AFTER", default=72)  # hours in which nothing has happened in it
FORGET_CARDS_AFTER = env.int("FORGET_CARDS_AFTER", default=72)  # hours since a card that nobody keeps was last needed
COMPLETE_AFTER_DAYS = env.int("COMPLETE_AFTER_DAYS", default=14)  # since the parcel came: then an order is completed
PAYMENT_TIMEOUT = env.int("PAYMENT_TIMEOUT", default=600)  # seconds that an order waits for its card to be authorised
CHECKOUT_ADDRESS_SOURCE = env.str("CHECKOUT_ADDRESS_SOURCE", default="copy")  # ordering's own; or live: asks customers

GATEWAY_URL = env.str("GATEWAY_URL", default="")  # of what takes the money; without one, payments wait
GATEWAY_SECRET = env.str("GATEWAY_SECRET", default="")  # which we show it, and it signs its webhooks with

# smtp+tls://USER:PASSWORD@HOST:587. Without one mails wait; in the demo, they are shown in the mailbox page alone.
EMAIL_URL = env.str("EMAIL_URL", default="")
vars().update(env.email_url("EMAIL_URL") if EMAIL_URL else {})
EMAIL_TIMEOUT = 10  # seconds for each word of the mail server
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="") or "shop@localhost"

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # opens /metrics: `Authorization: Bearer …`; without, staff only

LOG_FORMAT = env.str("LOG_FORMAT", default="text")  # or json: one object a line, with correlation ids
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "shop.logs.Line"}, "json": {"()": "shop.logs.Json"}},
    "filters": {"broker": {"()": "shop.logs.BrokerAway"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["broker"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {  # a sweep a second is no news
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.request": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # what was bad about a request says its answer
    },
}
