"""From a file to leads: matched, written in bulk, announced without a flood, and taken back."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from leadcrm.accounts.models import Notification, Role, User
from leadcrm.eventlog.models import DomainEvent, EventDelivery
from leadcrm.lib import pump
from leads import actions
from leads.importing import reading, steering
from leads.importing.options import Options
from leads.models import Activity, Company, Consent, ImportChunk, ImportRow, Lead, LeadIdentifier
from nurturing.models import Enrollment
from pipeline import queries as pipeline_queries
from pipeline.models import Assignment, ResponseClock, SalesCycle
from scoring.defaults import ensure_default_model
from tests.factories import LeadFactory, UserFactory, make_funnel
from tests.leads.importing.files import (
    PEOPLE,
    checked,
    drain,
    imported,
    outcomes,
    reasons,
    taken,
    undone,
    workbook,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer() -> User:
    make_funnel()
    ensure_default_model()
    return UserFactory(name="Emil Eco", role=Role.MARKETER)


class TestNewLeads:
    def test_come_with_all_that_a_lead_has(self, marketer: User) -> None:
        job = imported(PEOPLE, user=marketer, tags=["Expo"])

        alice = Lead.objects.get(email="alice@kestrel.example")
        assert job.state == "done"
        assert job.counts == {"created": 3}
        assert (alice.first_name, alice.phone, alice.country) == ("Alice", "+31105550142", "NL")
        assert alice.company == Company.objects.get(domain="kestrel.example")
        assert alice.score_row.computed_at is not None
        assert [tag.name for tag in alice.tags.all()] == ["Expo"]
        assert set(alice.identifiers.values_list("kind", "value")) == {
            ("email", "alice@kestrel.example"),
            ("phone", "+31105550142"),
        }
        assert alice.touches.get().channel == "import"
        assert Activity.objects.get(lead=alice, type="lead_imported").properties["line"] == 2

    def test_enter_the_first_stage_and_wait_in_the_queue(self, marketer: User) -> None:
        imported(PEOPLE, user=marketer)

        lead = Lead.objects.get(email="bob@marlow.example")
        assert lead.stage is not None
        assert lead.stage.key == "new"
        assert lead.owner is None
        assert lead.team is not None
        assert SalesCycle.objects.get(lead=lead).is_open
        assert Assignment.objects.get(lead=lead).owner is None
        assert pipeline_queries.breaches() == {}

    def test_start_no_clock_and_no_drip_unless_asked(self, marketer: User) -> None:
        imported(PEOPLE, user=marketer)

        assert not ResponseClock.objects.exists()
        assert not Enrollment.objects.exists()

    def test_start_clocks_where_asked(self, marketer: User) -> None:
        imported(PEOPLE, user=marketer, clocks=True)

        assert ResponseClock.objects.count() == 3
        assert Lead.objects.exclude(response_due_at=None).count() == 3

    def test_go_to_the_person_chosen_who_is_told_once(self, marketer: User) -> None:
        alice = UserFactory(name="Alice Archer")

        imported(PEOPLE, user=marketer, owner="person", owner_id=alice.pk)

        assert Lead.objects.filter(owner=alice).count() == 3
        assert Notification.objects.filter(user=alice).count() == 1

    def test_are_routed_by_the_rules_where_asked(self, marketer: User) -> None:
        alice = UserFactory(name="Alice Archer")

        imported(PEOPLE, user=marketer, owner="route")

        assert Lead.objects.filter(owner=alice).count() == 3
        assert pipeline_queries.breaches() == {}

    def test_go_to_the_owner_and_stage_that_their_row_names(self, marketer: User) -> None:
        alice = UserFactory(name="Alice Archer", email="alice@marlow.example")

        imported(
            "Name,E-mail,Owner,Stage\n"
            "Dora Dahl,dora@x.example,Alice Archer,Contacted\n"
            "Emil Eco,emil@x.example,alice@marlow.example,SQL\n",
            user=marketer,
        )

        dora, emil = Lead.objects.order_by("email").select_related("stage")
        assert (dora.owner, dora.stage.key) == (alice, "contacted")
        assert (emil.owner, emil.stage.key) == (alice, "sql")
        assert SalesCycle.objects.get(lead=emil).sql_at is not None

    def test_may_stay_out_of_the_funnel(self, marketer: User) -> None:
        imported(PEOPLE, user=marketer, funnel=False)

        assert not SalesCycle.objects.exists()
        assert Lead.objects.filter(stage=None, owner=None).count() == 3

    def test_are_announced_by_one_event_for_all(self, marketer: User) -> None:
        imported(PEOPLE, user=marketer)

        assert DomainEvent.objects.filter(name="leads.imported").count() == 1
        assert not DomainEvent.objects.filter(name="lead.created").exists()
        assert EventDelivery.objects.count() == 1

    def test_agree_to_the_words_that_everybody_agreed_to(self, marketer: User) -> None:
        imported(
            "E-mail,Toestemming\na@x.example,ja\nb@x.example,nee\nc@x.example,\n",
            user=marketer,
            consent="Tick here for tips by e-mail.",
        )

        granted = Consent.objects.filter(granted=True).values_list("lead__email", flat=True)
        assert set(granted) == {"a@x.example", "c@x.example"}
        assert {c.wording for c in Consent.objects.all()} == {"Tick here for tips by e-mail."}
        assert not Consent.objects.filter(granted=False).exists()


class TestKnownLeads:
    def test_get_what_they_lack_and_keep_the_rest(self, marketer: User) -> None:
        lead = LeadFactory(email="Alice@kestrel.example", first_name="Al", job_title="", phone="")

        job = imported(PEOPLE, user=marketer)

        lead.refresh_from_db()
        assert job.counts == {"created": 2, "updated": 1}
        assert (lead.first_name, lead.job_title, lead.phone) == ("Al", "Planner", "+31105550142")
        assert lead.version == 2

    def test_get_what_the_file_says_where_asked(self, marketer: User) -> None:
        lead = LeadFactory(email="alice@kestrel.example", first_name="Al", city="Utrecht")

        imported(PEOPLE, user=marketer, existing="replace")

        lead.refresh_from_db()
        assert (lead.first_name, lead.city) == ("Alice", "Utrecht")

    def test_are_left_alone_where_asked(self, marketer: User) -> None:
        LeadFactory(email="alice@kestrel.example", job_title="")

        job = imported(PEOPLE, user=marketer, existing="skip")

        assert job.counts == {"created": 2, "skipped": 1}
        assert Lead.objects.get(email="alice@kestrel.example").job_title == ""

    def test_may_be_the_only_ones_that_change(self, marketer: User) -> None:
        LeadFactory(email="alice@kestrel.example", job_title="")

        job = imported(PEOPLE, user=marketer, create=False)

        assert job.counts == {"updated": 1, "skipped": 2}
        assert Lead.objects.count() == 1

    def test_are_found_by_the_id_of_another_system(self, marketer: User) -> None:
        imported("Name,External id\nAlice Archer,42\n", user=marketer)

        job = imported("Name,External id,City\nAlice Archer,42,Utrecht\n", user=marketer)

        assert job.counts == {"updated": 1}
        assert Lead.objects.get().city == "Utrecht"

    def test_are_found_by_phone_where_asked(self, marketer: User) -> None:
        imported("Name,Phone\nAlice Archer,+31 10 555 0142\n", user=marketer)

        job = imported(
            "Name,Phone,City\nAlice Archer,010 555 0142,Utrecht\n",
            user=marketer,
            match_by=["email", "phone"],
            country="NL",
        )

        assert job.counts == {"updated": 1}

    def test_of_two_with_one_number_none_is_chosen(self, marketer: User) -> None:
        imported("Name,Phone\nAlice Archer,+31105550142\nBob Baker,+31105550142\n", user=marketer)

        job = checked(
            "Name,Phone\nA. Archer,+31105550142\n", user=marketer, match_by=["email", "phone"]
        )

        assert "Several leads have this phone number" in reasons(job)[2]

    def test_whom_a_manager_may_not_see_are_neither_changed_nor_told(self) -> None:
        make_funnel()
        manager = UserFactory(role=Role.MANAGER)
        LeadFactory(email="alice@kestrel.example", first_name="Secret", job_title="")

        job = imported(PEOPLE, user=manager)

        assert job.counts == {"created": 2, "invalid": 1}
        assert "you may not see" in reasons(job)[2]
        assert "Secret" not in reasons(job)[2]
        assert Lead.objects.get(email="alice@kestrel.example").job_title == ""

    def test_who_withdrew_stay_withdrawn(self, marketer: User) -> None:
        lead = LeadFactory(email="a@x.example")
        actions.record_consent(lead.pk, "marketing_email", granted=True, at=timezone.now())
        actions.record_consent(lead.pk, "marketing_email", granted=False, at=timezone.now())

        imported("E-mail,Consent\na@x.example,yes\n", user=marketer, consent="Tips")

        assert not Consent.objects.filter(lead=lead).order_by("-pk")[0].granted

    def test_are_withdrawn_by_a_no(self, marketer: User) -> None:
        lead = LeadFactory(email="a@x.example")
        actions.record_consent(lead.pk, "marketing_email", granted=True, at=timezone.now())

        imported("E-mail,Consent\na@x.example,no\n", user=marketer)

        assert not Consent.objects.filter(lead=lead).order_by("-pk")[0].granted

    def test_with_two_leads_in_one_row_are_told(self, marketer: User) -> None:
        imported("Name,External id\nAlice Archer,42\n", user=marketer)
        LeadFactory(email="bob@x.example", first_name="Bob", last_name="Baker")

        job = checked("E-mail,External id\nbob@x.example,42\n", user=marketer)

        assert "belong to two leads, Alice Archer and Bob Baker" in reasons(job)[2]


class TestDryRun:
    def test_tells_every_row_and_writes_nothing(self, marketer: User) -> None:
        LeadFactory(email="b@x.example", job_title="")

        job = checked(
            "Name,E-mail,Job title\n"
            "Alice Archer,a@x.example,Planner\n"
            "Bob Baker,b@x.example,Planner\n"
            "Alice A.,A@X.example,\n"
            "Karel Hendriks,k.hendriks@,\n"
            ",,Planner\n",
            user=marketer,
        )

        assert job.state == "checked"
        assert outcomes(job) == {
            2: "created",
            3: "updated",
            4: "duplicate",
            5: "invalid",
            6: "invalid",
        }
        assert reasons(job)[3] == "Job title"
        assert reasons(job)[4] == "Same e-mail address as line 2. The first one counts."
        assert reasons(job)[5].startswith("“k.hendriks@” in “E-mail”: This is no e-mail address.")
        assert reasons(job)[6] == "No name, e-mail address or phone number: nobody to import."
        assert Lead.objects.count() == 1
        assert Lead.objects.get().job_title == ""

    def test_may_be_repeated_with_other_columns(self, marketer: User) -> None:
        job = checked(PEOPLE, user=marketer)
        mapping = ["", "", "email", "", "", "", ""]

        steering.start_check(job.pk, mapping=mapping, options=Options(), at=timezone.now())
        pump.run_all()
        steering.start(job.pk, at=timezone.now())
        pump.run_all()

        assert set(Lead.objects.values_list("first_name", "phone")) == {("", "")}

    def test_notices_who_came_in_since(self, marketer: User) -> None:
        job = checked(PEOPLE, user=marketer)
        LeadFactory(email="alice@kestrel.example", job_title="")

        steering.start(job.pk, at=timezone.now())
        pump.run_all()

        job.refresh_from_db()
        assert job.counts == {"created": 2, "updated": 1}


class TestWorkbooks:
    def test_say_which_formula_has_no_result_where_its_column_is_imported(
        self, marketer: User
    ) -> None:
        rows = [
            ["First name", "E-mail", "Checksum"],
            ["Alice", '=A2&"@kestrel.example"', 1],
            ["Bob", "bob@marlow.example", "=1+1"],
            ["#REF!", "charlie@heron.example", 3],
        ]

        job = checked(workbook(rows), user=marketer, mapping=["first_name", "email", ""])

        assert outcomes(job) == {2: "invalid", 3: "created", 4: "invalid"}
        assert "“E-mail” holds the formula =A2&" in reasons(job)[2]
        assert "Open it in Excel, save it" in reasons(job)[2]
        assert "“First name” holds #REF!" in reasons(job)[4]


class TestUndo:
    def test_takes_new_leads_away_so_that_the_file_can_come_again(self, marketer: User) -> None:
        job = undone(imported(PEOPLE, user=marketer))

        assert job.state == "undone"
        assert not Lead.objects.live().exists()
        assert not LeadIdentifier.objects.exists()
        assert imported(PEOPLE, user=marketer).counts == {"created": 3}

    def test_gives_changed_values_back(self, marketer: User) -> None:
        lead = LeadFactory(email="alice@kestrel.example", first_name="Al", job_title="Boss")
        before = Lead.objects.filter(pk=lead.pk).values().get()

        job = imported(PEOPLE, user=marketer, existing="replace", tags=["Expo"])
        undone(job)

        after = Lead.objects.filter(pk=lead.pk).values().get()
        changing = ("version", "updated_at")
        assert {k: v for k, v in after.items() if k not in changing} == {
            k: v for k, v in before.items() if k not in changing
        }
        assert not lead.tags.exists()
        assert not LeadIdentifier.objects.filter(lead=lead, kind="phone").exists()

    def test_keeps_what_people_changed_since_and_says_so(self, marketer: User) -> None:
        lead = LeadFactory(email="alice@kestrel.example", first_name="Al", job_title="")
        job = imported(PEOPLE, user=marketer, existing="replace")
        actions.update_lead(lead.pk, {"first_name": "Alison"}, at=timezone.now(), user=marketer)

        undone(job)

        lead.refresh_from_db()
        row = ImportRow.objects.get(job=job, lead=lead)
        assert (lead.first_name, lead.job_title) == ("Alison", "")
        assert (row.undone, row.reason) == ("partly", "Kept: first name, changed since.")

    def test_keeps_new_leads_that_somebody_worked_with(self, marketer: User) -> None:
        job = imported(PEOPLE, user=marketer)
        lead = Lead.objects.get(email="alice@kestrel.example")
        actions.record_activity(lead.pk, "call_connected", at=timezone.now(), user=marketer)

        undone(job)

        assert list(Lead.objects.live()) == [lead]
        assert ImportRow.objects.get(lead=lead).undone == "kept"

    def test_takes_companies_away_that_nobody_else_uses(self, marketer: User) -> None:
        Company.objects.create(name="Marlow")
        job = imported(PEOPLE, user=marketer)
        heron = Company.objects.get(name="Heron")
        LeadFactory(company=heron, company_name="Heron")

        undone(job)

        assert set(Company.objects.values_list("name", flat=True)) == {"Marlow", "Heron"}

    def test_twice_changes_nothing_more(self, marketer: User) -> None:
        job = undone(imported(PEOPLE, user=marketer))
        marks = list(ImportRow.objects.values_list("line", "undone", "reason"))

        undone(job)

        assert list(ImportRow.objects.values_list("line", "undone", "reason")) == marks


class TestPausing:
    def test_goes_on_where_it_stopped(self, marketer: User) -> None:
        job = checked(PEOPLE, user=marketer)
        steering.start(job.pk, at=timezone.now())

        steering.pause(job.pk)
        pump.run_all()
        assert not Lead.objects.exists()
        steering.resume(job.pk)
        pump.run_all()

        job.refresh_from_db()
        assert (job.state, Lead.objects.count()) == ("done", 3)

    def test_for_good_keeps_what_is_in_and_lets_it_be_undone(
        self, marketer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "CHUNK_ROWS", 100)
        job = checked(lines(150), user=marketer)
        steering.start(job.pk, at=timezone.now())
        steering.drain_chunks()

        steering.cancel(job.pk, at=timezone.now())
        pump.run_all()
        assert Lead.objects.live().count() == 100
        undone(job)

        assert not Lead.objects.live().exists()


def lines(number: int) -> str:
    rows = (f"Alice {n},alice{n}@kestrel.example" for n in range(number))
    return "\n".join(["Name,E-mail", *rows])


class TestTwoWorkers:
    def test_one_that_lost_its_lease_writes_nothing(self, marketer: User) -> None:
        job = checked(PEOPLE, user=marketer)
        steering.start(job.pk, at=timezone.now())
        slow = pump.claim(ImportChunk, limit=1)
        ImportChunk.objects.update(due_at=timezone.now() - timezone.timedelta(minutes=1))

        pump.run_all()
        steering._work_on(slow.items[0], slow.token)

        assert Lead.objects.count() == 3
        job.refresh_from_db()
        assert job.counts == {"created": 3}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestKilled:
    def test_in_the_middle_it_ends_with_each_row_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "CHUNK_ROWS", 100)
        make_funnel()
        job = taken(lines(250), user=UserFactory(role=Role.MARKETER))
        steering.start_check(job.pk, mapping=job.mapping, options=Options(), at=timezone.now())
        pump.run_all()
        steering.start(job.pk, at=timezone.now())

        work_until_killed()
        assert Lead.objects.count() == 100
        assert ImportChunk.objects.filter(job=job, step="applied").count() == 1
        ImportChunk.objects.filter(lease_token__isnull=False).update(due_at=timezone.now())
        pump.run_all()

        job.refresh_from_db()
        assert (job.state, job.counts) == ("done", {"created": 250})
        assert Lead.objects.count() == 250
        assert LeadIdentifier.objects.count() == 250
        assert SalesCycle.objects.count() == 250

    def test_at_each_step_and_in_its_undo_it_leaves_nothing_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "CHUNK_ROWS", 20)
        make_funnel()
        job = taken(lines(50), user=UserFactory(role=Role.MARKETER))

        steering.start_check(job.pk, mapping=job.mapping, options=Options(), at=timezone.now())
        work_until_killed("check")
        assert ImportRow.objects.filter(job=job).count() == 20
        come_to_life()
        assert dict(ImportRow.objects.values_list("outcome").annotate(Count("pk"))) == {
            "created": 50
        }

        steering.start(job.pk, at=timezone.now())
        work_until_killed("apply")
        come_to_life()
        assert Lead.objects.live().count() == 50

        steering.start_undo(job.pk, at=timezone.now())
        work_until_killed("undo")
        assert Lead.objects.live().count() == 30
        come_to_life()
        job.refresh_from_db()
        assert (job.state, job.counts["undone"]) == ("undone", 50)
        assert not Lead.objects.live().exists()
        assert not LeadIdentifier.objects.exists()


KILLED = """
import os, signal, sys, django
django.setup()
from leads.importing import steering
work, calls = getattr(steering, sys.argv[1]), []
def killed(*args, **named):
    counts = work(*args, **named)
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return counts
setattr(steering, sys.argv[1], killed)
while steering.drain_jobs() + steering.drain_chunks():
    pass
"""


def come_to_life() -> None:
    """The lease of the killed worker has run out."""
    ImportChunk.objects.filter(lease_token__isnull=False).update(due_at=timezone.now())
    drain()


def work_until_killed(step: str = "apply") -> None:
    """Another process works on one chunk, then on the second, and is killed before it commits."""
    url = url_of(connection.settings_dict["NAME"])
    worker = subprocess.run(
        [sys.executable, "-c", KILLED, step],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "leadcrm.settings", "DATABASE_URL": url},
        cwd=settings.BASE_DIR,
        capture_output=True,
        check=False,
    )
    assert worker.returncode == -signal.SIGKILL, worker.stderr.decode()[-2000:]


def url_of(database: str) -> str:
    found = connection.settings_dict
    password = f":{found['PASSWORD']}" if found["PASSWORD"] else ""
    host = f"{found['HOST']}:{found['PORT'] or 5432}"
    return f"postgres://{found['USER']}{password}@{host}/{database}"
