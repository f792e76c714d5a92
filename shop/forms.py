"""What a body may say: strict forms, whose every word is known, and which turn into the domain's values."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

from django.core.validators import EmailValidator, RegexValidator
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty

from shop.cards import has_card_number
from shop.codes import COUNTRIES, CURRENCIES, MEANT
from shop.problems import CARD_DATA
from shop.values import Address, Money, plain

# What nobody sees but everybody can be fooled by: control, zero width, and the overrides of the direction of writing
# (https://trojansource.codes). Joiners stay: Persian and half of all emoji need them.
HIDDEN = re.compile("[\0-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]")
AMOUNT = r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,4})?"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Form(serializers.Serializer):
    """Refuses what it does not know by name. With ``makes``, its facts become that value."""

    makes: ClassVar[Callable[..., Any] | None] = None
    example: ClassVar[dict[str, Any]] = {}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)  # refuses it
        here = ", ".join(self.fields) or "none"
        detail = ErrorDetail(f"There is no such field here; there is {here}.", "unknown_field")
        errors: dict[str, Any] = {name: [detail] for name in data if name not in self.fields}
        try:
            facts = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError(error.detail | errors) from None
        if errors:
            raise ValidationError(errors)
        return self.makes(**facts) if self.makes else facts


class Nothing(Form):
    """A body that says nothing: the address says it all."""


class Secret(serializers.CharField):
    """A JSON string, as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False} | options)

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)


class Text(Secret):
    """One line, as it is composed in NFC, without blanks around it. Nothing in it looks like a card number."""

    allowed: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")  # what does nevertheless

    default_error_messages = {
        "hidden": "It has a character that cannot be seen: {character}.",
        "blank": "It is empty, or has no character that can be seen.",
        CARD_DATA: "It has what looks like a card number. Card numbers go into the vault, and nowhere else.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=True, **options)

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation(unicodedata.normalize("NFC", data) if isinstance(data, str) else data)

    def to_internal_value(self, data: Any) -> str:
        if hidden := HIDDEN.search(data.strip()):
            self.fail("hidden", character=f"U+{ord(hidden[0]):04X}")
        if data.strip() and not any(unicodedata.category(character)[0] in "LNPS" for character in data):
            self.fail("blank")
        if has_card_number(self.allowed.sub("x", data)):
            self.fail(CARD_DATA)
        return super().to_internal_value(data)


class Sku(Text):
    """A product's SKU. One in ten of EAN-13 and GTIN-14 looks like a card number."""

    allowed = re.compile(r"(?<![0-9])(?<![0-9][ -])[0-9]{13,14}(?![ -]?[0-9])")

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, **options)


class Paragraphs(Text):
    """Text of several lines."""

    def to_internal_value(self, data: Any) -> str:
        lines = data.replace("\r\n", "\n").split("\n")
        super().to_internal_value(" ".join(lines))
        return "\n".join(line.rstrip() for line in lines).strip()


class Email(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)
        self.validators.append(EmailValidator("Expected an e-mail address such as ada@example.com.", allowlist=[]))
        self.validators.append(RegexValidator(r"^[^@]{1,64}@", "Before the @ are at most 64 characters.", "too_long"))


class Code(Text):
    """One of a standard's codes."""

    default_error_messages = {"invalid_choice": "{code!r} is no code of {standard} that the shop knows.{hint}"}

    def __init__(self, standard: str, codes: frozenset[str], **options: Any) -> None:
        self.standard, self.codes = standard, codes
        super().__init__(help_text=standard, **options)

    def to_internal_value(self, data: Any) -> str:
        if (code := super().to_internal_value(data)) not in self.codes:
            hint = f" There it is {MEANT[code]!r}." if MEANT.get(code) in self.codes else ""
            self.fail("invalid_choice", code=code[:20], standard=self.standard, hint=hint)
        return code


class Choice(serializers.ChoiceField):
    """One of a few words; another is told which there are."""

    default_error_messages = {"invalid_choice": "Expected {choices}, found {found!r}."}

    def fail(self, key: str, **more: Any) -> NoReturn:
        super().fail(key, choices=" or ".join(map(str, self.choices)), found=str(more.get("input"))[:40], **more)
        raise AssertionError


class Whole(serializers.IntegerField):
    """A JSON integer: no string, no fraction, no boolean."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data  # type: ignore[no-any-return]


class Flag(serializers.BooleanField):
    """JSON's true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Day(serializers.DateField):
    """A day as ISO 8601 has it: "2026-03-01"."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", data):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(data)


class Instant(serializers.DateTimeField):
    """ISO 8601 with its zone."""

    default_error_messages = {"invalid": "Expected an instant with its zone, such as 2026-03-01T12:00:00Z."}

    def to_internal_value(self, data: Any) -> Any:
        try:
            found = datetime.fromisoformat(data)
            assert found.tzinfo
            return found.astimezone(UTC)
        except (TypeError, ValueError, OverflowError, AssertionError):
            return self.fail("invalid")


class Id(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "pattern": f"^{AMOUNT}$", "example": "12.50"})
class Amount(serializers.Field):
    """A decimal number in a JSON string, so that nobody makes a binary fraction of it."""

    default_error_messages = {"invalid": 'Expected a string such as "12.50": at most 10 digits and 4 decimals.'}

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not re.fullmatch(AMOUNT, data):
            self.fail("invalid")
        return Decimal(data)

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


@extend_schema_serializer(component_name="Money")
class MoneyForm(Form):
    makes = Money
    example = {"amount": "12.50", "currency": "EUR"}

    amount = Amount()
    currency = Code("ISO 4217", CURRENCIES)


@extend_schema_field(MoneyForm)
class MoneyIn(serializers.Field):
    """A row's amount in one column and its currency in another; null without an amount."""

    def __init__(self, amount: str, **options: Any) -> None:
        self.amount = amount
        super().__init__(source="*", read_only=True, **options)

    def to_representation(self, row: Any) -> dict[str, str] | None:
        amount = getattr(row, self.amount)
        return None if amount is None else {"amount": plain(amount), "currency": row.currency}


@extend_schema_field({"type": "string", "example": "20"})
class Percent(serializers.Field):
    """A rate in percent: 20, or 8.1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Decimal | str) -> str:
        return f"{Decimal(value).normalize():f}"


@extend_schema_serializer(component_name="Address")
class AddressForm(Form):
    makes = Address
    example = {"street": "Kai 3", "city": "Hamburg", "postcode": "20457", "country": "DE", "recipient": ""}

    street = Text(max_length=200)
    city = Text(max_length=100)
    postcode = Text(max_length=20)
    country = Code("ISO 3166-1 alpha-2", COUNTRIES)
    recipient = Text(max_length=200, allow_blank=True, default="", help_text="If not the customer.")
