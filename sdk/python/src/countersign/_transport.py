"""Sends requests, again where that does no harm.

The rules are in `Tries`, once; the two senders at the end only wait and do I/O.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from ._generated import VERSION
from ._request import Request
from ._settings import Settings, bounds
from .errors import InvalidAnswerError, NetworkError, NetworkTimeoutError, problem_error

#: A longer wait is for people to decide about.
MAX_WAIT = 5.0
#: Larger answers than the API gives are not read to their end, in bytes.
MAX_ANSWER = 16 * 1024 * 1024
#: Waiting and sending the same again would not help.
_FOR_PEOPLE = ("resend_too_soon", "sends_exhausted", "guess_limit")


@dataclass
class Answer:
    status: int
    retry_after: float | None
    request_id: str | None
    body: bytes

    def problem(self) -> dict[str, Any]:
        """The problem, or what the headers say where the body is none."""
        try:
            problem = json.loads(self.body)
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            problem = {}
        if self.retry_after is not None:
            problem.setdefault("retry_after", int(self.retry_after))
        if self.request_id is not None:
            problem.setdefault("request_id", self.request_id)
        return problem


@dataclass
class Failure:
    """No answer. Words only: an exception of httpx holds the request, and so the key and the code."""

    words: str
    is_timeout: bool = False
    may_have_arrived: bool = True
    is_final: bool = False


class Tries:
    """One call: what is sent, how often, and what its outcome means."""

    def __init__(self, settings: Settings, request: Request) -> None:
        self._settings = settings
        self._timeout = bounds(request.timeout, settings.timeout)
        self._ends = time.monotonic() + self._timeout.total
        self._method = request.method
        self._url = settings.base_url + request.path
        self._params = request.params()
        self._headers = {"Accept": "application/json", "User-Agent": f"countersign-python/{VERSION}"}
        body = request.json()
        self._content = None
        if body is not None:
            self._content = json.dumps(body, allow_nan=False).encode()
            self._headers["Content-Type"] = "application/json"
        key = request.idempotency_key
        if request.method == "POST" and request.is_repeatable:
            # The same for all tries: a second one never sends a second message or uses a second try.
            self._headers["Idempotency-Key"] = key or uuid.uuid4().hex
        self._is_repeatable = request.is_repeatable and request.method != "PATCH"
        self._tried = 0
        self._try_ends = self._ends

    def begin(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request of the next try."""
        self._tried += 1
        now = time.monotonic()
        left = max(self._ends - now, 0.001)
        attempt = min(self._timeout.attempt, left)
        self._try_ends = now + attempt
        return http.build_request(
            self._method,
            self._url,
            params=self._params or None,
            content=self._content,
            headers=self._headers,
            timeout=httpx.Timeout(attempt, connect=min(self._timeout.connect, attempt)),
        )

    def left_of_try(self) -> float:
        return max(self._try_ends - time.monotonic(), 0.001)

    def grow(self, body: bytearray, chunk: bytes) -> Failure | None:
        """Takes in a part of an answer, unless it is too much or too late."""
        body += chunk
        if len(body) > MAX_ANSWER:
            return Failure("the answer is too large", is_final=True)
        if time.monotonic() > self._try_ends:
            return Failure("the answer took too long", is_timeout=True)
        return None

    def wait(self, outcome: Answer | Failure) -> float | None:
        """Seconds to wait before another try; None if the outcome stands."""
        if self._tried > self._settings.max_retries:
            return None
        backoff = min(0.25 * 2 ** (self._tried - 1), 2.0) * random.uniform(0.5, 1.0)
        if isinstance(outcome, Failure):
            if outcome.is_final or (outcome.may_have_arrived and not self._is_repeatable):
                return None
            wait = backoff
        elif outcome.status == 429:
            if outcome.retry_after is None or outcome.problem().get("code") in _FOR_PEOPLE:
                return None
            wait = max(outcome.retry_after, backoff)
        elif outcome.status >= 500 and self._is_repeatable:
            wait = max(outcome.retry_after or 0.0, backoff)
        else:
            return None
        return wait if wait <= MAX_WAIT and time.monotonic() + wait < self._ends else None

    def finish(self, outcome: Answer | Failure) -> Any:
        """The JSON of a good answer; else raises."""
        if isinstance(outcome, Failure):
            tries = f" ({self._tried} tries)" if self._tried > 1 else ""
            kind = NetworkTimeoutError if outcome.is_timeout else NetworkError
            raise kind(f"No answer from {self._settings.base_url}: {outcome.words}{tries}")
        if not 200 <= outcome.status < 300:
            raise problem_error(outcome.status, outcome.problem())
        if not outcome.body:
            return None
        try:
            return json.loads(outcome.body)
        except ValueError:
            invalid = InvalidAnswerError("The answer is not JSON.")
        raise invalid


def answer_of(response: httpx.Response, body: bytes) -> Answer:
    text = response.headers.get("retry-after", "")
    # A date, as some proxies send, is left to the caller.
    retry_after = float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
    return Answer(response.status_code, retry_after, response.headers.get("x-request-id"), body)


def failure_of(error: Exception) -> Failure:
    words = str(error) or type(error).__name__
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Failure("no connection in time", is_timeout=True, may_have_arrived=False)
    if isinstance(error, httpx.TimeoutException):
        return Failure("the answer took too long", is_timeout=True)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        return Failure(words, may_have_arrived=False)
    return Failure(words, is_final=not isinstance(error, httpx.TransportError))


class Sender:
    """Sends requests and waits for their answers."""

    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        self.settings = settings
        self.http = http

    def send(self, request: Request) -> Any:
        tries = Tries(self.settings, request)
        while True:
            outcome = self._try(tries)
            wait = tries.wait(outcome)
            if wait is None:
                return tries.finish(outcome)
            time.sleep(wait)

    def _try(self, tries: Tries) -> Answer | Failure:
        body = bytearray()
        try:
            response = self.http.send(
                tries.begin(self.http), stream=True, auth=self.settings.auth, follow_redirects=False
            )
            try:
                for chunk in response.iter_bytes():
                    failure = tries.grow(body, chunk)
                    if failure is not None:
                        return failure
                return answer_of(response, bytes(body))
            finally:
                response.close()
        except httpx.RequestError as error:
            return failure_of(error)


class AsyncSender:
    """Sends requests and awaits their answers, on asyncio or trio."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self.settings = settings
        self.http = http

    async def send(self, request: Request) -> Any:
        tries = Tries(self.settings, request)
        while True:
            outcome = await self._try(tries)
            wait = tries.wait(outcome)
            if wait is None:
                return tries.finish(outcome)
            await anyio.sleep(wait)

    async def _try(self, tries: Tries) -> Answer | Failure:
        body = bytearray()
        try:
            sent = tries.begin(self.http)
            with anyio.move_on_after(tries.left_of_try()):
                response = await self.http.send(
                    sent, stream=True, auth=self.settings.auth, follow_redirects=False
                )
                try:
                    async for chunk in response.aiter_bytes():
                        failure = tries.grow(body, chunk)
                        if failure is not None:
                            return failure
                    return answer_of(response, bytes(body))
                finally:
                    await response.aclose()
            return Failure("the answer took too long", is_timeout=True)
        except httpx.RequestError as error:
            return failure_of(error)
