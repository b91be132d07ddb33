"""Sessions: a signed random id in a cookie; everything else stays on the server.

They are kept in the memory of one process. With several processes, keep them in
your database or in Redis: `Sessions` is all that would change.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

ID_LENGTH = 43  # 32 bytes in URL-safe base64
SIGN_IN_LIFE = 15 * 60
SESSION_LIFE = 12 * 3600


@dataclass
class Pending:
    """A verification that somebody is asked the code of."""

    id: str
    number: str
    expires_at: datetime
    resend_at: datetime | None
    attempts_left: int
    form: str
    """Names the form in the page. A form that comes twice is one act: see `act`."""
    error: str = ""
    """What is wrong with the code that was typed."""
    trouble: str = ""
    """What else did not work."""
    notice: str = ""


@dataclass
class Session:
    ends: float
    pending: Pending | None = None
    number: str | None = None
    """The number of who is signed in."""
    lost: str = field(default="", repr=False)
    """Why the last verification is over, to be told once."""


class Sessions:
    def __init__(self, secret: bytes, limit: int = 10_000) -> None:
        self._secret = secret
        self._limit = limit
        self._kept: OrderedDict[str, Session] = OrderedDict()

    def sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def new_id(self) -> str:
        return secrets.token_urlsafe(32)

    def cookie(self, id: str) -> str:
        return f"{id}.{self.sign('cookie', id)}"

    def read_cookie(self, value: str) -> str | None:
        """The id, if the cookie is one of ours."""
        id, _, signature = value.partition(".")
        if len(id) != ID_LENGTH or not value.isascii():
            return None
        return id if hmac.compare_digest(signature, self.sign("cookie", id)) else None

    def token(self, id: str) -> str:
        """What a form must bring that this app made for this visitor (CSRF)."""
        return self.sign("form", id)

    def act(self, id: str, *parts: str) -> str:
        """The Idempotency-Key of what a form asks for: the same for a double click."""
        return self.sign("act", "\0".join((id, *parts)))

    def find(self, id: str) -> Session | None:
        session = self._kept.get(id)
        if session is not None and session.ends <= time.monotonic():
            del self._kept[id]
            return None
        return session

    def start(self, id: str, pending: Pending) -> None:
        self._keep(id, Session(time.monotonic() + SIGN_IN_LIFE, pending=pending))

    def sign_in(self, number: str) -> str:
        """A new id, so that nobody who knew the old one is signed in too."""
        id = self.new_id()
        self._keep(id, Session(time.monotonic() + SESSION_LIFE, number=number))
        return id

    def end_soon(self, id: str, seconds: float = 30) -> None:
        """Leaves the second half of a double click the time to arrive."""
        session = self._kept.get(id)
        if session is not None:
            session.ends = min(session.ends, time.monotonic() + seconds)

    def end(self, id: str) -> None:
        self._kept.pop(id, None)

    def _keep(self, id: str, session: Session) -> None:
        self._kept[id] = session
        self._kept.move_to_end(id)
        if len(self._kept) > self._limit:
            now = time.monotonic()
            for old in [old for old, kept in self._kept.items() if kept.ends <= now]:
                del self._kept[old]
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
