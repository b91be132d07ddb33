import { ProblemError, verifyWebhook, WebhookError, type WebhookEvent } from "countersign";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { test as it, type TestContext } from "node:test";
import { Webhook } from "standardwebhooks";
import { eventually, live, newName, newNumber } from "./support.js";

const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;
const secret = newSecret();
const body = JSON.stringify({
  type: "verification.approved",
  timestamp: "2026-01-31T12:00:00.000Z",
  data: { verification_id: "ver_1", mode: "live", status: "approved", note: "zażółć" },
});

/** Headers as the official library signs. */
function signed(text: string, { by = [secret], id = "whm_1", at = new Date() } = {}) {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": by.map((one) => new Webhook(one).sign(id, at, text)).join(" "),
  };
}

const seconds = (count: number) => new Date(Date.now() + count * 1000);

it("what the official library signs is believed, in each form of body and headers", async () => {
  const headers = signed(body);
  for (const payload of [body, Buffer.from(body), new TextEncoder().encode(body)]) {
    for (const form of [headers, new Headers(headers), { "Webhook-Id": "whm_1", "WEBHOOK-TIMESTAMP": headers["webhook-timestamp"], "Webhook-Signature": headers["webhook-signature"] }]) {
      const event = await verifyWebhook(payload, form, secret);
      assert.equal(event.id, "whm_1");
      assert.ok(event.type === "verification.approved");
      assert.equal(event.data.verification_id, "ver_1");
    }
  }
  assert.ok(new Webhook(secret).verify(body, headers), "the official library agrees");
});

it("one of several secrets and one of several signatures suffices", async () => {
  const [old, next] = [newSecret(), newSecret()];
  await verifyWebhook(body, signed(body, { by: [next, old] }), old);
  await verifyWebhook(body, signed(body, { by: [old] }), [next, old]);
  const headers = signed(body);
  headers["webhook-signature"] = `v1a,${"A".repeat(88)} v1,!!! v2,x ${headers["webhook-signature"]}`;
  await verifyWebhook(body, headers, secret.replace("whsec_", ""));
  await assert.rejects(verifyWebhook(body, signed(body, { by: [newSecret(), newSecret()] }), [old, next]), WebhookError);
});

it("what differs by anything is not believed", async () => {
  const headers = signed(body);
  const cases: [string, Record<string, string | undefined>][] = [
    [body.replace("ver_1", "ver_2"), headers],
    [`${body} `, headers],
    ["", headers],
    [body, { ...headers, "webhook-id": "whm_2" }],
    [body, { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) }],
    [body, { ...headers, "webhook-timestamp": "soon" }],
    [body, { ...headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v2,") }],
    [body, { ...headers, "webhook-signature": headers["webhook-signature"].slice(0, -4) }],
    [body, { ...headers, "webhook-signature": "v1," }],
    [body, { ...headers, "webhook-signature": undefined }],
    [body, { ...headers, "webhook-id": undefined }],
    [body, {}],
  ];
  for (const [payload, given] of cases) {
    await assert.rejects(verifyWebhook(payload, given, secret), WebhookError);
    assert.throws(() => new Webhook(secret).verify(payload, given as Record<string, string>), "the official library agrees");
  }
  // The official library reads what is a number in its beginning.
  const loose = { ...headers, "webhook-timestamp": `${headers["webhook-timestamp"]}.0` };
  await assert.rejects(verifyWebhook(body, loose, secret), WebhookError);
  await assert.rejects(verifyWebhook(body, headers, newSecret()), WebhookError);
});

it("five minutes off are believed, more are not, either way", async () => {
  for (const off of [-295, 295]) await verifyWebhook(body, signed(body, { at: seconds(off) }), secret);
  for (const off of [-305, 305]) {
    await assert.rejects(verifyWebhook(body, signed(body, { at: seconds(off) }), secret), WebhookError);
    await verifyWebhook(body, signed(body, { at: seconds(off) }), secret, { tolerance: 600 });
  }
  await assert.rejects(verifyWebhook(body, signed(body), secret, { tolerance: Number.NaN }), RangeError);
});

it("events of a newer server are passed on, what is no event is not", async () => {
  const unknown = JSON.stringify({ type: "verification.dreamt", timestamp: "2026-01-31T12:00:00Z", data: { depth: 2 }, more: 1 });
  const event = await verifyWebhook(unknown, signed(unknown), secret);
  switch (event.type) {
    case "verification.approved":
    case "key.created":
      assert.fail("another type");
      break;
    default:
      assert.equal(event.type as string, "verification.dreamt");
      assert.deepEqual(event.data as unknown, { depth: 2 });
  }
  for (const text of ["[]", "null", "{", '{"type":1,"data":{}}', '{"type":"a"}']) {
    await assert.rejects(verifyWebhook(text, signed(text), secret), /not an event/);
  }
});

it("a wrong argument is named, without the secret", async () => {
  const headers = signed(body);
  for (const bad of ["", "whsec_", "whsec_!!not-base64!!", []]) {
    await assert.rejects(verifyWebhook(body, headers, bad), (error: Error) => error instanceof TypeError && !error.message.includes("!!"));
  }
  await assert.rejects(verifyWebhook(JSON.parse(body) as string, headers, secret), /^TypeError: payload/);
});

it("messages of the running server verify", async (context: TestContext) => {
  const client = live();
  const received: WebhookEvent[] = [];
  const failures: unknown[] = [];
  let secrets: string[] = [];
  const receiver = createServer(async (request, response) => {
    const raw = await buffer(request);
    await verifyWebhook(raw, request.headers, secrets).then((event) => received.push(event), (error) => failures.push(error));
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  try {
    const made = await client.webhooks.create({ name: newName("ts"), url });
    secrets = [made.secret];
    const { message_id } = await client.webhooks.ping(made.id);
    const ping = await eventually(async () => received.find((event) => event.type === "webhook.ping"));
    assert.equal(ping.id, message_id);
    const rotated = await client.webhooks.rotate(made.id, { overlap: 60 });
    const { id } = await client.verifications.start({ to: newNumber() });
    await client.verifications.cancel(id);
    await eventually(async () => received.find((event) => event.type === "verification.canceled" && event.data.verification_id === id));
    secrets = [rotated.secret];
    await client.webhooks.redeliver(made.id, { message_id });
    await eventually(async () => received.filter((event) => event.id === message_id).length === 2);
    assert.deepEqual(failures, []);
    await client.webhooks.delete(made.id);
  } catch (error) {
    if (!(error instanceof ProblemError && error.errors.some((one) => one.field === "url"))) throw error;
    context.skip("delivery.allowed_networks of this server lacks 127.0.0.0/8");
  } finally {
    receiver.close();
    receiver.closeAllConnections();
  }
});
