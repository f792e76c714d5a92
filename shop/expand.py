"""``?expand=``: details that another context has, fetched live, through a cache that is never stale.

What an object says by itself is its own copy, and always there. The details are read from the log when they are asked
for. The cache holds them with the version of their stream, which the log is asked for each time: an entry of an older
version is none. While the other context is down, what is cached at the present version is still right; the rest says
``unavailable``.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.core.cache import cache

from eventstore.persistence import rows
from projections.exact import exact
from shop import faults
from shop.values import plain

UNAVAILABLE = "unavailable"
KEPT = 300  # seconds; for the sake of memory, and of who is to be forgotten: entries do not become wrong

VERSIONS = "select stream_id, max(version) from eventstore_event where stream_id = any(%s) group by stream_id"


class Source(NamedTuple):
    """A context's rows that others may ask for. Its model is named, not imported: contexts know of no other."""

    model: str  # customers.CustomerSummary
    action: str  # whoever may do that may see them
    fields: tuple[str, ...]

    @property
    def context(self) -> str:
        return self.model.partition(".")[0]


class Expansion(NamedTuple):
    """Of which rows an object can show the details: those whose ids stand in its ``field``, or in that of its lines."""

    source: Source
    field: str
    within: str = ""  # the list of parts that have the field

    def parts(self, shown: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        return shown.get(self.within, ()) if self.within else [shown]  # type: ignore[return-value]


CUSTOMER = Source(
    "customers.CustomerSummary",
    "customers.retrieve",
    ("name", "email", "default_address", "addresses", "registered_at"),
)
PRODUCT = Source(
    "catalog.ProductSummary", "products.retrieve", ("sku", "name", "status", "price_revision", "amount", "currency")
)


def expand(shown: Iterable[dict[str, Any]], expansions: Mapping[str, Expansion], wanted: Iterable[str]) -> str:
    """Put the details that are ``wanted`` into each of ``shown``; answers what ``X-Cache`` is to say: hit, or miss."""
    objects, missed = list(shown), False
    for name in wanted:
        expansion = expansions[name]
        parts = [part for each in objects for part in expansion.parts(each) if part.get(expansion.field)]
        found, all_cached = details(expansion.source, {UUID(str(part[expansion.field])) for part in parts})
        missed = missed or not all_cached
        for part in parts:
            part["details" if expansion.within else f"{name}_details"] = found[UUID(str(part[expansion.field]))]
    return "miss" if missed else "hit"


def details(source: Source, ids: set[UUID]) -> tuple[dict[UUID, Any], bool]:
    """Of each of ``ids``; and whether all were in the cache."""
    versions = dict(rows(VERSIONS, list(ids))) if ids else {}
    cached = cache.get_many([key(source, each) for each in versions])
    found: dict[UUID, Any] = {}
    for each, version in versions.items():
        if (entry := cached.get(key(source, each))) and entry[0] == version:
            found[each] = entry[1]
    missing = ids - found.keys()
    return found | fetched(source, {each: versions.get(each, 0) for each in missing}), not missing


def fetched(source: Source, versions: Mapping[UUID, int]) -> dict[UUID, Any]:
    """Read live, and kept as of ``versions``, which were read before; ``unavailable`` while their context is down."""
    if not versions:
        return {}
    try:
        faults.reach(source.context)
    except faults.ContextDown:
        return dict.fromkeys(versions, UNAVAILABLE)
    live = exact(apps.get_model(source.model), versions)
    found = {each: {field: told(getattr(row, field)) for field in source.fields} for each, row in live.items()}
    cache.set_many({key(source, each): (versions[each], facts) for each, facts in found.items()}, KEPT)
    return {each: found.get(each) for each in versions}


def told(value: Any) -> Any:
    """As all of the API says it: an amount is a text, never a float."""
    return plain(value) if isinstance(value, Decimal) else value


def key(source: Source, stream_id: UUID) -> str:
    return f"details:{source.model}:{stream_id}"


def evict(stream_id: UUID) -> None:
    """What the cache has of a stream is let go of, whatever it is of."""
    for source in (CUSTOMER, PRODUCT):
        cache.delete(key(source, stream_id))
