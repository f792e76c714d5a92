"""Facts and states as HTML: objects as lists of their fields, ids of streams as links."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from eventstore.browser.told import UUID_TEXT, log
from eventstore.sealing import ERASED

MOST = 200  # ids looked up for one page

NOTHING = mark_safe('<span class="log-quiet">–</span>')
EMPTY = mark_safe('<span class="log-quiet">empty</span>')


def plain(value: Any) -> Any:
    """A copy as JSON would have it, whatever the domain made it of."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value, enc_hook=str))
    except (TypeError, ValueError):
        return repr(value)


class Values:
    """How one page shows values; which of ``texts``' ids are streams is asked once."""

    def __init__(self, site: str, texts: Iterable[str]) -> None:
        self.site = site
        ids = sorted({found for text in texts for found in UUID_TEXT.findall(text)})[:MOST]
        known = log().filter(stream_id__in=ids, version=1).values_list("stream_id", "name") if ids else []
        self.kinds = {str(stream_id): name.partition(".")[0] for stream_id, name in known}

    def html(self, value: Any) -> SafeString:
        match value:
            case None:
                return NOTHING
            case "" | [] | dict() if not value:
                return EMPTY
            case bool():
                return format_html("{}", str(value).lower())
            case dict():
                inner = ((name, self.html(found)) for name, found in value.items())
                return format_html(
                    '<dl class="log-object">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", inner)
                )
            case list():
                lines = format_html_join("", "<li>{}</li>", ((self.html(found),) for found in value))
                return format_html('<ul class="log-list">{}</ul>', lines)
            case str() if value == ERASED:
                return format_html('<span class="log-erased">{}</span>', value)
            case str() if kind := self.kinds.get(value):
                place = reverse("admin:eventstore_event_stream", args=[UUID(value)], current_app=self.site)
                return format_html('<a href="{}" title="{}">{} …{}</a>', place, value, kind, value[-8:])
            case _:
                return format_html("{}", value)

    def change(self, before: Any, after: Any) -> SafeString:
        """From what to what; of two objects, the fields that differ; of two lists, what went and what came."""
        if isinstance(before, dict) and isinstance(after, dict):
            fields = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            inner = ((name, self.change(before.get(name), after.get(name))) for name in fields)
            return format_html(
                '<dl class="log-object">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", inner)
            )
        if isinstance(before, list) and isinstance(after, list):
            told = [("log-gone", found) for found in before if found not in after]
            told += [("log-new", found) for found in after if found not in before]
            if told:
                lines = format_html_join("", '<li class="{}">{}</li>', ((how, self.html(what)) for how, what in told))
                return format_html('<ul class="log-change-list">{}</ul>', lines)
        if before is None:
            return format_html('<ins class="log-new">{}</ins>', self.html(after))
        return format_html(
            '<del class="log-gone">{}</del> <span class="log-quiet">→</span> <ins class="log-new">{}</ins>',
            self.html(before),
            self.html(after),
        )
