"""Expected refusals: a sentence to the person who can act, and a stable code for programs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one input: `field` is its name or path, `message` says the cure."""

    field: str
    message: str
    code: str = "invalid"


class DomainError(Exception):
    """Something a user asked for that cannot be done. Anything else that rises is a bug."""

    code = "refused"
    status = 400
    title = "This cannot be done"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Invalid(DomainError):
    code = "invalid"
    status = 422
    title = "Some values need correcting"

    @classmethod
    def field(cls, field: str, message: str, code: str = "invalid") -> "Invalid":
        return cls(message, errors=[FieldError(field, message, code)])


class Conflict(DomainError):
    code = "conflict"
    status = 409
    title = "This conflicts with the present state"


class StaleVersion(Conflict):
    """Somebody else changed the record since it was read."""

    code = "stale_version"
    status = 412
    title = "This was changed in the meantime"


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    title = "Your role does not allow this"


class NotFound(DomainError):
    """Missing, or not visible to the person asking: both answer alike."""

    code = "not_found"
    status = 404
    title = "Not found"

    def __init__(self, detail: str = "There is nothing here, or you may not see it.") -> None:
        super().__init__(detail)


class TooManyRequests(DomainError):
    code = "too_many_requests"
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
