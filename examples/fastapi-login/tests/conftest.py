"""The app as it is deployed, against `countersign dev`, whose ready file COUNTERSIGN_READY_FILE names."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def dev():
    return json.loads(Path(os.environ["COUNTERSIGN_READY_FILE"]).read_text())


@contextlib.contextmanager
def serve(dev, key):
    """The app on a free port, behind a proxy on this machine (us), which names the visitor's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    told = {"COUNTERSIGN_URL": dev["base_url"], "COUNTERSIGN_KEY": dev[key], "APP_URL": url}
    command = [sys.executable, "-m", "uvicorn", "login.app:app", "--port", str(port)]
    command += ["--proxy-headers", "--forwarded-allow-ips", "127.0.0.1"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | told) as process:
        try:
            ends = time.monotonic() + 20
            while True:
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(url, timeout=2)
                    break
                assert process.poll() is None, "the app ended"
                assert time.monotonic() < ends, "the app did not come up"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def app(dev):
    with serve(dev, "key") as url:
        yield url


@pytest.fixture(scope="session")
def test_app(dev):
    """The same with a test key: nothing is sent, the code is 123456, some numbers fail on demand."""
    with serve(dev, "test_key") as url:
        yield url


def new_number():
    """One that no test used before: the limits of a number hold for hours."""
    return f"+4850{secrets.randbelow(10**7):07}"


@pytest.fixture
def number():
    return new_number()


class Inbox:
    def __init__(self, dev):
        self._url = dev["base_url"] + "/dev/messages"

    def now(self, number):
        return httpx.get(self._url, params={"to": number}).json()

    def wait(self, number, count=1):
        ends = time.monotonic() + 10
        while len(messages := self.now(number)) < count:
            assert time.monotonic() < ends, "no message came"
            time.sleep(0.05)
        return messages


@pytest.fixture(scope="session")
def inbox(dev):
    return Inbox(dev)


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.forms = {}
        self.words = ""
        self._action = None
        self.feed(text)
        self.words = re.sub(r"\s+", " ", self.words)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self._action = given["action"]
            self.forms[self._action] = {}
        elif tag == "input":
            self.forms[self._action][given["name"]] = given.get("value", "")

    def handle_data(self, data):
        self.words += data


class Browser:
    """Follows the pages as a browser without JavaScript does."""

    def __init__(self, url, address=None):
        address = address or f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
        self.http = httpx.Client(base_url=url, headers={"X-Forwarded-For": address}, follow_redirects=True)
        self.open()

    def open(self):
        return self._take(self.http.get("/"))

    def send(self, action, **fields):
        data = self.page.forms[action] | fields
        return self._take(self.http.post(action, data=data))

    def _take(self, response):
        self.response, self.page = response, _Page(response.text)
        return self

    @property
    def words(self):
        return self.page.words

    @property
    def is_signed_in(self):
        return "You are signed in" in self.open().words


@pytest.fixture
def browser(app):
    browser = Browser(app)
    yield browser
    browser.http.close()


@pytest.fixture
def test_browser(test_app):
    browser = Browser(test_app)
    yield browser
    browser.http.close()


@pytest.fixture(scope="session", autouse=True)
def early(app):
    """A sign-in that begins before all tests: time passes until its message may be sent again."""
    browser, number = Browser(app), new_number()
    browser.send("/start", number=number)
    yield browser, number, time.monotonic()
    browser.http.close()
