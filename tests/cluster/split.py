"""Mode `split`: pods that answer and pods that send, with a provider that takes the messages."""

import http.server
import json
import re
import threading

import countersign
from kube import PROGRAM, Failed, run, until
from load import Load, any_number
from shared import VALUES
from single import SMALL, helm_test, test_key, with_tenant

PROVIDER = """
  [[tenants.keys]]
  name = "live"
  scopes = ["verifications:start", "verifications:check"]
  secret = {{ file = "../apply-secrets/countersign-live/key" }}
  [[tenants.providers]]
  name = "gateway"
  kind = "http"
  test_to = "+48500500500"
    [tenants.providers.settings]
    url = "http://10.244.0.1:{port}/"
    content_type = "json"
    body = {{ to = "{{to}}", text = "{{text}}" }}
  [[tenants.routes]]
  name = "everywhere"
  provider = "gateway"
"""
WORKLOADS = {"api": {"resources": SMALL, "replicas": 2}, "worker": {"resources": SMALL, "replicas": 2}}
messages = {}


class Gateway(http.server.BaseHTTPRequestHandler):
    """A provider on the node: keeps the text for each number."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages[body["to"]] = body["text"]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def values():
    server = http.server.ThreadingHTTPServer(("10.244.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    more = {name: value for name, value in VALUES.items() if name != "all"}
    tenant = with_tenant(PROVIDER.format(port=server.server_port))
    tenant["apply"]["secrets"].append("countersign-live")
    settings = {"delivery": {"allowed_networks": ["10.244.0.1/32"]}}
    return {**more, **WORKLOADS, **tenant, "mode": "split", "settings": settings}


def install(place):
    """install --wait: the Job makes a tenant, its provider and its route."""
    place.stores()
    test_key(place)
    place.live_key = run(PROGRAM, "key", "generate").split()[-1]
    place.secret("countersign-live", {"key": place.live_key})
    place.values = values()
    place.put("install", place.values)
    if "+48500500500" not in messages:
        raise Failed("no test message")
    return f"{len(place.pods('api'))} pods answer, {len(place.pods('worker'))} send; the test message arrived"


def send(place):
    """a live verification."""
    with countersign.Countersign(place.live_key, base_url=place.url) as client:
        number = any_number()
        verification = client.verifications.start(to=number)
        text = until(20, "the message", lambda: messages.get(number))
        code = re.search(r"\b\d{6}\b", text).group()
        status = client.verifications.check(verification.id, code=code).status
    if status != "approved":
        raise Failed(status)
    return "an API pod starts it, a worker sends it, its code is approved"


def upgrade(place):
    """upgrade --wait with changed settings, under load."""
    place.values["settings"]["log"] = {"level": "debug"}
    with Load(place.url, place.key, place.authority) as seen:
        place.put("upgrade", place.values)
    send(place)
    return seen.outcome()


def uninstall(place):
    """uninstall."""
    place.helm("uninstall", "countersign", "--wait", "--timeout", "60s")
    if place.names("deployments") or place.names("jobs"):
        raise Failed(f"{place.names('deployments')} {place.names('jobs')}")
    return "nothing but Secrets stays"


acts = [install, helm_test, send, upgrade, uninstall]
