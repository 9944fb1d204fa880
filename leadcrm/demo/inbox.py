"""Captures that wait for a person: adverts, a misspelt address, answers under odd names."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from leads import capture
from leads.capture import reconciling, reviewing
from leads.models import Form

FORM = "application/x-www-form-urlencoded"
# minutes ago, what was sent
WAITING = (
    (
        190,
        {
            "first_name": "Mike",
            "email": "mike@rankfast.example",
            "message": "We bring you to the first page of Google with quality backlinks: "
            "http://rankfast.example http://rankfast.example/buy",
            "lc_confirm": "yes",
        },
    ),
    (
        95,
        {
            "first_name": "xKjQwZpTrLm",
            "last_name": "QzWvBnTrKpL",
            "email": "qzwv@mailinator.com",
            "message": "www.a.example www.b.example www.c.example",
        },
    ),
    (48, {"wie": "Femke Visser", "wohin": "femke.visser@delta-plants.example", "wozu": "Rooster"}),
    (31, {"email": "tomas.novak@bohemia-care", "message": "Can you plan three clinics?"}),
    (12, {"message": "How much is it for a bakery with two shops?"}),
)


def load_waiting(*, now: datetime) -> None:
    form = Form.objects.select_related("published").get(slug="book-a-demo")
    for minutes, answers in WAITING:
        arrival = capture.Arrival(
            door=f"form:{form.pk}",
            body=urlencode(answers).encode(),
            content_type=FORM,
            path=f"/f/{form.slug}/",
            headers={"User-Agent": "Mozilla/5.0"},
            remote_address="192.0.2.0",
            source_id=form.source_id,
            form_version_id=form.published_id,
        )
        stored = capture.store(arrival, at=now - timedelta(minutes=minutes))
        reviewing.process_again(stored.item.pk)
    reconciling.reconcile(at=now)
