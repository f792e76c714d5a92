"""What can be known to be wrong before an event is read: `manage.py check`."""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from eventstore import names
from projections.handler import Handler
from projections.models import ReadModel
from projections.projection import Projection, Subscriber, registered


@register
def check_projections(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    return [*_unique_names(), *_one_keeper(), *_tables(), *_columns(), *_handlers()]


def _unique_names() -> Iterator[CheckMessage]:
    for name, count in Counter(each.name for each in registered).items():
        if count > 1:
            where = ", ".join(type(each).__module__ for each in registered if each.name == name)
            yield Error(
                f"{count} projections are called {name}: in {where}.",
                hint="Its name is its checkpoint's: give each class a name of its own.",
                id="projections.E001",
            )


def _one_keeper() -> Iterator[CheckMessage]:
    for model, count in Counter(model for each in registered for model in each.tables).items():
        if count > 1:
            keepers = " and ".join(each.name for each in registered if model in each.tables)
            yield Error(
                f"{model.__name__} is kept by {keepers}.",
                hint="A table has one projection; another one can keep a copy.",
                obj=model,
                id="projections.E002",
            )


def _tables() -> Iterator[CheckMessage]:
    for model in {model for each in registered for model in each.tables}:
        key: Any = model._meta.pk
        if not issubclass(model, ReadModel):
            yield Error(f"{model.__name__} is no ReadModel.", obj=model, id="projections.E003")
        elif isinstance(key, models.AutoField) or not key.concrete:
            yield Error(
                f"{model.__name__} needs a key that comes from events: a rebuild would number its rows anew.",
                hint="id = models.UUIDField(primary_key=True)",
                obj=model,
                id="projections.E004",
            )
        for field in model._meta.concrete_fields:
            if field.remote_field and getattr(field, "db_constraint", False):
                yield Error(
                    f"{model.__name__}.{field.name} has a constraint in the database, which a rebuilt table loses.",
                    hint="db_constraint=False, or the bare id.",
                    obj=model,
                    id="projections.E005",
                )


def _columns() -> Iterator[CheckMessage]:
    """Whether a table has columns under names that the engine's own have."""
    read: Any = ReadModel._meta
    own = {name: read.get_field(name).creation_counter for name in ("position", "version")}
    for projection in registered:
        of_history = ("until", "epoch") if getattr(projection, "keeps_history", False) else ()
        for model in projection.tables:
            for field in model._meta.concrete_fields:
                for name in {field.name, field.column}.intersection((*own, *of_history)):
                    if own.get(name) != field.creation_counter:
                        what = "its history" if name in of_history else "every read model"
                        yield Error(
                            f"{model.__name__}.{field.name} would take the place of the {name} that {what} has.",
                            hint="Give the field, and its column, another name.",
                            obj=model,
                            id="projections.E014",
                        )


def _handlers() -> Iterator[CheckMessage]:
    known = names.known()
    for projection in registered:
        try:
            handlers = projection.handlers
        except (TypeError, NameError, FieldDoesNotExist) as error:
            yield Error(str(error), obj=projection, id="projections.E006")
            continue
        for name in sorted(handlers.keys() - known):
            near = get_close_matches(name, known, n=1, cutoff=0)
            yield Error(
                f"{handlers[name][0].title} handles {name}, which nothing records.",
                hint=f"Is it {near[0]}?" if near else "Is its app installed?",
                obj=projection,
                id="projections.E007",
            )
        yield from _unindexed(projection)
        yield from _changes(projection)
        yield from _split(projection)


def _changes(projection: Subscriber) -> Iterator[CheckMessage]:
    """Whether the columns that a higher version may change are there."""
    for model, changed in getattr(projection, "changes", {}).items():
        columns = {field.name for field in model._meta.concrete_fields}
        columns |= {field.attname for field in model._meta.concrete_fields}
        for name in sorted({*changed} - columns - {"*"}):
            near = get_close_matches(name, columns, n=1, cutoff=0)
            yield Error(
                f"{projection.name}.changes names {name}, which is no column of {model.__name__}.",
                hint=f"Is it {near[0]}?",
                obj=projection,
                id="projections.E013",
            )


def _split(projection: Subscriber) -> Iterator[CheckMessage]:
    """Whether it may be split as it says."""
    if projection.partitions > 1 and not (isinstance(projection, Projection) and projection.splits_by):
        yield Error(
            f"{projection.name} is to be advanced in {projection.partitions} parts, and does not say how it splits.",
            hint="splits_by = {Model: 'the column with the stream that a row belongs to', …}; a policy has one part.",
            obj=projection,
            id="projections.E009",
        )
    if not isinstance(projection, Projection) or not projection.splits_by:
        return
    if projection.partitions > 1 and projection.keeps_history:
        yield Error(
            f"{projection.name} keeps history, and is to be advanced in parts.",
            hint="History is cut where all rows stand at one place: partitions = 1. A rebuild may still have workers.",
            obj=projection,
            id="projections.E010",
        )
    for model in projection.tables:
        column = projection.splits_by.get(model, "")
        owner = next((f for f in model._meta.concrete_fields if f.attname == column), None)
        if not isinstance(owner, models.UUIDField):
            yield Error(
                f"{projection.name} does not say which UUID column of {model.__name__} holds a row's stream.",
                hint=f"splits_by = {{{model.__name__}: …}}",
                obj=model,
                id="projections.E011",
            )
    for handler in {handler for handlers in projection.handlers.values() for handler in handlers}:
        if why := _beyond_a_part(projection, handler):
            yield Error(
                f"{handler.title} {why}: {projection.name} cannot be split.",
                hint="Leave out splits_by.",
                obj=projection,
                id="projections.E012",
            )


def _beyond_a_part(projection: Projection, handler: Handler) -> str:
    """How it looks beyond the rows of one stream."""
    foreign = [wanted for wanted in handler.wanted if not projection.is_local(wanted)]
    if foreign and len(handler.wanted) > 1:
        return "takes rows of several streams at once"
    for wanted in foreign:
        key: Any = wanted.model._meta.pk
        if wanted.computed or (wanted.column is None and key.attname != projection.splits_by.get(wanted.model)):
            return f"asks for {wanted.model.__name__} by a key that is not its stream's"
    return ""


def _unindexed(projection: Subscriber) -> Iterator[CheckMessage]:
    asked = {
        (wanted.model, wanted.column, handler.title)
        for handlers in projection.handlers.values()
        for handler in handlers
        for wanted in handler.wanted
        if wanted.column
    }
    for model, column, title in asked:
        if not _is_indexed(model, column):
            yield Error(
                f"{title} asks for every {model.__name__} by {column}, which has no index.",
                hint="db_index=True",
                obj=model,
                id="projections.E008",
            )


def _is_indexed(model: type[ReadModel], column: str) -> bool:
    field: Any = model._meta.get_field(column)
    if field.db_index or field.unique:
        return True
    leading = [index.fields[0].lstrip("-") for index in model._meta.indexes if index.fields and not index.condition]
    leading += [c.fields[0] for c in model._meta.constraints if isinstance(c, models.UniqueConstraint) and c.fields]
    return field.name in leading or field.attname in leading
