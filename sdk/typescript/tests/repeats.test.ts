// What is tried again, what is not, and that a repeat does nothing twice.
import { CountersignError, NetworkError, ProblemError, TimeoutError, type RequestOptions } from "countersign";
import assert from "node:assert/strict";
import { test as it } from "node:test";
import { codeFor, cutting, eventually, inbox, live, newName, newNumber, stranger, stub, wrong } from "./support.js";

const json = { "Content-Type": "application/json" };
const problem = { "Content-Type": "application/problem+json" };
const ok = JSON.stringify({ id: "ver_1", status: "pending" });
const refusal = (code: string, status: number, retry_after?: number) =>
  JSON.stringify({ type: "about:blank", title: "No", status, detail: "Not now.", code, request_id: "req_1", retry_after });

it("a start whose answer is lost makes one verification and sends one message", async () => {
  const proxy = await cutting(1);
  const [to, profile] = [newNumber(), newName("ts")];
  await live().profiles.save(profile, {});
  const { id } = await live({ baseUrl: proxy.url }).verifications.start({ to, profile });
  assert.equal(proxy.cut(), 1, "the first answer was cut off");
  const listed = await eventually(async () => {
    const { data } = await live().verifications.list({ profile });
    return data.length > 0 && data;
  });
  assert.deepEqual(listed.map((one) => one.id), [id]);
  const code = await codeFor(to);
  assert.equal((await live().verifications.check(id, { code })).status, "approved");
  assert.deepEqual((await inbox(to)).map((one) => one.verification_id), [id]);
  await live().profiles.delete(profile);
});

it("a check whose answer is lost uses one try, and an approval is heard", async () => {
  const to = newNumber();
  const { id } = await live().verifications.start({ to });
  const code = await codeFor(to);
  const first = await cutting(1);
  const check = (url: string, text: string) => live({ baseUrl: url }).verifications.check(id, { code: text });
  assert.equal((await check(first.url, wrong(code))).attempts_left, 4);
  assert.equal(first.cut(), 1);
  const second = await cutting(2);
  assert.equal((await check(second.url, code)).status, "approved");
  assert.equal(second.cut(), 2);
});

it("without retries a lost answer is a NetworkError, and the same key gives that answer", async () => {
  const [proxy, to] = [await cutting(1), newNumber()];
  const client = live({ baseUrl: proxy.url, maxRetries: 0 });
  const options = { idempotencyKey: newName("order") };
  await assert.rejects(client.verifications.start({ to }, options), (error) => {
    assert.ok(error instanceof NetworkError && !(error instanceof TimeoutError));
    return error instanceof CountersignError;
  });
  const { id } = await client.verifications.start({ to }, options);
  const all = await eventually(async () => {
    const { data } = await live().verifications.search({ to });
    return data.length > 0 && data;
  });
  assert.deepEqual(all.map((one) => one.id), [id]);
});

it("503 is tried again with the same Idempotency-Key, each call with another", async () => {
  let calls = 0;
  const server = await stub((_, response) => {
    if (++calls % 3 === 0) response.writeHead(200, json).end(ok);
    else response.writeHead(503, { ...problem, "Retry-After": "0" }).end(refusal("codes_unavailable", 503, 0));
  });
  const client = stranger(server.url);
  await client.verifications.start({ to: "+48500500500" });
  await client.verifications.start({ to: "+48500500500" });
  const keys = server.requests.map((request) => request.headers["idempotency-key"]);
  assert.equal(keys.length, 6);
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.equal(new Set(keys).size, 2);
  assert.match(String(server.requests[0]?.headers["user-agent"]), /^countersign-typescript\/\d/);
});

it("Retry-After is waited for when it is short", async () => {
  let calls = 0;
  const server = await stub((_, response) => {
    if (++calls === 1) response.writeHead(429, { ...problem, "Retry-After": "1" }).end(refusal("rate_limited", 429, 1));
    else response.writeHead(200, json).end(ok);
  });
  const began = Date.now();
  await stranger(server.url).verifications.start({ to: "+48500500500" });
  const took = Date.now() - began;
  assert.ok(took >= 1_000 && took < 5_000, `${took} ms`);
});

const refused = async (status: number, code: string, wait: number | undefined, options?: RequestOptions) => {
  const server = await stub((_, response) => {
    response.writeHead(status, problem).end(refusal(code, status, wait));
  });
  const began = Date.now();
  await assert.rejects(
    stranger(server.url).verifications.resend("ver_1", options),
    (error) => error instanceof ProblemError && error.code === code && error.retryAfter === wait,
  );
  assert.ok(Date.now() - began < 5_000);
  return server.requests.length;
};

it("not tried again: a long wait, a wait past the time-out, a wait for a person, a refusal", async () => {
  assert.equal(await refused(503, "codes_unavailable", 60), 1);
  assert.equal(await refused(503, "codes_unavailable", 2, { timeout: 1_500 }), 1);
  for (const code of ["resend_too_soon", "sends_exhausted", "guess_limit"]) assert.equal(await refused(429, code, 0), 1);
  assert.equal(await refused(409, "verification_ended", undefined), 1);
});

it("tries end after maxRetries, and the last problem is told", async () => {
  assert.equal(await refused(500, "internal", undefined), 3);
  assert.equal(await refused(500, "internal", undefined, { maxRetries: 1 }), 2);
  assert.equal(await refused(503, "no_route", 0, { maxRetries: 0 }), 1);
});

