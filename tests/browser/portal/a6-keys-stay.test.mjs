// A6: a change of the password leaves keys alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { newPerson } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const works = async (key) => {
  const answer = await fetch(`${server.base}/v1/keys`, { headers: { Authorization: `Bearer ${key}` } });
  return answer.status === 200;
};

test("a change of the password ends other browsers and leaves keys alone", async () => {
  const { person, visit } = await newPerson(server);
  const id = (await server.command("member", "list", "--tenant", server.tenant)).split("\n").find((line) => line.includes(person.email)).split("\t")[0];
  const key = await server.command("key", "create", "--tenant", server.tenant, "--name", "shop", "--scopes", "settings:read", "--member", id);
  const other = await (await open(server.base)).signIn(server, person);
  assert.equal(await other.isIn(), true);
  await visit.go("/portal/security");
  assert.match(await visit.text(), /keys/i, "the page says so");
  await visit.go("/portal/password");
  await visit.enter({ proof_password: password(0), password: password(801) });
  assert.equal((await visit.faults()).length, 1, "the present password is asked for");
  await visit.enter({ proof_password: person.password, password: password(801) });
  assert.deepEqual(await visit.faults(), []);
  person.password = password(801);
  assert.equal(await visit.isIn(), true, "this browser stays");
  assert.equal(await other.isIn(), false, "the other one is out");
  assert.ok(await works(key), "the key goes on working");
  await server.mail.next(person.email, /password/i);
});

test("a separate button stops the keys, and asks first", async () => {
  const { person, visit } = await newPerson(server);
  const id = (await server.command("member", "list", "--tenant", server.tenant)).split("\n").find((line) => line.includes(person.email)).split("\t")[0];
  const key = await server.command("key", "create", "--tenant", server.tenant, "--name", "till", "--scopes", "settings:read", "--member", id);
  assert.ok(await works(key));
  await visit.go("/portal/security");
  await visit.act("act", "revoke-keys");
  assert.ok(await works(key), "it asks first");
  await visit.prove(server, person);
  assert.ok(!(await works(key)));
  assert.equal(await visit.isIn(), true);
});
