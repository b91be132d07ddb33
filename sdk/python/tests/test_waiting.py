"""What takes half a minute: stands near the end, for the time has passed by then."""

from __future__ import annotations

import datetime
import time


def test_a_resend_after_the_wait_sends_the_same_code_again(client, inbox, early):
    number, verification = early
    left = verification.resend_at - datetime.datetime.now(datetime.timezone.utc)
    time.sleep(max(left.total_seconds(), 0) + 0.1)
    again = client.verifications.resend(verification.id)
    assert (again.id, again.to, again.expires_at) == (verification.id, number, verification.expires_at)
    assert (verification.sends_left, again.sends_left) == (4, 3)
    assert again.resend_at > verification.resend_at
    ends = time.monotonic() + 10
    while len(messages := inbox(number)) < 2:
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert messages[0]["code"] == messages[1]["code"]
    assert client.verifications.check(again.id, code=messages[0]["code"]).status == "approved"
