"""A command that staff may ask for on the page of an object, or for several of a list."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shop.application import Receipt
from shop.forms import Form, Nothing, Text


def own_id(row: Any) -> tuple[Any, ...]:
    return (row.pk,)


def own_version(row: Any) -> int | None:
    return row.version  # type: ignore[no-any-return]


def none(row: Any) -> Mapping[str, Any]:
    return {}


class Ask(NamedTuple):
    """The same command as the API's, with the same form, for the same roles; and always with a reason."""

    action: str  # in shop.roles
    title: str
    command: Callable[..., Receipt]
    form: type[Form] = Nothing
    name: str = ""  # in the address; without one, that of the action
    means: str = ""  # said before it is asked
    fits: Callable[[Any], bool] = lambda row: True
    arguments: Callable[[Any], tuple[Any, ...]] = own_id
    version: Callable[[Any], int | None] = own_version  # that must still be the present one; None: any
    begins: Callable[[Any], Mapping[str, Any]] = none  # what the form begins with
    choices: Callable[[Any], Mapping[str, Any]] = none  # what may be chosen, by field
    several: bool = False  # whether a list offers it for those that are chosen
    danger: bool = False  # whether it cannot be taken back
    first: bool = False  # whether it is among those that one wants most

    @property
    def slug(self) -> str:
        return self.name or self.action.partition(".")[2].replace("_", "-")


class Reason(Form):
    """Beside the form of a command that does not ask for one itself."""

    reason = Text(max_length=500, help_text="Why. It is kept with what happens.")
