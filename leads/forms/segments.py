"""Naming a segment; its conditions are the builder's."""

from django import forms

from leads.actions.segments import DESCRIPTION_LIMIT, NAME_LIMIT
from leads.models import Segment


class SegmentForm(forms.Form):
    name = forms.CharField(max_length=NAME_LIMIT)
    description = forms.CharField(
        max_length=DESCRIPTION_LIMIT, required=False, label="What it is for"
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class NewSegmentForm(SegmentForm):
    kind = forms.ChoiceField(
        choices=Segment.Kind.choices, initial=Segment.Kind.LIVE, label="Membership"
    )
