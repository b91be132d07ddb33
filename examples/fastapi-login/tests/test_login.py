"""The sign-in without JavaScript, against the server."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import Browser, new_number
from countersign import Countersign, models

from login import words


def wrong(code):
    return "000000" if code != "000000" else "000001"


def test_a_whole_sign_in(browser, inbox, number):
    assert "Sign in" in browser.words
    browser.send("/start", number=number)
    assert "Enter the code" in browser.words
    assert f"{number[:3]}••••••{number[-3:]}" in browser.words
    assert number not in browser.response.text
    message = inbox.wait(number)[0]
    assert message["text"].endswith(f"\n\n@127.0.0.1 #{message['code']}"), "bound to the site"
    before = browser.http.cookies["session"]
    browser.send("/code", code=f" {message['code'][:3]} {message['code'][3:]} ")
    assert "You are signed in" in browser.words
    assert number in browser.words
    assert browser.is_signed_in

    after = browser.http.cookies["session"]
    assert after != before, "whoever knew the old cookie is not signed in"
    stranger = Browser(str(browser.http.base_url))
    stranger.http.cookies.set("session", before)
    assert not stranger.is_signed_in

    browser.send("/sign-out")
    assert "We send you a code" in browser.words
    stranger.http.cookies.clear()
    stranger.http.cookies.set("session", after)
    assert not stranger.is_signed_in, "signed out is signed out everywhere"
    stranger.http.close()


def test_a_wrong_code_says_how_many_tries_are_left(browser, inbox, number):
    browser.send("/start", number=number)
    code = inbox.wait(number)[0]["code"]
    browser.send("/code", code=wrong(code))
    assert "That is not the code. You have 4 tries left." in browser.words
    assert "That is not" not in browser.open().words, "said once"
    assert "4 tries left" in browser.words
    browser.send("/code", code="12")
    assert "That cannot be the code" in browser.words
    browser.send("/code", code=" ")
    assert "Enter the code from the message." in browser.words
    assert "4 tries left" in browser.open().words
    browser.send("/code", code=code)
    assert browser.is_signed_in


def test_the_fifth_wrong_code_ends_it(browser, inbox, number):
    browser.send("/start", number=number)
    code = inbox.wait(number)[0]["code"]
    for _ in range(5):
        browser.send("/code", code=wrong(code))
    assert "Too many wrong codes" in browser.words
    assert "/start" in browser.page.forms
    assert not browser.is_signed_in


def test_a_code_that_expired(test_browser):
    test_browser.send("/start", number="+15005550003")
    test_browser.send("/code", code="123456")
    assert "The code has expired. Ask for a new one." in test_browser.words
    assert "/start" in test_browser.page.forms


def test_a_later_read_signs_nobody_in(dev, browser, inbox, number):
    browser.send("/start", number=number)
    code = inbox.wait(number)[0]["code"]
    with Countersign(dev["key"], base_url=dev["base_url"]) as other:
        assert other.verifications.check_number(to=number, code=code).status == "approved"
    assert not browser.is_signed_in
    browser.send("/code", code=code)
    assert "That code was used already" in browser.words
    assert not browser.is_signed_in


@pytest.mark.parametrize(
    ("number", "says", "status"),
    [
        ("", "Enter your phone number.", 400),
        ("500 500 500", "Write it with its country code", 400),
        ("+48 12", "Write it with its country code", 400),
        ("+48 22 500 50 50", "cannot receive an SMS", 400),
        ("+15005550004", "We cannot send codes to that number.", 403),
        ("+15005550005", "Too many codes were asked for. Try again in 1 minute.", 429),
        ("<script>", "Write it with its country code", 400),
    ],
)
def test_a_number_that_will_not_do(test_browser, number, says, status):
    test_browser.send("/start", number=number)
    assert says in test_browser.words
    assert test_browser.response.status_code == status
    assert test_browser.page.forms["/start"]["number"] == number, "what was typed is not lost"
    assert "<script>" not in test_browser.response.text.replace("&lt;script&gt;", "")


def test_every_problem_has_its_words():
    assert set(words.PROBLEMS) == {str(code) for code in models.ProblemCode}
    assert set(words.ENDS) | {"pending", "approved"} == {str(status) for status in models.VerificationStatus}


def test_too_many_codes_for_one_visitor(app):
    """The visitor's address reaches the server: it allows 20 starts in 10 minutes."""
    visitor = Browser(app, address="203.0.113.77")
    for _ in range(21):
        visitor.send("/start", number=new_number())
        if "/start" in visitor.page.forms:
            break
        visitor.send("/restart")
    assert "Too many codes were asked for." in visitor.words
    visitor.http.close()


