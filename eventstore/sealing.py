"""Which facts are personal, as a domain says it. Knows no framework."""

from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

ERASED = "[erased]"


class PersonalOf(NamedTuple):
    """``Annotated[str, PersonalOf("customer_id")]``: sealed with the key of the person whose id is in that field.

    A field that is empty (a guest's order) leaves it to the stream: its id stands for the person.
    """

    subject: str  # a field of the event, or stream_id


Personal = Annotated[T, PersonalOf("stream_id")]  # Personal[str]: of the person whose stream it is


def personal(hint: Any) -> PersonalOf | None:
    """How ``hint`` says that a fact is personal, if it does."""
    if get_origin(hint) is Annotated:
        return next((mark for mark in hint.__metadata__ if isinstance(mark, PersonalOf)), None)
    return None


def erased(hint: Any) -> Any:
    """What stands for a forgotten fact of that type: ``"[erased]"`` in every text of it. TypeError: it is no text."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if hint is str:
        return ERASED
    if get_origin(hint) in (UnionType, Union):
        return erased(next(kind for kind in get_args(hint) if kind is not NoneType))
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return {field.name: erased(hints[field.name]) for field in fields(hint)}
    raise TypeError(f"{hint} cannot be personal: only text, and values made of text, can be read as {ERASED}.")
