"""What can go wrong. None of it ever holds the key, the headers or the body of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._generated.models import FieldError, ProblemCode, RefusingLimit

UNKNOWN = "unknown"


class CountersignError(Exception):
    """Everything that this package raises, but for arguments that cannot be (`ValueError`)."""


class NetworkError(CountersignError):
    """No answer came. Whether the server did what was asked is not known."""


class NetworkTimeoutError(NetworkError, TimeoutError):
    """No answer came in time."""


class InvalidAnswerError(CountersignError):
    """The answer is not what the API documents."""


class ProblemError(CountersignError):
    """The server refused. Decide by `code`, never by words.

    Raised as the subclass of its status, so that `except` can tell them apart.
    """

    code: ProblemCode
    """What it is. A code that is unknown here equals its text; one that no server
    of Countersign sent, as from a proxy, is `unknown`."""
    status: int
    title: str
    detail: str
    """What happened this time, for people."""
    errors: tuple[FieldError, ...]
    """All fields that are wrong."""
    request_id: str | None
    """Names the request in the server's logs."""
    retry_after: int | None
    """Seconds after which the same request may pass."""
    limit: RefusingLimit | None
    """The limit that refused."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self._problem = dict(problem)
        self.status = status
        self.code = ProblemCode(_text(problem.get("code")) or UNKNOWN)
        self.title = _text(problem.get("title")) or ""
        self.detail = _text(problem.get("detail")) or ""
        errors = problem.get("errors")
        fields = [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
        self.errors = tuple(
            FieldError(**{name: _text(item.get(name)) or "" for name in ("field", "code", "message")})
            for item in fields
        )
        self.request_id = _text(problem.get("request_id"))
        retry_after = problem.get("retry_after")
        self.retry_after = retry_after if type(retry_after) is int and retry_after >= 0 else None
        limit = problem.get("limit")
        self.limit = None
        if isinstance(limit, dict):
            self.limit = RefusingLimit(**{name: _text(limit.get(name)) or "" for name in ("name", "scope")})
        super().__init__(status, self._problem)

    def __str__(self) -> str:
        words = self.detail or self.title or "The answer is not a problem of Countersign."
        request = f" ({self.request_id})" if self.request_id else ""
        return f"{self.status} {self.code}: {words}{request}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class InvalidRequestError(ProblemError):
    """400, 413, 415, 422: something asked for cannot be."""


class AuthenticationError(ProblemError):
    """401: the key is missing, unknown, disabled or expired."""


class PermissionDeniedError(ProblemError):
    """403: the key, the address, the country or the number is not allowed."""


class NotFoundError(ProblemError):
    """404: there is no such thing, or no longer."""


class ConflictError(ProblemError):
    """409: not in the present state, as `already_approved`."""


class RateLimitError(ProblemError):
    """429: a limit refused, or a wait still runs; see `retry_after`."""


class ServerError(ProblemError):
    """5xx: the server failed or cannot serve now."""


_BY_STATUS = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
}


def problem_error(status: int, problem: Mapping[str, Any]) -> ProblemError:
    """The error of a status."""
    kind = ServerError if status >= 500 else _BY_STATUS.get(status, ProblemError)
    return kind(status, problem)


def _text(value: Any) -> str | None:
    """A text of a bounded length: the answer may come from anywhere."""
    return value[:1000] if isinstance(value, str) else None
