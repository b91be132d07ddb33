// A3: the rule for passwords, and how a person sets another one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { invite, linkIn, newNumber, newPerson } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

test("the page shows the rule first and names each fault", async () => {
  const email = "marta.wisniewska@example.com";
  const link = await invite(server, { email });
  const visit = await open(server.base);
  await visit.go(link);
  const field = visit.page.locator("#password");
  assert.equal(await field.getAttribute("type"), "password");
  assert.equal(await field.getAttribute("autocomplete"), "new-password");
  const rule = await visit.page.locator("#password-hint").innerText();
  assert.match(rule, /8 characters/);
  assert.match(rule, /capital letter/);
  assert.match(rule, /digit/);
  const faults = new Set();
  for (const [typed, what] of [
    ["aB3xyzq", "too short"],
    ["violet kettle 7 orbits", "no capital letter"],
    ["Violet kettle orbits", "no digit"],
    ["Marta.Wisniewska1", "the address"],
    ["Password1", "common"],
  ]) {
    await visit.fill({ name: "Marta Wiśniewska", password: typed });
    await visit.act("act", "join");
    const found = await visit.faults();
    assert.equal(found.length, 1, `${what}: ${found}`);
    assert.equal(await visit.page.locator("#password-error").innerText(), found[0], "the same words at the field");
    assert.equal(await field.inputValue(), "", "a password never comes back");
    assert.equal(await visit.page.locator("#name").inputValue(), "Marta Wiśniewska", "all else does");
    faults.add(found[0]);
  }
  assert.equal(faults.size, 5, "each fault has words of its own");
  await visit.fill({ password: "ż" });
  await visit.act("act", "join");
  assert.ok((await visit.faults()).length >= 1);
  await visit.fill({ password: `Ż1 ${"violet ".repeat(9)}` });
  await visit.act("act", "join");
  assert.deepEqual(await visit.faults(), [], "64 characters and more, of each alphabet");
});

test("a former password cannot be chosen again", async () => {
  const { person, visit } = await newPerson(server);
  const first = person.password;
  await visit.go("/portal/password");
  await visit.enter({ proof_password: person.password, password: person.password });
  assert.equal((await visit.faults()).length, 1, "nor the present one");
  for (const [chosen, isFormer] of [[password(901), false], [first, true], [password(902), false], [first, true]]) {
    await visit.go("/portal/password");
    await visit.enter({ proof_password: person.password, password: chosen });
    assert.equal((await visit.faults()).length, Number(isFormer), chosen);
    if (!isFormer) person.password = chosen;
  }
  await visit.signOut();
  await visit.knock({ ...person, password: first });
  assert.equal((await visit.faults()).length, 1);
  await visit.knock(person);
  assert.equal(await visit.isIn(), true);
});

test("a reset link sets a password and never skips the code", async () => {
  const { person, visit } = await newPerson(server);
  await visit.switchOn(server, person, newNumber());
  const stranger = await open(server.base);
  const ask = async (email) => {
    await stranger.go("/portal/forgot");
    await stranger.enter({ email });
    return stranger.text();
  };
  assert.equal(await ask("nobody@example.com"), await ask(person.email), "the page says the same for each address");
  const mail = await server.mail.next(person.email, /\/portal\/reset\//);
  const link = linkIn(mail, "reset");
  const mine = await open(server.base);
  assert.equal(await mine.go(link), 200);
  await mine.enter({ password: "Password1" });
  assert.equal((await mine.faults()).length, 1, "the rule holds, and the link is not used up");
  const former = person.password;
  person.password = password(950);
  await mine.enter({ password: person.password });
  assert.equal(await visit.isIn(), false, "other browsers are out");
  assert.equal(await mine.isIn(), false, "a reset signs nobody in");
  await mine.go("/portal/sign-in");
  await mine.knock({ ...person, password: former });
  assert.equal((await mine.faults()).length, 1);
  const seen = (await server.messages(person.phone)).length;
  await mine.knock(person);
  assert.equal(mine.path(), "/portal/code");
  await mine.enter({ code: await server.code(person.phone, seen) });
  assert.equal(await mine.isIn(), true);
  assert.equal(await stranger.go(link), 404, "the link works once");
  await server.mail.next(person.email, /password was changed|changed/i);
});
