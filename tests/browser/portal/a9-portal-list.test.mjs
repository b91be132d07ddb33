// A9: the list of the addresses from which people come in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPerson, newTenant } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const list = (...words) => server.command("allowlist", "portal", ...words);

test("an address that is not on the list is refused, and the page says nothing of the tenant", async () => {
  const name = "Cichy Zakątek";
  const tenant = await newTenant(server, name);
  const { person, visit } = await newPerson(server, { tenant });
  assert.ok((await visit.go("/portal")) === 200 && (await visit.text()).includes(name));
  await list("add", "--tenant", tenant, "203.0.113.0/24 Office");
  await visit.go("/portal");
  const refused = await visit.page.content();
  assert.ok(refused.includes("127.0.0.1"), "the page names the address");
  for (const secret of [name, "203.0.113", "Office"]) assert.ok(!refused.includes(secret), `the page says ${secret}`);
  assert.equal(await visit.page.locator("nav, #you").count(), 0);
  for (const path of ["/portal/devices", "/portal/ip-lists", "/portal/security/rules", "/portal/profile"]) {
    await visit.go(path);
    assert.ok(!(await visit.page.content()).includes(name), path);
  }
  await visit.signOut();
  await visit.signIn(server, person);
  await visit.go("/portal");
  assert.ok((await visit.text()).includes("127.0.0.1"), "a new sign-in does not help");
  await list("clear", "--tenant", tenant);
  await visit.go("/portal");
  assert.ok((await visit.text()).includes(name), "the operator's way out works at once");
});

test("a list that leaves no owner inside is refused", async () => {
  const tenant = await newTenant(server, "Dwa Mosty");
  const { person, visit } = await newPerson(server, { tenant });
  await server.age("sessions", "signed_in_at", 16 * 60);
  await visit.go("/portal/ip-lists");
  assert.equal(await visit.page.locator('[name="proof_password"]').count(), 1, "the sign-in is too old for it");
  await visit.enter({ entries: "not an address", proof_password: person.password });
  assert.equal((await visit.faults()).length, 1);
  await visit.enter({ entries: "127.0.0.0/8 This machine", proof_password: person.password });
  assert.deepEqual(await visit.faults(), []);
  assert.match(await list("list", "--tenant", tenant), /127\.0\.0\.0\/8/);
  await visit.go("/portal/ip-lists");
  await visit.prove(server, person, { entries: "203.0.113.0/24 Office" });
  assert.match(await list("list", "--tenant", tenant), /127\.0\.0\.0\/8/, "no owner would be left in the portal");
  assert.equal(await visit.page.locator("main form .button.danger").count(), 0, "and no second button would help");
  assert.ok(await visit.isIn());
});

test("a list without its author asks again", async () => {
  const tenant = await newTenant(server, "Trzy Korony");
  const { person, visit } = await newPerson(server, { tenant });
  const second = await newPerson(server, { tenant, name: "Jan Wilk" });
  await server.change(`UPDATE sessions SET address = '203.0.113.7' WHERE person_id = (SELECT person_id FROM sessions ORDER BY signed_in_at DESC LIMIT 1)`);
  await visit.go("/portal/ip-lists");
  await visit.prove(server, person, { entries: "203.0.113.0/24 Office" });
  assert.ok((await visit.text()).includes("127.0.0.1"), "the page says who would be out");
  assert.doesNotMatch(await list("list", "--tenant", tenant), /203/, "and nothing is changed yet");
  await visit.follow(visit.page.locator("main form .button.danger"));
  assert.match(await list("list", "--tenant", tenant), /203\.0\.113\.0\/24/);
  await visit.go("/portal");
  assert.match(await visit.title(), /cannot come in/);
  await list("clear", "--tenant", tenant);
  await server.mail.next(second.person.email, /list/i);
});

test("a subuser has no page for it", async () => {
  const { visit } = await newPerson(server, { role: "subuser" });
  assert.equal(await visit.go("/portal/ip-lists"), 404);
  assert.equal(await visit.go("/portal/security/rules"), 404);
  await visit.go("/portal");
  assert.equal(await visit.page.locator('a[href="/portal/ip-lists"], a[href="/portal/security/rules"]').count(), 0);
});
