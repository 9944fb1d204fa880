"""The demo company: the same for everybody, and in agreement with itself."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from leadcrm.demo import bulk, rebuilding
from leadcrm.demo.actions import load_demo
from leadcrm.demo.story import stories
from leadcrm.lib import pump, tasks
from leads.models import Activity, Form, Lead, LeadIdentifier, LeadScore
from leads.queries.forms import stats_of
from pipeline import facts
from pipeline.models import ChangedLead, ResponseClock, SalesCycle, Transition
from tests.factories import LeadFactory, UserFactory, make_funnel

NOW = datetime(2026, 11, 19, 10, 42, tzinfo=UTC)


class TestStories:
    def test_are_the_same_for_the_same_seed(self) -> None:
        first = list(stories(count=80, seed=5, now=NOW))
        second = list(stories(count=80, seed=5, now=NOW))
        other = list(stories(count=80, seed=6, now=NOW))

        assert first == second
        assert first != other

    def test_never_happen_in_the_future_or_out_of_order(self) -> None:
        for story in stories(count=400, seed=7, now=NOW):
            moments = [at for _, at in story.path]
            assert moments == sorted(moments)
            assert moments[-1] <= NOW
            assert story.responded_at is None or story.responded_at >= story.created_at


@pytest.mark.django_db
class TestLoading:
    def test_every_ledger_agrees_with_the_present(self) -> None:
        leads = load_demo(count=150, seed=3, now=NOW)

        assert Lead.objects.count() == len(leads) > 120
        assert LeadScore.objects.count() == len(leads)
        assert SalesCycle.objects.count() == len(leads)
        for lead in Lead.objects.select_related("stage"):
            last = lead.transitions.order_by("-at", "-pk").first()
            assert last is not None
            assert last.to_stage == lead.stage
        open_leads = set(Lead.objects.open().values_list("pk", flat=True))
        open_cycles = set(SalesCycle.objects.filter(closed_at=None).values_list("lead", flat=True))
        assert open_leads == open_cycles
        assert not ResponseClock.objects.filter(first_response_at__lt=F("started_at")).exists()
        for form in Form.objects.all():
            stats = stats_of(form, since=(NOW - timedelta(days=29)).date(), until=NOW.date())
            assert stats.views >= stats.starts >= stats.submissions
            assert all(field.filled + field.left <= stats.starts for field in stats.fields)

    def test_the_person_of_the_tour_waits_for_a_reply(self) -> None:
        load_demo(count=60, seed=3, now=NOW)

        priya = Lead.objects.get(email="priya.raman@kestrel-logistics.example")

        assert priya.owner is not None
        assert priya.owner.email == "rep@example.com"
        assert priya.responded_at is None
        assert round((priya.response_due_at - NOW).total_seconds() / 60) == 12

    def test_is_refused_where_it_would_open_a_door(self, settings: object) -> None:
        settings.DEMO = False  # type: ignore[attr-defined]

        with pytest.raises(CommandError, match="known password"):
            call_command("demo")

    def test_is_refused_where_there_are_leads(self, settings: object) -> None:
        settings.DEMO = True  # type: ignore[attr-defined]
        LeadFactory()

        with pytest.raises(CommandError, match="empty installation"):
            call_command("demo")


@pytest.mark.django_db(transaction=True)
class TestGenerating:
    @pytest.fixture(autouse=True)
    def _funnel(self) -> None:
        make_funnel()

    def test_makes_the_asked_number_and_puts_every_index_back(self) -> None:
        before = indexes()

        bulk.generate(leads=300, activities=900, seed=1, now=NOW)
        bulk.generate(leads=100, activities=100, seed=2, now=NOW)

        assert Lead.objects.count() == 400
        assert Activity.objects.count() == 1000
        assert LeadIdentifier.objects.count() == 400
        assert SalesCycle.objects.count() == 400
        assert Transition.objects.exists()
        assert indexes() == before

    def test_keeps_every_rule_the_audit_knows(self) -> None:
        UserFactory(role="rep")
        out = StringIO()

        call_command("generate", leads=3000, activities=3000, stdout=StringIO())
        call_command("audit", stdout=out)

        assert "rules hold" in out.getvalue()

    def test_points_to_rows_that_exist(self) -> None:
        bulk.generate(leads=300, activities=300, seed=1, now=NOW)

        assert [reference for reference in references() if points_nowhere(*reference)] == []

    def test_repairs_what_an_interrupted_run_dropped(self) -> None:
        before = indexes()
        rebuilding.note_and_drop(list(bulk.TABLES))
        assert indexes() != before

        bulk.generate(leads=10, activities=10, seed=1, now=NOW)

        assert indexes() == before

    def test_workers_rest_meanwhile_and_go_on_afterwards(self) -> None:
        ChangedLead.objects.create(lead_id=1)

        with pump.at_rest():
            tasks.pump(facts.QUEUE)
            assert ChangedLead.objects.exists()

        tasks.pump(facts.QUEUE)
        assert not ChangedLead.objects.exists()

    def test_people_can_go_on_working_afterwards(self) -> None:
        bulk.generate(leads=10, activities=0, seed=1, now=NOW)

        lead = LeadFactory()

        assert lead.pk == Lead.objects.count()


def indexes() -> set[str]:
    """All of them; conditions left out, because PostgreSQL words them anew each time."""
    return set(
        rebuilding.column(
            "SELECT split_part(indexdef, ' WHERE ', 1) FROM pg_indexes WHERE schemaname = 'public' "
            "UNION ALL SELECT conrelid::regclass || ' ' || conname FROM pg_constraint"
        )
    )


def references() -> list[tuple[str, str, str, str]]:
    """Table, column, table it points to, column there: of every foreign key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, a.attname, confrelid::regclass::text, b.attname "
            "FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] "
            "JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1] "
            "WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
        )
        return cursor.fetchall()


def points_nowhere(table: str, column: str, target: str, key: str) -> bool:
    question = (
        f"SELECT EXISTS (SELECT FROM {table} t WHERE {column} IS NOT NULL "  # noqa: S608
        f"AND NOT EXISTS (SELECT FROM {target} WHERE {key} = t.{column}))"
    )
    return bool(rebuilding.column(question)[0])
