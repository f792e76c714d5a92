"""Who may do what over HTTP: one table; what is not in it, nobody may.

A role is a Django group of that name, and counts for staff alone. Who is no staff is the ``customer`` that their
sign-in belongs to, and sees what is theirs; or a ``newcomer``, who may register, once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from shop.models import CustomerUser, MergedCustomer

ROLES = {  # and the apps whose tables they may look at on the desk
    "support": "customers ordering payments shipping catalog inventory notifications billing fulfilment",
    "catalog": "catalog inventory",
    "warehouse": "inventory shipping catalog",
    "finance": "payments billing reporting ordering customers vault",
    "ops": "projections eventstore fulfilment",
    "auditor": "customers ordering payments shipping catalog inventory vault notifications billing reporting "
    "fulfilment projections eventstore",
}
MORE = {"ops": ["projections.change_checkpoint"]}

SEES_OWN = "customer support warehouse finance auditor"
GOODS = "customer support catalog warehouse finance auditor"

# Basename and action of a viewset, or the name of a view's class: the roles; or the permission it takes of staff.
ACTIONS = {
    "customers.list": "customer support finance auditor",
    "customers.retrieve": "customer support finance auditor",
    "customers.history": "support auditor",
    "customers.create": "newcomer support",
    "customers.rename": "customer support",
    "customers.email": "customer support",
    "customers.erase": "support",
    "customers.add_address": "customer support",
    "customers.change_address": "customer support",
    "customers.remove_address": "customer support",
    "customers.default_address": "customer support",
    "customers.address_history": "customer support auditor",
    "customers.add_payment_method": "customer support",
    "customers.remove_payment_method": "customer support",
    "customers.birthday": "customer support",
    "customers.credit": "customer support finance auditor",
    "customers.statement": "customer support finance auditor",
    "customers.credit_limit": "finance",
    "customers.settle_credit": "finance",
    "customers.premium": "support",
    "customers.end_premium": "support",
    "customers.merge": "support",
    "customers.block": "support",
    "customers.unblock": "support",
    "products.list": GOODS,
    "products.retrieve": GOODS,
    "products.price_history": GOODS,
    "products.history": "catalog auditor",
    "products.create": "catalog",
    "products.rename": "catalog",
    "products.describe": "catalog",
    "products.schedule": "catalog",
    "products.cancel_schedule": "catalog",
    "products.price": "catalog",
    "products.publish": "catalog",
    "products.withdraw": "catalog",
    "repricings.list": "catalog finance auditor",
    "repricings.retrieve": "catalog finance auditor",
    "repricings.history": "catalog auditor",
    "repricings.lines": "catalog finance auditor",
    "repricings.undo_preview": "catalog finance auditor",
    "repricings.create": "catalog",
    "repricings.undo": "catalog",
    "repricings.stop": "catalog",
    "orders.list": SEES_OWN,
    "orders.retrieve": SEES_OWN,
    "orders.history": "support auditor",
    "orders.create": "customer support",
    "orders.cancel": "customer support",
    "orders.address": "customer support",
    "orders.notes": "support",
    "orders.lines": "customer support",
    "orders.complete": "support",
    "orders.timeline": SEES_OWN,
    "checkouts.list": "customer support auditor",
    "checkouts.retrieve": "customer support auditor",
    "checkouts.history": "support auditor",
    "checkouts.create": "customer support",
    "checkouts.items": "customer support",
    "checkouts.address": "customer support",
    "checkouts.payment": "customer support",
    "checkouts.quote": "customer support",
    "checkouts.accept": "customer support",
    "checkouts.abandon": "customer support",
    "processes.list": "support ops auditor",
    "processes.retrieve": "support ops auditor",
    "processes.history": "support ops auditor",
    "processes.of_order": "support ops auditor",
    "payments.list": "customer support finance auditor",
    "payments.retrieve": "customer support finance auditor",
    "payments.history": "finance auditor",
    "payments.capture": "finance",
    "payments.void": "finance",
    "payments.refund": "finance",
    "cards.list": "support finance auditor",
    "cards.retrieve": "support finance auditor",
    "cards.history": "finance auditor",
    "cards.create": "customer support",
    "cards.reveal": "vault.reveal_card",
    "stock.list": "support catalog warehouse finance auditor",
    "stock.retrieve": "support catalog warehouse finance auditor",
    "stock.history": "warehouse auditor",
    "stock.ledger": "support warehouse finance auditor",
    "stock.reservations": "support warehouse auditor",
    "stock.receive": "warehouse",
    "stock.count": "warehouse",
    "stock.policy": "warehouse",
    "shipments.list": SEES_OWN,
    "shipments.retrieve": SEES_OWN,
    "shipments.history": "warehouse auditor",
    "shipments.address": "support warehouse",
    "shipments.pack": "warehouse",
    "shipments.hand_over": "warehouse",
    "shipments.deliver": "warehouse",
    "shipments.lose": "warehouse",
    "mails.list": "support auditor",
    "mails.retrieve": "support auditor",
    "contacts.list": "support finance auditor",
    "order-payments.list": "finance auditor",
    "takings.list": "finance auditor",
    "sales.list": "catalog finance auditor",
    "months.close": "finance auditor",
    "best-sellers.list": "catalog finance auditor",
    "unshipped.list": "support warehouse auditor",
    "Events": "ops auditor",
    "Consistency": "support catalog warehouse finance ops auditor",
    "ProjectionList": "support catalog warehouse finance ops auditor",
    "OneProjection": "support catalog warehouse finance ops auditor",
    "ParkedEvents": "ops auditor",
    "Trace": "ops auditor",
    "PauseProjection": "projections.change_checkpoint",
    "ResumeProjection": "projections.change_checkpoint",
    "RebuildProjection": "projections.change_checkpoint",
    "DryRunProjection": "projections.change_checkpoint",
    "VerifyProjection": "projections.change_checkpoint",
    "ReplayProjection": "projections.change_checkpoint",
    "AbandonBuilding": "projections.change_checkpoint",
    "TakeProjectionBack": "projections.change_checkpoint",
    "RetryParked": "projections.change_checkpoint",
    "SkipParked": "projections.change_checkpoint",
    "UnskipParked": "projections.change_checkpoint",
}

# What a customer sees of each kind: the rows whose field is what is said; `customer` stands for their own id, `anyone`
# for that and those of whoever was merged into them. Of other kinds, none.
CUSTOMERS_OWN = {
    "customers": ("id", "customer"),
    "orders": ("customer_id", "anyone"),
    "checkouts": ("customer_id", "anyone"),
    "payments": ("customer_id", "anyone"),
    "shipments": ("customer_id", "anyone"),
    "products": ("status", "published"),
}


def roles_of(user: Any) -> frozenset[str]:
    """Of who is signed in; none of somebody who is not."""
    if not user.is_authenticated:
        return frozenset()
    if not user.is_staff:
        return frozenset(["newcomer" if customer_of(user) is None else "customer"])
    if not hasattr(user, "_roles"):
        groups = {group.name for group in user.groups.all()} & ROLES.keys()
        user._roles = frozenset(groups or settings.ROLES_OF_STAFF)
    return user._roles  # type: ignore[no-any-return]


def customer_of(user: Any) -> UUID | None:
    """Which customer's sign-in it is, if it is one. Staff act as staff."""
    if not user.is_authenticated or user.is_staff:
        return None
    if not hasattr(user, "_customer_id"):
        user._customer_id = CustomerUser.objects.filter(user=user).values_list("customer_id", flat=True).first()
    return user._customer_id  # type: ignore[no-any-return]


