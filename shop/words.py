"""Search by the beginnings of words, whatever their order: an index finds them among millions of rows."""

import re
from typing import Any
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

WORD = re.compile(r"[^\W_]+")
NUMBER = re.compile(r"\s*(?:#|no\.?\s)?\s*([0-9]{1,18})\s*", re.IGNORECASE | re.ASCII)  # as people write it
MOST = 10  # words that are looked for


class Words(Func):
    """The words of some columns of text, as PostgreSQL's full text search has them, with no language's rules.

    What is neither letter nor digit divides words: in an e-mail address, and in a SKU, too.
    """

    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        compiled = [compiler.compile(each) for each in self.source_expressions]
        text = " || ' ' || ".join(sql for sql, _ in compiled)
        parameters = [value for _, values in compiled for value in values]
        return f"to_tsvector('simple', regexp_replace(lower({text}), '[^[:alnum:]]+', ' ', 'g'))", parameters


class Has(Func):
    """Whether words (``Words``) have all those that a query asks for."""

    arg_joiner = " @@ "
    template = "%(expressions)s"
    output_field = BooleanField()
    conditional = True


class Query(Func):
    function = "to_tsquery"
    template = "%(function)s('simple', %(expressions)s)"
    output_field = TextField()


def words_index(*columns: str, name: str) -> GinIndex:
    """What ``found`` looks into; for ``Meta.indexes``."""
    return GinIndex(Words(*(F(each) for each in columns)), name=name)


def found(
    rows: QuerySet[Any],
    text: str,
    columns: tuple[str, ...],
    ids: tuple[str, ...] = (),
    numbers: tuple[str, ...] = (),
) -> QuerySet[Any]:
    """Those that have all the words of ``text``, or their beginnings, in ``columns``.

    Or that id in ``ids``; or that number in ``numbers``.
    """
    if ids and (asked := as_id(text)):
        return rows.filter(Q(*((each, asked) for each in ids), _connector=Q.OR))
    words = WORD.findall(text.lower())[:MOST]
    if not words or not columns:
        return rows.none()
    query = Query(Value(" & ".join(f"{word}:*" for word in words)))
    has_words = Q(Has(Words(*(F(each) for each in columns)), query))
    number = as_number(text) if numbers else None
    return rows.filter(has_words if number is None else Q(*((n, number) for n in numbers), has_words, _connector=Q.OR))


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def as_number(text: str) -> int | None:
    """A number as people write it: 15230, #15230, No. 15230."""
    found = NUMBER.fullmatch(text)
    return int(found[1]) if found else None
