// A2: a second factor by SMS for the portal.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { newNumber, newPerson } from "./people.mjs";
import { eventually, startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const wrong = (code) => code.replace(/.$/, (last) => String((Number(last) + 1) % 10));

test("a person switches it on with password, number and first code", async () => {
  const { person, visit } = await newPerson(server);
  const [number, before] = [newNumber(), await visit.cookie("cs_session")];
  await visit.go("/portal/two-factor");
  await visit.enter({ phone: number, proof_password: password(0) });
  assert.equal((await visit.faults()).length, 1);
  assert.equal((await server.messages(number)).length, 0, "without the password nothing is sent");
  assert.equal(await visit.page.locator("#phone").inputValue(), number, "what was typed is there");
  assert.equal(await visit.page.locator("#proof_password").inputValue(), "");
  await visit.enter({ phone: number, proof_password: person.password });
  const code = await server.code(number);
  assert.ok((await visit.text()).includes(`*${number.slice(-3)}`), "the number is masked");
  await visit.enter({ code: wrong(code) });
  assert.equal((await visit.faults()).length, 1);
  await visit.enter({ code });
  const codes = await visit.page.locator("#codes li").allInnerTexts();
  assert.equal(new Set(codes).size, 10);
  for (const each of codes) assert.match(each, /^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/);
  await visit.enter({ stored: true });
  await visit.page.goBack();
  assert.equal(await visit.page.locator("#codes").count(), 0, "they are shown once");
  await visit.go("/portal/security");
  assert.ok((await visit.text()).includes(number.slice(-3)));
  assert.notEqual((await visit.cookie("cs_session")).value, before.value, "the session has a new secret");
  await server.mail.next(person.email, /two-factor/i);
});

test("from then on each sign-in asks for a code, and a wrong one is counted", async () => {
  const { person, visit } = await newPerson(server);
  const number = newNumber();
  await visit.switchOn(server, person, number);
  await visit.signOut();
  const seen = (await server.messages(number)).length;
  await visit.knock(person);
  assert.equal(visit.path(), "/portal/code");
  const code = await server.code(number, seen);
  assert.ok(!(await visit.text()).includes(number.slice(3, -3)), "the number is masked");
  for (let left = 4; left >= 1; left--) {
    await visit.enter({ code: wrong(code) });
    assert.equal(visit.path(), "/portal/code");
    assert.match((await visit.faults()).join(), new RegExp(`\\b${left}\\b`), "it says how many tries are left");
  }
  await visit.enter({ code: wrong(code) });
  await visit.go("/portal/code");
  assert.equal(visit.path(), "/portal/sign-in", "the fifth ends the attempt");
  assert.equal(await visit.isIn(), false);
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});

test("a recovery code stands in for the phone, once", async () => {
  const { person, visit } = await newPerson(server);
  const codes = await visit.switchOn(server, person, newNumber());
  await visit.signOut();
  await visit.knock(person);
  await visit.go("/portal/recovery");
  await visit.enter({ recovery: "0000-0000-0000" });
  assert.equal((await visit.faults()).length, 1);
  await visit.enter({ recovery: codes[3].toUpperCase().replaceAll("-", " ") });
  assert.equal(await visit.isIn(), true);
  const mail = await server.mail.next(person.email, /recovery code/i);
  await server.mail.next(person.email, /\b9\b/);
  assert.ok(!mail.text.includes(codes[3]));
  await visit.signOut();
  await visit.knock(person);
  await visit.go("/portal/recovery");
  await visit.enter({ recovery: codes[3] });
  assert.equal((await visit.faults()).length, 1, "a used one is like a wrong one");
  await visit.enter({ recovery: codes[4] });
  assert.equal(await visit.isIn(), true);
});

test("off and another number ask for proof, and both ends are told", async () => {
  const { person, visit } = await newPerson(server);
  const [first, second] = [newNumber(), newNumber()];
  await visit.switchOn(server, person, first);
  const other = await (await open(server.base)).signIn(server, person);
  await visit.go("/portal/two-factor");
  await visit.prove(server, person, { phone: second }, {});
  const code = await server.code(second);
  assert.match((await server.messages(first))[0].text, /number/i, "the message names the act");
  await visit.enter({ code });
  await visit.go("/portal/security");
  assert.ok((await visit.text()).includes(second.slice(-3)), "codes go to the other number");
  assert.equal(await other.isIn(), false, "other browsers are out");
  person.phone = second;
  await server.mail.next(person.email, /number/i);
  const told = async () => (await server.messages(first)).some(({ text }) => /no longer go to this number/.test(text));
  await eventually("SMS that tells the old number", told);
  await visit.go("/portal/security");
  await visit.act("act", "off");
  assert.equal((await visit.page.locator('[name="proof_password"]').count()), 1);
  await visit.prove(server, person);
  delete person.phone;
  await server.mail.next(person.email, /switched off|off/i);
  await visit.signOut();
  await visit.knock(person);
  assert.equal(await visit.isIn(), true, "no code is asked for any more");
});
