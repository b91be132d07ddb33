"""Verifications against the server."""

from __future__ import annotations

import datetime
import time

import pytest
from conftest import eventually

from countersign import (
    ConflictError,
    Countersign,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    models,
)


def test_the_right_code_is_approved_once(client, inbox, number):
    verification = client.verifications.start(to=number, metadata={"order": "A-1"})
    assert verification.status == "pending"
    assert verification.status is models.VerificationStatus.PENDING
    assert (verification.to, verification.metadata) == (number, {"order": "A-1"})
    assert verification.expires_at - verification.created_at == datetime.timedelta(seconds=300)

    code = inbox(number)[0]["code"]
    wrong = client.verifications.check(verification.id, code="000000" if code != "000000" else "000001")
    assert (wrong.status, wrong.attempts_left) == ("pending", 4)
    assert client.verifications.check(verification.id, code=code).status == "approved"

    with pytest.raises(ConflictError) as caught:
        client.verifications.check(verification.id, code=code)
    assert caught.value.code == "already_approved"
    assert caught.value.code is models.ProblemCode.ALREADY_APPROVED
    assert caught.value.status == 409
    assert caught.value.request_id.startswith("req_")
    assert client.verifications.get(verification.id).status == "approved"


def test_a_check_by_number(test_client, number):
    verification = test_client.verifications.start(to=number)
    result = test_client.verifications.check_number(to=number, code="123 456")
    assert (result.id, result.status) == (verification.id, "approved")


def test_a_payment_is_confirmed_with_its_own_code(test_client, number):
    payment = models.Transaction(amount="49.90", currency="EUR", payee="Example Shop")
    verification = test_client.verifications.start(to=number, transaction=payment)
    other = {"amount": "50", "currency": "EUR", "payee": "Example Shop"}
    result = test_client.verifications.check(verification.id, code="123456", transaction=other)
    assert (result.status, result.reason) == ("canceled", "transaction_mismatch")


def test_a_resend_too_soon_says_how_long_to_wait(client, number):
    verification = client.verifications.start(to=number)
    started = time.monotonic()
    with pytest.raises(RateLimitError) as caught:
        client.verifications.resend(verification.id)
    assert time.monotonic() - started < 2, "a person waits for that, not the client"
    assert caught.value.code == "resend_too_soon"
    assert 0 < caught.value.retry_after <= 30


def test_cancel_ends_it(client, number):
    verification = client.verifications.start(to=number)
    assert client.verifications.cancel(verification.id).status == "canceled"
    assert client.verifications.check(verification.id, code="123456").status == "canceled"
    with pytest.raises(ConflictError) as caught:
        client.verifications.resend(verification.id)
    assert caught.value.code == "verification_ended"


def test_lists_go_on_over_pages(test_client, number):
    profile = f"pages-{number[-7:]}"
    test_key_may_not = pytest.raises(PermissionDeniedError)
    with test_key_may_not:
        test_client.profiles.save(profile)
    made = [test_client.verifications.start(to=number).id for _ in range(5)]
    search = test_client.verifications.search(to=number, limit=2)
    found = eventually(lambda: len(ids := [one.id for one in search]) == 5 and ids)
    assert found == made[::-1]
    pages = [len(page.data) for page in search.pages()]
    assert pages in ([2, 2, 1], [2, 2, 1, 0])
    # The list goes by the time in the id, which another clock may have told.
    since = test_client.verifications.get(made[0]).created_at - datetime.timedelta(seconds=1)
    listed = test_client.verifications.list(created_after=since, limit=2, status="pending")
    assert [one.id for one in listed if one.id in made] == made[::-1]
    assert sum(1 for _ in listed.pages()) > 2


def test_the_timeline_tells_each_step(test_client, number):
    verification = test_client.verifications.start(to=number)
    test_client.verifications.check(verification.id, code="123456")
    kinds = eventually(
        lambda: (
            "approved"
            in (kinds := [event.kind for event in test_client.verifications.timeline(verification.id)])
            and kinds
        )
    )
    assert kinds[0] == "started"


def test_the_limit_of_a_number(test_client, number):
    for _ in range(5):
        test_client.verifications.start(to=number)
    with pytest.raises(RateLimitError) as caught:
        test_client.verifications.start(to=number)
    assert caught.value.code == "rate_limited"
    assert 60 < caught.value.retry_after <= 600
    assert caught.value.limit == models.RefusingLimit(name="number_10m", scope="number")


def test_the_magic_number_that_is_always_limited(test_client):
    with pytest.raises(RateLimitError) as caught:
        test_client.verifications.start(to="+15005550005")
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 60)


def test_all_wrong_fields_come_at_once(client):
    with pytest.raises(InvalidRequestError) as caught:
        client.verifications.start(to="12", code_length=99, expires_in=1)
    assert caught.value.code == "invalid_request"
    assert {error.field for error in caught.value.errors} == {"to", "code_length", "expires_in"}
    assert all(error.code and error.message for error in caught.value.errors)


@pytest.mark.parametrize("to", ["+15005550001", "+48 12"])
def test_a_number_that_cannot_be(test_client, to):
    with pytest.raises(InvalidRequestError) as caught:
        test_client.verifications.start(to=to)
    assert caught.value.code == "invalid_phone_number"
    assert caught.value.errors[0].field == "to"


def test_refusals_have_their_own_classes(dev, client, number):
    with pytest.raises(NotFoundError):
        client.verifications.get("ver_01jz0w8e9c4t6yv2k5n3m7p8qr")
    stranger = Countersign("cs_live_nobody", base_url=dev["base_url"])
    with stranger, pytest.raises(Exception, match="invalid_key") as caught:
        stranger.verifications.start(to=number)
    assert type(caught.value).__name__ == "AuthenticationError"


@pytest.mark.parametrize("bad", ["", ".", "..", None])
def test_an_id_that_would_change_the_path_is_not_sent(client, bad):
    with pytest.raises(ValueError, match="an id or a name"):
        client.verifications.get(bad)


def test_an_id_with_slashes_stays_one_segment(client):
    with pytest.raises(NotFoundError):
        client.verifications.cancel("../verifications")
