"""Requests that Twilio's own library signed, and what it says of each: signatures.py [--check]

Writes signatures.json, which a test of the provider `twilio` reads; with --check
it fails unless that file is what it would write. Half of the requests were
changed after they were signed, and the library must refuse those.
"""

import json
import random
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

from twilio.request_validator import RequestValidator

FILE = Path(__file__).with_name("signatures.json")
TOKEN = "hunter2hunter2hunter2hunter2"
COUNT = 220
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# An address of IPv6 is missing: the library takes its first colon for that of a port.
HOSTS = ["sms.example.com", "a.example", "xn--d-kqa1c.example", "203.0.113.7"]
PATHS = ["/receipts/ten_1/prv_2/s3", "/", "", "/a%20b/%C5%BC", "/x:443/y", "/A/../b", "/ż"]
QUERIES = ["", "ref=msg_1_ver_2", "a=1&a=2&b", "q=%C5%BC%C3%B3%C5%82w+%26", "u=https://x.example:8443/", "e=&f=?"]
NAMES = ["To", "From", "ErrorCode", "ApiVersion", "Media", "a", "B", "Ab", "ż", "\uffee", "\U0001f600", "", "x=y", "a b"]
VALUES = ["", "0", "30003", "+48500500500", "Zażółć gęślą jaźń", "\U0001f4f1 123", "a&b=c", "100%", "a b", "\n", "é", "e\u0301"]

# The one method whose sequence Python promises to keep.
draw = random.Random(734).random


def chance(share: float) -> bool:
    return draw() < share


def choose(values: list) -> object:
    return values[int(draw() * len(values))]


class Pairs:
    """A form as web frameworks hand it to the library, with names that stand twice."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def getall(self, name: str) -> list[str]:
        return [value for known, value in self.pairs if known == name]


def make_url() -> str:
    scheme = choose(["https", "https", "http"])
    port = choose(["", "", ":443", ":80", ":8443"])
    path, query = choose(PATHS), choose(QUERIES)
    return f"{scheme}://{choose(HOSTS)}{port}{path}" + (f"?{query}" if query else "")


def make_pairs() -> list[tuple[str, str]]:
    pairs = [("MessageSid", f"SM{int(draw() * 1e9)}"), ("MessageStatus", choose(["sent", "delivered", "failed"]))]
    pairs += [(choose(NAMES), choose(VALUES)) for _ in range(int(draw() * 7))]
    if chance(0.3):
        pairs.append(choose(pairs[2:] or [("Media", "1")]))
    return sorted(pairs, key=lambda _: draw()) if chance(0.7) else pairs


def change_port(url: str) -> str:
    """The URL as Twilio may have signed it: without its port, or with that of its scheme."""
    scheme, rest = url.split("://", 1)
    end = min([at for at in (rest.find("/"), rest.find("?")) if at >= 0], default=len(rest))
    host, tail = rest[:end], rest[end:]
    port = "443" if scheme == "https" else "80"
    return f"{scheme}://{host.split(':')[0] if ':' in host else f'{host}:{port}'}{tail}"


def change_letter(text: str) -> str:
    at = int(draw() * len(text))
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def tamper(url: str, pairs: list, signature: str) -> tuple[str, list, str]:
    kind = int(draw() * 10)
    index = int(draw() * len(pairs))
    name, value = pairs[index]
    if kind == 0:
        pairs = pairs[:index] + [(name, value + "1")] + pairs[index + 1 :]
    elif kind == 1:
        pairs = [pair for pair in pairs if pair[1] == "" or pair != pairs[index]]
        pairs += [("ErrorCode", "30007")]
    elif kind == 2:
        pairs = pairs + [(name, value + "2")]
    elif kind == 3:
        url += "&z=1" if "?" in url else "?z=1"
    elif kind == 4:
        url = url.replace("https:", "http:") if url.startswith("https:") else url.replace("http:", "https:")
    elif kind == 5:
        url = url.replace("example", "example.net").replace("203.0.113.7", "203.0.113.8")
    elif kind == 6:
        signature = change_letter(signature)
    elif kind == 7:
        signature = choose(["", signature[:-1], signature + "=", signature.lower(), "not base64"])
    elif kind == 8:
        path, mark, query = url.partition("?")
        url = f"{path}/x{mark}{query}"
    else:
        signature = RequestValidator(TOKEN + "3").compute_signature(url, Pairs(pairs))
    return url, pairs, signature


def make_form(changed: bool) -> dict:
    validator, url, pairs = RequestValidator(TOKEN), make_url(), make_pairs()
    if chance(0.1):
        # Of a form it is a field of the query like any other.
        url += ("&" if "?" in url else "?") + "bodySHA256=" + "0" * 64
    signed = change_port(url) if chance(0.3) else url
    signature = validator.compute_signature(signed, Pairs(pairs))
    if changed:
        url, pairs, signature = tamper(url, pairs, signature)
    body = urlencode(pairs, quote_via=choose([quote, quote_plus]))
    valid = validator.validate(url, Pairs(pairs), signature)
    return {"url": url, "type": FORM, "body": body, "signature": signature, "valid": valid}


def make_json(changed: bool) -> dict:
    validator, url = RequestValidator(TOKEN), make_url()
    body = json.dumps({"MessageSid": "SM1", "MessageStatus": choose(VALUES)}, ensure_ascii=False)
    url += ("&" if "?" in url else "?") + "bodySHA256=" + validator.compute_hash(body)
    signature = validator.compute_signature(url, {})
    if changed:
        body, signature = (body + " ", signature) if chance(0.5) else (body, change_letter(signature))
    valid = validator.validate(url, body, signature)
    return {"url": url, "type": JSON, "body": body, "signature": signature, "valid": valid}


def main() -> None:
    requests = []
    for number in range(COUNT):
        changed = number % 2 == 1
        request = make_json(changed) if number % 11 == 0 else make_form(changed)
        if request["valid"] == changed:
            sys.exit(f"Twilio's library says valid={request['valid']} of {request}")
        requests.append(request)
    lines = ",\n".join(json.dumps(request, ensure_ascii=True) for request in requests)
    text = f'{{"token": "{TOKEN}", "requests": [\n{lines}\n]}}\n'
    if "--check" not in sys.argv:
        FILE.write_text(text)
    elif FILE.read_text() != text:
        sys.exit(f"{FILE.name} is not what Twilio's library says. Run {Path(__file__).name} and look at the difference.")
    print(f"{len(requests)} requests, {sum(request['valid'] for request in requests)} of them valid")


main()
