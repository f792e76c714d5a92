"""Whose sign-in is whose, and the faults that a demonstration asks for. No facts of the shop: those are in the log."""

from django.contrib.auth.models import User
from django.db import models


class CustomerUser(models.Model):
    """A sign-in of a customer: it sees and does what is theirs, and nothing else."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="customer")
    customer_id = models.UUIDField(unique=True)

    class Meta:
        verbose_name = "customer's sign-in"

    def __str__(self) -> str:
        return f"{self.user.get_username()} is {self.customer_id}"


class Fault(models.Model):
    """A context whose reads fail, or are slow, because somebody asked for it: ``manage.py fault``."""

    context = models.CharField(max_length=50, primary_key=True)
    seconds = models.FloatField(null=True, help_text="Which each read takes longer; none: it fails.")

    def __str__(self) -> str:
        return f"{self.context} is {'down' if self.seconds is None else f'{self.seconds:g} s slower'}"