it("what must not happen twice is sent once, unless it was refused", async () => {
  const cut = await stub((request) => request.socket.destroy());
  await assert.rejects(stranger(cut.url).webhooks.rotate("whk_1"), NetworkError);
  await assert.rejects(stranger(cut.url).providers.test("prv_1", { to: "+48500500500" }), NetworkError);
  await assert.rejects(stranger(cut.url).webhooks.redeliver("whk_1", { message_id: "whm_1" }), NetworkError);
  await assert.rejects(stranger(cut.url).tenant.update({ locale: "pl" }), NetworkError);
  assert.equal(cut.requests.length, 4);
  await assert.rejects(stranger(cut.url).webhooks.list(), NetworkError);
  assert.equal(cut.requests.length, 7);
  let calls = 0;
  const busy = await stub((_, response) => {
    if (++calls === 1) response.writeHead(429, problem).end(refusal("rate_limited", 429, 0));
    else response.writeHead(200, json).end(ok);
  });
  await stranger(busy.url).webhooks.rotate("whk_1");
  assert.equal(busy.requests.length, 2);
});

it("a server that does not answer is given up", async () => {
  const server = await stub(() => {});
  const client = stranger(server.url, { attemptTimeout: 100 });
  await assert.rejects(client.tenant.get(), TimeoutError);
  assert.equal(server.requests.length, 3);
  const began = Date.now();
  await assert.rejects(client.tenant.get({ timeout: 300, attemptTimeout: 10_000 }), TimeoutError);
  assert.ok(Date.now() - began < 2_000);
  assert.equal(server.requests.length, 4);
});

it("an answer that stops in its middle is no answer", async () => {
  let calls = 0;
  const server = await stub((request, response) => {
    if (++calls === 2) return void response.writeHead(200, json).end(ok);
    response.writeHead(200, { ...json, "Content-Length": 1_000 });
    response.write('{"id":');
    setTimeout(() => request.socket.destroy(), 20);
  });
  assert.equal((await stranger(server.url).verifications.get("ver_1")).id, "ver_1");
  assert.equal(calls, 2);
});

it("a signal ends the call with its reason, also while it waits", async () => {
  const server = await stub(() => {});
  const controller = new AbortController();
  const call = stranger(server.url).tenant.get({ signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(call, /^Error: enough$/);
  const busy = await stub((_, response) => {
    response.writeHead(503, problem).end(refusal("codes_unavailable", 503, 9));
  });
  const began = Date.now();
  await assert.rejects(stranger(busy.url).tenant.get({ signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
  assert.ok(Date.now() - began < 3_000);
  await assert.rejects(live().tenant.get({ signal: AbortSignal.abort(new Error("before")) }), /before/);
});

it("what is not Countersign's is told, a redirect is not followed", async () => {
  const elsewhere = await stub((_, response) => response.writeHead(200, json).end("{}"));
  const server = await stub((request, response) => {
    if (request.url === "/v1/tenant") response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad gateway</h1>");
    else if (request.url === "/v1/limits") response.writeHead(200, json).end("not json");
    else response.writeHead(307, { Location: elsewhere.url }).end();
  });
  const unexpected = (status: number) => (error: unknown) =>
    error instanceof ProblemError && error.code === "unexpected_answer" && error.status === status;
  const client = stranger(server.url);
  await assert.rejects(client.tenant.get(), unexpected(502));
  assert.equal(server.requests.length, 3);
  await assert.rejects(client.limits.list(), unexpected(200));
  await assert.rejects(client.verifications.start({ to: "+48500500500" }), unexpected(307));
  assert.equal(elsewhere.requests.length, 0);
});

it("values and fields of a newer server are passed on", async () => {
  const server = await stub((request, response) => {
    if (request.url === "/v1/tenant") return void response.writeHead(418, problem).end(refusal("out_of_tea", 418));
    response.writeHead(200, json).end(JSON.stringify({ id: "ver_1", status: "paused", delivery: "by_pigeon", mood: { now: 1 } }));
  });
  const verification = await stranger(server.url).verifications.get("ver_1");
  assert.deepEqual([verification.status, verification.delivery], ["paused", "by_pigeon"]);
  assert.deepEqual((verification as unknown as { mood: object }).mood, { now: 1 });
  await assert.rejects(stranger(server.url).tenant.get(), (error) => error instanceof ProblemError && error.code === "out_of_tea");
});

it("a list that leads back to itself ends", async () => {
  const server = await stub((_, response) => {
    response.writeHead(200, json).end(JSON.stringify({ data: [{ id: "key_1" }], next_cursor: "key_1" }));
  });
  const read = async () => {
    for await (const _ of stranger(server.url).keys.list()) assert.ok(server.requests.length < 5);
  };
  await assert.rejects(read(), /the same page twice/);
});

it("an answer without end is cut off", async () => {
  const server = await stub((request, response) => {
    response.writeHead(200, json);
    const part = "a".repeat(1024 * 1024);
    const more = () => {
      while (!request.socket.destroyed && response.write(part));
    };
    response.on("drain", more);
    more();
  });
  await assert.rejects(stranger(server.url).tenant.get(), /longer than/);
});
