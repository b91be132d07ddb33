"""Is only type-checked: what a caller writes has the types that the README says."""

from __future__ import annotations

from countersign import AsyncCountersign, Countersign, ProblemError, models, webhooks


def sign_in(client: Countersign, number: str, code: str) -> bool:
    verification: models.Verification = client.verifications.start(
        to=number, metadata={"order": "A-1"}, transaction={"amount": "1", "currency": "EUR", "payee": "Shop"}
    )
    try:
        result: models.CheckAnswer = client.verifications.check(verification.id, code=code, timeout=3)
    except ProblemError as problem:
        limit: models.RefusingLimit | None = problem.limit
        wait: int | None = problem.retry_after
        return problem.code == "already_approved" and limit is None and wait is None
    left: int = result.attempts_left
    return result.status == "approved" or left < 0


def names(client: Countersign) -> list[str]:
    client.keys.update("key_x", expires_at=None)
    return [profile.name for profile in client.profiles.list()]


async def later(client: AsyncCountersign) -> list[models.Verification]:
    page = await anext(client.verifications.list(status="pending").pages())
    assert page.next_cursor is None
    return [one async for one in client.verifications.list(status=models.VerificationStatus.PENDING)]


def receive(body: bytes, headers: dict[str, str]) -> str:
    event = webhooks.verify(body, headers, ["whsec_one", "whsec_two"])
    if isinstance(event, webhooks.VerificationEvent):
        status: models.VerificationStatus = event.data.status
        return status
    return event.type
