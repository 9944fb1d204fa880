from datetime import timedelta
from decimal import Decimal

import pytest

from leads.models import Lead
from pipeline import actions, queries
from tests.factories import NOON, UserFactory, make_funnel
from tests.pipeline.factories import open_lead

pytestmark = pytest.mark.django_db


class TestWhatMustNeverBeSo:
    def test_is_not_so_after_a_lead_has_been_through_everything(self) -> None:
        lead, rep = open_lead(), UserFactory()
        actions.qualify(lead.pk, kind="sql", at=NOON)
        actions.route(lead.pk, at=NOON)
        actions.log_call(lead.pk, user=rep, outcome="connected", at=NOON)
        actions.decline(lead.pk, user=Lead.objects.get().owner or rep, reason="No time", at=NOON)
        later = NOON + timedelta(days=1)
        actions.move_to_stage(lead.pk, to="lost", reason="timing", at=later)
        actions.reopen_cycle(lead.pk, at=later)
        actions.move_to_stage(lead.pk, to="won", amount=Decimal(0), at=later + timedelta(days=1))

        assert queries.breaches() == {}

    def test_is_named_with_the_leads_concerned(self) -> None:
        lead = open_lead()
        Lead.objects.update(team=None, owner=UserFactory(), stage=make_funnel()["won"])

        found = queries.breaches()

        assert set(found) == {
            "The owner is the one of the current assignment",
            "The stage is the one of the last transition",
            "A lead in a closed stage has no open cycle",
        }
        assert found["The stage is the one of the last transition"] == [lead.public_id]