def test_send_again_too_soon(browser, number):
    browser.send("/start", number=number)
    browser.send("/resend")
    assert "aria-invalid" not in browser.response.text, "nothing is wrong with what was typed"
    assert re.search(r"The message may still be on its way\. Try again in \d\d seconds\.", browser.words)
    assert re.search(r"Possible in \d\d seconds", browser.words)


def test_another_number_voids_the_first(browser, inbox, dev, number):
    browser.send("/start", number=number)
    code = inbox.wait(number)[0]["code"]
    browser.send("/restart")
    assert "/start" in browser.page.forms
    with Countersign(dev["key"], base_url=dev["base_url"]) as other:
        assert other.verifications.check_number(to=number, code=code).status == "canceled"


def test_a_double_click_sends_one_message(browser, inbox, number):
    data = browser.page.forms["/start"] | {"number": number}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: browser.http.post("/start", data=data), range(4)))
    assert {str(answer.url.path) for answer in answers} == {"/"}
    inbox.wait(number)
    time.sleep(1)
    assert len(inbox.now(number)) == 1
    browser.open()
    code = inbox.now(number)[0]["code"]

    data = browser.page.forms["/code"] | {"code": wrong(code)}
    for _ in range(2):
        assert "You have 4 tries left" in browser.http.post("/code", data=data).text
    browser.open()

    data = browser.page.forms["/code"] | {"code": code}
    cookies = dict(browser.http.cookies)

    def sign_in(_):
        with httpx.Client(base_url=browser.http.base_url, cookies=cookies, follow_redirects=True) as http:
            return http.post("/code", data=data).text

    with ThreadPoolExecutor(2) as pool:
        assert all("You are signed in" in page for page in pool.map(sign_in, range(2)))


@pytest.mark.parametrize("broken", ["no token", "another's token", "no cookie", "another's cookie", "a false cookie"])
def test_a_form_of_another_page_does_nothing(app, browser, inbox, number, broken):
    other = Browser(app)
    data = browser.page.forms["/start"] | {"number": number}
    if broken == "no token":
        del data["token"]
    elif broken == "another's token":
        data["token"] = other.page.forms["/start"]["token"]
    else:
        mine = browser.http.cookies["session"]
        browser.http.cookies.clear()
        if broken == "another's cookie":
            browser.http.cookies.set("session", other.http.cookies["session"])
        elif broken == "a false cookie":
            browser.http.cookies.set("session", mine[:-1] + ("0" if mine[-1] != "0" else "1"))
    answer = browser.http.post("/start", data=data)
    assert answer.status_code == 403
    assert "That page was too old" in answer.text
    time.sleep(0.5)
    assert inbox.now(number) == []
    other.http.close()


@pytest.mark.parametrize("action", ["/code", "/resend", "/restart", "/sign-out"])
def test_every_form_is_guarded(browser, action):
    for data in ({"token": ""}, {"token": "x"}, {"token": "ł"}):
        assert browser.http.post(action, data=data).status_code == 403
    assert browser.http.get(action).status_code == 405


def test_forms_are_bounded(browser, number):
    token = browser.page.forms["/start"]["token"]
    post = browser.http.post
    assert post("/start", data={"token": token, "number": "1" * 5000}).status_code == 413
    assert post("/start", content=iter([b"a" * 3000, b"b" * 3000]), headers=FORM).status_code == 413
    assert post("/start", json={"token": token}).status_code == 415
    assert post("/start", content=b"a=%ff&token=x", headers=FORM).status_code == 400
    assert post("/start", data={str(n): "" for n in range(20)}).status_code == 400


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_the_answers_are_guarded(app):
    answer = httpx.get(app)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for path in ("/docs", "/openapi.json", "/static/../app.py", "/static/%2e%2e/app.py"):
        assert httpx.get(app + path).status_code == 404


def test_what_the_code_needs_on_a_phone(browser, number):
    browser.send("/start", number=number)
    [field] = re.findall(r"<input id=\"code\".*?>", browser.response.text, re.S)
    assert 'autocomplete="one-time-code"' in field
    assert 'inputmode="numeric"' in field


def test_the_message_is_sent_again_after_the_wait(early, inbox):
    """Stands last: the half minute has passed by then."""
    browser, number, began = early
    time.sleep(max(0, began + 31 - time.monotonic()))
    form = browser.open().page.forms["/resend"]
    assert "Possible in" not in browser.words
    for _ in range(2):  # A double click.
        browser.http.post("/resend", data=form)
    messages = inbox.wait(number, 2)
    time.sleep(0.5)
    assert len(inbox.now(number)) == 2
    browser.open()
    browser.send("/code", code=messages[0]["code"])
    assert browser.is_signed_in
