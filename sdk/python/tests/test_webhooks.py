"""Webhook messages: the server's own, and those of the official library."""

from __future__ import annotations

import base64
import datetime
import json
import secrets
import time

import pytest
import standardwebhooks
from conftest import eventually
from servers import Reply, stub

from countersign import InvalidRequestError, WebhookVerificationError, models, webhooks

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
APPROVED = {
    "type": "verification.approved",
    "timestamp": "2026-01-31T12:00:00.000Z",
    "data": {
        "verification_id": "ver_1",
        "mode": "live",
        "profile": "default",
        "country": "PL",
        "status": "approved",
        "delivery": "delivered",
        "message_id": "msg_1",
        "provider": "smsapi",
        "reason": None,
    },
}


def signed(message, secret=SECRET, at=None):
    """The body and headers that the official library makes."""
    body = message if isinstance(message, str) else json.dumps(message)
    at = datetime.datetime.fromtimestamp(int(time.time() if at is None else at), datetime.timezone.utc)
    signature = standardwebhooks.Webhook(secret).sign("whm_1", at, body)
    stamp = str(int(at.timestamp()))
    headers = {"Webhook-Id": "whm_1", "Webhook-Timestamp": stamp, "Webhook-Signature": signature}
    return body.encode(), headers


def test_messages_of_the_server_itself(dev, client, number):
    """`dev` must allow 127.0.0.0/8 in delivery.allowed_networks for that."""
    with stub(lambda _: Reply(204, b"")) as receiver:
        try:
            webhook = client.webhooks.create(name="sdk", url=receiver.url + "/hook")
        except InvalidRequestError as problem:
            assert problem.errors[0].field == "url"
            pytest.skip("this dev calls no webhooks on loopback: delivery.allowed_networks")
        try:
            rotated = client.webhooks.rotate(webhook.id, overlap=600)
            assert rotated.secret != webhook.secret
            client.webhooks.ping(webhook.id)
            key = client.keys.create(name="sdk", scopes=["settings:read"])
            client.keys.delete(key.id)
            verification = client.verifications.start(to=number)
            client.verifications.cancel(verification.id)
            kinds = {
                "webhook.ping",
                "key.created",
                "key.deleted",
                "verification.started",
                "verification.canceled",
            }

            def all_came():
                return kinds <= {json.loads(seen.body)["type"] for seen in receiver.seen}

            eventually(all_came, within=20)
        finally:
            client.webhooks.delete(webhook.id)
    for seen in receiver.seen:
        for secret in (webhook.secret, rotated.secret, [OTHER, rotated.secret]):
            event = webhooks.verify(seen.body, seen.headers, secret)
            standardwebhooks.Webhook(rotated.secret).verify(seen.body.decode(), seen.headers)
        assert event.id == seen.headers["webhook-id"]
        if event.type == "key.created" and event.data.key_id == key.id:
            assert isinstance(event, webhooks.KeyEvent)
            assert event.data.scopes == (models.ScopeName.SETTINGS_READ,)
        if event.type == "verification.canceled" and event.data.verification_id == verification.id:
            assert isinstance(event, webhooks.VerificationEvent)
            assert (event.data.status, event.data.reason) == ("canceled", "client")
        if event.type == "webhook.ping":
            assert event.raw["webhook_id"] == webhook.id
        with pytest.raises(WebhookVerificationError):
            webhooks.verify(seen.body + b" ", seen.headers, webhook.secret)


def test_a_message_that_the_official_library_signed():
    body, headers = signed(APPROVED)
    event = webhooks.verify(body, headers, SECRET)
    assert isinstance(event, webhooks.VerificationEvent)
    assert (event.type, event.data.status) == ("verification.approved", models.VerificationStatus.APPROVED)
    assert event.timestamp == datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)
    assert webhooks.verify(body.decode(), headers, [OTHER, SECRET]) == event


def test_any_of_several_signatures_will_do():
    body, headers = signed(APPROVED)
    _, others = signed(APPROVED, OTHER)
    both = f"v1a,x v1,AAAA {others['Webhook-Signature']} {headers['Webhook-Signature']}"
    assert webhooks.verify(body, headers | {"Webhook-Signature": both}, SECRET)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(body, headers, OTHER)


@pytest.mark.parametrize("off", [-301, 302])
def test_a_message_from_another_time_is_refused(off):
    body, headers = signed(APPROVED, at=time.time() + off)
    with pytest.raises(WebhookVerificationError, match="not from now"):
        webhooks.verify(body, headers, SECRET)
    assert webhooks.verify(body, headers, SECRET, now=time.time() + off)


@pytest.mark.parametrize("off", [-295, 295])
def test_a_clock_that_is_a_little_off_is_fine(off):
    assert webhooks.verify(*signed(APPROVED, at=time.time() + off), SECRET)


@pytest.mark.parametrize(
    "changed",
    [
        {"Webhook-Id": "whm_2"},
        {"Webhook-Id": ""},
        {"Webhook-Timestamp": "now"},
        {"Webhook-Timestamp": "9" * 400},
        {"Webhook-Timestamp": "\u0661"},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1,"},
        {"Webhook-Signature": "v1,ł"},
        {"Webhook-Signature": "v2,AAAA"},
        {"Webhook-Signature": " ".join(["v1,AAAA"] * 5000)},
    ],
)
def test_a_message_that_was_changed_is_refused(changed):
    body, headers = signed(APPROVED)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(body, headers | changed, SECRET)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(body, {}, SECRET)


def test_what_a_newer_server_tells_is_understood():
    newer = {**APPROVED, "data": {**APPROVED["data"], "status": "paused", "colour": "green"}}
    event = webhooks.verify(*signed(newer), SECRET)
    assert (event.data.status, event.raw["colour"]) == ("paused", "green")
    event = webhooks.verify(*signed({**newer, "type": "verification.paused", "data": {"x": 1}}), SECRET)
    assert type(event) is webhooks.WebhookEvent
    assert (event.type, event.raw) == ("verification.paused", {"x": 1})


@pytest.mark.parametrize("message", ["", "[]", "{}", '{"type": "verification.approved", "data": {}}'])
def test_a_signed_message_of_something_else(message):
    with pytest.raises(WebhookVerificationError, match="not one of Countersign"):
        webhooks.verify(*signed(message), SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_AAAA", [], ["whsec_"]])
def test_a_secret_that_is_none(secret):
    with pytest.raises(ValueError, match="secret"):
        webhooks.verify(*signed(APPROVED), secret)


def test_random_bodies_agree_with_the_official_library():
    for _ in range(50):
        message = {**APPROVED, "type": "x", "data": {"text": secrets.token_urlsafe(20) + "ł\n"}}
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        body, headers = signed(message, secret)
        assert webhooks.verify(body, headers, secret).raw == message["data"]
