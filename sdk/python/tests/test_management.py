"""Keys, profiles and the rest of the operations against the server."""

from __future__ import annotations

import datetime
import inspect
import json
import time
from pathlib import Path

import pytest
from conftest import eventually

from countersign import (
    UNSET,
    AsyncCountersign,
    AuthenticationError,
    ConflictError,
    Countersign,
    NotFoundError,
    PermissionDeniedError,
    models,
)


def test_the_life_of_a_key(dev, client, number):
    created = client.keys.create(name="sdk", scopes=["verifications:start", models.ScopeName.SETTINGS_READ])
    assert created.secret not in repr(created)
    assert created.id in {key.id for key in client.keys.list(limit=1)}, "iterates over all pages"
    with Countersign(created.secret, base_url=dev["base_url"]) as new:
        eventually(lambda: _accepts(new))
        assert new.verifications.start(to=number).livemode

    rotated = client.keys.rotate(created.id, overlap=0)
    assert (rotated.name, rotated.scopes) == (created.name, created.scopes)
    assert client.keys.get(created.id).replaced_by == rotated.id
    assert client.keys.update(rotated.id, disabled=True).disabled
    with Countersign(rotated.secret, base_url=dev["base_url"]) as disabled:
        eventually(lambda: not _accepts(disabled))
    for one in (created.id, rotated.id):
        client.keys.delete(one)
        assert one not in {key.id for key in client.keys.list()}


def test_somebody_is_invited_for_a_part(client):
    address = f"sdk-{time.time_ns()}@example.com"
    hours = models.WeekHours(monday=["08:00-16:00"])
    shares = models.AskedShares(profiles=["default"], senders="none")
    scopes = ["verifications:start"]
    made = client.invitations.create(
        email=address, role="subuser", permissions=scopes, hours=hours, shares=shares, pool=500
    )
    assert (made.email, made.delivery, made.sends) == (address, "mail", 1)
    assert made.hours is not None
    assert (made.hours.monday, made.hours.tuesday) == (["08:00-16:00"], [])
    assert (made.shares.profiles, made.shares.senders, made.shares.groups) == (["default"], "none", "all")
    assert made.id in {one.id for one in client.invitations.list(limit=1)}
    with pytest.raises(ConflictError):
        client.invitations.create(email=address, role="subuser", permissions=[])
    assert client.invitations.resend(made.id).sends == 2
    assert client.invitations.get(made.id).expires_at >= made.expires_at
    client.invitations.delete(made.id)
    assert made.id not in {one.id for one in client.invitations.list()}


def test_keys_have_profiles_and_members(client):
    key = client.keys.create(name="sdk", scopes=["settings:read"], profiles=["default"])
    assert (key.profiles, key.member) == (["default"], None)
    assert client.keys.update(key.id, profiles="all").profiles == "all"
    with pytest.raises(PermissionDeniedError):
        client.keys.move(key.id)
    nobody = "mem_" + "0" * 26
    assert list(client.keys.list(member=nobody)) == []
    with pytest.raises(NotFoundError):
        client.members.update(nobody, hours=None, pool=None, shares={"senders": "all"}, disabled=True)
    assert nobody not in {member.id for member in client.members.list()}
    client.keys.delete(key.id)


def test_the_audit_log_tells_of_a_change(client):
    key = client.keys.create(name="sdk", scopes=["settings:read"])
    client.keys.delete(key.id)
    deleted, created = client.audit.list(object=key.id, limit=1)
    assert (created.action, created.before, created.after["name"]) == ("key.create", None, "sdk")
    assert (deleted.action, deleted.before, deleted.after) == ("key.delete", created.after, None)
    assert deleted.n > created.n
    assert deleted.at >= created.at
    assert [entry.n for entry in client.audit.list(object=key.id, action="key.create")] == [created.n]


def _accepts(client: Countersign) -> bool:
    try:
        client.tenant.get()
    except AuthenticationError:
        return False
    return True


