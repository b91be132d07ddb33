// The first person of a server: the link that `serve` offers, and the portal off or on a host of its own.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { open, password } from "./browser.mjs";
import { path } from "./people.mjs";
import { startDev, startServe } from "./servers.mjs";

const servers = [];
const up = async (start, options) => {
  servers.push(await start(options));
  return servers.at(-1);
};
after(() => Promise.all(servers.map((server) => server.stop())));

test("the set-up link makes the operator's first person, once", async () => {
  const server = await up(startServe, {});
  assert.ok(!/\/portal\/setup\//.test(server.process.words), "a log that is no terminal has no link");
  const printed = await server.command("member", "invite", "--print", "--operator", "--role", "owner", "first@example.com");
  const link = path(printed.match(/\S*\/portal\/(setup|invite)\/\S+/)[0]);
  const person = { name: "Ola Operator", email: "first@example.com", password: password(1) };
  const visit = await open(server.base);
  assert.equal(await visit.go(link), 200);
  await visit.fill({ name: person.name, password: "Password1" });
  await visit.send();
  assert.equal((await visit.faults()).length, 1, "the rule holds here too");
  await visit.fill({ name: person.name, password: person.password });
  await visit.send();
  assert.deepEqual(await visit.faults(), []);
  await visit.go("/portal");
  assert.match(await visit.text(), /Ola/);
  const late = await open(server.base);
  assert.equal(await late.go(link), 404, "it works once");
  await visit.go("/portal/two-factor");
  assert.equal(await visit.page.locator("main form").count(), 0, "without a provider it cannot be switched on");
  assert.match(await visit.text(), /no provider/);
  await visit.signOut();
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});

test("the person of `dev` signs in with what is printed, and the second factor can be tried", async () => {
  const server = await up(startDev, {});
  assert.ok(server.process.words.includes(server.owner.password) && server.process.words.includes(server.owner.email));
  const visit = await (await open(server.base)).signIn(server, server.owner);
  assert.equal(visit.path(), "/portal");
  await visit.switchOn(server, server.owner, "+48500500599");
  await visit.signOut();
  await visit.signIn(server, server.owner);
  assert.equal(await visit.isIn(), true);
});

test("off, the portal is not there", async () => {
  const server = await up(startServe, { mail: false, settings: { COUNTERSIGN__SERVER__PORTAL: "off" } });
  for (const page of ["/portal", "/portal/sign-in", "/portal/assets/portal.css"]) {
    assert.equal((await fetch(server.base + page)).status, 404, page);
  }
});
