// SMSAPI's own JavaScript client, unmodified, against a running `countersign dev`.
// READY_FILE names the file that `dev` wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMSAPI } from 'smsapi';

const ready = JSON.parse(readFileSync(process.env.READY_FILE, 'utf8'));
const clients = [ready.base_url, `${ready.base_url}/api`].map((base) => new SMSAPI(ready.key, base));
const testing = new SMSAPI(ready.test_key, ready.base_url);
let next = 100;
const freshNumber = () => `48603${String(process.pid % 1000).padStart(3, '0')}${next++}`;
const other = (code) => String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0');

async function codeOnPhone(to) {
    for (let n = 0; n < 100; n += 1) {
        const answer = await fetch(`${ready.phone_url}?to=${encodeURIComponent(`+${to}`)}`);
        const messages = await answer.json();
        if (messages.length > 0) return messages[0];
        await sleep(100);
    }
    throw new Error('no message came');
}

async function refused(status, promise) {
    const error = await promise.then(
        () => assert.fail('it was not refused'),
        (error) => error,
    );
    assert.equal(error.status, status, String(error));
    const body = typeof error.responseBody === 'string' ? JSON.parse(error.responseBody) : error.responseBody;
    assert.deepEqual(Object.keys(body).sort(), ['developer_description', 'error', 'errors', 'message']);
    assert.equal(Array.isArray(body.errors), status === 400);
}

test('a code goes out, comes back and counts once, at both addresses', async () => {
    for (const { mfa } of clients) {
        const to = freshNumber();
        const sent = await mfa.generateCode(to, { content: 'Kod: [%code%]', fast: true });
        assert.deepEqual(Object.keys(sent).sort(), ['code', 'from', 'id', 'phoneNumber']);
        assert.deepEqual([sent.code, sent.from, sent.phoneNumber], [null, null, to]);
        const { code, text } = await codeOnPhone(to);
        assert.equal(text, `Kod: ${code}`);
        await refused(404, mfa.verifyCode(to, other(code)));
        await mfa.verifyCode(to, code);
        await refused(404, mfa.verifyCode(to, code));
    }
});

test('refusals are those that its users know', async () => {
    const [{ mfa }] = clients;
    const to = freshNumber();
    await refused(400, mfa.generateCode('123'));
    await refused(400, mfa.generateCode(to, { from: 'Nobody' }));
    await refused(400, mfa.verifyCode(to, 'abc'));
    await refused(404, mfa.verifyCode(to, '123456'));
    await mfa.generateCode(to);
    await refused(429, mfa.generateCode(to));
    await refused(401, new SMSAPI('nothing', ready.base_url).mfa.generateCode(to));
});

test('magic numbers', async () => {
    const { mfa } = testing;
    await mfa.generateCode('15005550003');
    await refused(408, mfa.verifyCode('15005550003', '123456'));
    await refused(403, mfa.generateCode('15005550004'));
    await refused(429, mfa.generateCode('15005550005'));
});

test('ping tells an accepted key from others', async () => {
    for (const path of ['/ping', '/api/ping']) {
        for (const [key, authorized] of [
            [ready.key, true],
            ['nothing', false],
        ]) {
            const answer = await fetch(ready.base_url + path, { headers: { authorization: `Bearer ${key}` } });
            assert.deepEqual(await answer.json(), { authorized, unavailable: [] });
        }
    }
});
