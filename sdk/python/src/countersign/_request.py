"""A call before it is sent. The generated resources make them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

_KEY = re.compile(r"[ !#-\[\]-~]{1,255}")


class Unset:
    """The type of UNSET."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
"""Leaves a field of a change as it is, where None would clear it."""


@dataclass(frozen=True)
class Timeout:
    """Bounds of a call, in seconds."""

    total: float = 30.0
    """Of the whole call: all tries, and the waits between them. The synchronous client looks at the clock
    between the parts of an answer, so that a server that drips may take it a little longer."""
    attempt: float = 10.0
    """Of one try."""
    connect: float = 5.0
    """Until a connection stands."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
                raise ValueError(f"timeout: {field.name} must be seconds above 0, at most 3600")


@dataclass
class Request:
    """What is asked; not yet by whom and where."""

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = dataclasses.field(default=None, repr=False)
    idempotency_key: str | None = None
    is_repeatable: bool = True
    """Whether it may be sent again when nobody knows what became of it."""
    timeout: Timeout | float | None = None

    def __post_init__(self) -> None:
        key = self.idempotency_key
        if key is not None and not _KEY.fullmatch(key):
            raise ValueError(
                'idempotency_key must be 1 to 255 printable ASCII characters, none of them " or \\'
            )

    def with_cursor(self, place: str | None, cursor: str | None) -> Request:
        """The same for the page that `cursor` names. Each page is a call of its own."""
        if cursor is None or place is None:
            return self
        if place == "body":
            body = {**(self.body or {}), "cursor": cursor}
            return dataclasses.replace(self, body=body, idempotency_key=None)
        return dataclasses.replace(self, query={**(self.query or {}), "cursor": cursor})

    def params(self) -> dict[str, str]:
        """The query string, without what was not given."""
        given = {name: encode(value) for name, value in (self.query or {}).items() if value is not None}
        return {name: value if isinstance(value, str) else str(value) for name, value in given.items()}

    def json(self) -> dict[str, Any] | None:
        """The body. None is left out, but of a change, where it clears."""
        if self.body is None:
            return None
        left_out = UNSET if self.method == "PATCH" else None
        return {name: encode(value) for name, value in self.body.items() if value is not left_out}


def segment(text: str) -> str:
    """An id or a name as one segment of a path."""
    if not isinstance(text, str) or text in ("", ".", ".."):
        raise ValueError("an id or a name is a text that is not empty")
    return quote(text, safe="")


def encode(value: Any) -> Any:
    """A value as JSON says it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs a time zone: datetime.datetime.now(datetime.timezone.utc)")
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name.rstrip("_"): getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: encode(inner) for name, inner in fields.items() if inner is not None}
    if isinstance(value, Mapping):
        return {str(name): encode(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [encode(item) for item in value]
    return value
