"""Prices from a CSV file: what is read, and what is said of what cannot be."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shop.catalog.repricing.files import Wanted, WrongFile, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD = "sku,price\n"


def refused(data: str | bytes) -> str:
    with pytest.raises(WrongFile) as told:
        read(data if isinstance(data, bytes) else data.encode(), NOW)
    return str(told.value)


def wrong(line: str, head: str = HEAD) -> str:
    wanted, found = read(f"{head}{line}\n".encode(), NOW)
    assert (wanted, len(found), found[0].number) == ([], 1, 2)
    return found[0].detail


def test_each_line_asks_for_a_price_now_or_from_a_day_on():
    rows = (
        "\ufeffSKU, Price ,currency,from",
        "MUG,12.50,,",
        "",
        "TEA,3,usd,2026-12-01",
        "JAR,4,,2026-12-01T08:00+01:00",
    )
    data = "\r\n".join(rows)

    wanted, found = read(data.encode(), NOW)

    assert found == []
    assert wanted == [
        Wanted(2, "MUG", Decimal("12.50"), ""),
        Wanted(4, "TEA", Decimal(3), "USD", datetime(2026, 12, 1, tzinfo=UTC)),
        Wanted(5, "JAR", Decimal(4), "", datetime(2026, 12, 1, 7, tzinfo=UTC)),
    ]


def test_a_line_is_numbered_by_where_it_begins():
    wanted, _ = read(b'price,sku\n"1",MUG\n"2","A ""fine""\nMUG"\n3,TEA\n', NOW)

    assert [(each.number, each.sku) for each in wanted] == [(2, "MUG"), (3, 'A "fine"\nMUG'), (5, "TEA")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("", "found no sku and no price in 'an empty file'"),
        ("sku\nMUG", "found no price in 'sku'"),
        ("sku;price\nMUG;1", "found 'sku;price': separated by semicolons"),
        ("sku\tprice\nMUG\t1", "separated by tabs"),
        ("sku,price,colour\nMUG,1,red", "found 'colour' as well"),
        ("sku,price,sku\nMUG,1,TEA", "found sku twice"),
        (HEAD, "Expected a line for each price below the header, found none"),
        (b"sku,price\nMUG,1\nT\0EA,2", "found a NUL character in line 3"),
        (b"sku,price\nM\xfcG,1", "Expected UTF-8, found the byte fc in line 2"),
        (f"{HEAD}MUG,1".encode("utf-16"), "Expected UTF-8, found UTF-16"),
        (b"PK\x03\x04 and more", "Expected a CSV file, found a workbook"),
        ('sku,price\n"MUG,1\n', "from line 2 on it is none: unexpected end of data"),
        (HEAD.encode() + b"M" * 10 * 2**20, "Expected at most 2 MB, found 10.0 MB"),
        (HEAD + "MUG,1\n" * 20_001, "Expected at most 20,000 lines, found more"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_was_expected_and_found(data, told):
    assert told in refused(data)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("MUG", "Expected 2 cells, as in the header, found 1."),
        ("MUG,12,50", "found 3. Is 12,50 a decimal comma? Write 12.50."),
        ('MUG,"12,50"', "Expected a price with a decimal point such as 12.50, found '12,50': a decimal comma."),
        ('MUG,"1.212,50"', "a decimal comma"),
        (",1", "Expected a SKU, found none."),
        ("=1+1,1", "Expected a SKU, found what a spreadsheet takes for a formula: '=1+1'."),
        ("@SUM(A1),1", "takes for a formula"),
        ("MUG,=1+1", "Expected a price such as 12.50, found a formula: '=1+1'."),
        ("MUG,-1", "Expected a price such as 12.50 (up to 4 decimals), found '-1'."),
        ("MUG,", "found ''"),
        ("MUG,free", "found 'free'"),
        ("MUG,1e5", "found '1e5'"),
        ("MUG,NaN", "found 'NaN'"),
        ("MUG,1.23456", "found '1.23456'"),
        ("MUG,١", "found '١'"),
        (f"{'x' * 65},1", "Expected a SKU of at most 64 characters, found 65."),
    ],
)
def test_a_line_that_cannot_be_taken_says_what_was_expected_and_found(line, told):
    assert told in wrong(line)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("JPY,", "Expected a currency of ISO 4217 such as EUR, found 'JPY'."),
        (",soon", "Expected a day or an instant such as 2026-12-01, found 'soon'."),
        (",2026-02-28", "Expected a time to come, or nothing for now; found 2026-02-28, which is past."),
        (",9999-12-31T23:00-10:00", "Expected a day or an instant"),
    ],
)
def test_a_currency_and_a_day_are_looked_at_too(cells, told):
    assert told in wrong(f"MUG,1,{cells}", "sku,price,currency,from\n")


def test_of_a_sku_that_stands_twice_no_line_is_taken():
    wanted, found = read(b"sku,price\nMUG,1\nTEA,2\nMUG,3\nMUG,bad\n", NOW)

    assert [each.sku for each in wanted] == ["TEA"]
    assert [(each.number, each.detail) for each in found[:2]] == [
        (2, "Expected each SKU once, found it in lines 2 and 4."),
        (4, "Expected each SKU once, found it in lines 2 and 4."),
    ]


def test_five_thousand_lines_are_read_at_once():
    begins = NOW + timedelta(days=1)
    lines = "".join(f"SKU-{n},{n}.99,EUR,{begins:%Y-%m-%d}\n" for n in range(5000))

    wanted, found = read(f"sku,price,currency,from\n{lines}".encode(), NOW)

    assert (len(wanted), found) == (5000, [])
