"""RFC 9457 problem details: the one shape in which the API refuses."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from leadcrm.lib.errors import DomainError, FieldError, Forbidden, NotFound, TooManyRequests

CONTENT_TYPE = "application/problem+json"


def body(
    *, code: str, title: str, status: int, detail: str, errors: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    return {
        "type": f"urn:leadcrm:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in errors],
    }


def from_domain_error(error: DomainError) -> dict[str, Any]:
    return body(
        code=error.code,
        title=error.title,
        status=error.status,
        detail=error.detail,
        errors=error.errors,
    )


def headers_of(error: Exception) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, exceptions.Throttled):
        return {"Retry-After": str(int(getattr(error, "wait", None) or 1))}
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def response(error: DomainError) -> JsonResponse:
    """For plain Django views that answer programs."""
    return JsonResponse(
        from_domain_error(error),
        status=error.status,
        content_type=CONTENT_TYPE,
        headers=headers_of(error),
    )


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST Framework's hook. None lets a bug rise to the server-error page."""
    problem = _problem(error)
    if problem is None:
        return None
    return Response(
        problem, status=problem["status"], content_type=CONTENT_TYPE, headers=headers_of(error)
    )


def _problem(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, DomainError):
        return from_domain_error(error)
    if isinstance(error, Http404):
        return from_domain_error(NotFound())
    if isinstance(error, PermissionDenied):
        return from_domain_error(Forbidden("Your role or key does not allow this."))
    if isinstance(error, exceptions.ValidationError):
        errors = tuple(flatten(error.get_full_details()))
        return body(
            code="invalid",
            title="Some values need correcting",
            status=error.status_code,
            detail=errors[0].message if len(errors) == 1 else "See `errors` for each field.",
            errors=errors,
        )
    if isinstance(error, exceptions.APIException):
        return body(
            code=str(error.default_code),
            title=HTTPStatus(error.status_code).phrase,
            status=error.status_code,
            detail=str(error.detail),
        )
    return None


def flatten(details: Any, path: str = "") -> list[FieldError]:
    """DRF's nested validation details as one flat list with dotted paths."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        return [FieldError(path or "body", str(details["message"]), str(details["code"]))]
    if isinstance(details, dict):
        return [
            error
            for key, value in details.items()
            for error in flatten(value, _join(path, "" if key == "non_field_errors" else str(key)))
        ]
    if isinstance(details, list):
        plain = all(isinstance(d, dict) and set(d) == {"message", "code"} for d in details)
        return [
            error
            for index, value in enumerate(details)
            for error in flatten(value, path if plain else _join(path, str(index)))
        ]
    return []


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith(
        "application/json"
    )
