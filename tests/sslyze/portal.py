"""Asks the portal's pages over HTTPS, as a browser would: portal.py HOST PORT CERTIFICATE.

Fails if a page lacks HSTS, if a cookie has no `__Host-` prefix or lacks an attribute, or if plain HTTP gets a page.
"""

import http.client
import ssl
import sys

PAGES = ["/portal", "/portal/sign-in", "/portal/forgot", "/portal/reset/none", "/portal/nothing", "/portal/assets/portal.css"]
ATTRIBUTES = {"secure", "httponly", "samesite=lax", "path=/"}


def faults(page, answer):
    strict = answer.getheader("Strict-Transport-Security", "")
    age = strict.removeprefix("max-age=").split(";")[0]
    if not age.isdigit() or int(age) < 31_536_000:
        yield f"{page} has HSTS {strict!r}"
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        name, *attributes = [part.strip().lower() for part in cookie.split(";")]
        missing = ATTRIBUTES - set(attributes)
        if not name.startswith("__host-") or missing:
            yield f"{page} sets {name.split('=')[0]} without {sorted(missing) or 'the prefix'}"
        if any(part.startswith("domain=") for part in attributes):
            yield f"{page} sets {name.split('=')[0]} for other hosts too"


def main():
    host, port, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    context = ssl.create_default_context(cafile=certificate)
    wrong, cookies = [], 0
    for page in PAGES:
        connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
        connection.request("GET", page)
        answer = connection.getresponse()
        cookies += len(answer.headers.get_all("Set-Cookie") or [])
        found = list(faults(page, answer))
        print(f"{'WRONG' if found else 'ok':5} {answer.status} {page}")
        wrong += found
        connection.close()
    if not cookies:
        wrong.append("no page set a cookie, so none was looked at")
    try:
        connection = http.client.HTTPConnection(host, port, timeout=10)
        connection.request("GET", "/portal/sign-in")
        if b"<form" in connection.getresponse().read():
            wrong.append("plain HTTP gets a page")
    except (http.client.HTTPException, OSError):
        pass
    print(*wrong, sep="\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
