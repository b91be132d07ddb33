// A10: a password that is old.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { password } from "./browser.mjs";
import { newPerson, newTenant } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const DAY = 86_400;

test("an old password is told of, and where force holds it must be changed first", async () => {
  const tenant = await newTenant(server, "Stary Młyn");
  const rules = (...flags) => server.command("tenant", "security", "set", tenant, ...flags);
  const { person, visit } = await newPerson(server, { tenant });
  const banner = visit.page.locator(".bands .band.warn");
  await visit.go("/portal");
  assert.equal(await banner.count(), 0);
  await server.age("people", "password_at", 31 * DAY);
  await visit.go("/portal");
  assert.match(await banner.innerText(), /\b31\b/, "after 30 days it reminds");
  assert.equal(await visit.go("/portal/devices"), 200, "and lets work go on");
  await rules("--password-age", "off");
  await visit.go("/portal");
  assert.equal(await banner.count(), 0);
  await rules("--password-age", "force", "--password-days", "32");
  await visit.go("/portal");
  assert.equal(visit.path(), "/portal", "31 days are fewer than 32");
  await rules("--password-age", "force", "--password-days", "30");
  for (const path of ["/portal", "/portal/devices", "/portal/security", "/portal/ip-lists", "/portal/profile", "/portal/email"]) {
    await visit.go(path);
    assert.equal(visit.path(), "/portal/password", path);
  }
  await visit.enter({ proof_password: person.password, password: person.password });
  assert.equal((await visit.faults()).length, 1);
  await visit.signOut();
  await visit.signIn(server, person);
  assert.equal(visit.path(), "/portal/password", "a new sign-in leads there too");
  await visit.enter({ proof_password: person.password, password: password(701) });
  assert.deepEqual(await visit.faults(), []);
  await visit.go("/portal/devices");
  assert.equal(visit.path(), "/portal/devices");
});

test("an owner sets the rule on the page", async () => {
  const tenant = await newTenant(server, "Nowy Młyn");
  const { person, visit } = await newPerson(server, { tenant });
  await visit.go("/portal/security/rules");
  await visit.prove(server, person, { password_age: "force", password_days: "0" });
  assert.equal((await visit.faults()).length, 1, "0 days are no age");
  await visit.prove(server, person, { password_age: "force", password_days: "90" });
  assert.deepEqual(await visit.faults(), []);
  const shown = await server.command("tenant", "security", "show", tenant);
  assert.match(shown, /force/);
  assert.match(shown, /\b90\b/);
});
