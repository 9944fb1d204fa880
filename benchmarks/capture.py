"""Captures over HTTP, beside a view of one INSERT under the same server and workers."""

import json
import re
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlencode

from benchmarks import bare, servers
from benchmarks.measuring import Line, Options, compared, sql
from leadcrm.accounts.actions import create_api_key
from leads.models import Form

CLIENTS = 8
SERIAL = count()
Request = tuple[str, bytes, dict[str, str]]
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def run(options: Options) -> list[Line]:
    sql(bare.TABLE)
    with (
        servers.web("product", "benchmarks.settings") as product,
        servers.web("bare", "benchmarks.bare_settings") as plain,
    ):
        kinds = {"JSON": json_requests(), "form": form_requests(product)}
        return [
            compared(
                f"capture, {name}, {CLIENTS} clients",
                lambda make=make: rush(product, make, options.seconds),  # type: ignore[misc]
                lambda make=make: rush(plain, make, options.seconds),  # type: ignore[misc]
                pairs=options.pairs,
                unit="/s",
            )
            for name, make in kinds.items()
        ]


def json_requests() -> Callable[[], Request]:
    key = create_api_key(name="Benchmark", scopes=["capture:write"]).plain
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def make() -> Request:
        number = next(SERIAL)
        fields = {
            "email": f"visitor{number}@benchmark.example",
            "name": f"Visitor {number}",
            "company": "Benchmark",
            "message": "How much is it for forty people?",
        }
        return "/api/v1/capture/", json.dumps({"fields": fields}).encode(), headers

    return make


def form_requests(port: int) -> Callable[[], Request]:
    """What a browser sends back: the hidden fields of the page and what was typed."""
    form = Form.objects.exclude(published=None).order_by("pk")[0]
    path = f"/f/{form.slug}/"
    hidden = hidden_fields(port, path)
    asked = {field["key"]: answer_to(field) for field in form.published.fields}  # type: ignore[union-attr]

    def make() -> Request:
        number = next(SERIAL)
        values = {**hidden, **asked, "email": f"guest{number}@benchmark.example"}
        return path, urlencode(values).encode(), FORM_TYPE

    return make


def hidden_fields(port: int, path: str) -> dict[str, str]:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    page = connection.getresponse().read().decode()
    connection.close()
    inputs = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page)
    pairs = [re.search(r'name="([^"]+)"[^>]*value="([^"]*)"', tag) for tag in inputs]
    return {pair[1]: pair[2] for pair in pairs if pair}


def answer_to(field: dict[str, object]) -> str:
    choices = field.get("choices") or field.get("options")
    if isinstance(choices, list) and choices:
        first = choices[0]
        return str(first.get("value", "") if isinstance(first, dict) else first)
    return "+31101234567" if field["type"] == "tel" else "40"


def rush(port: int, make: Callable[[], Request], seconds: float) -> float:
    """Accepted requests a second from clients that each wait for their answer."""
    done = [0] * CLIENTS
    until = time.perf_counter() + seconds

    def client(place: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < until:
            path, body, headers = make()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status not in {202, 303}:
                raise SystemExit(f"POST {path} answered {answer.status}.")
            done[place] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds
