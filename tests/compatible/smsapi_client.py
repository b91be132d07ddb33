"""SMSAPI's own Python client, unmodified, against a running `countersign dev`.

READY_FILE names the file that `dev` wrote. Only address and key differ from
what a program for SMSAPI does. CAMARA has no client: its part is plain requests.
"""

import json
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import requests
from smsapi.client import Client
from smsapi.exception import EndpointException

with open(os.environ["READY_FILE"], encoding="utf-8") as file:
    READY = json.load(file)
BASE = READY["base_url"]
EXPIRED, BLOCKED, LIMITED, INVALID = ("1500555000%d" % n for n in (3, 4, 5, 1))
numbers = iter(range(100, 1000))


def fresh_number():
    return "48602%03d%03d" % (os.getpid() % 1000, next(numbers))


def code_on_phone(to):
    """What arrived last on the virtual phone."""
    for _ in range(100):
        messages = requests.get(READY["phone_url"], params={"to": "+" + to}, timeout=10).json()
        if messages:
            return messages[0]
        time.sleep(0.1)
    raise AssertionError("no message came")


def other(code):
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


class Smsapi(unittest.TestCase):
    def refused(self, status, act, **arguments):
        with self.assertRaises(EndpointException) as raised:
            act(**arguments)
        self.assertEqual(raised.exception.code, status, raised.exception.message)
        body = json.loads(raised.exception.message)
        self.assertEqual(set(body), {"message", "error", "developer_description", "errors"})
        self.assertIsInstance(body["error"], str)
        self.assertEqual(isinstance(body["errors"], list), status == 400)
        return body

    def test_a_code_counts_once_at_both_addresses(self):
        for path in ("/", "/api/"):
            mfa, to = Client(BASE + path, access_token=READY["key"]).mfa, fresh_number()
            sent = mfa.send_mfa(phone_number=to, content="Żółw: [%code%]", fast=True)
            self.assertEqual((sent.phone_number, sent.code, sent.from_), (to, None, None))
            message = code_on_phone(to)
            self.assertEqual(message["text"], "Żółw: " + message["code"])
            wrong = self.refused(404, mfa.verify_mfa, phone_number=to, code=other(message["code"]))
            self.assertEqual(wrong["message"], "Not found")
            self.assertEqual(len(list(mfa.verify_mfa(phone_number=to, code=message["code"]))), 0)
            self.refused(404, mfa.verify_mfa, phone_number=to, code=message["code"])
            for bad in ("12", "abcdef"):
                malformed = self.refused(400, mfa.verify_mfa, phone_number=to, code=bad)
                self.assertEqual(malformed["message"], "MFA code has invalid format")

    def test_a_second_call_waits_and_other_words_begin_anew(self):
        mfa, to = Client(BASE + "/", access_token=READY["key"]).mfa, fresh_number()
        mfa.send_mfa(phone_number=to)
        first = code_on_phone(to)
        soon = self.refused(429, mfa.send_mfa, phone_number=to)
        self.assertEqual(soon["error"], "resend_too_soon")
        mfa.send_mfa(phone_number=to, content="[%code%]")
        for _ in range(100):
            second = code_on_phone(to)
            if second["id"] != first["id"]:
                break
            time.sleep(0.1)
        self.assertNotEqual(second["verification_id"], first["verification_id"])
        mfa.verify_mfa(phone_number=to, code=second["code"])

    def test_all_tries_can_be_used(self):
        mfa, to = Client(BASE + "/", access_token=READY["key"]).mfa, fresh_number()
        mfa.send_mfa(phone_number="+" + to)
        code = code_on_phone(to)["code"]
        for _ in range(5):
            self.refused(404, mfa.verify_mfa, phone_number=to, code=other(code))
        self.refused(404, mfa.verify_mfa, phone_number=to, code=code)

    def test_what_is_wrong_is_said(self):
        mfa, to = Client(BASE + "/", access_token=READY["key"]).mfa, fresh_number()
        for bad in ("123", "48226940000"):
            body = self.refused(400, mfa.send_mfa, phone_number=bad)
            self.assertEqual(body["message"], "The value is not valid mobile number.")
            self.assertEqual(body["errors"][0]["path"], "phone_number")
        self.refused(400, mfa.send_mfa, phone_number=to, content="no place for it")
        self.assertEqual(
            self.refused(400, mfa.send_mfa, phone_number=to, from_="Nobody")["errors"][0]["path"], "from"
        )
        self.assertEqual(
            self.refused(400, mfa.verify_mfa, phone_number=to, code="abc")["message"],
            "MFA code has invalid format",
        )
        stranger = Client(BASE + "/", access_token="nothing").mfa
        self.refused(401, stranger.send_mfa, phone_number=to)

    def test_magic_numbers(self):
        mfa = Client(BASE + "/", access_token=READY["test_key"]).mfa
        mfa.send_mfa(phone_number=EXPIRED)
        self.assertEqual(self.refused(408, mfa.verify_mfa, phone_number=EXPIRED, code="123456")["error"], "expired")
        self.refused(403, mfa.send_mfa, phone_number=BLOCKED)
        self.refused(429, mfa.send_mfa, phone_number=LIMITED)
        self.refused(400, mfa.send_mfa, phone_number=INVALID)
        to = fresh_number()
        mfa.send_mfa(phone_number=to)
        mfa.verify_mfa(phone_number=to, code="123456")

    def test_many_at_once_are_one_message_and_one_approval(self):
        mfa, to = Client(BASE + "/", access_token=READY["key"]).mfa, fresh_number()

        def status(act, **arguments):
            try:
                act(**arguments)
                return 200
            except EndpointException as error:
                return error.code

        with ThreadPoolExecutor(16) as pool:
            sent = list(pool.map(lambda _: status(mfa.send_mfa, phone_number=to), range(16)))
            self.assertEqual((sent.count(200), sent.count(429)), (1, 15))
            code = code_on_phone(to)["code"]
            checked = list(pool.map(lambda _: status(mfa.verify_mfa, phone_number=to, code=code), range(16)))
            self.assertEqual((checked.count(200), checked.count(404)), (1, 15))


