from typing import Any

from rest_framework import serializers

from leads.models import InboxItem


class CaptureSerializer(serializers.Serializer[Any]):
    """What a website or a server sends for one person. Unknown fields are kept, not refused."""

    form = serializers.SlugField(required=False, help_text="The slug of a form.")
    source = serializers.SlugField(
        required=False, help_text="The key of a source; without form and source it is “api”."
    )
    fields = serializers.DictField(
        child=serializers.JSONField(),
        help_text="Answers by name: email, first_name, last_name, name, phone, company, job_title, "
        "message … and any others. `bant` holds answers by dimension.",
    )
    context = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text="page_url, referrer, landing_page, visitor, utm_source … and click ids.",
    )
    consent = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text="By purpose (marketing_email, tracking, phone): true, false, or "
        "{“granted”: true, “wording”: “the words that were shown”}.",
    )
    submitted_at = serializers.DateTimeField(required=False)
    is_test = serializers.BooleanField(required=False, default=False)


class ReceiptSerializer(serializers.Serializer[Any]):
    receipt_id = serializers.UUIDField()
    status_url = serializers.URLField()
    state = serializers.ChoiceField(choices=InboxItem.State.choices)


class CaptureStateSerializer(serializers.Serializer[Any]):
    receipt_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=InboxItem.State.choices)
    lead = serializers.CharField(allow_null=True, help_text="The lead's id once it is applied.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it waits or was set aside.")
