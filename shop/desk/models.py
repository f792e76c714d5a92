"""What pages of the desk keep between two steps: no facts of the shop, and nothing that lasts."""

from django.db import models
from django.db.models.functions import Now


class PriceDraft(models.Model):
    """Changes of prices that somebody looks at before they are made; applied, or forgotten after some days.

    Its id becomes that of the repricing: applied twice, it is carried out once.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=10)
    title = models.CharField(max_length=200)
    by = models.CharField(max_length=150)
    undoes = models.UUIDField(null=True)
    preview = models.JSONField()
    counts = models.JSONField(help_text="How many lines there are to each look.")
    average = models.CharField(max_length=20, help_text="By how many percent prices change.")
    made_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.title
