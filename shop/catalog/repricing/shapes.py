"""An outcome as ``Repricing.Advanced`` says it, as far as it is shown."""

from datetime import datetime

import msgspec

from shop.values import Money


class Begins(msgspec.Struct):
    starts: datetime | None = None


class Asked(msgspec.Struct):
    sku: str
    before: Money | None = None
    after: Money | None = None
    schedules: tuple[Begins, ...] = ()


class Done(msgspec.Struct):
    number: int
    change: Asked
    result: str
    detail: str = ""
