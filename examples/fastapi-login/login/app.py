"""The sign-in: `uvicorn login.app:app`.

A number -> POST /start -> a code -> POST /code -> signed in. Only the answer of
our own check signs anybody in; what a later read says never does.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from countersign import AsyncCountersign, NetworkError, NotFoundError, ProblemError, models
from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from . import words
from .sessions import Pending, Sessions
from .settings import read_settings
from .web import Visitor, add_headers

log = logging.getLogger("login")
settings = read_settings()
sessions = Sessions(settings.secret)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncCountersign(timeout=15) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
app.middleware("http")(add_headers)
app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))


def visitor_of(request: Request) -> Visitor:
    return Visitor(request, settings, sessions)


def client_of(request: Request) -> AsyncCountersign:
    client: AsyncCountersign = request.app.state.client
    return client


def now() -> datetime:
    return datetime.now(timezone.utc)


@app.get("/")
async def show(request: Request) -> Response:
    visitor = visitor_of(request)
    session = visitor.session
    if session.number:
        return visitor.page("account.html", number=session.number)
    pending = session.pending
    if pending and pending.expires_at <= now():
        session.pending, session.lost = None, words.ENDS["expired"]
    if not session.pending:
        lost, session.lost = session.lost, ""
        return ask_number(visitor, trouble=lost)
    pending = session.pending
    said: dict[str, Any] = {"error": pending.error, "trouble": pending.trouble, "notice": pending.notice}
    pending.error = pending.trouble = pending.notice = ""  # Told once.
    wait = (pending.resend_at - now()).total_seconds() if pending.resend_at else None
    return visitor.page(
        "code.html",
        number=words.mask(pending.number),
        form=pending.form,
        **said,
        wait=None if wait is None else max(0, math.ceil(wait)),
        expires_in=max(1, round((pending.expires_at - now()).total_seconds())),
        attempts_left=pending.attempts_left,
    )


def ask_number(
    visitor: Visitor, *, number: str = "", form: str = "", error: str = "", trouble: str = "", status: int = 200
) -> Response:
    form = form or secrets.token_urlsafe(16)
    return visitor.page("number.html", status, number=number, form=form, error=error, trouble=trouble)


@app.post("/start")
async def start(request: Request) -> Response:
    visitor = visitor_of(request)
    fields = await visitor.form()
    number, form = fields.get("number", "").strip()[:40], fields.get("form", "")[:40]
    if not number:
        return ask_number(visitor, form=form, error="Enter your phone number.", status=400)
    try:
        verification = await client_of(request).verifications.start(
            to=number,
            end_user_ip=visitor.address,
            origin=settings.origin,
            idempotency_key=sessions.act(visitor.id, "start", form, number),
        )
    except ProblemError as problem:
        note(problem)
        said: dict[str, Any] = {"error" if words.is_of_field(problem) else "trouble": words.explain(problem)}
        return visitor.page("number.html", problem.status, number=number, form=form, **said)
    except NetworkError as error:
        log.error("start: %s", error)
        return ask_number(visitor, number=number, form=form, trouble=words.NO_ANSWER, status=503)
    sessions.start(visitor.id, pending_of(verification, number))
    return visitor.home()


@app.post("/code")
async def check(request: Request) -> Response:
    visitor = visitor_of(request)
    fields = await visitor.form()
    pending = visitor.session.pending
    if not pending:
        return visitor.home()
    code, form = fields.get("code", "").strip()[:20], fields.get("form", "")[:40]
    if not code:
        pending.error = "Enter the code from the message."
        return visitor.home()
    try:
        result = await client_of(request).verifications.check(
            pending.id, code=code, idempotency_key=sessions.act(visitor.id, "check", form, code)
        )
    except NotFoundError:
        lose(visitor, "expired")
    except ProblemError as problem:
        note(problem)
        if problem.code == "already_approved":
            visitor.session.pending, visitor.session.lost = None, words.explain(problem)
        elif words.is_of_field(problem):
            pending.error = words.explain(problem)
        else:
            pending.trouble = words.explain(problem)
    except NetworkError as error:
        # The form keeps its name: the same code again is the same act, and uses no second try.
        log.error("check: %s", error)
        pending.trouble = words.NO_ANSWER
    else:
        settle(visitor, pending, result)
    return visitor.home()


def settle(visitor: Visitor, pending: Pending, result: models.CheckAnswer) -> None:
    """What the answer of our own check means. Nothing else signs anybody in."""
    if result.status == models.VerificationStatus.APPROVED:
        sessions.end_soon(visitor.id)
        visitor.become(sessions.sign_in(pending.number))
    elif result.status == models.VerificationStatus.PENDING:
        pending.form = secrets.token_urlsafe(16)
        pending.attempts_left = result.attempts_left
        pending.error = words.wrong_code(result.attempts_left)
    else:
        lose(visitor, result.status)


@app.post("/resend")
async def resend(request: Request) -> Response:
    visitor = visitor_of(request)
    fields = await visitor.form()
    pending = visitor.session.pending
    if not pending:
        return visitor.home()
    try:
        verification = await client_of(request).verifications.resend(
            pending.id, idempotency_key=sessions.act(visitor.id, "resend", fields.get("form", "")[:40])
        )
    except NotFoundError:
        lose(visitor, "expired")
    except ProblemError as problem:
        note(problem)
        if problem.code == "verification_ended":
            visitor.session.pending, visitor.session.lost = None, words.explain(problem)
        else:
            pending.trouble = words.explain(problem)
    except NetworkError as error:
        log.error("resend: %s", error)
        pending.trouble = words.NO_ANSWER
    else:
        visitor.session.pending = pending_of(verification, pending.number)
        visitor.session.pending.notice = "We have sent the message again."
    return visitor.home()


@app.post("/restart")
async def restart(request: Request) -> Response:
    """Another number: the code of this one is void from then on."""
    visitor = visitor_of(request)
    await visitor.form()
    pending = visitor.session.pending
    sessions.end(visitor.id)
    if pending:
        try:
            await client_of(request).verifications.cancel(pending.id)
        except (ProblemError, NetworkError) as error:
            log.warning("cancel: %s", error)  # It ends by itself in some minutes.
    return visitor.home()


@app.post("/sign-out")
async def sign_out(request: Request) -> Response:
    visitor = visitor_of(request)
    await visitor.form()
    sessions.end(visitor.id)
    visitor.become(sessions.new_id())
    return visitor.home()


@app.exception_handler(HTTPException)
async def refuse(request: Request, error: HTTPException) -> Response:
    """A form that this page did not make, or too late: the person starts from the page again."""
    visitor = visitor_of(request)
    return ask_number(visitor, trouble="That page was too old. Please try again.", status=error.status_code)


def pending_of(verification: models.Verification, number: str) -> Pending:
    return Pending(
        id=verification.id,
        number=verification.to or number,
        expires_at=verification.expires_at,
        resend_at=verification.resend_at,
        attempts_left=verification.attempts_left,
        form=secrets.token_urlsafe(16),
    )


def lose(visitor: Visitor, status: str) -> None:
    visitor.session.pending = None
    visitor.session.lost = words.ENDS.get(status, words.ENDS["canceled"])


def note(problem: ProblemError) -> None:
    """What the person cannot help stands in the log; no number and no code does."""
    if words.is_ours(problem):
        log.error("%s %s (%s)", problem.status, problem.code, problem.request_id)
