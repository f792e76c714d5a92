"""Prices from a CSV file: ``sku,price[,currency][,from]``. Knows no framework.

What is wrong with the whole file is WrongFile; with a line, Wrong, and the other lines stand.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import NamedTuple

from eventstore.domain import value
from shop.catalog.repricing.domain import MOST
from shop.codes import CURRENCIES

LARGEST = 2 * 1024 * 1024  # bytes
COLUMNS = ("sku", "price", "currency", "from")
EXPECTED = "Expected the columns sku,price and, if you like, currency and from, separated by commas"
PRICE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would calculate
SHOWN = 60  # characters of what was found


class WrongFile(Exception):
    """Nothing can be read from it: what was expected, and what was found."""


class Wanted(NamedTuple):
    """A price that a line asks for; ``starts`` None: from now on."""

    number: int
    sku: str
    amount: Decimal
    currency: str  # empty: that of the product
    starts: datetime | None = None


@value
class Wrong:
    """A line that is left out, and why. Its number is that of the file; its header is line 1."""

    number: int
    text: str
    detail: str


class _Problem(Exception):
    """What was expected in a line, and what was found."""


def read(data: bytes, now: datetime) -> tuple[list[Wanted], list[Wrong]]:
    """What the lines of the file ask for, and those that cannot be taken. WrongFile."""
    rows = _rows(_text(data))
    columns = _columns(next(rows, (1, []))[1])
    wanted: list[Wanted] = []
    wrong: list[Wrong] = []
    for number, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(wanted) + len(wrong) == MOST:
            raise WrongFile(f"Expected at most {MOST:,} lines, found more. Split the file.")
        try:
            wanted.append(_line(number, _named(columns, row), now))
        except _Problem as problem:
            wrong.append(Wrong(number, ",".join(row)[:SHOWN], str(problem)))
    once, twice = _told_apart(wanted)
    if not (once or twice or wrong):
        raise WrongFile("Expected a line for each price below the header, found none.")
    return once, sorted(wrong + twice, key=lambda each: each.number)


def amount(text: str) -> Decimal:
    """ValueError says what was expected."""
    text = text.strip()
    if re.fullmatch(r"[0-9.]*,[0-9]{1,2}", text):
        raise ValueError(f"Expected a price with a decimal point such as 12.50, found {text!r}: a decimal comma.")
    if text.startswith(FORMULA) and text[1:2] and not re.fullmatch(r"[+-][0-9.,]+", text):
        raise ValueError(f"Expected a price such as 12.50, found a formula: {text[:SHOWN]!r}.")
    if not PRICE.fullmatch(text):
        raise ValueError(f"Expected a price such as 12.50 (up to 4 decimals), found {text[:SHOWN]!r}.")
    return Decimal(text)


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise WrongFile(f"Expected at most {LARGEST / 2**20:.0f} MB, found {len(data) / 2**20:.1f} MB. Split the file.")
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise WrongFile("Expected a CSV file, found a workbook: save it as “CSV UTF-8 (comma delimited)”.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise WrongFile("Expected UTF-8, found UTF-16: save it as “CSV UTF-8 (comma delimited)”.")
    if b"\0" in data:
        raise WrongFile(f"Expected text, found a NUL character in line {_line_of(data, data.index(0))}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = data[error.start : error.start + 1].hex()
        raise WrongFile(f"Expected UTF-8, found the byte {found} in line {_line_of(data, error.start)}.") from None


def _line_of(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, place) + 1


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each with the number of the line that it begins in."""
    reader, begins = csv.reader(StringIO(text, newline=""), strict=True), 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise WrongFile(f"Expected CSV; from line {begins} on it is none: {error}.") from None


def _columns(header: list[str]) -> list[str]:
    found = [name.strip().lower() for name in header]
    told = ",".join(header)[:SHOWN]
    if len(found) == 1 and (other := re.search("[;\t|]", told)):
        names = {";": "semicolons", "\t": "tabs", "|": "bars"}
        raise WrongFile(f"{EXPECTED}; found {told!r}: separated by {names[other[0]]}.")
    if missing := [name for name in COLUMNS[:2] if name not in found]:
        raise WrongFile(f"{EXPECTED}; found no {' and no '.join(missing)} in {told or 'an empty file'!r}.")
    if unknown := [name for name in found if name not in COLUMNS]:
        raise WrongFile(f"{EXPECTED}; found {unknown[0][:SHOWN]!r} as well.")
    if twice := [name for name, count in Counter(found).items() if count > 1]:
        raise WrongFile(f"{EXPECTED}; found {twice[0]} twice.")
    return found


def _named(columns: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(columns):
        hint = ""
        if len(row) == len(columns) + 1 and re.fullmatch("[0-9]{1,2}", row[-1].strip()):
            hint = f" Is {','.join(row[-2:])} a decimal comma? Write {'.'.join(row[-2:])}."
        raise _Problem(f"Expected {len(columns)} cells, as in the header, found {len(row)}.{hint}")
    return dict(zip(columns, (cell.strip() for cell in row), strict=True))


def _line(number: int, cells: dict[str, str], now: datetime) -> Wanted:
    sku = cells["sku"]
    if not sku:
        raise _Problem("Expected a SKU, found none.")
    if sku.startswith(FORMULA):
        raise _Problem(f"Expected a SKU, found what a spreadsheet takes for a formula: {sku[:SHOWN]!r}.")
    if len(sku) > 64:
        raise _Problem(f"Expected a SKU of at most 64 characters, found {len(sku)}.")
    currency = cells.get("currency", "").upper()
    if currency and currency not in CURRENCIES:
        raise _Problem(f"Expected a currency of ISO 4217 such as EUR, found {currency[:SHOWN]!r}.")
    try:
        return Wanted(number, sku, amount(cells["price"]), currency, _starts(cells.get("from", ""), now))
    except ValueError as error:
        raise _Problem(str(error)) from None


def _starts(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"Expected a day or an instant such as 2026-12-01, found {text[:SHOWN]!r}.") from None
    if found < now:
        raise ValueError(f"Expected a time to come, or nothing for now; found {text[:SHOWN]}, which is past.")
    return found


def _told_apart(wanted: list[Wanted]) -> tuple[list[Wanted], list[Wrong]]:
    """Those of SKUs that stand once; of others nobody knows which line is meant."""
    lines: dict[str, list[int]] = {}
    for each in wanted:
        lines.setdefault(each.sku, []).append(each.number)
    once = [each for each in wanted if len(lines[each.sku]) == 1]
    twice = [
        Wrong(each.number, f"{each.sku},{each.amount}", f"Expected each SKU once, found it in lines {_and(numbers)}.")
        for each in wanted
        if len(numbers := lines[each.sku]) > 1
    ]
    return once, twice


def _and(numbers: list[int]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
