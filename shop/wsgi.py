"""The WSGI application, for gunicorn: ``gunicorn shop.wsgi``."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")


def bodiless(application: Callable[..., Any]) -> Callable[..., Iterable[bytes]]:
    """HEAD is answered without a body, which gunicorn would send: the next answer on that connection is another's."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found: Any = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return found  # type: ignore[no-any-return]
        if hasattr(found, "close"):
            found.close()
        return ()

    return answer


application = bodiless(get_wsgi_application())
