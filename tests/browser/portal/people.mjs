// Persons for the portal's tests: each test invites its own, so that the tests of a file run in any order.
import assert from "node:assert/strict";
import { open, password } from "./browser.mjs";
import { ask } from "./client.mjs";
import { eventually } from "./servers.mjs";

let count = 0;

/** A number that no other test uses: a number takes ten starts in ten minutes. */
export const newNumber = () => `+4850051${String((process.pid % 90) + 10)}${String(++count).padStart(2, "0")}`;

export const path = (link) => new URL(link, "http://x").pathname;

/** The link of an invitation, which the command prints or mails. */
export async function invite(server, { role = "owner", limits = [], tenant = server.tenant, email } = {}) {
  const flags = role === "subuser" && !limits.includes("--permissions") ? ["--permissions", "settings:read", ...limits] : limits;
  const seen = server.mail?.to(email).length;
  const printed = await server.command("member", "invite", "--tenant", tenant, "--role", role, ...flags, email);
  const link = printed.match(/\S*\/portal\/invite\/\S+/);
  const page = link ? path(link[0]) : linkIn(await server.mail.next(email, /\/portal\/invite\//, seen), "invite");
  // The server reads a tenant that another process has made within two seconds.
  const { host } = new URL(server.portal ?? server.base);
  await eventually(`page of ${page}`, async () => (await ask(server.base, { path: page, headers: { Host: host } })).status === 200);
  return page;
}

/** The path of a link in a mail. The text and the HTML form must have the same one. */
export function linkIn({ text, html }, page) {
  const found = new RegExp(`\\S+(/portal/${page}/[a-z0-9_/-]+)`);
  const link = text.match(found)?.[1];
  assert.ok(link, `no link to ${page} in: ${text}`);
  assert.ok(html.includes(link), "the HTML form has another link");
  return link;
}

/** Accepts an invitation in this browser. Returns the person, who is signed in there. */
export async function join(visit, link, person) {
  assert.equal(await visit.go(link), 200);
  await visit.fill({ name: person.name, password: person.password });
  await visit.act("act", "join");
  assert.notEqual(visit.path(), link, await visit.text());
  return person;
}

/** A new person, signed in in a browser of its own. */
export async function newPerson(server, { name = "Ewa Lis", role, limits, tenant, options } = {}) {
  const n = ++count;
  const person = { name, email: `person-${process.pid}-${n}@example.com`, password: password(n), tenant: tenant ?? server.tenant };
  const link = await invite(server, { role, limits, tenant, email: person.email });
  const visit = await open(server.base, options);
  await join(visit, link, person);
  return { person, visit };
}

/** The id of a member, by its name. */
export async function memberId(server, tenant, name) {
  const printed = await server.command("member", "list", "--tenant", tenant);
  return printed.split("\n").find((line) => line.includes(name)).split("\t")[0];
}

/** Another tenant. Returns its id. */
export async function newTenant(server, name) {
  const printed = await server.command("tenant", "create", "--name", name, "--countries", "PL");
  return printed.match(/ten_\w+/)[0];
}
