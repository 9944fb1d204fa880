"""Every endpoint against what broken programs send: refused in words, by the OpenAPI description.

Whatever is sent, an answer is below 500, and a refusal is a problem document with a sentence.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from leadcrm.lib import pump
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"
WRITES = ("post", "put", "patch")
NOT_OBJECTS = [
    b"",
    b"{",
    b"nonsense",
    b"[]",
    b"[1]",
    b'"text"',
    b"null",
    b"1",
    b"\xff\xfe",
    b"[[]]",
]
VALUES: list[Any] = [
    None,
    True,
    10**30,
    "",
    "a\x00b",
    "\ud800",
    "x" * 10_000,
    "9999-12-31T23:59:59Z",
    [None],
    {"\x00": {"a": [1]}},
]
PARAMETERS = [
    "nonsense",
    "\x00",
    "9" * 30,
    "²",
    "9999-12-31T23:59:59+14:00",
    "eyJhIjoxfQ==",
]


@lru_cache
def description() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def operations(*methods: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description()["paths"].items():
        for method in methods:
            if method in item:
                yield method, path, item[method]


@pytest.fixture
def world(settings: Any) -> World:
    settings.API_RATE_PER_MINUTE = 1_000_000
    return make_world()


@pytest.fixture
def program(world: World) -> Client:
    return world.client("full key", raise_request_exception=False)


def resolved(schema: Any) -> dict[str, Any]:
    """A schema without references; the first choice where there are several."""
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for combined in ("allOf", "oneOf", "anyOf"):
        if combined in schema:
            return resolved(schema[combined][0])
    found: dict[str, Any] = schema
    return found


def sample(schema: Any, depth: int = 0) -> Any:
    """A value that fits, so that one wrong property is the only mistake."""
    schema = resolved(schema)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object" or "properties" in schema:
        return {
            name: sample(part, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if depth < 4 and not part.get("readOnly")
        }
    if kind == "array":
        return [sample(schema.get("items", {}), depth + 1)]
    if schema.get("format") == "date-time":
        return "2026-11-20T12:00:00Z"
    if schema.get("format") == "date":
        return "2026-11-20"
    return {"integer": 1, "number": 1, "boolean": True}.get(str(kind), "alice@kestrel.example")


def body_of(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return sample(content["application/json"]["schema"]) if content else {}


def broken(whole: Any) -> Iterator[Any]:
    """The body with each of its values, at any depth, replaced by each of the bad ones."""
    if isinstance(whole, dict):
        for name, part in whole.items():
            for value in [*VALUES, *broken(part)]:
                yield {**whole, name: value}
        yield {**whole, "unknown\x00": 1}
    elif isinstance(whole, list) and whole:
        for value in [*VALUES, *broken(whole[0])]:
            yield [value]
        yield whole * 1500


def address_of(world: World, path: str) -> str:
    return addresses(world)[path]


@lru_cache(1)
def addresses(world: World) -> dict[str, str]:
    """By the path of the description."""
    return {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{r}"): a for r, a in world.addresses()}


def send(program: Client, method: str, address: str, body: bytes) -> Any:
    return program.generic(method.upper(), address, body, "application/json")


def check(answer: Any, *told: Any) -> None:
    """Refused or not, it is an answer; a refusal names what is wrong."""
    assert answer.status_code < 500, told
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer["Content-Type"] == PROBLEM, told
        assert problem["detail"], told
        assert problem["status"] == answer.status_code, told


@contextmanager
def undone() -> Iterator[None]:
    """What one endpoint did is not there for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_what_is_no_json_object_is_refused(world: World, program: Client) -> None:
    for method, path, _ in operations(*WRITES):
        with undone():
            for body in NOT_OBJECTS:
                answer = send(program, method, address_of(world, path), body)
                check(answer, method, path, body)


def test_wrong_values_are_refused_or_cleaned(world: World, program: Client) -> None:
    for method, path, operation in operations(*WRITES):
        whole = body_of(operation)
        with undone():
            for body in [{}, whole, *broken(whole)]:
                answer = send(program, method, address_of(world, path), json.dumps(body).encode())
                check(answer, method, path, str(body)[:500])
            pump.run_all()


def test_nonsense_in_the_query_is_refused_or_ignored(world: World, program: Client) -> None:
    for _, path, operation in operations("get"):
        described = operation.get("parameters", [])
        names = {part["name"] for part in described if part["in"] == "query"}
        for name in names | {"cursor", "page_size", "unknown"}:
            for value in PARAMETERS:
                query = urlencode({name: value}, errors="surrogatepass")
                answer = program.get(f"{address_of(world, path)}?{query}")
                check(answer, path, name, value[:40])


@pytest.mark.parametrize("path", ["leads/", "leads/bulk/", "activities/", "templates/"])
def test_a_body_of_several_megabytes_is_refused(program: Client, path: str) -> None:
    answer = send(
        program, "post", f"/api/v1/{path}", b'{"first_name": "' + b"x" * 5_500_000 + b'"}'
    )

    check(answer, path)
    assert answer.status_code == 400
    assert "5 MB" in answer.json()["detail"]
