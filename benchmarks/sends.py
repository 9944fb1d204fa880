"""Planned mails until the server accepted them, beside a bare loop of smtplib on one connection."""

import smtplib
from email.message import EmailMessage
from itertools import count

from django.conf import settings
from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, rate_of
from leads.models import Lead
from nurturing import actions, engine
from nurturing.models import DripCampaign, Send, Topic
from nurturing.sending import drain_sends

SERIAL = count()
BODY = """Hello {{ lead.first_name | default: "there" }},

[Our guide](https://marlow.example/guide) helps planners at {{ lead.company }}.
"""


def run(options: Options) -> list[Line]:
    leads = iter(
        list(
            Lead.objects.live()
            .open()
            .filter(consents__purpose="marketing_email", consents__granted=True)
            .order_by("-pk")
            .values_list("pk", flat=True)[: options.mails * options.pairs]
        )
    )
    return [
        compared(
            f"{options.mails} mails",
            lambda: product([next(leads) for _ in range(options.mails)]),
            lambda: rate_of(lambda: bare(options.mails)),
            pairs=options.pairs,
            unit="mails/s",
        )
    ]


def product(leads: list[int]) -> float:
    campaign = new_campaign()
    engine.enrol(campaign, leads, cause="manual", at=timezone.now())
    while engine.advance_due():
        pass
    rate = rate_of(lambda: sum(iter(drain_sends, 0)))
    accepted = Send.objects.filter(campaign=campaign, state=Send.State.ACCEPTED).count()
    if accepted != len(leads):
        raise SystemExit(f"{accepted} of {len(leads)} mails were accepted.")
    return rate


def new_campaign() -> DripCampaign:
    now, name = timezone.now(), f"Benchmark {next(SERIAL)}"
    topic, _ = Topic.objects.get_or_create(key="benchmark", defaults={"name": "Benchmark"})
    template = actions.create_template(name, at=now, topic=topic)
    actions.save_version(template.pk, subject="Your guide", html=BODY, at=now)
    campaign = actions.create_campaign(name, at=now, trigger={"on": "manual"})
    actions.add_email(campaign.pk, template, at=now)
    actions.publish(campaign.pk, at=now)
    return DripCampaign.objects.get(pk=campaign.pk)


def bare(mails: int) -> int:
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT) as server:
        for number in range(mails):
            message = EmailMessage()
            message["From"], message["To"] = "crm@marlow.example", f"lead{number}@example.com"
            message["Subject"] = "Your guide"
            message.set_content(BODY)
            message.add_alternative(f"<p>{BODY}</p>", subtype="html")
            server.send_message(message)
    return mails
