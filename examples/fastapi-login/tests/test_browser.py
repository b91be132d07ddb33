"""The sign-in in a real browser: typed, by the message itself (WebOTP), and without JavaScript."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from conftest import new_number
from playwright.sync_api import expect, sync_playwright

expect.set_options(timeout=10_000)


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"],
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def open_page(app, chromium):
    """A page, which must not complain, and ask nobody but the app."""
    contexts, complaints = [], []

    def open_page(**options):
        context = chromium.new_context(
            extra_http_headers={"X-Forwarded-For": "198.51.100.9"}, viewport={"width": 360, "height": 740}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error",) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(app) else None)
        page.goto(app)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def shot(page, name):
    """For eyes: COUNTERSIGN_SHOTS names a folder."""
    if folder := os.environ.get("COUNTERSIGN_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over at 360 px"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_typed(open_page, inbox, scheme):
    number = new_number()
    page = open_page(color_scheme=scheme)
    shot(page, f"{scheme}-1-number")
    expect(page.get_by_label("Phone number")).to_be_focused()
    page.get_by_label("Phone number").fill(number)
    page.keyboard.press("Enter")

    code = page.get_by_label("Code")
    expect(code).to_be_focused()
    expect(page.get_by_text(re.compile(r"Send again in 0:[0-3]\d"))).to_be_visible()
    expect(page.get_by_role("button", name="Send again")).to_be_hidden()
    shot(page, f"{scheme}-2-code")
    right = inbox.wait(number)[0]["code"]
    code.fill("000000" if right != "000000" else "000001")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the code. You have 4 tries left.")
    expect(page).to_have_title("Error: Enter the code")
    expect(code).to_have_attribute("aria-invalid", "true")
    shot(page, f"{scheme}-3-wrong")
    page.get_by_role("link", name="That is not the code").click()
    expect(code).to_be_focused()
    page.keyboard.type(right)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
    shot(page, f"{scheme}-4-account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_the_button_comes_when_the_wait_is_over(open_page, inbox):
    page = open_page()
    page.clock.install()
    page.get_by_label("Phone number").fill(new_number())
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_text("Send again in")).to_be_visible()
    page.clock.fast_forward(31_000)
    expect(page.get_by_role("button", name="Send again")).to_be_visible()
    expect(page.get_by_text("Send again in")).to_be_hidden()


WEB_OTP = """
window.OTPCredential ??= class {};
navigator.credentials.get = ({ otp, signal }) => new Promise((resolve, reject) => {
  signal.addEventListener("abort", () => reject(signal.reason));
  window.deliver = (code) => resolve({ code, asked: otp.transport.join() });
  window.asked = otp.transport.join();
  window.signal = signal;
});
"""


def until(page, expression):
    """Waits until an expression is true.

    `page.wait_for_function` evaluates again inside the page, where its Content Security Policy forbids that:
    it only works if the expression is true at once.
    """
    ends = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < ends, f"{expression} did not become true"
        time.sleep(0.05)


def test_the_message_fills_the_code_in(open_page, inbox):
    number = new_number()
    page = open_page()
    page.add_init_script(WEB_OTP)
    page.get_by_label("Phone number").fill(number)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    until(page, "window.asked === 'sms'")
    assert page.evaluate("signal.aborted") is False
    page.evaluate("(code) => deliver(code)", inbox.wait(number)[0]["code"])
    expect(page.get_by_role("heading")).to_have_text("You are signed in")


def test_typing_ends_the_wait_for_the_message(open_page, inbox):
    page = open_page()
    page.add_init_script(WEB_OTP)
    page.get_by_label("Phone number").fill(new_number())
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    until(page, "window.asked === 'sms'")
    page.evaluate("document.querySelector('form[data-otp]').addEventListener('submit', (e) => e.preventDefault())")
    page.get_by_role("button", name="Sign in").click()
    until(page, "signal.aborted")


def test_without_javascript(open_page, inbox):
    number = new_number()
    page = open_page(java_script_enabled=False)
    page.get_by_label("Phone number").fill(number)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_text(re.compile(r"Possible in \d\d seconds"))).to_be_visible()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("The message may still be on its way.")
    page.get_by_label("Code").fill(inbox.wait(number)[0]["code"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading")).to_have_text("You are signed in")