def ids_of(customer_id: UUID) -> list[UUID]:
    """Theirs, and those of whoever was merged into them."""
    return [customer_id, *MergedCustomer.objects.filter(into=customer_id).values_list("id", flat=True)]


def own(user: Any, kind: str) -> tuple[str, list[Any]] | None:
    """The field, and what may be in it, of those objects of that kind that ``user`` may see; None: of all."""
    if (customer_id := customer_of(user)) is None:
        return None
    match CUSTOMERS_OWN.get(kind):
        case field, "anyone":
            return field, ids_of(customer_id)
        case field, "customer":
            return field, [customer_id]
        case field, value:
            return field, [value]
    return "id", []


def may(user: Any, action: str) -> bool:
    """Whether ``user`` may do what the table calls ``action``."""
    if user.is_active and user.is_superuser:
        return True
    wanted = ACTIONS.get(action, "").split()
    if roles_of(user).intersection(wanted):
        return True
    return bool(user.is_staff and any("." in each and user.has_perm(each) for each in wanted))


def action_of(view: Any, method: str) -> str | None:
    """What the table calls what a view is asked; None: it has no such method."""
    if hasattr(view, "basename"):
        return f"{view.basename}.{view.action}" if view.action and method != "OPTIONS" else None
    return type(view).__name__ if hasattr(view, method.lower()) else None


