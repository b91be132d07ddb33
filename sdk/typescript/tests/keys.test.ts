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

it("somebody is invited for a part, and keys have profiles", async () => {
  const client = live();
  const email = `${newName("ts")}@example.com`;
  const made = await client.invitations.create({
    email,
    role: "subuser",
    permissions: ["verifications:start"],
    hours: { monday: ["08:00-16:00"] },
    shares: { profiles: ["default"], senders: "none" },
    pool: 500,
  });
  assert.deepEqual([made.email, made.delivery, made.sends], [email, "mail", 1]);
  assert.deepEqual([made.hours!.monday, made.hours!.tuesday], [["08:00-16:00"], []]);
  assert.deepEqual(made.shares, { profiles: ["default"], senders: "none", templates: "all", groups: "all" });
  await assert.rejects(client.invitations.create({ email, role: "subuser", permissions: [] }), isProblem("conflict"));
  assert.equal((await client.invitations.resend(made.id)).sends, 2);
  const found = [];
  for await (const one of client.invitations.list({ limit: 1 })) if (one.email === email) found.push(one.id);
  assert.deepEqual(found, [made.id]);
  await client.invitations.delete(made.id);
  await assert.rejects(client.invitations.get(made.id), isProblem("not_found"));

  const key = await client.keys.create({ name: newName("ts"), scopes: ["settings:read"], profiles: ["default"] });
  assert.deepEqual([key.profiles, key.member], [["default"], null]);
  assert.equal((await client.keys.update(key.id, { profiles: "all" })).profiles, "all");
  await assert.rejects(client.keys.move(key.id), isProblem("insufficient_scope"));
  const nobody = `mem_${"0".repeat(26)}`;
  assert.deepEqual((await client.keys.list({ member: nobody })).data, []);
  const change = { hours: null, pool: null, shares: { senders: "all" as const } };
  await assert.rejects(client.members.update(nobody, change), isProblem("not_found"));
  for await (const member of client.members.list()) assert.notEqual(member.id, nobody);
  await client.keys.delete(key.id);
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
