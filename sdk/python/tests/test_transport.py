"""Retries, time-outs and answers that nobody expects, against servers of the tests' own."""

from __future__ import annotations

import json
import re
import socket
import time

import anyio
import httpx
import pytest
from conftest import eventually
from servers import Reply, cutting_proxy, stub

from countersign import (
    AsyncCountersign,
    Countersign,
    InvalidAnswerError,
    NetworkError,
    NetworkTimeoutError,
    ProblemError,
    ServerError,
    Timeout,
    __version__,
)

VERIFICATION = {
    "id": "ver_1",
    "profile": "default",
    "status": "pending",
    "to": "+48500500500",
    "created_at": "2026-01-31T12:00:00Z",
    "expires_at": "2026-01-31T12:05:00.123456789+01:00",
    "resend_at": None,
    "attempts_left": 5,
    "sends_left": 4,
    "delivery": "queued",
    "metadata": {},
    "livemode": False,
}


def reply(value, status=200, **headers):
    return Reply(status, json.dumps(value).encode(), {k.replace("_", "-"): v for k, v in headers.items()})


def problem(code, status, retry_after=None):
    headers = {} if retry_after is None else {"Retry_After": str(retry_after)}
    body = {"code": code, "status": status, "title": "t", "detail": "d", "request_id": "req_1"}
    return reply(body | ({} if retry_after is None else {"retry_after": retry_after}), status, **headers)


