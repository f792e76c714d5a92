"""Who may sign in to the demo: each role of staff, who may do everything, and a customer. All have one password."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import transaction
from rest_framework.authtoken.models import Token

from shop.models import CustomerUser
from shop.roles import ROLES
from shop.values import id_of

USER, PASSWORD, TOKEN = "demo", "demo", "d3m0" * 10
CUSTOMER = "ada"


@transaction.atomic
def sign_ins() -> None:
    """Asked again, only the passwords are what they were: hashed once for all, since that alone takes long."""
    there = User.objects.filter(username=USER).first()
    password = there.password if there and there.check_password(PASSWORD) else make_password(PASSWORD)
    for name in (USER, *ROLES, CUSTOMER):
        kind = {"is_staff": name != CUSTOMER, "is_superuser": name == USER}
        user, _ = User.objects.get_or_create(username=name, defaults=kind | {"password": password})
        if user.password != password:
            user.password = password
            user.save()
        if name in ROLES:
            user.groups.set(Group.objects.filter(name=name))
    Token.objects.filter(user__username=USER).delete()
    Token.objects.create(user=User.objects.get(username=USER), key=TOKEN)
    ada = User.objects.get(username=CUSTOMER)
    CustomerUser.objects.get_or_create(user=ada, defaults={"customer_id": id_of("demo", CUSTOMER)})
