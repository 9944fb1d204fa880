import pytest

from leadcrm.eventlog.models import DomainEvent
from leads.actions import record_activity
from scoring import actions, queries
from scoring.bands import BANDS
from scoring.defaults import ensure_default_model
from scoring.models import ModelVersion
from tests.factories import NOON, LeadFactory

pytestmark = pytest.mark.django_db
DIMENSIONS = ("budget", "authority", "need", "timeline")


@pytest.fixture(autouse=True)
def _starter() -> None:
    """The migration made it; tests that empty all tables may have taken it away."""
    ensure_default_model()


class TestStarterModel:
    def test_is_there_once_and_published_with_rules_inside_the_bands(self) -> None:
        ensure_default_model()

        version = ModelVersion.objects.get()
        rules = queries.rules_of(version)
        assert version.state == "published"
        assert len(rules) >= 20
        assert all(BANDS[rule.weight_class].holds(rule.points) for rule in rules)

    def test_its_rules_pass_their_own_checks(self) -> None:
        model = ModelVersion.objects.get().model
        draft = actions.create_draft(model.pk, at=NOON)

        for rule in queries.rules_of(draft):
            actions.save_rule(draft.pk, {"points": rule.points}, rule_id=rule.pk)
        actions.set_thresholds(draft.pk, {"mql": draft.mql, "sql": draft.sql, "pql": draft.pql})

    def test_one_form_alone_makes_nobody_hot(self) -> None:
        lead = LeadFactory(job_title="Head of Operations")
        record_activity(lead.pk, "form_submit", at=NOON)

        actions.rescore([lead.pk], at=NOON)

        lead.score_row.refresh_from_db()
        assert lead.score_row.temperature == "cold"

    @pytest.mark.parametrize("visit", ["pricing_view", "page_view"])
    def test_a_form_bant_and_pricing_views_make_a_lead_sales_qualified(self, visit: str) -> None:
        lead = LeadFactory(job_title="Planner")
        record_activity(lead.pk, "form_submit", at=NOON)
        for _ in range(3):
            record_activity(
                lead.pk, visit, at=NOON, properties={"url": "https://x.example/pricing"}
            )
        answers: dict[str, actions.Answer] = {key: {"level": "yes"} for key in DIMENSIONS}
        actions.answer_bant(lead.pk, answers, source="api", at=NOON)

        actions.rescore([lead.pk], at=NOON)

        lead.score_row.refresh_from_db()
        assert lead.score_row.score >= 70
        kinds = DomainEvent.objects.filter(name="lead.qualified").order_by("pk")
        assert [event.payload["kind"] for event in kinds] == ["mql", "sql"]

    def test_a_disqualified_lead_never_qualifies(self) -> None:
        lead = LeadFactory(lifecycle="disqualified")
        answers: dict[str, actions.Answer] = {key: {"level": "yes"} for key in DIMENSIONS}
        actions.answer_bant(lead.pk, answers, source="api", at=NOON)

        actions.rescore([lead.pk], at=NOON)

        assert not DomainEvent.objects.filter(name="lead.qualified").exists()
