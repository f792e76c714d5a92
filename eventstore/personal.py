"""Personal facts: sealed with a key of each person, so that forgetting a person is destroying one key.

AES-256-GCM; the nonce stands before the ciphertext; what is sealed is bound to its stream, version and field, so that
it opens nowhere else. A person's key is stored wrapped by the first of ``settings.EVENTSTORE_KEYS``.
"""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from eventsourcing.persistence import ProgrammingError
from psycopg.errors import InsufficientPrivilege

from eventstore.memory import memory
from eventstore.persistence import rows

NONCE = 12  # bytes; as GCM wants it
SEALED = "sealed"  # {"sealed": "…"} is what lies in the payload
NAMES = UUID(int=0)  # of nobody: under this id lies the key that pseudonyms are made with


class Forgotten(Exception):
    """The person was forgotten: nothing more can be recorded of them."""


class KeyUnavailable(Exception):
    """A key that should be there is not: an error of operation, never a reason to show or to erase anything."""


class NoRight(KeyUnavailable):
    """The database role may not read the keys: one that only looks (``sql/roles.sql``)."""


def keys(subjects: Iterable[UUID]) -> dict[UUID, AESGCM | None]:
    """Their keys; None: forgotten. KeyUnavailable: there is no such key, none that unwraps it, or no right to it."""
    wanted = list(set(subjects))
    found = _found(wanted)
    if missing := set(wanted) - found.keys():
        raise KeyUnavailable(f"There is no key, and no sign of forgetting, for {', '.join(map(str, sorted(missing)))}.")
    return found


def keys_to_seal(subjects: Iterable[UUID]) -> dict[UUID, AESGCM]:
    """Their keys, made where there are none yet. Forgotten: one of them is."""
    wanted = sorted(set(subjects))
    found = _found(wanted)
    if missing := set(wanted) - found.keys():
        made = _make(missing)
        found |= made | keys(missing - made.keys())  # somebody else was making one
        if known := memory.get():
            known.keys |= made
    for subject, key in found.items():
        if key is None:
            raise Forgotten(f"{subject} was forgotten: nothing more can be recorded of them.")
    return found  # type: ignore[return-value]


def _found(wanted: list[UUID]) -> dict[UUID, AESGCM | None]:
    known = memory.get()
    if known is None:
        return _read(wanted)
    if new := [subject for subject in wanted if subject not in known.keys]:
        known.keys |= _read(new)
    return {subject: known.keys[subject] for subject in wanted if subject in known.keys}


def _read(wanted: list[UUID]) -> dict[UUID, AESGCM | None]:
    sql = "select subject_id, wrapped, wrapped_by from eventstore_personal_key where subject_id = any(%s)"
    try:
        found = rows(sql, wanted)
    except ProgrammingError as error:
        if isinstance(error.__cause__, InsufficientPrivilege):
            raise NoRight("Facts are sealed, and this database role may not read the keys.") from error
        raise
    return {subject: unwrapped(subject, wrapped, by) for subject, wrapped, by in found}


def may_be_opened() -> bool:
    """Whether this database role may read the keys."""
    return rows("select has_table_privilege('eventstore_personal_key', 'select')")[0][0]  # type: ignore[no-any-return]


def _make(subjects: Iterable[UUID]) -> dict[UUID, AESGCM]:
    """Answers those that were made: of the others, there were some already."""
    by, master = masters()[0]
    new = {subject: AESGCM.generate_key(256) for subject in subjects}
    wrapped = [seal(AESGCM(master), key, subject.bytes) for subject, key in new.items()]
    made = rows(
        "insert into eventstore_personal_key (subject_id, wrapped, wrapped_by) "
        "select a, b, %s from unnest(%s::uuid[], %s::bytea[]) as t (a, b) order by a "
        "on conflict do nothing returning subject_id",
        *(by, list(new), wrapped),
    )
    return {subject: AESGCM(new[subject]) for (subject,) in made}


