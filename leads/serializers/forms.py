from typing import Any

from rest_framework import serializers

from leads.models import Form


class FormSerializer(serializers.Serializer[Form]):
    """A form with what its published version asks; without one it is closed."""

    id = serializers.SlugField(source="slug")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Form.Kind.choices)
    source = serializers.SlugField(source="source.key")
    is_published = serializers.BooleanField()
    version = serializers.IntegerField(source="published.number", allow_null=True, default=None)
    title = serializers.CharField(source="published.title", default="")
    questions = serializers.ListField(
        source="published.fields",
        child=serializers.DictField(child=serializers.JSONField()),
        default=[],
        help_text="key, label, type, required, options and what each saves to.",
    )
    consent_text = serializers.CharField(source="published.consent_text", default="")
    allowed_origins = serializers.ListField(child=serializers.CharField())
    url = serializers.SerializerMethodField(help_text="The path of its page.")
    created_at = serializers.DateTimeField()

    def get_url(self, form: Form) -> str:
        return f"/f/{form.slug}/"


class FormPageSerializer(serializers.Serializer[Any]):
    results = FormSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
