"""The write side of customers: who buys, what they may owe, and who holds an e-mail address."""

from shop.customers.domain.credit import CreditAccount, credit_of
from shop.customers.domain.customer import Customer, Labelled, PaymentMethod
from shop.customers.domain.emails import EmailClaim, spellings

__all__ = ["CreditAccount", "Customer", "EmailClaim", "Labelled", "PaymentMethod", "credit_of", "spellings"]
