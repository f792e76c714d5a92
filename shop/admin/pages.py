"""Lists of millions: a page at a time, counted no further than one may want to go."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.templatetags import unfold_list
from unfold.views import ChangeList

from shop.admin import shown
from shop.admin.past import BOX, past_of

AHEAD = 1_000  # rows that are counted beyond the page
FURTHEST = 100_000  # rows from the first that pages go


class Bounded(Paginator):
    """Counts what is on the way to a page, and ``AHEAD`` more: never a whole table of millions."""

    template_name = "desk/pages.html"
    asked = 1  # the page

    @cached_property
    def bound(self) -> int:
        return min(FURTHEST, self.asked * self.per_page + AHEAD)

    @cached_property
    def seen(self) -> int:
        """How many there are, or one more than ``bound``."""
        return int(self.object_list.order_by()[: self.bound + 1].count())  # type: ignore[union-attr]

    @property
    def more(self) -> bool:
        return self.seen > self.bound

    @cached_property
    def count(self) -> int:
        return min(self.seen, self.bound)


class Listed(ChangeList):
    """Django's list, as of a moment if one is asked for; its links stay in that moment."""

    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        self.past = past_of(request)
        super().__init__(request, *arguments, **options)
        self.has_as_of = self.model_admin.has_past

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(BOX, None)
        return found

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except IncorrectLookupParameters:  # there is no such page any more
            self.page_num = 1
            super().get_results(request)
        shown.looking.set(shown.looking.get()._replace(rows=self.result_list))
        self.full_result_count = self.result_count  # unfold would offer to show all

    def url_for_result(self, result: Any) -> str:
        place: str = super().url_for_result(result)
        return f"{place}?{urlencode({BOX: self.past.text})}" if self.past else place

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters that the as-of box sends again."""
        return [(name, each) for name, found in self.filter_params.items() if name != BOX for each in found]

    @property
    def now(self) -> str:
        return f"?{urlencode(self.kept)}"

    @property
    def to_export(self) -> str:
        moment = [(BOX, self.past.text)] if self.past else []
        return urlencode([*self.kept, *moment])


def _headers(listed: Any) -> Iterator[Any]:
    """Unfold 0.91 works them out anew for each row, which took longer than all of its cells."""
    if not hasattr(listed, "_headers"):
        listed._headers = list(_worked_out(listed))
    return iter(listed._headers)


_worked_out = unfold_list.result_headers
unfold_list.result_headers = _headers


def page_asked(request: HttpRequest) -> int:
    text = request.GET.get("p", "1")
    return min(max(1, int(text)), FURTHEST) if text.isdecimal() and len(text) < 9 else 1
