"""Everything is closed unless it stands here. A new public address must be added by hand."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import BasePermission

from leadcrm.accounts.permissions import HasScope

PUBLIC = {
    # Whether the product runs.
    "healthz",
    "readyz",
    "metrics",
    # The API's description; it says nothing that the source code does not.
    "api/v1/schema/",
    "api/v1/docs/",
    # Strangers: forms, what websites report of their visitors, and links in mails.
    "f/<slug:slug>/",
    "f/<slug:slug>/embed.js",
    "f/<slug:slug>/frame/",
    "f/<slug:slug>/count/",
    "f/<slug:slug>/keep/",
    "f/<slug:slug>/theme.css",
    "f/asset/<str:token>/",
    "f/confirm/<str:token>/",
    "f/confirm/<str:token>/again/",
    "q/<str:token>/",
    # Programs of others; the key in the address is the secret.
    "in/<slug:key>/",
    "in/<slug:provider>/<slug:key>/",
    "t.js",
    "t/",
    "e/c/<str:token>",
    "e/o/<str:token>",
    "e/p/<str:token>",
    "e/u/<str:token>",
    # The picture and the links of e-mails that colleagues wrote.
    "m/o/<str:token>",
    "m/c/<str:token>",
}


def routes() -> Iterator[tuple[str, URLPattern]]:
    def walk(
        patterns: list[URLPattern | URLResolver], prefix: str
    ) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path)
            else:
                yield path, pattern

    yield from walk(get_resolver().url_patterns, "")


def is_open(pattern: URLPattern) -> bool:
    """Nobody has to sign in, and no key is asked for."""
    view = pattern.callback
    api = getattr(view, "cls", None)
    if api is not None:
        closed: list[type[BasePermission]] = [HasScope]
        scope = pattern.callback.initkwargs.get("scope") or getattr(api, "scope", None)
        return api.permission_classes != closed or not scope
    return not getattr(view, "login_required", True)


def test_only_these_addresses_are_open() -> None:
    # Sign-in pages belong to the library and are open by nature.
    opened = {
        path for path, pattern in routes() if is_open(pattern) and not path.startswith("accounts/")
    }

    assert opened == PUBLIC


@pytest.mark.django_db
def test_a_stranger_is_sent_to_the_sign_in_page_or_told_to_show_a_key(client: Client) -> None:
    for path, pattern in routes():
        if path in PUBLIC or path.startswith("accounts/") or "<" in path or "(" in path:
            continue
        answer = client.get(f"/{path}")
        if path.startswith("api/"):
            assert answer.status_code in {401, 403, 405}, path
        elif not is_open(pattern):
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/accounts/login/"), path
