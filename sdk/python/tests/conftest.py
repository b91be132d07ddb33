"""Tests run against `countersign dev`, whose ready file COUNTERSIGN_READY_FILE names."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign import Countersign, models


@pytest.fixture(scope="session")
def dev() -> dict[str, str]:
    return json.loads(Path(os.environ["COUNTERSIGN_READY_FILE"]).read_text())


@pytest.fixture
def number() -> str:
    """One that no test used before: the limits of a number hold for hours."""
    return f"+4850{secrets.randbelow(10**7):07}"


@pytest.fixture
def client(dev: dict[str, str]) -> Iterator[Countersign]:
    with Countersign(dev["key"], base_url=dev["base_url"]) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def early(dev: dict[str, str]) -> tuple[str, models.Verification]:
    """A number and its verification, started before all tests: time passes until it may be sent again."""
    number = f"+4850{secrets.randbelow(10**7):07}"
    with Countersign(dev["key"], base_url=dev["base_url"]) as client:
        return number, client.verifications.start(to=number)


@pytest.fixture
def test_client(dev: dict[str, str]) -> Iterator[Countersign]:
    with Countersign(dev["test_key"], base_url=dev["base_url"]) as client:
        yield client


def eventually(look: Callable[[], Any], within: float = 10) -> Any:
    """What `look` answers once that is true."""
    ends = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)
    return found


@pytest.fixture
def inbox(dev: dict[str, str]) -> Callable[[str], list[dict[str, str]]]:
    """The messages of a number on the virtual phone, newest first; waits for the first."""

    def messages(number: str) -> list[dict[str, str]]:
        with httpx.Client() as http:
            return eventually(
                lambda: http.get(dev["base_url"] + "/dev/messages", params={"to": number}).json()
            )

    return messages
