"""Clients that start and check verifications while the cluster changes."""

import collections
import random
import ssl
import threading
import time

import httpx

import countersign


def any_number():
    """No number comes often enough for its limit."""
    return f"+4850{random.randrange(10**7):07}"


class Load:
    """Two clients of the Python SDK with its default settings, and two with plain requests on kept connections."""

    def __init__(self, url, key, authority):
        self._url, self._key, self._authority = url, key, authority
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self.counts = collections.Counter()
        self.errors = []
        self._threads = [threading.Thread(target=run) for run in (self._sdk, self._sdk, self._plain, self._plain)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        time.sleep(1)
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _count(self, name, error=None):
        with self._lock:
            self.counts[name] += 1
            if error is not None:
                self.errors.append(f"{time.strftime('%H:%M:%S')} {name}: {error}")

    def _sdk(self):
        # The authority of SSL_CERT_FILE.
        with countersign.Countersign(self._key, base_url=self._url) as client:
            while not self._ends.wait(0.02):
                try:
                    verification = client.verifications.start(to=any_number())
                    answer = client.verifications.check(verification.id, code="123456")
                    if answer.status == "approved":
                        self._count("sdk")
                    else:
                        self._count("sdk errors", answer.status)
                except Exception as error:
                    self._count("sdk errors", repr(error))

    def _plain(self):
        headers = {"Authorization": f"Bearer {self._key}"}
        context = ssl.create_default_context(cafile=self._authority)
        with httpx.Client(base_url=self._url, headers=headers, verify=context, timeout=10) as client:
            while not self._ends.wait(0.02):
                try:
                    number = any_number()
                    answer = client.post("/v1/verifications", json={"to": number})
                    if answer.status_code < 300:
                        answer = client.post("/v1/checks", json={"to": number, "code": "123456"})
                except httpx.TransportError as error:
                    self._count("lost connections", repr(error))
                    continue
                kind = f"{answer.status_code // 100}xx"
                self._count(kind, None if kind == "2xx" else answer.text)

    def outcome(self):
        """What was seen. A connection that ends as its next request leaves is lost to a client that tries once."""
        pairs = self.counts["sdk"] + self.counts["2xx"]
        lost_connections = self.counts["lost connections"]
        text = f"{pairs} starts and checks, {self.counts['sdk errors']} errors of the SDK, {self.counts['5xx']} answers 5xx"
        if lost_connections:
            text += f", {lost_connections} lost connections of clients that try once"
        bad = [name for name in self.counts if name not in ("sdk", "2xx", "lost connections")]
        assert self.counts["sdk"] > 5 and self.counts["2xx"] > 5, f"too little load: {text}"
        assert not bad, f"{text}: {self.errors[:5]}"
        return text
