"""Search by words: the index is there whatever became of the table."""

from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse

from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import rebuild
from shop.customers.commands import register_customer


def test_a_list_that_was_built_anew_is_searched_by_its_index_too(empty_log, client):
    register_customer(name="Ada Lovelace", email="ada@example.com")
    catch_up()

    rebuild(known()["Customers"])

    client.force_login(User.objects.create_superuser("boss"))
    listed = client.get(reverse("admin:customers_customersummary_changelist"), {"q": "love ad"})
    assert [row.name for row in listed.context_data["cl"].result_list] == ["Ada Lovelace"]
    assert {"customers_customersummary", "customers_customersummary_history"} == indexed_by_words()


def indexed_by_words() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select tablename from pg_indexes where schemaname = 'public' and indexdef like '%to_tsvector%' "
            "and tablename like 'customers_%'"
        )
        return {table for (table,) in cursor.fetchall()}
