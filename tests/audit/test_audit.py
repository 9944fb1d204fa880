"""`manage.py audit` is quiet when all is well, and names what is not."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from leadcrm.demo.actions import load_demo
from leads.models import Lead, LeadScore
from tests.factories import LeadFactory

pytestmark = pytest.mark.django_db


def audit() -> str:
    out = StringIO()
    call_command("audit", stdout=out)
    return out.getvalue()


def test_the_demo_company_breaks_no_rule() -> None:
    load_demo(count=120, seed=11, now=timezone.now())

    assert "rules hold" in audit()


def test_an_empty_installation_breaks_no_rule() -> None:
    assert "rules hold" in audit()


def test_a_score_nobody_can_explain_is_named() -> None:
    lead = LeadFactory()
    LeadScore.objects.filter(lead=lead).update(score=77, computed_at=timezone.now())

    with pytest.raises(CommandError, match="rules are broken"):
        call_command("audit", stdout=(out := StringIO()))

    assert f"{lead.public_id} (shown 77)" in out.getvalue()


def test_a_lead_without_its_score_row_is_named() -> None:
    lead = Lead.objects.create(first_name="Priya")

    with pytest.raises(CommandError, match="rules are broken"):
        call_command("audit", stdout=(out := StringIO()))

    assert lead.public_id in out.getvalue()
