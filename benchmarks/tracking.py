"""What websites report: batches over HTTP beside a view of one INSERT; reading them beside SQL."""

import json
import time
import uuid
from collections.abc import Callable
from itertools import count

from django.db import connection
from psycopg2.extras import execute_values

from benchmarks import bare, servers
from benchmarks.capture import CLIENTS, Request, rush
from benchmarks.measuring import Line, Options, compared, rate_of, sql
from leadcrm.lib import pump
from leads.tracking import ingest, sites

ORIGIN = "https://benchmark.example"
EVENTS = 5  # in a batch: a page, what was on it, and how it was left
SERIAL = count()


def run(options: Options) -> list[Line]:
    sql(bare.TABLE)
    key = sites.add_site("Benchmark", origins=[ORIGIN]).key
    pump.set_nudge(lambda queue: None)
    with (
        servers.web("product", "benchmarks.settings") as product,
        servers.web("bare", "benchmarks.bare_settings") as plain,
    ):
        door = compared(
            f"batches of {EVENTS} events, {CLIENTS} clients",
            lambda: rush(product, requests(key), options.seconds),
            lambda: rush(plain, requests(key), options.seconds),
            pairs=options.pairs,
            unit="/s",
        )
    return [
        door,
        compared(
            "events read from stored batches",
            lambda: read(key, options.queue),
            lambda: insert(options.queue),
            pairs=options.pairs,
            unit="/s",
        ),
    ]


def batch(key: str) -> bytes:
    """As the script sends it."""
    now, number = time.time() * 1000, next(SERIAL)
    url = f"{ORIGIN}/page/{number % 50}"
    events = [
        {"id": uuid.uuid4().hex, "type": "page_view", "at": now, "url": url, "title": "A page"}
        for _ in range(EVENTS)
    ]
    visit = {"id": uuid.uuid4().hex, "at": now, "page": url, "referrer": "https://www.bing.com/"}
    body = {"key": key, "sent": now, "visitor": uuid.uuid4().hex, "visit": visit, "events": events}
    return json.dumps(body).encode()


def requests(key: str) -> Callable[[], Request]:
    headers = {
        "Content-Type": "text/plain",
        "Origin": ORIGIN,
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Accept-Language": "en",
    }

    def make() -> Request:
        number = next(SERIAL)
        # From many addresses: one may not send so much.
        source = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return "/t/", batch(key), {**headers, "X-Forwarded-For": source}

    return make


def read(key: str, events: int) -> float:
    clear()
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "INSERT INTO leads_trackingbatch (body, user_agent, signs, remote_address, "
            "received_at, attempts) VALUES %s",
            [(batch(key), "Mozilla/5.0 (X11) Firefox/128.0") for _ in range(events // EVENTS)],
            template="(%s, %s, '{}', '', now(), 0)",
        )
    return rate_of(lambda: EVENTS * sum(iter(ingest.drain, 0)))


def insert(events: int) -> float:
    """The same rows by the engine alone."""
    clear()
    statement = (
        "WITH seen AS (INSERT INTO leads_visitor (token, klass, reasons, consent, first, "
        "user_agent, remote_address, first_seen_at, last_seen_at) SELECT gen_random_uuid(), "
        "'human', '{}', 'unknown', '{}', '', '', now(), now() FROM generate_series(1, %s) "
        "RETURNING id) INSERT INTO leads_visitorevent (visitor_id, event_id, type, occurred_at, "
        "received_at, properties, category, klass) SELECT id, gen_random_uuid(), 'page_view', "
        "now(), now(), '{\"url\": \"https://benchmark.example/page/7\"}', '', 'human' "
        "FROM seen, generate_series(1, %s)"
    )
    return rate_of(lambda: sql(statement, events // EVENTS, EVENTS))


def clear() -> None:
    sql("TRUNCATE leads_trackingbatch, leads_visitorevent")
    sql("DELETE FROM leads_visit")
    sql("DELETE FROM leads_visitor")
