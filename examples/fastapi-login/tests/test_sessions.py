"""The parts that need no server."""

from __future__ import annotations

import asyncio
import importlib
import time

import httpx
import pytest

from login import words
from login.sessions import Sessions
from login.settings import read_settings


def test_only_our_cookies_are_read():
    ours, theirs = Sessions(b"a" * 32), Sessions(b"b" * 32)
    id = ours.new_id()
    assert ours.read_cookie(ours.cookie(id)) == id
    for bad in ("", "x", id, f"{id}.", f"{id}.0", theirs.cookie(id), ours.cookie("x"), ours.cookie(id) + "ł"):
        assert ours.read_cookie(bad) is None
    assert ours.token(id) != ours.cookie(id).split(".")[1], "a token is no cookie"


def test_sessions_end_and_are_bounded(monkeypatch):
    sessions = Sessions(b"a" * 32, limit=3)
    ids = [sessions.sign_in(str(n)) for n in range(5)]
    assert [sessions.find(id) is not None for id in ids] == [False, False, True, True, True]
    sessions.end_soon(ids[2])
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)
    assert sessions.find(ids[2]) is None
    assert sessions.find(ids[3])
    monkeypatch.setattr(time, "monotonic", lambda: now + 13 * 3600)
    assert sessions.find(ids[3]) is None


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3600, "1 hour"), (86400, "24 hours")],
)
def test_waits_in_words(seconds, says):
    assert words.duration(seconds) == says
    assert words.wrong_code(1) == "That is not the code. You have 1 try left."


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://example.com", "x" * 32),
        ("https://example.com", ""),
        ("https://example.com", "short"),
        ("https://example.com/app", "x" * 32),
        ("example.com", "x" * 32),
    ],
)
def test_settings_that_would_not_be_safe(monkeypatch, url, secret):
    monkeypatch.setenv("APP_URL", url)
    monkeypatch.setenv("APP_SECRET", secret)
    with pytest.raises(SystemExit, match="APP_"):
        read_settings()


def test_a_served_site_has_a_cookie_of_its_own(monkeypatch):
    monkeypatch.setenv("APP_URL", "https://login.example.com")
    monkeypatch.setenv("APP_SECRET", "s" * 32)
    module = importlib.reload(importlib.import_module("login.app"))
    assert module.settings.origin == "login.example.com"
    assert "s" * 32 not in repr(module.settings)

    async def get():
        transport = httpx.ASGITransport(module.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://login.example.com") as http:
            return await http.get("/")

    cookie = asyncio.run(get()).headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert "; Secure" in cookie
