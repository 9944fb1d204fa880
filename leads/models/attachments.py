from django.db import models
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.tokens import new_public_id
from leads.models.lead import Lead


class Attachment(models.Model):
    """A file that belongs to a lead. On the disk it has a name of ours, outside the web root."""

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="attachments", db_index=False)
    file = models.FileField(upload_to="attachments/%Y/%m/", max_length=200)
    filename = models.CharField(max_length=120)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["lead", "-id"], name="attachment_by_lead")]

    def __str__(self) -> str:
        return self.filename
