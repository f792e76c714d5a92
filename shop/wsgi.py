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


def marking_broken_paths(application: Callable[..., Any]) -> Callable[..., Any]:
    """A path that is not UTF-8 is marked for ``shop.http``, which refuses it: Django would make text of it."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            environ.get("PATH_INFO", "").encode("latin-1").decode()  # PEP 3333: each character is a byte
        except UnicodeError:
            environ["shop.broken_path"] = True
        return application(environ, start_response)

    return answer


application = bodiless(marking_broken_paths(get_wsgi_application()))
