// Twilio's own Node client, unmodified, against a running `countersign dev`.
// READY_FILE names the file that `dev` wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import twilio from 'twilio';

const ready = JSON.parse(readFileSync(process.env.READY_FILE, 'utf8'));
const account = ready.twilio_account_sid;

function client(secret, user = account) {
    const made = twilio(user, secret, { accountSid: account });
    made.verify.baseUrl = ready.base_url;
    return made.verify.v2;
}

const live = client(ready.key);
const testing = client(ready.test_key);
let next = 100;
const freshNumber = () => `+48601${String(process.pid % 1000).padStart(3, '0')}${next++}`;
const other = (code) => String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0');

async function codeOnPhone(to) {
    for (let n = 0; n < 100; n += 1) {
        const answer = await fetch(`${ready.phone_url}?to=${encodeURIComponent(to)}`);
        const messages = await answer.json();
        if (messages.length > 0) return messages[0].code;
        await sleep(100);
    }
    throw new Error('no message came');
}

async function refused(status, code, promise) {
    const error = await promise.then(
        () => assert.fail('it was not refused'),
        (error) => error,
    );
    assert.deepEqual([error.status, error.code], [status, code], String(error));
    assert.match(error.moreInfo, /\/docs\/twilio\.md$/);
    return error;
}

let sid;
let service;

before(async () => {
    const made = await live.services.create({ friendlyName: "Node's shop", codeLength: 7 });
    assert.equal(made.dateCreated instanceof Date, true);
    sid = made.sid;
    service = live.services(sid);
});

after(async () => {
    assert.equal(await service.remove(), true);
    await refused(404, 20404, service.fetch());
});

test('a code goes out, comes back and counts once', async () => {
    const to = freshNumber();
    const started = await service.verifications.create({ to, channel: 'sms', locale: 'de' });
    assert.deepEqual([started.status, started.valid, started.to], ['pending', false, to]);
    assert.equal(started.sendCodeAttempts.length, 1);
    const code = await codeOnPhone(to);
    assert.equal(code.length, 7);
    const wrong = await service.verificationChecks.create({ to, code: other(code) });
    assert.deepEqual([wrong.status, wrong.valid], ['pending', false]);
    const right = await service.verificationChecks.create({ to, code });
    assert.deepEqual([right.status, right.valid, right.sid], ['approved', true, started.sid]);
    await refused(404, 20404, service.verificationChecks.create({ to, code }));
});

test('a second start is too soon, and tells how long to wait', async () => {
    const to = freshNumber();
    await service.verifications.create({ to, channel: 'sms' });
    await refused(429, 60212, service.verifications.create({ to, channel: 'sms' }));
});

test('the sixth check is refused', async () => {
    const to = freshNumber();
    const started = await service.verifications.create({ to, channel: 'sms' });
    const code = await codeOnPhone(to);
    for (let n = 0; n < 5; n += 1) {
        const wrong = await service.verificationChecks.create({ verificationSid: started.sid, code: other(code) });
        assert.deepEqual([wrong.status, wrong.valid], ['pending', false]);
    }
    await refused(429, 60202, service.verificationChecks.create({ verificationSid: started.sid, code }));
});

test('a number stands in the path as it is', async () => {
    const to = freshNumber();
    const started = await service.verifications.create({ to, channel: 'sms' });
    assert.equal((await service.verifications(to).fetch()).sid, started.sid);
    assert.equal((await service.verifications(to).update({ status: 'canceled' })).status, 'canceled');
    await refused(400, 60200, service.verifications(to).update({ status: 'approved' }));
});

test('expired, blocked and no numbers of test mode', async () => {
    const service = testing.services(sid);
    await service.verifications.create({ to: '+15005550003', channel: 'sms' });
    await refused(404, 20404, service.verificationChecks.create({ to: '+15005550003', code: '1234567' }));
    await refused(403, 60410, service.verifications.create({ to: '+15005550004', channel: 'sms' }));
    const limited = await refused(429, 20429, service.verifications.create({ to: '+15005550005', channel: 'sms' }));
    assert.match(limited.message, /test_number/);
    await refused(400, 60200, service.verifications.create({ to: '+15005550001', channel: 'sms' }));
});

test('services over several pages', async () => {
    const made = [];
    for (let n = 0; n < 3; n += 1) made.push(await live.services.create({ friendlyName: `Leaf ${n}` }));
    const all = await live.services.list({ pageSize: 2 });
    const sids = all.map((one) => one.sid);
    assert.equal(new Set(sids).size, sids.length);
    for (const one of made) assert.ok(sids.includes(one.sid));
    const first = await live.services.page({ pageSize: 2 });
    const second = await first.nextPage();
    assert.deepEqual([...first.instances, ...second.instances].map((one) => one.sid), sids.slice(0, 4));
    assert.deepEqual((await second.previousPage()).instances.map((one) => one.sid), sids.slice(0, 2));
    for (const one of made) assert.equal(await live.services(one.sid).remove(), true);
});

test('rate limits and buckets', async () => {
    const limit = await service.rateLimits.create({ uniqueName: 'device', description: 'By device' });
    const bucket = await service.rateLimits(limit.sid).buckets.create({ max: 1, interval: 60 });
    const start = () => service.verifications.create({ to: freshNumber(), channel: 'sms', rateLimits: { device: 'd1' } });
    await start();
    await refused(429, 20429, start());
    assert.deepEqual((await service.rateLimits(limit.sid).buckets.list()).map((one) => one.sid), [bucket.sid]);
    assert.equal((await service.rateLimits.list())[0].uniqueName, 'device');
    assert.equal(await service.rateLimits(limit.sid).buckets(bucket.sid).remove(), true);
    await start();
    assert.equal(await service.rateLimits(limit.sid).remove(), true);
    await refused(400, 60200, start());
});

test('a key is also a user by its SID, and of its own account alone', async () => {
    await refused(401, 20003, client('wrong').services(sid).fetch());
    await refused(401, 20003, client(ready.key, `AC${'0'.repeat(32)}`).services(sid).fetch());
    await refused(401, 20003, client(ready.key, `SK${'0'.repeat(32)}`).services(sid).fetch());
    assert.equal((await client(ready.twilio_token).services(sid).fetch()).sid, sid);
    const digits = '0123456789abcdefghjkmnpqrstvwxyz';
    let value = 0n;
    for (const digit of ready.key.split('_')[2]) value = value * 32n + BigInt(digits.indexOf(digit));
    const key = `SK${value.toString(16).padStart(32, '0')}`;
    assert.equal((await client(ready.key, key).services(sid).fetch()).sid, sid);
});
