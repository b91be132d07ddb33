"""Twilio's own Python client, unmodified, against a running `countersign dev`.

READY_FILE names the file that `dev` wrote. Only the base URL differs from what
a program for Twilio does.
"""

import json
import os
import time
import unittest
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

with open(os.environ["READY_FILE"], encoding="utf-8") as file:
    READY = json.load(file)
ACCOUNT = READY["twilio_account_sid"]
EXPIRED, BLOCKED, LIMITED, INVALID = ("+1500555000%d" % n for n in (3, 4, 5, 1))


def client(secret, user=ACCOUNT):
    made = Client(user, secret, ACCOUNT)
    made.verify.base_url = READY["base_url"]
    return made


LIVE, TEST = client(READY["key"]), client(READY["test_key"])
numbers = iter(range(100, 1000))


def fresh_number():
    return "+48600%03d%03d" % (os.getpid() % 1000, next(numbers))


def code_on_phone(to):
    """What arrived last on the virtual phone."""
    url = READY["phone_url"] + "?to=" + urllib.parse.quote(to)
    for _ in range(100):
        with urllib.request.urlopen(url) as answer:
            messages = json.load(answer)
        if messages:
            return messages[0]["code"], len(messages)
        time.sleep(0.1)
    raise AssertionError("no message came")


def other(code):
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


