"""The table beside a read model's: each earlier version of its rows, made by Django's migrations like any other."""

import sys
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.backends.utils import names_digest

from projections.models import KeptByProjection, ReadModel, ReadQuerySet

NOT_COPIED = ("primary_key", "unique", "db_index", "serialize", "help_text", "choices", "unique_for_date")
INT, BOTH = "int8_ops", ("position", "until")


versions: dict[type[ReadModel], type[models.Model]] = {}  # read model → what holds its earlier rows


class Version(models.Model):
    """A row as it was from its ``position`` to before ``until``; in ``epoch``, or copied at its end.

    Written once, and changed by what must be forgotten.
    """

    until = models.BigIntegerField(help_text="The position of the event that ended it.")
    epoch = models.BigIntegerField(help_text="The position after which the stretch of history begins that it is in.")

    objects = models.Manager.from_queryset(ReadQuerySet)()

    class Meta:
        abstract = True

    def save(self, *_: Any, **__: Any) -> None:
        raise KeptByProjection(type(self))

    delete = save  # type: ignore[assignment]


def keep_versions(model: type[ReadModel]) -> None:
    """Make ``<Model>History``, once: the same columns, and the same indexes behind the epoch."""
    if model in versions:
        return
    table = f"{model._meta.db_table}_history"
    meta = {
        "app_label": model._meta.app_label,
        "db_table": table,
        "default_permissions": (),
        "verbose_name": f"{model._meta.verbose_name}, earlier version",
        "indexes": list(_indexes(model, table)),
    }
    names: dict[str, Any] = {"__module__": model.__module__, "__qualname__": f"{model.__qualname__}History"}
    names |= {field.name: _copy(field) for field in model._meta.local_concrete_fields}
    names["pk"] = models.CompositePrimaryKey("epoch", model._meta.pk.name, "position")
    names["__doc__"] = f"Earlier versions of {model.__name__}."
    made = type(f"{model.__name__}History", (Version,), names | {"Meta": type("Meta", (), meta)})
    setattr(sys.modules[model.__module__], made.__name__, made)  # where it says it is: ``manage.py shell`` looks there
    versions[model] = made


def _copy(field: Any) -> Any:
    _, _, positional, named = field.deconstruct()
    kind = models.ForeignKey if isinstance(field, models.OneToOneField) else type(field)
    named = {name: value for name, value in named.items() if name not in NOT_COPIED}
    if field.remote_field:
        named |= {"related_name": "+", "db_constraint": False, "db_index": False}
    return kind(*positional, **named)


def _indexes(model: type[ReadModel], table: str) -> Iterator[models.Index]:
    """The live table's, behind the epoch; with both positions, so that entries of other times are skipped in them.

    And one to find what ended lately.
    """
    fields: list[Any] = list(model._meta.local_concrete_fields)
    single = [field for field in fields if field.db_index or field.unique]
    found = [models.Index(fields=[field.name]) for field in single if not field.primary_key]
    found += [index for index in model._meta.indexes if index.fields != [model._meta.pk.name]]
    constraint: Any
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            found.append(
                models.Index(
                    *constraint.expressions,
                    fields=constraint.fields,
                    condition=constraint.condition,
                    opclasses=getattr(constraint, "opclasses", ()),
                    name=constraint.name,
                )
            )
    yield models.Index(fields=["epoch", "until"], name=f"{table[0]}_{names_digest(table, length=8)}_h")
    names = set()
    for index in found:
        copied = _index(index, table)
        if copied.name not in names:
            names.add(copied.name)
            yield copied


def _index(index: models.Index, table: str) -> models.Index:
    _, expressions, named = index.deconstruct()
    if type(index) is models.Index:  # of another kind, as GIN, it stays as it is: there an epoch has no place
        if index.fields:
            named["fields"] = ["epoch", *index.fields, *(each for each in BOTH if each not in index.fields)]
        else:
            expressions = ("epoch", *expressions, *BOTH)
        if index.opclasses:
            named["opclasses"] = [INT, *index.opclasses, *[INT] * (len(named["fields"]) - len(index.fields) - 1)]
    told = [type(index).__name__, *map(str, named.get("fields") or expressions), str(index.condition or "")]
    words = "_".join(index.fields).replace("-", "")[:15] or "expression"
    named["name"] = f"{table[0]}_{words}_{names_digest(table, *told, length=8)}_h"  # 30 characters at most
    return type(index)(*expressions, **named)
