import { ProblemError, type Verification } from "countersign";
import assert from "node:assert/strict";
import { test as it } from "node:test";
import { codeFor, eventually, inbox, live, newName, newNumber, test, wrong } from "./support.js";

const problem = (code: string, more: Partial<ProblemError> = {}) => (error: unknown) => {
  assert.ok(error instanceof ProblemError, String(error));
  assert.equal(error.code, code);
  for (const [name, value] of Object.entries(more)) assert.deepEqual(error[name as keyof ProblemError], value, name);
  return true;
};

it("a wrong code leaves tries, the right one is approved, and once only", async () => {
  const [client, to] = [live(), newNumber()];
  const verification = await client.verifications.start({ to, metadata: { order: "A-1001" } });
  assert.deepEqual([verification.to, verification.status, verification.livemode], [to, "pending", true]);
  assert.deepEqual(verification.metadata, { order: "A-1001" });
  const code = await codeFor(to);
  const first = await client.verifications.check(verification.id, { code: wrong(code) });
  assert.deepEqual(first, { id: verification.id, status: "pending", attempts_left: 4 });
  const second = await client.verifications.check(verification.id, { code });
  assert.equal(second.status, "approved");
  await assert.rejects(client.verifications.check(verification.id, { code }), problem("already_approved", { status: 409 }));
  assert.equal((await client.verifications.get(verification.id)).status, "approved");
  const { data } = await client.verifications.timeline(verification.id);
  assert.equal(data[0]?.kind, "started");
});

it("checks by number, with the code of the inbox", async () => {
  const [client, to] = [live(), newNumber()];
  const { id } = await client.verifications.start({ to });
  const answer = await client.verifications.checkNumber({ to, code: await codeFor(to) });
  assert.deepEqual([answer.id, answer.status], [id, "approved"]);
});

it("a resend too soon says how long to wait, and is not tried again", async () => {
  const [client, to] = [live(), newNumber()];
  const { id } = await client.verifications.start({ to });
  const began = Date.now();
  await assert.rejects(client.verifications.resend(id), (error) => {
    problem("resend_too_soon", { status: 429 })(error);
    const { retryAfter } = error as ProblemError;
    return retryAfter !== undefined && retryAfter >= 25 && retryAfter <= 30;
  });
  assert.ok(Date.now() - began < 2_000);
});

it("a canceled one takes no code", async () => {
  const client = test();
  const { id } = await client.verifications.start({ to: newNumber() });
  assert.equal((await client.verifications.cancel(id)).status, "canceled");
  assert.equal((await client.verifications.check(id, { code: "123456" })).status, "canceled");
  await assert.rejects(client.verifications.resend(id), problem("verification_ended"));
});

it("a list is read over its pages, and page by page", async () => {
  const [client, profile] = [live(), newName("ts")];
  await client.profiles.save(profile, { code_length: 8 });
  const ids = new Set<string>();
  for (let n = 0; n < 5; n++) ids.add((await client.verifications.start({ to: newNumber(), profile })).id);
  const read = async () => {
    const found: Verification[] = [];
    for await (const one of client.verifications.list({ profile, limit: 2 })) found.push(one);
    return found.length === ids.size && found;
  };
  const found = await eventually(read);
  assert.deepEqual(new Set(found.map((one) => one.id)), ids);
  const page = await client.verifications.list({ profile, limit: 2 });
  assert.equal(page.data.length, 2);
  const next = await client.verifications.list({ profile, limit: 2, cursor: page.next_cursor });
  assert.deepEqual(next.data.map((one) => one.id), found.slice(2, 4).map((one) => one.id));
  const first = [];
  for await (const one of client.verifications.list({ profile, limit: 2 })) {
    first.push(one);
    break;
  }
  assert.equal(first.length, 1);
  await client.profiles.delete(profile);
});

it("a search has its pages too, with the cursor in the body", async () => {
  const [client, to] = [test(), newNumber()];
  for (let n = 0; n < 3; n++) await client.verifications.start({ to });
  const all = await eventually(async () => {
    const found = [];
    for await (const one of client.verifications.search({ to, limit: 1 })) found.push(one.id);
    return found.length === 3 && found;
  });
  assert.equal(new Set(all).size, 3);
});

it("all wrong fields are told at once", async () => {
  const start = live().verifications.start({ to: newNumber(), code_length: 99, expires_in: 5 });
  await assert.rejects(start, (error) => {
    problem("invalid_request", { status: 400 })(error);
    const { errors, requestId } = error as ProblemError;
    assert.deepEqual(errors.map((one) => one.field).sort(), ["code_length", "expires_in"]);
    assert.ok(errors.every((one) => one.code === "out_of_range" && one.message));
    return /^req_/.test(requestId ?? "");
  });
  await assert.rejects(live().verifications.start({ to: "12" }), problem("invalid_phone_number"));
  await assert.rejects(live().verifications.get("ver_00000000000000000000000000"), problem("not_found", { status: 404 }));
});

it("the sixth start for a number is refused at once, with the limit and the wait", async () => {
  const [client, to] = [live(), newNumber()];
  for (let n = 0; n < 5; n++) await client.verifications.start({ to });
  const began = Date.now();
  await assert.rejects(client.verifications.start({ to }), (error) => {
    problem("rate_limited", { status: 429, limit: { name: "number_10m", scope: "number" } })(error);
    const { retryAfter } = error as ProblemError;
    return retryAfter !== undefined && retryAfter > 500 && retryAfter <= 600;
  });
  assert.ok(Date.now() - began < 5_000, "it was waited for");
  assert.equal((await inbox(to)).length <= 5, true);
});

it("magic numbers of test mode", async () => {
  const start = (to: string) => test().verifications.start({ to });
  await assert.rejects(start("+15005550005"), problem("rate_limited", { retryAfter: 60 }));
  await assert.rejects(start("+15005550004"), problem("number_blocked", { status: 403 }));
});