class Verify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = LIVE.verify.v2.services.create(friendly_name="Python's shop", code_length=6)
        cls.service = LIVE.verify.v2.services(cls.made.sid)
        cls.test = TEST.verify.v2.services(cls.made.sid)

    @classmethod
    def tearDownClass(cls):
        cls.service.delete()

    def refused(self, http, twilio, call, **named):
        with self.assertRaises(TwilioRestException) as caught:
            call(**named)
        self.assertEqual((caught.exception.status, caught.exception.code), (http, twilio), caught.exception)
        return caught.exception

    def check(self, **named):
        return self.service.verification_checks.create(**named)

    def test_a_code_goes_out_comes_back_and_counts_once(self):
        to = fresh_number()
        started = self.service.verifications.create(to=to, channel="sms")
        self.assertEqual((started.status, started.valid, started.to), ("pending", False, to))
        self.assertEqual((started.channel, started.lookup, started.sna), ("sms", {}, None))
        self.assertEqual((started.account_sid, started.service_sid), (ACCOUNT, self.made.sid))
        self.assertRegex(started.sid, "^VE[0-9a-f]{32}$")
        self.assertEqual(started.date_created.tzinfo, timezone.utc)
        self.assertLess(abs((datetime.now(timezone.utc) - started.date_created).total_seconds()), 60)
        self.assertTrue(started.url.startswith(READY["base_url"] + "/v2/Services/VA"))
        [attempt] = started.send_code_attempts
        self.assertEqual(attempt["channel"], "SMS")
        self.assertRegex(attempt["attempt_sid"], "^VL[0-9a-f]{32}$")
        code, _ = code_on_phone(to)
        wrong = self.check(to=to, code=other(code))
        self.assertEqual((wrong.status, wrong.valid, wrong.sid), ("pending", False, started.sid))
        right = self.check(to=to, code=code)
        self.assertEqual((right.status, right.valid, right.to), ("approved", True, to))
        self.assertEqual((right.sna_attempts_error_codes, right.amount), ([], None))
        self.refused(404, 20404, self.check, to=to, code=code)
        self.assertEqual(self.service.verifications(started.sid).fetch().status, "approved")

    def test_by_sid_and_by_number_in_the_path(self):
        to = fresh_number()
        started = self.service.verifications.create(to=to, channel="sms")
        code, _ = code_on_phone(to)
        for which in (started.sid, to, urllib.parse.quote(to)):
            found = self.service.verifications(which).fetch()
            self.assertEqual((found.sid, found.status, found.to), (started.sid, "pending", to))
        checked = self.check(verification_sid=started.sid, code=code)
        self.assertEqual((checked.status, checked.to), ("approved", to))
        self.refused(404, 20404, self.service.verifications(fresh_number()).fetch)
        self.refused(404, 20404, self.service.verifications("VE" + "0" * 32).fetch)

    def test_a_second_start_is_a_resend_of_the_same_code(self):
        to = fresh_number()
        started = self.service.verifications.create(to=to, channel="sms")
        code, _ = code_on_phone(to)
        self.refused(429, 60212, self.service.verifications.create, to=to, channel="sms")
        time.sleep(30.5)
        again = self.service.verifications.create(to=to, channel="sms")
        self.assertEqual(again.sid, started.sid)
        self.assertEqual(len(again.send_code_attempts), 2)
        for _ in range(100):
            second, messages = code_on_phone(to)
            if messages == 2:
                break
            time.sleep(0.1)
        self.assertEqual((second, messages), (code, 2))
        self.assertTrue(self.check(to=to, code=code).valid)

    def test_many_starts_at_once_send_one_message(self):
        to = fresh_number()

        def start(_):
            try:
                return self.service.verifications.create(to=to, channel="sms").sid
            except TwilioRestException as refusal:
                return refusal.code

        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(start, range(16)))
        self.assertEqual(outcomes.count(60212), 15, outcomes)
        time.sleep(1)
        self.assertEqual(code_on_phone(to)[1], 1)

    def test_too_many_checks(self):
        to = fresh_number()
        self.service.verifications.create(to=to, channel="sms")
        code, _ = code_on_phone(to)
        for _ in range(5):
            wrong = self.check(to=to, code=other(code))
            self.assertEqual((wrong.status, wrong.valid), ("pending", False))
        self.refused(429, 60202, self.check, to=to, code=code)
        self.assertEqual(self.service.verifications(to).fetch().status, "max_attempts_reached")
        # The old one is over, so a start makes another.
        self.assertEqual(self.service.verifications.create(to=to, channel="sms").status, "pending")

    def test_cancel(self):
        to = fresh_number()
        started = self.service.verifications.create(to=to, channel="sms")
        code, _ = code_on_phone(to)
        self.refused(400, 60200, self.service.verifications(started.sid).update, status="approved")
        self.assertEqual(self.service.verifications(to).update(status="canceled").status, "canceled")
        self.refused(404, 20404, self.check, to=to, code=code)
        self.assertEqual(self.service.verifications(started.sid).fetch().status, "canceled")

    def test_payments(self):
        to, paid = fresh_number(), {"amount": "€39.99", "payee": "Żółw & Co."}
        started = self.service.verifications.create(to=to, channel="sms", **paid)
        self.assertEqual((started.amount, started.payee), (paid["amount"], paid["payee"]))
        code, _ = code_on_phone(to)
        right = self.check(to=to, code=code, amount="39.99 EUR", payee=paid["payee"])
        self.assertEqual((right.status, right.amount), ("approved", "39.99 EUR"))
        to = fresh_number()
        self.service.verifications.create(to=to, channel="sms", **paid)
        code, _ = code_on_phone(to)
        changed = self.check(to=to, code=code, amount="€40.00", payee=paid["payee"])
        self.assertEqual((changed.status, changed.valid), ("canceled", False))
        self.refused(404, 20404, self.check, to=to, code=code, **paid)
        for wrong in ({"amount": "$5", "payee": "x"}, {"amount": "5", "payee": "x"}, {"amount": "€5", "payee": "\n"}):
            self.refused(400, 60200, self.service.verifications.create, to=to, channel="sms", **wrong)
        self.refused(400, 60206, self.service.verifications.create, to=to, channel="sms", amount="€5")

    def test_test_mode(self):
        self.test.verifications.create(to=EXPIRED, channel="sms")
        check = self.test.verification_checks.create
        self.refused(404, 20404, check, to=EXPIRED, code="123456")
        self.assertEqual(self.test.verifications(EXPIRED).fetch().status, "expired")
        create = self.test.verifications.create
        self.refused(400, 60200, create, to=INVALID, channel="sms")
        self.refused(403, 60410, create, to=BLOCKED, channel="sms")
        self.refused(429, 20429, create, to=LIMITED, channel="sms")
        to = fresh_number()
        create(to=to, channel="sms")
        self.refused(404, 20404, self.check, to=to, code="123456")
        self.assertTrue(check(to=to, code="123456").valid)
        self.refused(403, 20403, TEST.verify.v2.services.create, friendly_name="by a test key")

    def test_what_is_wrong_is_named(self):
        create, to = self.service.verifications.create, fresh_number()
        for named, wrong in [
            ("To", {"to": "500500500"}),
            ("To", {"to": "user@example.com"}),
            ("Channel", {"channel": "call"}),
            ("Channel", {"channel": "email"}),
            ("Locale", {"locale": "english"}),
            ("CustomCode", {"custom_code": "1234"}),
            ("CustomFriendlyName", {"custom_friendly_name": "Bank"}),
            ("CustomMessage", {"custom_message": "Hello"}),
            ("TemplateCustomSubstitutions", {"template_custom_substitutions": "{}"}),
            ("AppHash", {"app_hash": "short"}),
            ("TemplateSid", {"template_sid": "HJ1"}),
            ("DeviceIp", {"device_ip": "300.1.1.1"}),
            ("RateLimits", {"rate_limits": {"nobody": "x"}}),
            ("RateLimits", {"rate_limits": [1]}),
            ("Tags", {"tags": '{"a": {"b": "c"}}'}),
        ]:
            refusal = self.refused(400, 60200, create, **{"to": to, "channel": "sms", **wrong})
            self.assertIn("Invalid parameter: " + named, refusal.msg)
        self.refused(400, 60228, create, to=to, channel="sms", template_sid="HJ" + "0" * 32)
        self.refused(403, 60205, create, to="+48226940000", channel="sms")
        self.refused(400, 60200, self.check, to=to, code="12")
        self.refused(400, 60200, self.check, code="123456")
        self.refused(404, 20404, self.check, to=to, code="123456")
        self.assertEqual(self.service.verifications.create(
            to=to, channel="sms", locale="pl", device_ip="203.0.113.7", tags='{"order": "7"}', risk_check="enable",
            send_digits="1", channel_configuration={"from": "x"}, enable_sna_client_token=True, app_hash="FA+9qCX9VSu",
        ).status, "pending")

    def test_services(self):
        services = LIVE.verify.v2.services
        made = [services.create(friendly_name="Page %d" % n) for n in range(3)]
        self.assertEqual((made[0].friendly_name, made[0].code_length), ("Page 0", 6))
        self.assertEqual((made[0].custom_code_enabled, made[0].do_not_share_warning_enabled), (False, True))
        self.assertEqual(set(made[0].links), {"verifications", "verification_checks", "rate_limits"})
        twin = services.create(friendly_name="Page 0")
        self.assertNotEqual(twin.sid, made[0].sid)
        every = [service.sid for service in services.list(page_size=2)]
        self.assertEqual(len(every), len(set(every)))
        self.assertLessEqual({one.sid for one in [*made, twin, self.made]}, set(every))
        self.assertEqual([one.sid for one in services.list(limit=3)], every[:3])
        page = services.page(page_size=2)
        after = page.next_page()
        self.assertEqual([one.sid for one in after], every[2:4])
        changed = services(made[0].sid).update(friendly_name="Żółw", code_length=8)
        self.assertEqual((changed.friendly_name, changed.code_length), ("Żółw", 8))
        self.assertEqual(services(made[0].sid).fetch().code_length, 8)
        for wrong in ({"friendly_name": "x" * 33}, {"code_length": 3}, {"code_length": 11},
                      {"custom_code_enabled": True}, {"psd2_enabled": True}, {"default_template_sid": "HJ" + "0" * 32}):
            self.refused(400, 60200, services(made[0].sid).update, **wrong)
        services(made[0].sid).update(push_include_date=True, totp_skew=1, custom_code_enabled=False, tts_name="x")
        for one in [*made, twin]:
            self.assertTrue(services(one.sid).delete())
            self.refused(404, 20404, services(one.sid).fetch)
        default = next(one for one in services.list() if one.friendly_name == "default")
        self.refused(403, 20403, services(default.sid).delete)
        self.refused(404, 20404, services("VA" + "0" * 32).verifications.create, to=fresh_number(), channel="sms")

    def test_rate_limits(self):
        limits = self.service.rate_limits
        made = limits.create(unique_name="end_user_ip", description="By address")
        self.assertEqual((made.unique_name, made.description), ("end_user_ip", "By address"))
        buckets = limits(made.sid).buckets
        self.assertEqual(buckets.list(), [])
        # Announced, and limits nothing yet.
        start = lambda ip: self.service.verifications.create(
            to=fresh_number(), channel="sms", rate_limits={"end_user_ip": ip})
        start("192.0.2.1")
        bucket = buckets.create(max=2, interval=60)
        self.assertEqual((bucket.max, bucket.interval, bucket.rate_limit_sid), (2, 60, made.sid))
        self.refused(400, 60211, buckets.create, max=3, interval=60)
        hour = buckets.create(max=100, interval=3600)
        start("192.0.2.2")
        start("192.0.2.2")
        self.refused(429, 20429, start, ip="192.0.2.2")
        start("192.0.2.3")
        self.assertEqual({one.sid for one in buckets.list(page_size=1)}, {bucket.sid, hour.sid})
        self.assertEqual(buckets(bucket.sid).fetch().max, 2)
        self.assertEqual(buckets(bucket.sid).update(max=3).sid, bucket.sid)
        moved = buckets(bucket.sid).update(interval=120)
        self.assertEqual((moved.max, moved.interval), (3, 120))
        self.refused(404, 20404, buckets(bucket.sid).fetch)
        self.assertTrue(buckets(moved.sid).delete())
        self.assertTrue(buckets(hour.sid).delete())
        for wrong in ({"max": 0, "interval": 60}, {"max": 1, "interval": 86401}, {"max": 1000001, "interval": 1}):
            self.refused(400, 60200, buckets.create, **wrong)
        self.assertEqual(limits(made.sid).update(description="Else").description, "Else")
        self.refused(400, 60208, limits.create, unique_name="end_user_ip")
        self.refused(400, 60209, limits.create, unique_name="ipMinutes")
        others = [limits.create(unique_name="own_%d" % n).sid for n in range(4)]
        self.assertEqual({one.sid for one in limits.list(page_size=2)}, {made.sid, *others})
        self.assertEqual(limits(others[0]).fetch().unique_name, "own_0")
        for sid in [made.sid, *others]:
            self.assertTrue(limits(sid).delete())
            self.refused(404, 20404, limits(sid).fetch)
        self.assertEqual(limits.list(), [])

    def test_who_may_call(self):
        fetch = lambda key, user=ACCOUNT: client(key, user).verify.v2.services.list
        for key, user in [
            ("wrong", ACCOUNT), (READY["key"][:-1] + "!", ACCOUNT), (READY["key"], "AC" + "0" * 32),
            (READY["key"], "SK" + "0" * 32), ("", ACCOUNT),
        ]:
            refusal = self.refused_page(401, fetch(key, user))
            self.assertEqual(refusal.code, 20003)
        for key in (READY["key"], READY["twilio_token"]):
            self.assertGreaterEqual(len(fetch(key)()), 1)

    def refused_page(self, status, call):
        # The client fetches its first page without reading refusals, so the service is asked for.
        with self.assertRaises(Exception) as caught:
            call()
        response = caught.exception.args[1]
        self.assertEqual(response.status_code, status)
        body = json.loads(response.text)
        self.assertEqual(set(body), {"code", "message", "more_info", "status"})
        return type("Refusal", (), body)


if __name__ == "__main__":
    unittest.main(verbosity=2)
