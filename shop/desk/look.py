"""How the desk looks: unfold's settings."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

HARBOUR = {  # a blue that white text can be read on from 600 up
    "50": "oklch(97.7% .012 230)",
    "100": "oklch(94.8% .028 230)",
    "200": "oklch(89.6% .055 229)",
    "300": "oklch(81.8% .092 229)",
    "400": "oklch(71.2% .118 231)",
    "500": "oklch(60.5% .122 234)",
    "600": "oklch(50.5% .108 237)",
    "700": "oklch(43.6% .092 239)",
    "800": "oklch(37.6% .074 241)",
    "900": "oklch(32.4% .06 243)",
    "950": "oklch(24.6% .046 245)",
}


def styles(request: HttpRequest) -> str:
    return static("desk/desk.css")


def icon(request: HttpRequest) -> str:
    return static("desk/icon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Daybook",
    "SITE_HEADER": "Daybook",
    "SITE_SUBHEADER": "The desk",
    "SITE_SYMBOL": "auto_stories",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "COLORS": {"primary": HARBOUR},
    "BORDER_RADIUS": "8px",
    "ENVIRONMENT": "shop.desk.sidebar.environment",
    "STYLES": [styles],
    "DASHBOARD_CALLBACK": "shop.desk.dashboard.told",
    "SHOW_HISTORY": False,  # of edits: what happened, the log knows
    "SIDEBAR": {"navigation": "shop.desk.sidebar.navigation"},
}