def test_a_change_leaves_clears_or_sets(client):
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    key = client.keys.create(name="sdk", scopes=["settings:read"], expires_at=ends)
    try:
        assert client.keys.update(key.id, name="sdk 2", expires_at=UNSET).expires_at is not None
        cleared = client.keys.update(key.id, expires_at=None)
        assert (cleared.name, cleared.expires_at) == ("sdk 2", None)
        with pytest.raises(ValueError, match="time zone"):
            client.keys.update(key.id, expires_at=datetime.datetime(2030, 1, 1))
    finally:
        client.keys.delete(key.id)


def test_a_secret_is_shown_once_also_to_a_repeat(client, number):
    asked = {"name": "sdk", "scopes": ["settings:read"], "idempotency_key": f"once {number}"}
    key = client.keys.create(**asked)
    try:
        with pytest.raises(ConflictError) as caught:
            client.keys.create(**asked)
        assert caught.value.code == "secret_already_shown"
    finally:
        client.keys.delete(key.id)


def test_nested_values_go_both_ways(client, number):
    name = f"sdk-{number[-7:]}"
    bucket = models.Bucket(max=100, window=3600)
    try:
        saved = client.profiles.save(name, code_length=8, limits={"form": [bucket]}, resend="new")
        assert (saved.code_length, saved.limits, saved.resend) == (8, {"form": [bucket]}, "new")
        changed = client.profiles.update(name, limits={"form": [{"max": 5, "window": 60}]})
        assert changed.limits == {"form": [models.Bucket(max=5, window=60)]}
        assert changed.code_length == 8
        assert name in [profile.name for profile in client.profiles.list()]
    finally:
        client.profiles.delete(name)


def test_reads_of_every_kind(client, number):
    """One call of each resource that changes nothing, so that each answer is read."""
    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert isinstance(client.allowlists.get(), models.Allowlist)
    assert all(isinstance(use, models.AddressUse) for use in client.allowlists.usage())
    assert isinstance(client.countries.get().default, models.CountryMode)
    assert {limit.name for limit in client.limits.list()} >= {"number", "end_user_ip"}
    assert client.numbers.clear(to=number).wrong_codes == 0
    assert client.numbers.erase(to=number).verifications == 0
    assert all(isinstance(one, models.Provider) for one in client.providers.list())
    assert all(count.hour <= now for count in client.reports.hourly(from_=now - hour, to=now))
    assert all(isinstance(one, models.ReviewNumber) for one in client.review_numbers.list())
    assert client.routes.explain(to=number).country == "PL"
    assert list(client.routes.list()) is not None
    assert all(isinstance(one, models.Sender) for one in client.senders.list())
    assert (client.system.live().status, client.system.ready().status) == ("ok", "ok")
    assert client.system.openapi()["info"]["title"] == "Countersign"
    assert {text.locale for text in client.templates.defaults()} >= {"en", "pl"}
    assert client.templates.preview(text="{code} is your code").segments == 1
    assert client.tenant.get().id.startswith("ten_")
    assert all(isinstance(one, models.Webhook) for one in client.webhooks.list())


def test_every_operation_of_the_document_is_a_method():
    document = json.loads((Path(__file__).parents[3] / "openapi" / "openapi.json").read_text())
    operations = [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]
    client = Countersign("cs_test_x", base_url="https://otp.example.com")
    names = [name for name in vars(client) if not name.startswith("_")]
    for kind in (Countersign, AsyncCountersign):
        resources = [
            type(vars(kind("cs_test_x", base_url="https://otp.example.com"))[name]) for name in names
        ]
        methods = [
            method
            for resource in resources
            for name, method in vars(resource).items()
            if inspect.isfunction(method) and not name.startswith("_")
        ]
        # `/docs` is a page for people, and the export of the audit log is no JSON.
        assert len(methods) == len(operations) - 2
