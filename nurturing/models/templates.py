from django.db import models
from django.db.models.functions import Now

from leadcrm.accounts.models import User


class Topic(models.Model):
    """A kind of mail that people can choose or refuse on the preferences page."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class EmailTemplate(models.Model):
    """A mail under a name; what it says is in its current version."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    topic = models.ForeignKey(
        Topic, models.PROTECT, null=True, blank=True, related_name="templates"
    )
    current = models.ForeignKey(
        "TemplateVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """Subject and body in Liquid, as saved once; never changed after."""

    template = models.ForeignKey(EmailTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=300)
    preheader = models.CharField(max_length=300, blank=True)
    html = models.TextField()
    text = models.TextField(blank=True)  # empty: written from the HTML
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
