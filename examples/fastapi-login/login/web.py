"""The forms of the page, its answers and their headers."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import RedirectResponse, Response

from .sessions import Session, Sessions
from .settings import Settings

MAX_FORM = 4096
TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "otp-credentials=(self)",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


async def add_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class Visitor:
    """Who asks, as far as the cookie says."""

    def __init__(self, request: Request, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        # `__Host-` makes browsers refuse one that a neighbour on the domain or plain HTTP set.
        self._cookie = "__Host-session" if settings.is_secure else "session"
        known = sessions.read_cookie(request.cookies.get(self._cookie, ""))
        self.id = known or sessions.new_id()
        self._is_new = known is None
        self.session: Session = (sessions.find(self.id) if known else None) or Session(0)
        self._request = request

    @property
    def address(self) -> str | None:
        """For `end_user_ip`. Behind a proxy, let uvicorn read it: --proxy-headers --forwarded-allow-ips."""
        try:
            return str(ipaddress.ip_address(self._request.client.host if self._request.client else ""))
        except ValueError:
            return None

    def become(self, id: str) -> None:
        self.id, self._is_new = id, True

    def page(self, template: str, status: int = 200, **names: Any) -> Response:
        """A page, whose forms only this visitor can send."""
        names["token"] = self._sessions.token(self.id)
        return self._with_cookie(TEMPLATES.TemplateResponse(self._request, template, names, status_code=status))

    def home(self) -> Response:
        """After a form: the browser asks again with GET, so that a reload repeats nothing."""
        return self._with_cookie(RedirectResponse("/", status_code=303))

    async def form(self) -> dict[str, str]:
        """The fields of the form, if it is one of ours: else nothing happens."""
        fields = await _read_form(self._request)
        expected = self._sessions.token(self.id)
        if self._is_new or not hmac.compare_digest(fields.get("token", "").encode(), expected.encode()):
            raise HTTPException(403)
        return fields

    def _with_cookie(self, response: Response) -> Response:
        if self._is_new:
            response.set_cookie(
                self._cookie,
                self._sessions.cookie(self.id),
                httponly=True,
                samesite="lax",
                secure=self._settings.is_secure,
                path="/",
            )
        return response


async def _read_form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=8, errors="strict"))
    except ValueError:
        raise HTTPException(400) from None
