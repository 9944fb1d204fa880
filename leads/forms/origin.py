"""How somebody entered by hand came: the channel, the event, who sent them."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from leadcrm.lib import normalise
from leads.actions.inquiries import state_origin
from leads.attribution import channels
from leads.models import Lead


class OriginForm(forms.Form):
    """Everything may be left out."""

    came_by = forms.ChoiceField(required=False, label="Came by")
    event = forms.CharField(
        max_length=100,
        required=False,
        label="Event or campaign",
        help_text="Such as the trade fair where you met.",
    )
    referred_by = forms.CharField(
        max_length=254, required=False, label="Sent by", help_text="The e-mail address of a lead."
    )

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self.user = user
        field = self.fields["came_by"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells the types
        field.choices = [("", "Not known"), *channels.offered_choices()]

    def clean_event(self) -> str:
        return normalise.clean_text(self.cleaned_data["event"], limit=100)

    def clean_referred_by(self) -> Lead | None:
        said = self.cleaned_data["referred_by"]
        if not said:
            return None
        email = normalise.email(said)
        seen = Lead.objects.visible_to(self.user)
        found = seen.filter(email__iexact=email.address).first() if email else None
        if found is None:
            raise ValidationError("You see no lead with this address.")
        return found

    def keep(self, lead: Lead, *, at: datetime) -> None:
        data = self.cleaned_data
        state_origin(
            lead.pk,
            channel=data["came_by"],
            campaign=data["event"],
            referred_by=data["referred_by"],
            at=at,
        )
