// A11: how long a person stays signed in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPerson } from "./people.mjs";
import { eventually, startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const HOUR = 3_600;
const seen = () => server.ask("SELECT max(seen_at) FROM sessions").then(([[at]]) => at);

test("two minutes before the end the page says so and offers to stay", async () => {
  const { visit } = await newPerson(server);
  await visit.page.clock.install();
  await visit.go("/portal/profile");
  await visit.fill({ name: "Half a name" });
  const note = visit.page.locator("#session-end");
  await visit.page.clock.runFor(57 * 60 * 1_000);
  assert.equal(await note.isVisible(), false);
  await visit.page.clock.runFor(70_000);
  await note.waitFor();
  await server.age("sessions", "seen_at", HOUR - 110);
  const before = await seen();
  const stayed = visit.page.waitForResponse("**/portal/stay");
  await note.locator("[data-stay]").click();
  assert.equal((await stayed).status(), 200);
  await eventually("request that keeps the session", async () => (await seen()) > before + (HOUR - 200) * 1e6);
  assert.equal(await visit.page.locator("#name").inputValue(), "Half a name", "what was typed is there");
  assert.equal(await visit.isIn(), true);
});

test("without activity the session ends, and the page says why", async () => {
  const { person, visit } = await newPerson(server);
  await server.age("sessions", "seen_at", HOUR - 30);
  assert.equal(await visit.isIn(), true, "just before");
  await server.age("sessions", "seen_at", HOUR + 1);
  await visit.go("/portal/devices");
  assert.equal(visit.path(), "/portal/sign-in");
  assert.match(await visit.page.locator(".note").first().innerText(), /hour|nothing happened|no activity/i);
  await visit.signIn(server, person);
  assert.equal(visit.path(), "/portal/devices", "and sign-in leads back");
});

test("however busy, a session ends after its longest time", async () => {
  const { person, visit } = await newPerson(server);
  await server.age("sessions", "signed_in_at", 12 * HOUR - 60);
  assert.equal(await visit.isIn(), true);
  await server.age("sessions", "signed_in_at", 61);
  assert.equal(await visit.isIn(), false);
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});

test("a form that is sent too late comes back as it was typed and is not carried out", async () => {
  const { person, visit } = await newPerson(server, { name: "Olga Sowa" });
  await visit.go("/portal/profile");
  await visit.fill({ name: "Olga Sówka" });
  await server.age("sessions", "seen_at", HOUR + 1);
  await visit.send();
  assert.equal(visit.path(), "/portal/sign-in");
  await visit.signIn(server, person);
  assert.equal(visit.path(), "/portal/profile");
  assert.equal(await visit.page.locator("#name").inputValue(), "Olga Sówka");
  await visit.go("/portal/profile");
  assert.equal(await visit.page.locator("#name").inputValue(), "Olga Sowa", "it was not carried out, and is shown once");
  await visit.go("/portal/email");
  await visit.fill({ email: "other@example.com", proof_password: person.password });
  await server.age("sessions", "seen_at", HOUR + 1);
  await visit.send();
  await visit.signIn(server, person);
  assert.equal(await visit.page.locator("#email").inputValue(), "other@example.com");
  assert.equal(await visit.page.locator("#proof_password").inputValue(), "", "a password is never kept");
  await visit.go("/portal/two-factor");
  await visit.fill({ phone: "+48 500 510 001", proof_password: person.password });
  await server.age("sessions", "seen_at", HOUR + 1);
  await visit.send();
  await visit.signIn(server, person);
  assert.equal(visit.path(), "/portal/two-factor");
  assert.equal(await visit.page.locator("#phone").inputValue(), "+48 500 510 001");
  assert.equal(await visit.page.locator("#proof_password").inputValue(), "");
  assert.equal((await server.messages("+48500510001")).length, 0, "no code was sent");
});

test("a form that is too late is kept for its own person alone", async () => {
  const { visit } = await newPerson(server, { name: "Piotr Dąb" });
  const other = await newPerson(server, { name: "Zofia Klon" });
  await other.visit.signOut();
  await visit.go("/portal/profile");
  await visit.fill({ name: "Secret words" });
  await server.age("sessions", "seen_at", HOUR + 1);
  await visit.send();
  await visit.signIn(server, other.person);
  assert.ok(!(await visit.page.content()).includes("Secret words"));
  await visit.go("/portal/profile");
  assert.equal(await visit.page.locator("#name").inputValue(), "Zofia Klon");
});

test("a person chooses a shorter time than the company's, and no longer one", async () => {
  const { visit } = await newPerson(server);
  await visit.go("/portal/security");
  const choices = await visit.page.locator("#idle option").evaluateAll((all) => all.map((each) => each.value));
  assert.ok(choices.includes("300") && !choices.includes("14400"), `${choices}`);
  await visit.fill({ idle: "300" });
  await visit.act("act", "session");
  assert.equal(await visit.page.locator("#idle").inputValue(), "300");
  await server.age("sessions", "seen_at", 301);
  assert.equal(await visit.isIn(), false);
});

test("requests by a script are no activity", async () => {
  const { visit } = await newPerson(server);
  await visit.go("/portal/devices");
  await server.age("sessions", "seen_at", HOUR - 30);
  const before = await seen();
  await visit.page.evaluate(() => fetch("/portal/devices").then((answer) => answer.text()));
  assert.equal(await seen(), before);
});