class ByRole(BasePermission):
    """As the table says."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        action = action_of(view, request.method)
        if action is None or may(request.user, action):  # without a method, there is nothing to be done
            return True
        self.message = f"Nobody may: {action} is not in the table of roles (shop/roles.py)."
        if wanted := ACTIONS.get(action, "").split():
            found = " and ".join(sorted(roles_of(request.user))) or "in no role"
            self.message = f"This is for {' or '.join(wanted)}: you are {found}."
        return False


@contextmanager
def signing_up(request: Request) -> Iterator[list[Response]]:
    """A newcomer becomes the customer whom they register, in one commit. Put the answer into the list.

    Of two registrations at once, one is refused.
    """
    answers: list[Response] = []
    if "newcomer" not in roles_of(request.user):
        yield answers
        return
    with transaction.atomic():
        yield answers
        customer_id = answers[0].data["id"]
        them, _ = CustomerUser.objects.get_or_create(user=request.user, defaults={"customer_id": customer_id})
        if them.customer_id != customer_id:
            raise PermissionDenied("You are a customer already.")


def keep_groups(app_config: Any, using: str, **_: Any) -> None:
    """After each migrate, the groups are there, and may look at the tables of ``app_config`` that are theirs."""
    if Group._meta.db_table not in connections[using].introspection.table_names():
        return  # a database of other things
    label = app_config.label
    missing = ROLES.keys() - set(Group.objects.using(using).values_list("name", flat=True))
    Group.objects.using(using).bulk_create([Group(name=name) for name in missing], ignore_conflicts=True)
    groups = {group.name: group for group in Group.objects.using(using).filter(name__in=ROLES)}
    permissions = list(Permission.objects.using(using).filter(content_type__app_label=label))
    given = Group.permissions.through
    given.objects.using(using).bulk_create(
        [
            given(group=groups[role], permission=permission)
            for role, apps in ROLES.items()
            for permission in permissions
            if (label in apps.split() and permission.codename.startswith("view_"))
            or f"{label}.{permission.codename}" in MORE.get(role, ())
        ],
        ignore_conflicts=True,
    )


def move_sign_in(customer_id: UUID, into: UUID) -> None:
    """Who signed in as one customer is another from now on; where that one has a sign-in, it is the only one left."""
    if CustomerUser.objects.filter(customer_id=into).exists():
        forget_sign_in(customer_id)
    else:
        CustomerUser.objects.filter(customer_id=customer_id).update(customer_id=into)


def forget_sign_in(customer_id: UUID) -> None:
    """Delete the user whose customer is forgotten: a name to sign in with is personal too."""
    User.objects.filter(customer__customer_id=customer_id).delete()
