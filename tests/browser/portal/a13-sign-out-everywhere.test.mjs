// A13: sign out everywhere.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open } from "./browser.mjs";
import { linkIn, newPerson } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const others = (person) => Promise.all([1, 2].map(async () => (await open(server.base)).signIn(server, person)));

test("the other browser is out with its next request", async () => {
  const { person, visit } = await newPerson(server);
  const out = await others(person);
  for (const each of out) assert.equal(await each.isIn(), true);
  const [typing] = out;
  await typing.go("/portal/profile");
  await typing.fill({ name: "Too late" });
  await visit.go("/portal/devices");
  await visit.act("act", "end-others");
  await typing.send();
  assert.equal(typing.path(), "/portal/sign-in", "also if that request is a form");
  for (const each of out) assert.equal(await each.isIn(), false);
  assert.equal(await visit.isIn(), true, "this browser stays");
  await visit.go("/portal/profile");
  assert.notEqual(await visit.page.locator("#name").inputValue(), "Too late");
});

test("the second choice ends this browser too", async () => {
  const { person, visit } = await newPerson(server);
  const [other] = await others(person);
  await visit.go("/portal/devices");
  await visit.act("act", "end-all");
  assert.equal(await visit.isIn(), false);
  assert.equal(await other.isIn(), false);
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});

test("the link in a mail signs out everywhere with one button", async () => {
  const { person, visit } = await newPerson(server);
  const [other] = await others(person);
  const mail = await server.mail.next(person.email, /\/portal\/mail\//);
  const link = linkIn(mail, "mail");
  const stranger = await open(server.base);
  assert.equal(await stranger.go(link), 200);
  assert.equal(await stranger.page.locator("main form").count(), 1);
  assert.equal(await other.isIn(), true, "to open it does nothing");
  await stranger.send();
  assert.equal(await other.isIn(), false);
  assert.equal(await visit.isIn(), false);
  const later = await (await open(server.base)).signIn(server, person);
  assert.equal(await stranger.go(link), 404, "it works once");
  assert.equal(await later.isIn(), true, "and ends only what was there before");
});