class Camara(unittest.TestCase):
    def call(self, act, body, key=READY["key"]):
        headers = {"Authorization": "Bearer " + key, "x-correlator": "b4333c46-49c0"}
        url = BASE + "/one-time-password-sms/v1/" + act
        answer = requests.post(url, json=body, headers=headers, timeout=10)
        self.assertEqual(answer.headers["x-correlator"], "b4333c46-49c0")
        if answer.status_code >= 400:
            error = answer.json()
            self.assertEqual(set(error), {"status", "code", "message"})
            self.assertEqual(error["status"], answer.status_code)
        return answer

    def test_a_code_counts_once(self):
        to = fresh_number()
        sent = self.call("send-code", {"phoneNumber": "+" + to, "message": "{{code}} is your code"})
        self.assertEqual((sent.status_code, list(sent.json())), (200, ["authenticationId"]))
        code, sent = code_on_phone(to)["code"], sent.json()
        wrong = self.call("validate-code", {**sent, "code": other(code)})
        self.assertEqual(wrong.json()["code"], "ONE_TIME_PASSWORD_SMS.INVALID_OTP")
        right = self.call("validate-code", {**sent, "code": code})
        self.assertEqual((right.status_code, right.content), (204, b""))
        again = self.call("validate-code", {**sent, "code": code})
        self.assertEqual(again.json()["code"], "ONE_TIME_PASSWORD_SMS.VERIFICATION_EXPIRED")

    def test_a_second_code_voids_the_first(self):
        to = fresh_number()
        first, second = (
            self.call("send-code", {"phoneNumber": "+" + to, "message": "{{code}}"}).json() for _ in range(2)
        )
        for _ in range(100):
            message = code_on_phone(to)
            if message["verification_id"] == second["authenticationId"]:
                break
            time.sleep(0.1)
        voided = self.call("validate-code", {**first, "code": message["code"]})
        self.assertEqual(voided.json()["code"], "ONE_TIME_PASSWORD_SMS.VERIFICATION_EXPIRED")
        self.assertEqual(self.call("validate-code", {**second, "code": message["code"]}).status_code, 204)

    def test_refusals(self):
        def send(to, key=READY["test_key"]):
            return self.call("send-code", {"phoneNumber": "+" + to, "message": "{{code}}"}, key).json()

        self.assertEqual(send(BLOCKED)["code"], "ONE_TIME_PASSWORD_SMS.PHONE_NUMBER_BLOCKED")
        self.assertEqual(send(LIMITED)["code"], "ONE_TIME_PASSWORD_SMS.MAX_OTP_CODES_EXCEEDED")
        self.assertEqual(send(INVALID)["code"], "INVALID_ARGUMENT")
        self.assertEqual(send(fresh_number(), "nothing")["code"], "UNAUTHENTICATED")
        unknown = self.call("validate-code", {"authenticationId": "no-such-id", "code": "123456"})
        self.assertEqual((unknown.status_code, unknown.json()["code"]), (404, "NOT_FOUND"))
        late = self.call("validate-code", {**send(EXPIRED), "code": "123456"}, READY["test_key"])
        self.assertEqual(late.json()["code"], "ONE_TIME_PASSWORD_SMS.VERIFICATION_EXPIRED")


if __name__ == "__main__":
    unittest.main()
