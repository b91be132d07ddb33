"""How values of the wire become values of Python. The generated models use it."""

from __future__ import annotations

import datetime
import re
from enum import Enum

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


class OpenEnum(str, Enum):
    """Texts with names. One that is unknown here is a member too, in no list of them."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    def __str__(self) -> str:
        return str.__str__(self)


def read_time(text: str) -> datetime.datetime:
    """Reads a time of RFC 3339. Python 3.10 by itself reads neither `Z` nor every fraction."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a time of RFC 3339")
    seconds, fraction, zone = match.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    return datetime.datetime.fromisoformat(f"{seconds}.{micros}{'+00:00' if zone in 'Zz' else zone}")
