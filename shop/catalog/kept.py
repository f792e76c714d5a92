"""Pages of the list of products, kept in Redis by position: what is kept is as of an event, and of no earlier one.

Their version is asked of the database each time: the last event that changed a product (with its id, since a log that
was restored may have another there), the last scheduled price that began or ended, and what operators mended
since. Whoever keeps a page reads its rows after its version: a page may be newer than it says, and is never older.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from django.core.cache import cache
from rest_framework.response import Response

from eventstore.persistence import rows

KEPT = 300  # seconds; for the sake of memory: entries do not become wrong

VERSION = """
    select (select max(position) from catalog_productsummary),
        (select event_id from eventstore_event where position = (select max(position) from catalog_productsummary)),
        (select max(since) from catalog_pricehistory where is_scheduled and since <= %s),
        (select max(ends) from catalog_pricehistory where ends is not null and ends <= %s),
        (select count(*) from projections_parked where projection = 'Products'),
        (select max(ended_at) from projections_errand where projection = 'Products')"""


def kept(page: str, read: Callable[[], Response]) -> Response:
    """The answer to ``page``, an address and who may see what; ``read``, if none is kept of the present version."""
    now = datetime.now(UTC)
    ((position, *others),) = rows(VERSION, now, now)
    version = f"{position} {others}"
    entry: Any = cache.get(key := f"products:{blake2b(page.encode(), digest_size=16).hexdigest()}")
    if hit := entry is not None and entry[0] == version:
        answer = Response(entry[1])
    else:
        answer = read()
        cache.set(key, (version, answer.data), KEPT)
    answer["X-Cache"], answer["X-Position"] = ("hit" if hit else "miss"), str(position or 0)
    return answer
