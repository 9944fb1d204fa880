"""The shapes of merging and duplicates, for programs."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from leads.merging.values import CUSTOM, FIELDS, LOSER, OWNER, SURVIVOR
from leads.models import DuplicateCandidate, Lead, Merge
from leads.serializers.leads import API_NAMES, KnownFieldsMixin, LeadSerializer

WHOSE = {"this": SURVIVOR, "other": LOSER}


class MergeInput(KnownFieldsMixin, serializers.Serializer[Any]):
    """`lead` becomes part of the lead of the address."""

    lead = serializers.CharField(max_length=40, help_text="The id of the lead that goes into this.")
    keep = serializers.DictField(
        child=serializers.ChoiceField(choices=["this", "other"]),
        required=False,
        help_text="Whose value stays, by field: `this` or `other`. Without it this lead's, where "
        "it has one. `custom.<key>` and `owner` are fields, too.",
    )
    dry_run = serializers.BooleanField(required=False, help_text="Only say what would happen.")

    def validate_keep(self, keep: dict[str, str]) -> dict[str, str]:
        named = {API_NAMES.get(name, name): WHOSE[whose] for name, whose in keep.items()}
        unknown = [
            name
            for name in named
            if name not in FIELDS and name != OWNER and not name.startswith(CUSTOM)
        ]
        if unknown:
            raise serializers.ValidationError(f"There is no field “{unknown[0][:60]}” to keep.")
        return named


class UnmergeInput(KnownFieldsMixin, serializers.Serializer[Any]):
    lead = serializers.CharField(
        max_length=40,
        required=False,
        help_text="The id of the merged lead; not needed when the address names it.",
    )
    dry_run = serializers.BooleanField(required=False, help_text="Only say what would happen.")


class MovedSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    count = serializers.IntegerField()


class FieldOutcomeSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    this = serializers.JSONField(allow_null=True)
    other = serializers.JSONField(allow_null=True)
    kept = serializers.ChoiceField(choices=["this", "other"])


class MergeAnswerSerializer(serializers.Serializer[Any]):
    """`merge` is empty after a dry run."""

    merge = serializers.IntegerField(allow_null=True)
    dry_run = serializers.BooleanField()
    lead = LeadSerializer()
    merged = serializers.CharField(help_text="The id that leads to this lead from now on.")
    moved = MovedSerializer(many=True)
    values = FieldOutcomeSerializer(many=True)


class UnmergeAnswerSerializer(serializers.Serializer[Any]):
    """Rows counted in words, such as “3 inquiries”."""

    dry_run = serializers.BooleanField()
    lead = serializers.CharField()
    unmerged = serializers.CharField()
    back = serializers.ListField(child=serializers.CharField())
    later = serializers.ListField(child=serializers.CharField())
    stays = serializers.ListField(child=serializers.CharField())
    changed_since = serializers.ListField(child=serializers.CharField())


class MergedSerializer(serializers.Serializer[Any]):
    merge = serializers.IntegerField()
    lead = serializers.CharField()
    name = serializers.CharField()
    merged_at = serializers.DateTimeField()
    merged_by = serializers.CharField(allow_null=True)


class MergedListSerializer(serializers.Serializer[Any]):
    results = MergedSerializer(many=True)


def merged_shape(merge: Merge) -> dict[str, Any]:
    return {
        "merge": merge.pk,
        "lead": merge.loser.public_id,
        "name": merge.loser.name,
        "merged_at": merge.merged_at,
        "merged_by": str(merge.merged_by) if merge.merged_by else None,
    }


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()


class TwinSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    company = serializers.CharField(allow_blank=True)


class DuplicateSerializer(serializers.Serializer[Any]):
    """Two leads that may be one person."""

    id = serializers.IntegerField()
    score = serializers.IntegerField(help_text="How alike they are, of 99.")
    same = serializers.BooleanField(help_text="Sure enough to be merged in bulk.")
    state = serializers.ChoiceField(choices=DuplicateCandidate.State.choices)
    reasons = ReasonSerializer(many=True)
    leads = TwinSerializer(many=True)
    found_at = serializers.DateTimeField()


class DuplicatePageSerializer(serializers.Serializer[Any]):
    results = DuplicateSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class DuplicateInput(KnownFieldsMixin, serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["open", "dismissed"])


def duplicate_shape(row: DuplicateCandidate) -> dict[str, Any]:
    return {
        "id": row.pk,
        "score": row.score,
        "same": row.is_same,
        "state": row.state,
        "reasons": [{"code": each["code"], "words": each["words"]} for each in row.reasons],
        "leads": [twin_shape(row.lead_a), twin_shape(row.lead_b)],
        "found_at": row.found_at,
    }


def twin_shape(lead: Lead) -> dict[str, Any]:
    return {
        "id": lead.public_id,
        "name": lead.name,
        "email": lead.email,
        "phone": lead.phone,
        "company": lead.company_name,
    }


def moved_shape(counts: Mapping[str, int], names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"what": names[key], "count": n} for key, n in counts.items() if key in names]
