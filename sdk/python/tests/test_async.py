"""The asynchronous client, on each loop that it is for."""

from __future__ import annotations

import pytest
from servers import Reply, stub

from countersign import AsyncCountersign, ConflictError, NetworkTimeoutError, RateLimitError

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


async def test_start_check_and_lists(dev, number):
    async with AsyncCountersign(dev["test_key"], base_url=dev["base_url"]) as client:
        verification = await client.verifications.start(to=number)
        wrong = await client.verifications.check(verification.id, code="000000")
        assert (wrong.status, wrong.attempts_left) == ("pending", 4)
        with pytest.raises(RateLimitError) as caught:
            await client.verifications.resend(verification.id)
        assert caught.value.code == "resend_too_soon"
        assert (await client.verifications.check(verification.id, code="123456")).status == "approved"
        with pytest.raises(ConflictError):
            await client.verifications.check(verification.id, code="123456")
        profiles = [profile.name async for profile in client.profiles.list()]
        assert "default" in profiles
        ids = [one.id async for page in client.verifications.list(limit=1).pages() for one in page.data[:3]]
        assert len(ids) == len(set(ids))
        await client.with_options(timeout=5).verifications.cancel(
            (await client.verifications.start(to=number)).id
        )


async def test_a_server_that_drips_is_left_in_time():
    with stub(lambda _: Reply(delay=30)) as server:
        async with AsyncCountersign("cs_test_x", base_url=server.url, timeout=0.3) as client:
            with pytest.raises(NetworkTimeoutError):
                await client.keys.get("key_1")