def in_turn(*replies):
    """Each once, then the last forever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def of(server, **options):
    return Countersign("cs_test_secret", base_url=server.url, **options)


# ---- lost answers --------------------------------------------------------------------------------


def test_a_lost_answer_makes_no_second_verification(dev, client, inbox, number):
    with cutting_proxy(dev["base_url"]) as proxy, Countersign(dev["key"], base_url=proxy.url) as cut:
        verification = cut.verifications.start(to=number)
    keys = [re.search(rb"idempotency-key: (\S+)", one, re.IGNORECASE)[1] for one in proxy.requests]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    found = eventually(lambda: list(client.verifications.search(to=number)))
    assert [one.id for one in found] == [verification.id]
    time.sleep(1)
    assert [message["verification_id"] for message in inbox(number)] == [verification.id]


def test_a_lost_answer_uses_no_second_try(dev, client, number):
    verification = client.verifications.start(to=number, code_length=10)
    with cutting_proxy(dev["base_url"], cuts=2) as proxy, Countersign(dev["key"], base_url=proxy.url) as cut:
        result = cut.verifications.check(verification.id, code="0000000000")
    assert len(proxy.requests) == 3
    assert (result.status, result.attempts_left) == ("pending", 4)
    assert client.verifications.get(verification.id).attempts_left == 4


def test_a_lost_answer_makes_no_second_verification_async(dev, client, inbox, number):
    async def start():
        async with AsyncCountersign(dev["key"], base_url=proxy.url) as cut:
            return await cut.verifications.start(to=number)

    with cutting_proxy(dev["base_url"]) as proxy:
        verification = anyio.run(start)
    assert len(proxy.requests) == 2
    found = eventually(lambda: list(client.verifications.search(to=number)))
    assert [one.id for one in found] == [verification.id]
    time.sleep(1)
    assert [message["verification_id"] for message in inbox(number)] == [verification.id]


def test_a_change_whose_answer_was_lost_is_not_repeated(dev, client):
    with cutting_proxy(dev["base_url"]) as proxy, Countersign(dev["key"], base_url=proxy.url) as cut:
        with pytest.raises(NetworkError) as caught:
            cut.tenant.update(locale="pl")
        assert not isinstance(caught.value, NetworkTimeoutError)
    assert len(proxy.requests) == 1
    client.tenant.update(locale=None)


# ---- which answers are tried again ---------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_server_is_tried_twice_more(status):
    with stub(in_turn(problem("internal", status), reply({"status": "ok"}))) as server, of(server) as client:
        assert client.system.live().status == "ok"
        assert len(server.seen) == 2
    with stub(lambda _: problem("internal", status)) as server, of(server) as client:
        with pytest.raises(ServerError):
            client.system.live()
        assert len(server.seen) == 3
        with pytest.raises(ServerError):
            client.with_options(max_retries=0).system.live()
        assert len(server.seen) == 4


def test_a_key_of_ones_own_goes_with_each_try():
    answers = in_turn(problem("codes_unavailable", 503, 0), reply(VERIFICATION, 201))
    with stub(answers) as server, of(server) as client:
        client.verifications.start(to="+48500500500", idempotency_key="order 1")
        client.verifications.start(to="+48500500500")
        client.verifications.start(to="+48500500500")
    keys = [seen.headers["idempotency-key"] for seen in server.seen]
    assert keys[:2] == ["order 1", "order 1"]
    assert len(set(keys)) == 3
    assert len(server.seen) == 4


@pytest.mark.parametrize("bad", ["", "a\nb", 'a"b', "ł", "k" * 256])
def test_a_key_that_cannot_be_is_refused_here(client, number, bad):
    with pytest.raises(ValueError, match="idempotency_key"):
        client.verifications.start(to=number, idempotency_key=bad)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (problem("rate_limited", 429, 1), 2),
        (problem("rate_limited", 429, 6), 1),
        (problem("rate_limited", 429), 1),
        (problem("resend_too_soon", 429, 1), 1),
        (problem("sends_exhausted", 429, 1), 1),
        (problem("guess_limit", 429, 1), 1),
        (problem("codes_unavailable", 503, 6), 1),
        (problem("codes_unavailable", 503, 1), 2),
        (problem("conflict", 409, 1), 1),
        (problem("not_found", 404), 1),
    ],
)
def test_only_short_waits_that_help_are_waited_for(answer, tries):
    with stub(in_turn(answer, reply(VERIFICATION))) as server, of(server) as client:
        started = time.monotonic()
        try:
            client.verifications.resend("ver_1")
        except ProblemError:
            assert tries == 1
        else:
            assert time.monotonic() - started >= 1
    assert len(server.seen) == tries


def test_a_test_message_is_sent_once():
    with stub(lambda _: problem("internal", 500)) as server, of(server) as client:
        with pytest.raises(ServerError):
            client.providers.test("prv_1", to="+48500500500")
        assert len(server.seen) == 1
        assert "idempotency-key" not in server.seen[0].headers


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Countersign("cs_test_secret", base_url=f"http://127.0.0.1:{port}") as client:
        with pytest.raises(NetworkError, match=r"\(3 tries\)") as caught:
            client.system.live()
        assert not isinstance(caught.value, NetworkTimeoutError)


# ---- time-outs -----------------------------------------------------------------------------------


def test_the_total_bounds_all_tries():
    with stub(lambda _: Reply(delay=30)) as server, of(server, timeout=1) as client:
        started = time.monotonic()
        with pytest.raises(NetworkTimeoutError) as caught:
            client.system.live()
        assert 0.9 < time.monotonic() - started < 2
        assert isinstance(caught.value, TimeoutError)


def test_a_slow_try_is_followed_by_another():
    with stub(in_turn(Reply(delay=30), reply({"status": "ok"}))) as server, of(server) as client:
        assert client.system.live(timeout=Timeout(total=10, attempt=0.3)).status == "ok"
        assert len(server.seen) == 2


def test_a_time_out_of_one_call_async():
    async def call(server):
        async with AsyncCountersign("cs_test_secret", base_url=server.url) as client:
            with pytest.raises(NetworkTimeoutError):
                await client.system.live(timeout=0.5)

    with stub(lambda _: Reply(delay=30)) as server:
        started = time.monotonic()
        anyio.run(call, server)
        assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("bad", [0, -1, float("nan"), 1e9, True, "1"])
def test_a_time_out_that_cannot_be(dev, bad):
    with pytest.raises(ValueError, match="timeout: total"):
        Countersign(dev["key"], base_url=dev["base_url"], timeout=bad)


# ---- answers of other servers --------------------------------------------------------------------


def test_what_a_newer_server_says_is_understood():
    newer = VERIFICATION | {"status": "paused", "delivery": "read", "colour": "green"}
    with stub(lambda _: reply(newer)) as server, of(server) as client:
        verification = client.verifications.get("ver_1")
    assert verification.status == "paused"
    assert str(verification.status) == "paused"
    assert verification.expires_at.microsecond == 123456
    with stub(lambda _: problem("too_green", 418)) as server, of(server) as client:
        with pytest.raises(ProblemError) as caught:
            client.verifications.get("ver_1")
    assert (caught.value.code, caught.value.status) == ("too_green", 418)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"id": 1}', b'{"data": 3}', b"\xff"])
def test_an_answer_that_is_none(body):
    with stub(lambda _: Reply(body=body)) as server, of(server) as client:
        with pytest.raises(InvalidAnswerError):
            client.verifications.get("ver_1")
        with pytest.raises(InvalidAnswerError):
            list(client.verifications.list())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"code": 7, "errors": [1, {"field": 2}], "limit": 4, "retry_after": "x"}'],
)
def test_a_refusal_that_is_no_problem(body):
    with stub(lambda _: Reply(400, body, {"X-Request-Id": "req_9"})) as server, of(server) as client:
        with pytest.raises(ProblemError) as caught:
            client.verifications.get("ver_1")
    assert (caught.value.code, caught.value.status, caught.value.request_id) == ("unknown", 400, "req_9")
    assert (caught.value.limit, caught.value.retry_after) == (None, None)


def test_a_redirect_is_not_followed():
    with stub(lambda _: Reply(307, b"", {"Location": "http://127.0.0.1:1/"})) as server, of(server) as client:
        with pytest.raises(ProblemError) as caught:
            client.verifications.start(to="+48500500500")
    assert caught.value.status == 307


def test_an_endless_answer_is_not_read():
    endless = Reply(body=b" " * (17 * 1024 * 1024))
    with stub(lambda _: endless) as server, of(server) as client:
        with pytest.raises(NetworkError, match="too large"):
            client.system.live()
        assert len(server.seen) == 1


def test_a_list_that_never_ends_is_left():
    page = {"data": [VERIFICATION], "next_cursor": "ver_1"}
    with stub(lambda _: reply(page)) as server, of(server) as client:
        with pytest.raises(InvalidAnswerError, match="same page"):
            list(client.verifications.list())
        assert len(server.seen) == 2


# ---- what is sent --------------------------------------------------------------------------------


def test_a_request_says_who_and_what():
    with stub(lambda _: reply(VERIFICATION)) as server, of(server) as client:
        client.verifications.start(to="+48500500500", profile=None, limits={"form": "ł"})
        client.verifications.get("ver_1")
    start, get = server.seen
    assert json.loads(start.body) == {"to": "+48500500500", "limits": {"form": "ł"}}
    assert start.headers["user-agent"] == f"countersign-python/{__version__}"
    assert start.headers["authorization"] == "Bearer cs_test_secret"
    assert start.headers["content-type"] == "application/json"
    assert (get.method, get.path, get.body) == ("GET", "/v1/verifications/ver_1", b"")


def test_a_client_of_ones_own_is_used_and_left_open():
    with stub(lambda _: reply({"status": "ok"})) as server, httpx.Client(headers={"X-Mine": "1"}) as http:
        with Countersign("cs_test_secret", base_url=server.url + "/behind/", http_client=http) as client:
            client.system.live()
        assert not http.is_closed
        assert (server.seen[0].path, server.seen[0].headers["x-mine"]) == ("/behind/health/live", "1")
        assert "authorization" not in http.headers