def forget(subject: UUID) -> bool:
    """Destroy the person's key. From now on their facts read as ``[erased]``. False: there was none."""
    if known := memory.get():
        known.forget(subject)
    return bool(
        rows(
            "update eventstore_personal_key set wrapped = null, wrapped_by = null, forgotten_at = now() "
            "where subject_id = %s and wrapped is not null returning 1",
            subject,
        )
    )


def pseudonym(kind: str, text: str) -> UUID:
    """An id for what ``text`` names, such as an e-mail address: always the same, not to be guessed without the keys.

    A plain hash of a personal name would tell whoever tries names that this one was here, long after it was forgotten.
    """
    sql = "select wrapped, wrapped_by from eventstore_personal_key where subject_id = %s"
    found = rows(sql, NAMES)
    if not found:
        _make([NAMES])
        found = rows(sql, NAMES)
    wrapped, by = found[0]
    key = opened(AESGCM(master_called(by)), wrapped, NAMES.bytes)
    return UUID(bytes=hmac.digest(key, f"{kind}:{text}".encode(), "sha256")[:16], version=4)


def rewrap() -> int:
    """Wrap all keys by the first of ``settings.EVENTSTORE_KEYS``; answers how many were not. The others may then go."""
    first, master = masters()[0]
    sql = "select subject_id, wrapped, wrapped_by from eventstore_personal_key where wrapped_by <> %s for update"
    found = rows(sql, first)
    for subject, wrapped, by in found:
        key = opened(AESGCM(master_called(by)), wrapped, subject.bytes)
        rows(
            "update eventstore_personal_key set wrapped = %b, wrapped_by = %s where subject_id = %s returning 1",
            seal(AESGCM(master), key, subject.bytes),
            first,
            subject,
        )
    return len(found)


def masters() -> list[tuple[str, bytes]]:
    """``["2026:base64 of 32 bytes", …]`` of the settings, the present one first. KeyUnavailable: there is none."""
    found: list[tuple[str, bytes]] = []
    for entry in getattr(settings, "EVENTSTORE_KEYS", ()):
        name, _, encoded = entry.partition(":")
        try:
            key = b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not name or len(key) != 32:
            raise KeyUnavailable(f"EVENTSTORE_KEYS: expected NAME:BASE64 of 32 bytes; {name!r} has {len(key)} bytes.")
        if name in dict(found):
            raise KeyUnavailable(f"EVENTSTORE_KEYS: two keys are called {name!r}; a name is for one key, for ever.")
        found.append((name, key))
    if not found:
        raise KeyUnavailable("EVENTSTORE_KEYS is empty, and personal facts are to be sealed or opened.")
    return found


def master_called(name: str) -> bytes:
    for known, key in masters():
        if known == name:
            return key
    known_names = ", ".join(known for known, _ in masters())
    raise KeyUnavailable(f"Keys are wrapped by {name!r}, and EVENTSTORE_KEYS has only {known_names}.")


def unwrapped(subject: UUID, wrapped: bytes | None, by: str | None) -> AESGCM | None:
    if wrapped is None or by is None:
        return None
    return AESGCM(opened(AESGCM(master_called(by)), wrapped, subject.bytes))


def seal(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + key.encrypt(nonce, plain, bound_to)


def opened(key: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:NONCE], sealed[NONCE:], bound_to)
    except InvalidTag:
        raise KeyUnavailable("What is sealed does not open: another key, or it was moved or changed.") from None


def seal_fact(key: AESGCM, fact: Any, stream_id: UUID, version: int, field: str) -> dict[str, str]:
    sealed = seal(key, msgspec.json.encode(fact), place(stream_id, version, field))
    return {SEALED: b64encode(sealed).decode()}


def open_fact(key: AESGCM, fact: dict[str, str], stream_id: UUID, version: int, field: str) -> Any:
    return msgspec.json.decode(opened(key, b64decode(fact[SEALED]), place(stream_id, version, field)))


def place(stream_id: UUID, version: int, field: str) -> bytes:
    return stream_id.bytes + version.to_bytes(8, "big") + field.encode()
