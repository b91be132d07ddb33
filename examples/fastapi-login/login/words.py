"""What the person reads when something did not work. Decided by the code of the problem, never by its words."""

from __future__ import annotations

from countersign import ProblemError

NOT_US = "Signing in does not work at the moment. Please try again in a few minutes."

PROBLEMS = {
    "invalid_phone_number": "That is not a whole phone number. Write it with its country code, like +48 500 500 500.",
    "number_cannot_receive_sms": "That number cannot receive an SMS. Use the number of a mobile phone.",
    "country_not_allowed": "We cannot send codes to that country.",
    "number_blocked": "We cannot send codes to that number.",
    "invalid_code": "That cannot be the code. It is in the message that we sent you.",
    "already_approved": "That code was used already. Ask for a new one.",
    "verification_ended": "That code no longer works. Ask for a new one.",
    "not_found": "That code no longer works. Ask for a new one.",
    "rate_limited": "Too many codes were asked for.",
    "resend_too_soon": "The message may still be on its way.",
    "sends_exhausted": "We have sent as many messages as we may. Check the number, and start again.",
    "guess_limit": "There were too many wrong codes for this number.",
    # What follows is a mistake or a fault on our side; the log says which.
    "no_route": NOT_US,
    "codes_unavailable": NOT_US,
    "directory_unavailable": NOT_US,
    "history_backlog": NOT_US,
    "busy": NOT_US,
    "internal": NOT_US,
    "invalid_request": NOT_US,
    "invalid_key": NOT_US,
    "insufficient_scope": NOT_US,
    "not_shared": NOT_US,
    "outside_hours": NOT_US,
    "message_too_long": NOT_US,
    "pool_exhausted": NOT_US,
    "ip_not_allowed": NOT_US,
    "method_not_allowed": NOT_US,
    "conflict": NOT_US,
    "secret_already_shown": NOT_US,
    "idempotency_mismatch": NOT_US,
    "payload_too_large": NOT_US,
    "unsupported_media_type": NOT_US,
}

NO_ANSWER = "We could not reach the service that sends the codes. Please try again."

ENDS = {
    "exhausted": "Too many wrong codes. That code no longer works; ask for a new one.",
    "expired": "The code has expired. Ask for a new one.",
    "canceled": "That code no longer works. Ask for a new one.",
    "failed": "The message could not be sent. Check the number, then try again.",
}


def explain(problem: ProblemError) -> str:
    text = PROBLEMS.get(problem.code, NOT_US)
    if problem.retry_after and text is not NOT_US:
        text += f" Try again in {duration(problem.retry_after)}."
    return text


def is_of_field(problem: ProblemError) -> bool:
    """Whether what was typed is wrong, and not the moment."""
    return problem.code in (
        "invalid_phone_number",
        "number_cannot_receive_sms",
        "country_not_allowed",
        "number_blocked",
        "invalid_code",
    )


def is_ours(problem: ProblemError) -> bool:
    """Whether somebody who runs this app should look at it."""
    return PROBLEMS.get(problem.code, NOT_US) is NOT_US


def wrong_code(attempts_left: int) -> str:
    return f"That is not the code. You have {attempts_left} {'try' if attempts_left == 1 else 'tries'} left."


def duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    if seconds < 3600:
        minutes = -(-seconds // 60)
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours = -(-seconds // 3600)
    return f"{hours} hour{'' if hours == 1 else 's'}"


def mask(number: str) -> str:
    """The country code, and the last three digits."""
    return number[:3] + "\u2022" * max(0, len(number) - 6) + number[-3:]
