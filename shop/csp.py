"""Which scripts and styles a page may use: its own files and nothing inline, but for the desk and the API's page."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

STRICT: dict[str, list[str]] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
# By where a page is: what the libraries behind it cannot do without.
LOOSE: dict[str, dict[str, list[str]]] = {
    "/admin/": {  # django-unfold: Alpine.js, and styles in its templates
        "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
    },
    "/api/v1/docs/": {  # Swagger UI is started by a script in the page
        "script-src": [SELF, UNSAFE_INLINE],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
    },
}


class ByPlace(CSPMiddleware):
    """The strict policy, and what ``LOOSE`` says of the place instead."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts: Any = super().get_policy_parts(request, response, report_only)
        parts.replace = next((loose for place, loose in LOOSE.items() if request.path_info.startswith(place)), None)
        return parts  # type: ignore[no-any-return]
