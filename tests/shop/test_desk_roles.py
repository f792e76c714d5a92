"""Each role sees and does on the desk what is declared for it, and no more: every page, every command."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.urls import URLPattern, URLResolver, get_resolver

from projections.engine import catch_up
from shop.admin import ReadOnlyAdmin
from shop.desk.sidebar import GROUPS
from shop.models import CustomerUser
from shop.ordering.commands import Item, place_order
from shop.roles import ACTIONS, ROLES, may
from tests.shop import orders as shop_of

pytestmark = pytest.mark.django_db

# Pages of the whole site: for all staff. Others are in the sidebar, with what they take; or here.
FOR_ALL = {"index", "login", "logout", "password_change", "password_change_done", "jsi18n", "search", "app_list"}
FOR_ALL |= {"autocomplete", "view_on_site"}
OTHERS = {
    "customer-copies": "customers.history",
    "process-page": "processes.retrieve",
    "price-draft": "repricings.create",
    "price-undo": "repricings.undo",
    "price-change": "repricings.retrieve",
    "price-change-lines": "repricings.lines",
    "count-sheet-fill": "stock.count",
    "who_did_what": "eventstore.view_event",
}
BY_KIND = {
    "time_machine",
    "time_machine_moments",
}  # says whose life it is, whether it may be seen
ENTRIES = OTHERS | {each.place.removeprefix("admin:"): each.takes for entries in GROUPS.values() for each in entries}


def patterns(found: Any, path: str = "") -> list[tuple[str, str]]:
    """Each address below the admin, by its name."""
    told = []
    for each in found:
        if isinstance(each, URLResolver):
            told += patterns(each.url_patterns, path + str(each.pattern))
        elif isinstance(each, URLPattern):
            told.append((each.name or "", path + str(each.pattern)))
    return told


ADDRESSES = [(name, path) for name, path in patterns(get_resolver().url_patterns) if path.startswith("admin/")]
PAGES = [pages for pages in site._registry.values() if isinstance(pages, ReadOnlyAdmin)]
STOCK = {"changelist": "view", "add": "add", "history": "view", "delete": "delete", "change": "view"}
MORE = {
    "export": "view",
    "ask": "asked",
    "ask_several": "asked",
    "act": "change",
    "live": "view",
    "stream": "view",
    "causes": "view",
}


def declared(name: str) -> str | None:
    """What an address takes: a permission, an action of the table; ``all`` staff; None: nobody has said."""
    if name in FOR_ALL | BY_KIND:
        return "all"
    if name in ENTRIES:
        return ENTRIES[name]
    for model, pages in site._registry.items():
        start = f"{model._meta.app_label}_{model._meta.model_name}_"
        if name.startswith(start) and (kind := (STOCK | MORE).get(name.removeprefix(start))):
            return "asked" if kind == "asked" else f"{model._meta.app_label}.{kind}_{model._meta.model_name}"
        assert pages
    return "auth.change_user" if name == "auth_user_password_change" else None


def staff(*roles: str) -> User:
    user = User.objects.create_user("-".join(roles) or "nobody", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return User.objects.get(pk=user.pk)


@pytest.fixture(scope="module")
def full_shop(once: Callable[[Callable[[], None]], None]) -> None:
    """An object of nearly every kind."""
    once(filled)


def filled() -> None:
    shop_of.goods(MUG=9)
    customer = shop_of.ada(limit="100")
    place_order(items=[Item("MUG", 1)], customer_id=customer, payment=shop_of.card())
    shop_of.come_to_rest()
    catch_up()


def test_every_address_of_the_desk_says_whom_it_is_for() -> None:
    unsaid = {name or path for name, path in ADDRESSES if declared(name) is None and "<path:object_id>/$" not in path}

    assert unsaid - {"admin/(?P<url>.*)$", "admin/<path:object_id>/"} - redirects() == set()


def redirects() -> set[str]:
    """Django's own, from an object's old address to its page; and its page for what is nothing."""
    return {path for name, path in ADDRESSES if not name and path.endswith(("<path:object_id>/", "(?P<url>.*)$"))}


def test_every_command_of_the_desk_is_in_the_table() -> None:
    for pages in PAGES:
        slugs = [ask.slug for ask in pages.asks]
        assert len(slugs) == len(set(slugs)), pages
        assert {ask.action for ask in pages.asks} <= ACTIONS.keys(), pages


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_a_role_sees_and_does_what_is_declared(role: str, client: Any, full_shop: None, settings: Any) -> None:
    settings.ROLES_OF_STAFF = []
    user = staff(*([role] if role else []))
    client.force_login(user)

    for pages in PAGES:
        meta = pages.opts
        sees = user.has_perm(f"{meta.app_label}.view_{meta.model_name}")
        row = pages.model._default_manager.first()
        looked = [pages.page("changelist"), pages.page("export")]
        if row and pages.model._meta.model_name not in ("takingsofday", "takingsofmonth", "salesof"):
            looked.append(pages.page("change", row.pk))
        for page in looked:
            assert client.get(page).status_code == (200 if sees else 403), (role, page)
        for ask in pages.asks:
            does = sees and may(user, ask.action)
            where = pages.page("ask", row.pk if row else uuid4(), ask.slug)
            answers = {client.get(where).status_code, client.post(where, {}).status_code}
            answers.add(client.post(pages.page("ask_several", ask.slug), {}).status_code)
            assert (403 in answers) is not does, (role, where, answers)
            assert answers <= ({200, 404, 422} if does else {403}), (role, where, answers)


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_no_page_is_shown_that_is_not_declared_for_the_role(role: str, client: Any, settings: Any) -> None:
    settings.ROLES_OF_STAFF = []
    user = staff(*([role] if role else []))
    client.force_login(user)

    shown = set()
    for name, path in ADDRESSES:
        takes = declared(name)
        if takes in ("all", "asked") or "(" in path:
            continue
        where = re.sub("<([a-z]+:)?[a-z_]+>", lambda part: str(uuid4()) if part[1] == "uuid:" else "1", f"/{path}")
        if client.get(where).status_code == 200:
            shown.add(where)
            assert takes, (role, name or path)
            assert may(user, takes) or user.has_perm(takes), (role, name or path)

    # The sidebar leads to what is shown, and to nothing else.
    groups = client.get("/admin/").context["sidebar_navigation"]
    links = [item["link"] for group in groups for item in group["items"] if item["has_permission"]]
    assert [link for link in links if link not in shown and client.get(link).status_code != 200] == []
    assert (len(links) > 1) is bool(role)


def test_who_is_no_staff_sees_nothing(client: Any, full_shop: None) -> None:
    user = User.objects.create_user("ada")
    CustomerUser.objects.create(user=user, customer_id=uuid4())
    client.force_login(user)

    for pages in PAGES:
        places = [pages.page("changelist"), pages.page("export")]
        places += [pages.page("ask", uuid4(), ask.slug) for ask in pages.asks]
        for place in places:
            assert (client.get(place).status_code, client.post(place, {}).status_code) == (302, 302), place
