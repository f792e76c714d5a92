"""What is kept in mind while a past is made (``moved_clock``): keys and streams, which are read once and then known.

For the one process that writes, in a block that a rollback ends. That another has appended beside it is noticed when an
append does not follow: then nothing is known any more, and the command is tried again.
"""

import pickle
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any
from uuid import UUID


class Memory:
    """Streams as they lie in the log, what they were folded to, and the keys of persons."""

    def __init__(self, there: Iterable[UUID]) -> None:
        self.keys: dict[UUID, Any] = {}
        self._there: set[UUID] | None = set(there)  # the streams that there are; None: nobody knows
        self._streams: dict[UUID, list[Any]] = {}  # Recorded; none: there is no such stream
        self._folded: dict[UUID, tuple[int, bytes]] = {}  # how many events, and what they came to, pickled
        self._appended: list[Any] = []

    def unknown(self, stream_ids: Iterable[UUID]) -> list[UUID]:
        """Those to be read: of a stream that there is not, it is known that it is empty."""
        found = []
        for stream_id in stream_ids:
            if stream_id not in self._streams:
                if self._there is None or stream_id in self._there:
                    found.append(stream_id)
                else:
                    self._streams[stream_id] = []
        return found

    def learn(self, stream_ids: Iterable[UUID], records: Iterable[Any]) -> None:
        """All events of those streams."""
        self._streams.update((stream_id, []) for stream_id in stream_ids)
        for record in records:
            self._streams[record.stream_id].append(record)

    def add(self, record: Any) -> None:
        """What was appended: to a stream that is known, or as its first event."""
        if record.version == 1:
            self._streams[record.stream_id] = [record]
        elif known := self._streams.get(record.stream_id):
            known.append(record)
        self._appended.append(record)

    def take(self) -> list[Any]:
        """What was appended since this was last asked."""
        found, self._appended = self._appended, []
        return found

    def of(self, stream_ids: Iterable[UUID]) -> list[Any]:
        """Their events, by position."""
        return sorted(record for stream_id in set(stream_ids) for record in self._streams[stream_id])

    def folded(self, stream_id: UUID, fold: Callable[[Any, list[Any]], Any]) -> Any:
        """What ``fold`` makes of its events, from where it last came to; None: there are none."""
        events = self._streams[stream_id]
        count, kept = self._folded.get(stream_id, (0, b""))
        aggregate = pickle.loads(kept) if kept else None  # noqa: S301  # of our own making
        if count < len(events):
            aggregate = fold(aggregate, events[count:])
            self._folded[stream_id] = len(events), pickle.dumps(aggregate, pickle.HIGHEST_PROTOCOL)
        return aggregate

    def forget(self, person: UUID) -> None:
        """Their key, and all that it has opened."""
        self.keys.pop(person, None)
        self._folded.clear()

    def forget_streams(self) -> None:
        self._there = None
        self._streams.clear()
        self._folded.clear()


memory: ContextVar[Memory | None] = ContextVar("memory", default=None)
