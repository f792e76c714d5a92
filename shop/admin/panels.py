"""Tables beside an object: rows of its own context, and (said above the contexts) of others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import BigIntegerField, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from shop.admin.past import Past, keeps_history

SHOWN = 10  # rows


class Panel(NamedTuple):
    """Rows of ``model`` that belong to an object: which, in which order, and what is shown of each."""

    title: str
    model: Any
    which: Callable[[Any], Mapping[str, Any] | None]  # of the object, what its rows have; None: it has none
    columns: Mapping[str, Callable[[Any], Any]]
    order: Sequence[str] = ("-pk",)
    numbers: Sequence[str] = ()  # columns that are aligned at the right
    more: str = ""  # the parameter of the list with all of them
    takes: str = ""  # the permission; without one, that to view the model
    most: int = SHOWN
    beside: bool = True  # in the column at the side


class Table(NamedTuple):
    """A panel as it is shown."""

    panel: Panel
    rows: list[list[tuple[str, Any]]]
    more: str  # where all are
    cut: bool  # whether there are more


related: dict[Any, list[Panel]] = {}  # model → what other contexts know of its objects


def beside(model: Any, *panels: Panel) -> None:
    """Show ``panels`` on the pages of ``model``'s objects."""
    related.setdefault(model, []).extend(panels)


def tables(request: HttpRequest, panels: Sequence[Panel], row: Any, past: Past) -> Iterator[Table]:
    for panel in panels:
        label = panel.model._meta.label_lower.split(".")
        if not request.user.has_perm(panel.takes or f"{label[0]}.view_{label[1]}"):  # type: ignore[union-attr]
            continue
        which = panel.which(row)
        if which is None:
            continue
        found = _then(panel.model._default_manager.filter(**which), past)
        if found is None:
            continue
        rows = list(found.order_by(*panel.order)[: panel.most + 1])
        cells = [
            [("desk-number" if name in panel.numbers else "", show(each)) for name, show in panel.columns.items()]
            for each in rows[: panel.most]
        ]
        yield Table(panel, cells, _all_of(panel, row, which), len(rows) > panel.most)


def _then(rows: QuerySet[Any], past: Past) -> QuerySet[Any] | None:
    """As of the moment; what is written once, by the position of its event. None: nobody knows how it was then."""
    if not past:
        return rows
    if keeps_history(rows.model):
        try:
            return rows.as_of(past.moment)  # type: ignore[attr-defined,no-any-return]
        except LookupError:  # it is not known yet, or no more
            return None
    if isinstance(rows.model._meta.pk, BigIntegerField) and isinstance(past.moment, int):
        return rows.filter(pk__lte=past.moment)
    return None


def _all_of(panel: Panel, row: Any, which: Mapping[str, Any]) -> str:
    if not panel.more:
        return ""
    try:
        meta = panel.model._meta
        place = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    except NoReverseMatch:
        return ""
    several = which.get(f"{panel.more}__in", ())
    asked = {f"{panel.more}__in": ",".join(map(str, several))} if len(several) > 1 else {panel.more: row.pk}
    return f"{place}?{urlencode(asked)}"
