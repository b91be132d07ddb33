"""Tells messages of your server from those of anybody else (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._generated.models import Delivery, EventName, KeyMode, ScopeName, VerificationStatus
from ._open import read_time
from .errors import CountersignError

#: A message from further away in time is refused, in seconds.
TOLERANCE = 300
_MAX_SIGNATURES = 20


class WebhookVerificationError(CountersignError):
    """The message is not from your server, or not from now. Answer 400 and do nothing."""


@dataclass(frozen=True, kw_only=True)
class VerificationData:
    """How a verification stood when the event happened."""

    verification_id: str
    mode: KeyMode
    profile: str | None
    country: str | None
    status: VerificationStatus
    delivery: Delivery
    message_id: str | None
    provider: str | None
    reason: str | None
    """What the provider said, or why it was canceled: `client` or `transaction_mismatch`."""


@dataclass(frozen=True, kw_only=True)
class KeyData:
    """A key after its change."""

    key_id: str
    mode: KeyMode
    name: str
    scopes: tuple[ScopeName, ...]
    disabled: bool
    expires_at: datetime.datetime | None
    replaced_by: str | None
    member_id: str | None
    """The member to whom the key belongs; None for a key of the company, or from an older server."""


@dataclass(frozen=True, kw_only=True)
class MemberData:
    """A member or an invitation after its change: ids, and the role. `raw` has the limits."""

    member_id: str | None
    """None for `member.invited`."""
    invitation_id: str | None
    """The invitation that was made, or that made the member; None for the other types."""
    role: str
    disabled: bool
    """False for `member.invited`."""


@dataclass(frozen=True, kw_only=True)
class WebhookEvent:
    """What a message tells. Types that are unknown here, and `webhook.ping`, come as this."""

    id: str
    """The same when the message comes again: remember it for a few days."""
    type: str
    timestamp: datetime.datetime
    """When it happened; messages come in no order."""
    raw: Mapping[str, Any]
    """`data` as it came, with fields that are unknown here."""


@dataclass(frozen=True, kw_only=True)
class VerificationEvent(WebhookEvent):
    """`verification.*` and `message.failed`."""

    data: VerificationData


@dataclass(frozen=True, kw_only=True)
class KeyEvent(WebhookEvent):
    """`key.*`."""

    data: KeyData


@dataclass(frozen=True, kw_only=True)
class MemberEvent(WebhookEvent):
    """`member.*`."""

    data: MemberData


def verify(
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    now: float | None = None,
) -> WebhookEvent:
    """Reads a message, if one of your secrets signed it within the last five minutes.

    Args:
        payload: The body as it came, before anything read it as JSON.
        headers: The headers of the request.
        secret: The secret of the webhook, `whsec_...`; several while you change it.
        now: The time in seconds, for tests.

    Raises:
        WebhookVerificationError: It is not to be believed, or not to be understood.
        ValueError: A secret is not one.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets:
        raise ValueError("secret: give at least one")
    keys = [_key(one) for one in secrets]
    body = payload.encode() if isinstance(payload, str) else bytes(payload)
    given = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise WebhookVerificationError("The headers webhook-id and webhook-timestamp are needed.")
    if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE:
        raise WebhookVerificationError("The message is not from now.")
    signed = b".".join((message_id.encode(), sent_at.encode(), body))
    right = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    signatures = given.get("webhook-signature", "").split(" ")[:_MAX_SIGNATURES]
    values = [one[3:].encode() for one in signatures if one.startswith("v1,")]
    # All are compared with all, so that the time does not tell which one was near.
    matches = [hmac.compare_digest(one, value) for one in right for value in values]
    if not any(matches):
        raise WebhookVerificationError("No signature of the message is right.")
    try:
        return _event(message_id, json.loads(body))
    except (AttributeError, KeyError, TypeError, ValueError):
        error = WebhookVerificationError("The message is signed, but not one of Countersign.")
    raise error


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise ValueError("secret: not the secret of a webhook, whsec_...") from None
    return key


def _event(message_id: str, message: Any) -> WebhookEvent:
    data = message["data"]
    kind = str(message["type"])
    common: dict[str, Any] = {
        "id": message_id,
        "type": kind,
        "timestamp": read_time(message["timestamp"]),
        "raw": dict(data),
    }
    if kind.startswith("key.") and kind in list(EventName):
        ends = data["expires_at"]
        return KeyEvent(
            **common,
            data=KeyData(
                key_id=data["key_id"],
                mode=KeyMode(data["mode"]),
                name=data["name"],
                scopes=tuple(ScopeName(scope) for scope in data["scopes"]),
                disabled=data["disabled"],
                expires_at=None if ends is None else read_time(ends),
                replaced_by=data["replaced_by"],
                member_id=data.get("member_id"),
            ),
        )
    if kind.startswith("member.") and kind in list(EventName):
        return MemberEvent(
            **common,
            data=MemberData(
                member_id=data.get("member_id"),
                invitation_id=data["invitation_id"],
                role=data["role"],
                disabled=data.get("disabled", False),
            ),
        )
    if kind in list(EventName):
        return VerificationEvent(
            **common,
            data=VerificationData(
                verification_id=data["verification_id"],
                mode=KeyMode(data["mode"]),
                profile=data["profile"],
                country=data["country"],
                status=VerificationStatus(data["status"]),
                delivery=Delivery(data["delivery"]),
                message_id=data["message_id"],
                provider=data["provider"],
                reason=data["reason"],
            ),
        )
    return WebhookEvent(**common)
