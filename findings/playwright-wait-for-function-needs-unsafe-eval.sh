#!/usr/bin/env bash
# Playwright for Python 1.65.2, Chromium 156.
#
# Behaviour: on a page whose Content Security Policy has no 'unsafe-eval', `page.wait_for_function` returns if its
#   expression is true at the first look. If not, it fails with an EvalError at the second look.
# Likely guess: it works as `page.evaluate`, which such a policy does not touch; a test that passes once is right.
# Seen: "EvalError: Evaluating a string as JavaScript violates the following Content Security Policy directive".
# Way out: repeat `page.evaluate` in the test; or a context with `bypass_csp=True`, which does not test the policy.
#
# CHROMIUM names the browser; without it, /usr/bin/chromium.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install -q --disable-pip-version-check playwright==1.65.2
cat >"$temp/try.py" <<'PYTHON'
import os
from playwright.sync_api import Error, sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"]
    )
    page = browser.new_page()
    page.route(
        "**/*",
        lambda route: route.fulfill(
            body="<p>Hello</p>",
            headers={"content-type": "text/html", "content-security-policy": "script-src 'self'"},
        ),
    )
    page.goto("http://localhost/")
    print("browser", browser.version)
    page.wait_for_function("1 + 1 === 2")
    print("true at once: returned")
    page.evaluate("setTimeout(() => { window.late = true }, 500)")
    try:
        page.wait_for_function("window.late === true")
        print("true later: returned")
    except Error as error:
        print("true later:", str(error).splitlines()[0])
    print("evaluate:", page.evaluate("typeof window.late"))
    browser.close()
PYTHON
"$temp/venv/bin/python" "$temp/try.py" | tee "$temp/out"
grep -q 'true at once: returned' "$temp/out"
grep -q 'true later: .*EvalError: Evaluating a string as JavaScript violates' "$temp/out"
