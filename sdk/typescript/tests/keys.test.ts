import { Countersign, ProblemError } from "countersign";
import assert from "node:assert/strict";
import { test as it } from "node:test";
import { dev, live, newName, newNumber } from "./support.js";

const isProblem = (code: string) => (error: unknown) => error instanceof ProblemError && error.code === code;
const start = (secret: string) =>
  new Countersign(secret, { baseUrl: dev.base_url }).verifications.start({ to: newNumber() });

/** A change of a key holds within two seconds. */
async function until(outcome: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + 5_000;
  for (;;) {
    try {
      return void (await outcome());
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

it("a key is made, listed, rotated, disabled and deleted", async () => {
  const client = live();
  const name = newName("ts");
  const made = await client.keys.create({ name, scopes: ["verifications:start"] });
  assert.match(made.secret, /^cs_live_/);
  await until(() => start(made.secret));
  const found = [];
  for await (const key of client.keys.list({ limit: 100 })) if (key.name === name) found.push(key);
  assert.deepEqual(found.map((key) => key.id), [made.id]);
  assert.ok(!("secret" in found[0]!));

  const rotated = await client.keys.rotate(made.id, { overlap: 60 });
  assert.notEqual(rotated.secret, made.secret);
  assert.equal((await client.keys.get(made.id)).replaced_by, rotated.id);
  await until(() => start(rotated.secret));

  assert.equal((await client.keys.update(rotated.id, { disabled: true })).disabled, true);
  await until(() => assert.rejects(start(rotated.secret), isProblem("invalid_key")));
  assert.equal((await client.keys.update(rotated.id, { disabled: false })).disabled, false);

  const acts = [];
  for await (const entry of client.audit.list({ object: made.id, limit: 1 })) acts.push(entry);
  assert.deepEqual(acts.map((entry) => entry.action), ["key.rotate", "key.create"]);
  assert.equal(acts[1]!.before, null);
  assert.equal(acts[1]!.after!["name"], name);

  for (const id of [made.id, rotated.id]) {
    assert.equal(await client.keys.delete(id), undefined);
    await assert.rejects(client.keys.get(id), isProblem("not_found"));
  }
});

it("a repeat never shows a secret again", async () => {
  const client = live();
  const body = { name: newName("ts"), scopes: ["verifications:check" as const] };
  const idempotencyKey = newName("repeat");
  const { id } = await client.keys.create(body, { idempotencyKey });
  await assert.rejects(client.keys.create(body, { idempotencyKey }), isProblem("secret_already_shown"));
  await assert.rejects(
    client.keys.create({ ...body, name: "another" }, { idempotencyKey }),
    isProblem("idempotency_mismatch"),
  );
  await client.keys.delete(id);
});

it("a key without the scope is told so", async () => {
  const client = live();
  const { id, secret } = await client.keys.create({ name: newName("ts"), scopes: ["verifications:check"] });
  await until(() => assert.rejects(start(secret), isProblem("insufficient_scope")));
  await client.keys.delete(id);
});
