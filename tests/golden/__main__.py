"""Add to the corpus an example of each stored name, in its present shape, that it lacks; then write docs/events.md."""

import os
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from unittest.mock import patch
from uuid import UUID

import django

ELSEWHERE = {"SECRET_KEY": "none", "DATABASE_URL": "postgres://nowhere/none", "REDIS_URL": "redis://nowhere"}
PERSON, OTHER = UUID(int=1), UUID(int=2)


def main() -> None:
    for name, value in ELSEWHERE.items():  # neither is asked for anything
        os.environ.setdefault(name, value)
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    django.setup()
    from django.conf import settings

    from tests.settings import EVENTSTORE_KEYS

    settings.EVENTSTORE_KEYS = EVENTSTORE_KEYS

    from eventstore import docs
    from eventstore.evolution import newest
    from tests import golden

    if not golden.CORPUS.exists():
        golden.CORPUS.write_bytes(a_person())
    _, lines = golden.read()
    have = {(line.name, line.shape) for line in lines}
    with golden.CORPUS.open("ab") as corpus:
        for name, shape in sorted(golden.expected() - have):
            if shape < newest(name):
                sys.exit(f"{name}: shape {shape} was never stored here. Write a line for it by hand.")
            corpus.write(example(name))
            print(f"{name}, shape {shape}")
    (golden.CORPUS.parents[2] / "docs" / "events.md").write_text(docs.pages())


def a_person() -> bytes:
    """A key of theirs, wrapped by that of the tests' settings."""
    import msgspec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from eventstore import personal
    from tests.golden import Person

    by, master = personal.masters()[0]
    wrapped = personal.seal(AESGCM(master), AESGCM.generate_key(256), PERSON.bytes)
    return msgspec.json.encode(Person(PERSON, wrapped, by)) + b"\n"


def example(name: str) -> bytes:
    """A line for ``name`` as it is stored today."""
    import msgspec

    from eventstore import mapper, personal
    from tests import golden

    known = mapper.shape(name)
    hints = get_type_hints(known.cls, include_extras=True)
    said = {field: some(hints[field], field) for field in known.names}
    said |= {mark.subject: PERSON for mark in known.personal.values() if mark.subject != "stream_id"}
    event: Any = object.__new__(known.cls)
    version = 1 if hasattr(known.cls, "originator_topic") and "originator_topic" in hints else 2
    event.__dict__.update(said, originator_id=PERSON, originator_version=version, timestamp=golden.EVER)
    person, _ = golden.read()
    key = personal.unwrapped(person.subject_id, person.wrapped, person.wrapped_by)
    with patch.object(personal, "keys_to_seal", lambda subjects: dict.fromkeys(subjects, key)):
        stored = mapper.TypedMapper(None).to_stored_event(event)  # type: ignore[arg-type]
    line = golden.Line(name, msgspec.Raw(stored.state), msgspec.Raw(golden.facts(event)), PERSON, version)
    return msgspec.json.encode(line) + b"\n"


def some(hint: Any, field: str) -> Any:
    """A value of that type; a text says where it stands."""
    if get_origin(hint) is Annotated:
        return some(get_args(hint)[0], field)
    if get_origin(hint) in (Union, UnionType):
        return some(next(kind for kind in get_args(hint) if kind is not NoneType), field)
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        return tuple(some(kind, field) for kind in (kinds[:1] if kinds[-1] is ... else kinds))
    if hasattr(hint, "__dataclass_fields__"):
        inner = get_type_hints(hint, include_extras=True)
        return hint(**{name: some(inner[name], name) for name in hint.__dataclass_fields__})
    if hasattr(hint, "__members__"):
        return next(iter(hint))
    known: dict[Any, Any] = {
        str: "EUR" if field == "currency" else f"a {field.replace('_', ' ')}",
        int: 3,
        bool: True,
        float: 0.5,
        UUID: OTHER,
        Decimal: Decimal("19.80"),
        date: date(2026, 3, 1),
        datetime: datetime(2026, 3, 1, 12, tzinfo=UTC),
    }
    if hint not in known:
        sys.exit(f"{field}: no example is known of {hint}. Add one to {__file__}.")
    return known[hint]


if __name__ == "__main__":
    main()
