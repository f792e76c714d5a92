"""Whose sign-in is whose, who was merged into whom, and the faults that a demonstration asks for."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, every, on


class CustomerUser(models.Model):
    """A sign-in of a customer: it sees and does what is theirs, and nothing else."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="customer")
    customer_id = models.UUIDField(unique=True)

    class Meta:
        verbose_name = "customer's sign-in"

    def __str__(self) -> str:
        return f"{self.user.get_username()} is {self.customer_id}"


class MergedCustomer(ReadModel):
    """A customer who is another one now: what was theirs is that one's to see."""

    id = models.UUIDField(primary_key=True)
    into = models.UUIDField(db_index=True, help_text="Who they are now: nobody who was merged in turn.")

    def __str__(self) -> str:
        return f"{self.id} is {self.into} now"


class MergedCustomers(Projection):
    tables = (MergedCustomer,)

    @on("Customer.Merged", earlier=every("into"))
    def followed(self, earlier: MergedCustomer, into: UUID) -> None:
        """Who was merged into them goes with them."""
        earlier.into = into

    @on("Customer.Merged")
    def merged(self, stream_id: UUID, into: UUID) -> MergedCustomer:
        return MergedCustomer(id=stream_id, into=into)


class Fault(models.Model):
    """A context whose reads fail, or are slow, because somebody asked for it: ``manage.py fault``."""

    context = models.CharField(max_length=50, primary_key=True)
    seconds = models.FloatField(null=True, help_text="Which each read takes longer; none: it fails.")

    def __str__(self) -> str:
        return f"{self.context} is {'down' if self.seconds is None else f'{self.seconds:g} s slower'}"
