"""Where keys and codes must not be seen, and where they must not be sent."""

from __future__ import annotations

import copy
import logging
import pickle
import pprint
import socket
import traceback

import pytest
from servers import Reply, stub

from countersign import AsyncCountersign, Countersign, NetworkError, ProblemError, models

KEY = "cs_live_01jz0w8e9c4t6yv2k5n3m7p8qr_topsecret"
CODE = "836154"


def everything(value, depth=6, seen=None):
    """What anybody would see who prints an object and all that hangs on it."""
    seen = set() if seen is None else seen
    if id(value) in seen or depth == 0:
        return ""
    seen.add(id(value))
    inner = list(getattr(value, "__dict__", {}).values())
    if isinstance(value, dict):
        inner += list(value.keys()) + list(value.values())
    elif isinstance(value, (list, tuple, set)):
        inner += list(value)
    if isinstance(value, BaseException):
        inner += [value.args, value.__cause__, value.__context__]
    shown = f"{value!r}\n{value!s}\n"
    return shown + "".join(everything(one, depth - 1, seen) for one in inner)


@pytest.mark.parametrize("kind", [Countersign, AsyncCountersign])
def test_a_client_never_shows_its_key(kind):
    client = kind(KEY, base_url="https://otp.example.com")
    for shown in (repr(client), str(client), pprint.pformat(vars(client)), everything(client)):
        assert "topsecret" not in shown
    for copier in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            copier(client)
        with pytest.raises(TypeError, match="not pickled"):
            copier(client._sender.settings.auth)


def test_an_error_never_shows_the_key_or_the_code():
    refused = Reply(409, b'{"code": "already_approved", "status": 409, "detail": "d", "request_id": "req_1"}')
    with stub(lambda _: refused) as server, Countersign(KEY, base_url=server.url) as client:
        with pytest.raises(ProblemError) as problem:
            client.verifications.check("ver_1", code=CODE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with Countersign(KEY, base_url=url, max_retries=0) as client, pytest.raises(NetworkError) as lost:
        client.verifications.check("ver_1", code=CODE)
    for error in (problem.value, lost.value):
        assert error.__cause__ is None
        assert error.__context__ is None
        error_alone = "".join(traceback.format_exception_only(type(error), error))
        for shown in (everything(error), error_alone, pickle.dumps(error).decode("latin-1")):
            assert "topsecret" not in shown
            assert CODE not in shown
    again = pickle.loads(pickle.dumps(problem.value))
    assert (type(again), again.code, str(again)) == (
        type(problem.value),
        "already_approved",
        str(problem.value),
    )


def test_a_log_never_shows_the_key_or_the_code(caplog):
    caplog.set_level(logging.DEBUG)
    with stub(lambda _: Reply(500)) as server, Countersign(KEY, base_url=server.url) as client:
        with pytest.raises(ProblemError):
            client.verifications.check("ver_1", code=CODE)
    assert "httpcore" in {record.name.split(".")[0] for record in caplog.records}
    assert "topsecret" not in caplog.text
    assert CODE not in caplog.text


def test_answers_do_not_show_secrets_and_numbers(client, number):
    verification = client.verifications.start(to=number, metadata={"order": "A-1001"})
    assert number not in repr(verification)
    assert "A-1001" not in repr(verification)
    bucket = models.Bucket(max=1, window=2)
    assert repr(bucket) == "Bucket(max=1, window=2)"


@pytest.mark.parametrize(
    "url",
    [
        "http://otp.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://[::2]",
        "ftp://localhost",
        "otp.example.com",
        "https://",
        "https://user:pass@otp.example.com",
        "https://otp.example.com?a=b",
        "https://otp.example.com#a",
        "https://otp.example.com:99999",
        "",
    ],
)
def test_an_address_that_would_give_the_key_away_is_refused(monkeypatch, url):
    monkeypatch.delenv("COUNTERSIGN_URL", raising=False)
    with pytest.raises(ValueError, match="base_url") as caught:
        Countersign(KEY, base_url=url)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://otp.example.com/", "http://localhost:8080", "http://127.8.0.1", "http://[::1]:8080"]
)
def test_an_address_that_is_fine(url):
    assert Countersign(KEY, base_url=url)
    assert Countersign(KEY, base_url="http://otp.internal", allow_insecure_http=True)


def test_the_environment_says_what_is_not_given(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_KEY", KEY + "\n")
    monkeypatch.setenv("COUNTERSIGN_URL", "https://otp.example.com/")
    assert repr(Countersign()) == "Countersign(base_url='https://otp.example.com')"
    monkeypatch.delenv("COUNTERSIGN_KEY")
    with pytest.raises(ValueError, match="COUNTERSIGN_KEY"):
        Countersign()


@pytest.mark.parametrize("key", ["cs_live_a b", "cs_live_ł", "cs_live_a\r\nX-Evil: 1", "x" * 513])
def test_a_key_that_cannot_be_is_not_shown(key):
    with pytest.raises(ValueError, match="^key: ") as caught:
        Countersign(key, base_url="https://otp.example.com")
    assert key not in str(caught.value)
