"""What can go wrong, in the domain's own words. Knows no HTTP library.

Each error carries the status that a surface answers with, a stable ``code``, a sentence for people
(``detail``) and, where input was at fault, ``errors``: a list of ``{"pointer", "detail"}`` whose
pointers are RFC 6901 JSON pointers (contract/touchline.md section 10).
"""

from collections.abc import Mapping, Sequence

FieldError = Mapping[str, str]


class TouchlineError(Exception):
    """Base of every error that a caller may be told about."""

    status = 500
    code = "internal_error"
    title = "Internal error"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.extra = extra


class BadInput(TouchlineError):
    """The request breaks its schema or a rule; ``errors`` names the fields."""

    status, code, title = 400, "bad_input", "Bad input"

    @classmethod
    def at(cls, pointer: str, detail: str) -> "BadInput":
        """One field at fault: the pointer is repeated in the sentence so that it stands alone."""
        where = pointer or "the body"
        return cls(f"{where}: {detail}", errors=[{"pointer": pointer, "detail": detail}])


class Unauthorized(TouchlineError):
    """No credentials, or credentials that are unknown, expired or revoked."""

    status, code, title = 401, "unauthorized", "Not authenticated"


class Forbidden(TouchlineError):
    """A known caller without the right."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(TouchlineError):
    """No such thing."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(TouchlineError):
    """The request contradicts what is stored."""

    status, code, title = 409, "conflict", "Conflict"


class Gone(TouchlineError):
    """It was there, and is no longer kept."""

    status, code, title = 410, "gone", "No longer kept"


class PreconditionFailed(TouchlineError):
    """The thing is not as the caller last saw it."""

    status, code, title = 412, "precondition_failed", "Changed meanwhile"


class TooLarge(TouchlineError):
    """More bytes or rows than the limit."""

    status, code, title = 413, "too_large", "Too large"


class UnsupportedMedia(TouchlineError):
    """A body in a form that this path does not take."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


class Unprocessable(TouchlineError):
    """A request that contradicts an earlier one of the same key."""

    status, code, title = 422, "unprocessable", "Not the same request"


class TooManyRequests(TouchlineError):
    """More requests than a caller may send."""

    status, code, title = 429, "too_many_requests", "Too many requests"


class Unavailable(TouchlineError):
    """A part that is needed does not answer now."""

    status, code, title = 503, "unavailable", "Unavailable"
