"""What staff may ask of a customer on the desk."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_framework.exceptions import ValidationError

from shop.admin import Ask
from shop.application import Receipt
from shop.customers import commands, shapes
from shop.customers.models import CustomerSummary, today
from shop.forms import Flag, Form, Nothing, Text, Whole

TRIAL = timedelta(days=30)


class Which(Form):
    number = Whole(min_value=1, label="Which address")


class ReplaceWhich(shapes.ReplaceAddress, Which):
    pass


class WhichCard(Form):
    number = Whole(min_value=1, label="Which card")


class Erase(Form):
    sure = Flag(label="I am sure", help_text="It cannot be taken back.")
    reason = Text(max_length=500, help_text="Why: the customer's own request, as a rule.")

    def validate_sure(self, sure: bool) -> bool:
        if not sure:
            raise ValidationError("Say that you are: it cannot be taken back.")
        return sure


def erase(customer_id: UUID, *, sure: bool, reason: str) -> Receipt:
    return commands.erase_customer(customer_id)


def numbered(customer: CustomerSummary) -> dict[str, Any]:
    known = ((each["number"], each["address"]) for each in customer.addresses)
    return {"number": [(number, f"{number}. {at.get('street')}, {at.get('city')}") for number, at in known]}


def cards_of(customer: CustomerSummary) -> dict[str, Any]:
    return {"number": [(c["number"], f"{c['label']} …{c['last_four']}") for c in customer.payment_methods]}


def here(customer: CustomerSummary) -> dict[str, Any]:
    """Their default address, to be corrected."""
    at = (each["address"] for each in customer.addresses if each["number"] == customer.default_address)
    return {"number": customer.default_address or "", "address": next(at, {})}


def any_version(customer: CustomerSummary) -> None:
    """Of the account: the page shows the customer's."""


def is_known(customer: CustomerSummary) -> bool:
    return "@" in customer.email and not customer.merged_into


def has_addresses(customer: CustomerSummary) -> bool:
    return bool(customer.addresses)


ASKS = (
    Ask(
        "customers.rename",
        "Rename",
        commands.rename_customer,
        shapes.RenameCustomer,
        means="Orders that were placed keep the old name.",
        fits=is_known,
        begins=lambda customer: {"name": customer.name},
        first=True,
    ),
    Ask(
        "customers.email",
        "Change the e-mail address",
        commands.change_email,
        shapes.ChangeEmail,
        fits=is_known,
        begins=lambda customer: {"email": customer.email},
        first=True,
    ),
    Ask("customers.add_address", "Add an address", commands.add_address, shapes.AddAddress, fits=is_known),
    Ask(
        "customers.change_address",
        "Change an address",
        lambda customer_id, *, number, **asked: commands.change_address(customer_id, number, **asked),
        ReplaceWhich,
        means="Parcels that have not left are asked about: do they go there too?",
        fits=has_addresses,
        begins=here,
        choices=numbered,
    ),
    Ask(
        "customers.default_address",
        "Choose the default address",
        lambda customer_id, *, number: commands.set_default_address(customer_id, number),
        Which,
        fits=has_addresses,
        choices=numbered,
    ),
    Ask(
        "customers.remove_address",
        "Remove an address",
        lambda customer_id, *, number: commands.remove_address(customer_id, number),
        Which,
        fits=has_addresses,
        choices=numbered,
    ),
    Ask(
        "customers.remove_payment_method",
        "Remove a card",
        lambda customer_id, *, number: commands.remove_payment_method(customer_id, number),
        WhichCard,
        fits=lambda customer: bool(customer.payment_methods),
        choices=cards_of,
    ),
    Ask(
        "customers.birthday",
        "Set the birthday",
        commands.set_birthday,
        shapes.SetBirthday,
        fits=is_known,
        begins=lambda customer: {"birthday": customer.birthday} if customer.birthday else {},
    ),
    Ask(
        "customers.premium",
        "Grant premium",
        commands.grant_premium,
        shapes.GrantPremium,
        means="Twice grants once; what they have is never made shorter.",
        fits=is_known,
        begins=lambda customer: {"until": today() + TRIAL},
        several=True,
    ),
    Ask(
        "customers.premium",
        f"Grant a premium trial of {TRIAL.days} days",
        lambda customer_id: commands.grant_premium(customer_id, until=today() + TRIAL, trial=True),
        Nothing,
        name="grant-trial",
        means="Who is premium already keeps what they have.",
        fits=is_known,
        several=True,
    ),
    Ask(
        "customers.end_premium",
        "End premium",
        commands.end_premium,
        means="Now, not with its last day.",
        fits=lambda customer: customer.tier_on(today()) == "premium",
    ),
    Ask(
        "customers.credit_limit",
        "Set the credit limit",
        commands.set_credit_limit,
        shapes.SetCreditLimit,
        means="The first limit opens their account. Less than they owe already cancels nothing.",
        fits=is_known,
        version=any_version,
        first=True,
    ),
    Ask(
        "customers.settle_credit",
        "Note that they paid",
        commands.settle_credit,
        shapes.SettleCredit,
        fits=is_known,
        version=any_version,
    ),
    Ask(
        "customers.block",
        "Block",
        commands.block_customer,
        shapes.BlockCustomer,
        means="Nothing is sold to them any more.",
        fits=lambda customer: is_known(customer) and not customer.blocked,
        several=True,
    ),
    Ask(
        "customers.unblock",
        "Unblock",
        commands.unblock_customer,
        means="They may buy again.",
        fits=lambda customer: customer.blocked,
        several=True,
    ),
    Ask(
        "customers.merge",
        "Merge into another",
        commands.merge_customers,
        shapes.MergeCustomer,
        means="One person, twice a customer: from now on they are the other one. Their e-mail address is free again.",
        fits=is_known,
        danger=True,
    ),
    Ask(
        "customers.erase",
        "Erase",
        erase,
        Erase,
        means="For ever: their name, e-mail address and addresses read as [erased], in orders and in the past too.",
        fits=is_known,
        danger=True,
    ),
)
