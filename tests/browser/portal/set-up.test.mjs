// The first person of a server, the end of a demo, and the portal off or on a host of its own.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { open, password } from "./browser.mjs";
import { ask, Client } from "./client.mjs";
import { invite, join, linkIn, newTenant, path } from "./people.mjs";
import { eventually, startDev, startServe } from "./servers.mjs";

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
  await visit.look("set-up");
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
  await visit.look("second factor without a provider");
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

test("on a terminal `serve` itself prints the set-up link, until somebody has an account", async () => {
  const server = await up(startServe, { terminal: true, mail: false });
  const printed = () => server.process.words.match(/\S*\/portal\/setup\/\S+/)?.[0];
  const first = await eventually("link on the terminal", printed);
  assert.ok(first.startsWith(`${server.base}/portal/setup/`), first);
  await server.restart();
  const second = await eventually("link on the terminal", printed);
  assert.notEqual(second, first);
  const visit = await open(server.base);
  assert.equal(await visit.go(path(first)), 404, "the next start voids it");
  assert.equal(await visit.go(path(second)), 200);
  await visit.fill({ name: "Ola Operator", email: "ola@example.com", password: password(2) });
  await visit.send();
  assert.deepEqual(await visit.faults(), []);
  assert.match(await visit.text(), /Ola Operator/);
  await server.restart();
  assert.equal(printed(), undefined);
  assert.equal(await visit.isIn(), true);
});

test("`demo remove` asks on a terminal, and afterwards `serve` serves without the demo", async () => {
  const server = await up(startDev, { mail: false });
  const visit = await (await open(server.base)).signIn(server, server.owner);
  // A page that is open asks for its files while the server is away.
  await visit.page.goto("about:blank");
  await server.process.end();
  await assert.rejects(server.command("serve"), /demo remove/, "`serve` refuses the demo");
  await assert.rejects(server.command("demo", "remove"), /say --yes/, "without a terminal nobody can answer");
  const answer = async (line) => {
    const command = server.onTerminal("demo", "remove");
    await command.type(/Type yes to remove it: $/, line);
    const code = await command.ended;
    return { code, words: command.words };
  };
  const kept = await answer("y");
  assert.ok(kept.code === 1 && /Nothing was removed/.test(kept.words), kept.words);
  await server.restart();
  assert.equal(await visit.isIn(), true, "all is there");
  await visit.page.goto("about:blank");
  await server.process.end();
  const removed = await answer("yes");
  assert.ok(removed.code === 0 && /`countersign serve` works now/.test(removed.words), removed.words);
  const { port } = new URL(server.base);
  Object.assign(server.settings, { COUNTERSIGN__SERVER__BIND: `127.0.0.1:${port}`, COUNTERSIGN__SERVER__OPERATOR_BIND: "127.0.0.1:0" });
  server.isUp = () => fetch(`${server.base}/health/ready`).then(({ ok }) => ok, () => false);
  await server.start("serve");
  assert.equal(await visit.isIn(), false, "the session of the demo's owner is gone");
  await visit.knock(server.owner);
  assert.equal((await visit.faults()).length, 1, "and so is the owner");
});

test("on a host of its own the portal answers only there", async () => {
  const server = await up(startServe, { ownHost: true });
  const at = (base, path) => ask(server.base, { path, headers: { Host: new URL(base).host } });
  for (const page of ["/portal", "/portal/sign-in", "/portal/forgot", "/portal/assets/portal.css"]) {
    assert.equal((await at(server.base, page)).status, 404, `${page} at the API's host`);
    assert.ok((await at(server.portal, page)).status < 400, `${page} at the portal's host`);
    assert.equal((await at("http://elsewhere.example", page)).status, 404, `${page} at a third host`);
  }
  for (const route of ["/v1/verifications", "/v1/tenant", "/openapi.json"]) {
    assert.notEqual((await at(server.base, route)).status, 404, `${route} at the API's host`);
    assert.equal((await at(server.portal, route)).status, 404, `${route} at the portal's host`);
  }
  const tenant = await newTenant(server, "Osobny Adres");
  const person = { name: "Iga Lis", email: "iga@example.com", password: password(3), tenant };
  const link = await invite(server, { tenant, email: person.email });
  const leadsHome = ({ text, html }) => {
    for (const part of [text, html]) assert.ok(part.includes(`${server.portal}/portal/`) && !part.includes(server.base), part);
  };
  leadsHome(server.mail.to(person.email)[0]);
  const visit = await open(server.portal);
  await join(visit, link, person);
  assert.match(await visit.text(), /Osobny Adres/);
  const cookies = await visit.context.cookies();
  assert.ok(cookies.length >= 2 && cookies.every(({ domain }) => domain === "localhost"), JSON.stringify(cookies));
  assert.deepEqual(await visit.context.cookies(server.base), [], "the API's host gets none");
  // A form of the portal counts only there, whatever cookies come with it.
  const client = await Client.of(visit);
  const form = { form_token: await client.token("/portal/profile"), name: "Iga Wilk" };
  const elsewhere = await client.post("/portal/profile", form, { Host: new URL(server.base).host, Origin: server.base });
  assert.equal(elsewhere.status, 404);
  await visit.go("/portal/profile");
  assert.equal(await visit.page.locator("#name").inputValue(), "Iga Lis");
  await visit.signOut();
  await visit.go("/portal/forgot");
  await visit.enter({ email: person.email });
  const mail = await server.mail.next(person.email, /\/portal\/reset\//);
  leadsHome(mail);
  assert.equal(await visit.go(linkIn(mail, "reset")), 200);
  await visit.go("/portal/sign-in");
  assert.ok((await visit.text()).includes(new URL(server.portal).host), "the page names the host to look for");
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});
