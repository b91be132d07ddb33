// A12: the browsers in which a person is signed in, and what happened with the account.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { memberId, newPerson, newTenant } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";

test("browsers and attempts are listed, and one browser is signed out", async () => {
  const { person, visit } = await newPerson(server);
  const phone = await open(server.base, { userAgent: IPHONE });
  await phone.go("/portal/sign-in");
  await phone.knock({ ...person, password: password(0) });
  assert.equal((await phone.faults()).length, 1);
  await phone.signIn(server, person);
  assert.equal(await phone.isIn(), true);
  await visit.go("/portal/devices");
  const sessions = visit.page.locator("section", { has: visit.page.locator("#now") }).locator(".device");
  assert.equal(await sessions.count(), 2);
  const words = (await sessions.allInnerTexts()).join("\n");
  assert.match(words, /Safari/);
  assert.match(words, /iPhone|iOS/);
  assert.match(words, /Chrom/);
  assert.match(words, /127\.0\.0\.1/);
  const activity = visit.page.locator("section", { has: visit.page.locator("#recent") }).locator("tbody tr");
  assert.ok((await activity.count()) >= 2, "a wrong password, and a sign-in");
  assert.match((await activity.allInnerTexts()).join("\n"), /[Ww]rong password/);
  await visit.follow(sessions.filter({ hasText: "Safari" }).locator('button[value="end"]'));
  assert.equal(await sessions.count(), 1);
  assert.equal(await phone.isIn(), false, "it is out with its next request");
  assert.equal(await visit.isIn(), true);
});

test("a sixth guess of a stranger adds up in one row", async () => {
  const { person, visit } = await newPerson(server);
  await server.change("DELETE FROM sign_in_waits");
  for (let n = 0; n < 7; n++) {
    const stranger = await open(server.base);
    await stranger.knock({ ...person, password: password(0) });
    await server.change("DELETE FROM sign_in_waits");
  }
  const rows = await server.ask(`SELECT number FROM sign_ins WHERE outcome = 'wrong_password' AND person_id = (SELECT person_id FROM sessions ORDER BY signed_in_at DESC LIMIT 1)`);
  assert.ok(rows.length <= 6, `${rows.length} rows`);
  assert.equal(rows.reduce((sum, [number]) => sum + number, 0), 7);
  assert.equal(await visit.isIn(), true);
});

test("to trust a browser asks for the password, and a new password ends the trust", async () => {
  const { person, visit } = await newPerson(server);
  await visit.go("/portal/devices");
  await visit.act("act", "trust");
  assert.equal(await visit.page.locator('[name="proof_password"]').count(), 1);
  await visit.prove(server, person);
  await visit.go("/portal/devices");
  assert.equal(await visit.page.locator('button[value="untrust"]').count(), 1);
  await visit.go("/portal/password");
  await visit.enter({ proof_password: person.password, password: password(601) });
  await visit.go("/portal/devices");
  assert.equal(await visit.page.locator('button[value="untrust"]').count(), 0);
});

test("an owner sees a member's sign-ins in this tenant alone, and ends its sessions here", async () => {
  const tenant = await newTenant(server, "Trzeci Most");
  const owner = await newPerson(server, { tenant });
  const member = await newPerson(server, { tenant, role: "subuser", name: "Bartek Mak" });
  const page = `/portal/members/${await memberId(server, tenant, "Bartek Mak")}/sign-ins`;
  assert.equal(await member.visit.go(page), 404, "only an owner");
  await member.visit.signOut();
  await member.visit.signIn(server, member.person);
  assert.equal(await owner.visit.go(page), 200);
  assert.match(await owner.visit.text(), /Bartek Mak/);
  await owner.visit.act("act", "end");
  assert.equal(await member.visit.isIn(), false);
  const stranger = await newPerson(server);
  assert.equal(await stranger.visit.go(page), 404, "an owner of another tenant");
});
