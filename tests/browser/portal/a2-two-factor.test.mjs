// A2: a second factor by SMS for the portal.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { Client } from "./client.mjs";
import { linkIn, memberId, newNumber, newPerson, newTenant } from "./people.mjs";
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
  assert.match(await visit.page.locator(".under").innerText(), /from \d\d:\d\d:\d\d/, "it says when it can be sent again");
  await visit.enter({ code: wrong(code) });
  assert.equal((await visit.faults()).length, 1);
  await visit.enter({ code });
  const codes = await visit.page.locator("#codes li").allInnerTexts();
  assert.equal(new Set(codes).size, 10);
  for (const each of codes) assert.match(each, /^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/);
  await visit.enter({ stored: true });
  await visit.go("/portal/recovery-codes");
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
  assert.match(await visit.page.locator(".under").innerText(), /from \d\d:\d\d:\d\d/, "it says when it can be sent again");
  assert.ok(!(await visit.text()).includes(number.slice(3, -3)), "the number is masked");
  const tryWrong = async (code, left) => {
    await visit.enter({ code: wrong(code) });
    assert.equal(visit.path(), "/portal/code");
    assert.match((await visit.faults()).join(), new RegExp(`\\b${left}\\b`), "it says how many tries are left");
  };
  await tryWrong(code, 4);
  await visit.enter({ code });
  assert.equal(await visit.isIn(), true);
  await visit.signOut();
  await visit.knock(person);
  const second = await server.code(number, seen + 1);
  for (const left of [4, 3, 2, 1]) await tryWrong(second, left);
  await visit.enter({ code: wrong(second) });
  await visit.go("/portal/code");
  assert.equal(visit.path(), "/portal/sign-in", "the fifth ends the attempt");
  assert.equal(await visit.isIn(), false);
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

test("a company that demands it mails the way to it", async () => {
  const tenant = await newTenant(server, "Mur i Brama");
  const owner = await newPerson(server, { tenant });
  const demand = async (from) => {
    await owner.visit.go("/portal/security/rules");
    await owner.visit.prove(server, owner.person, { require_2fa: "yes", require_from: from });
    assert.deepEqual(await owner.visit.faults(), []);
  };
  const { person, visit } = await newPerson(server, { tenant, role: "subuser" });
  await demand("2040-01-01");
  await visit.go("/portal/two-factor");
  assert.match(await visit.page.locator(".under").innerText(), /1 January 2040/, "before the day it says so");
  await visit.signOut();
  await demand("2020-01-01");
  await visit.signIn(server, person);
  await visit.go("/portal/devices");
  await visit.go("/portal");
  assert.equal(visit.path(), "/portal/two-factor", "the company's pages are closed");
  assert.equal(await visit.page.locator("#phone").count(), 0);
  await visit.look("second factor by mail");
  // A thief of the password has no mailbox.
  const number = newNumber();
  const client = await Client.of(visit);
  const refused = await client.submit("/portal/two-factor", { phone: number, proof_password: person.password });
  assert.equal(refused.status, 400);
  assert.equal((await server.messages(number)).length, 0);
  await visit.send();
  await visit.look("the link is on its way");
  const link = linkIn(await server.mail.next(person.email, /\/portal\/two-factor\//), "two-factor");
  const other = await newPerson(server);
  assert.equal(await other.visit.go(link), 404, "it is this person's link");
  assert.equal(await visit.go(link), 200);
  await visit.enter({ phone: number, proof_password: person.password });
  await visit.enter({ code: await server.code(number) });
  assert.equal(await visit.page.locator("#codes li").count(), 10);
  await visit.enter({ stored: true });
  await visit.go("/portal");
  assert.equal(visit.path(), "/portal", "the company's pages are open");
  assert.match(await visit.text(), /Mur i Brama/);
  assert.equal(await visit.go(link), 404, "the link works once");
  await visit.signOut();
  person.phone = number;
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});

test("an owner resets the second factor of a member who lost the phone, a day later", async () => {
  const tenant = await newTenant(server, "Zgubiony Telefon");
  const owner = await newPerson(server, { tenant });
  const { person, visit } = await newPerson(server, { tenant, role: "subuser", name: "Bartek Mak" });
  await visit.switchOn(server, person, newNumber());
  await visit.signOut();
  const page = `/portal/members/${await memberId(server, tenant, "Bartek Mak")}/sign-ins`;
  const start = async () => {
    await owner.visit.go(page);
    await owner.visit.act("act", "reset-2fa");
    assert.equal(await owner.visit.page.locator('[name="proof_password"]').count(), 1, "it always asks for the password");
    await owner.visit.look("reset of a second factor");
    await owner.visit.prove(server, owner.person);
    assert.equal(owner.visit.path(), page);
  };
  await start();
  assert.match(await owner.visit.text(), /is reset/);
  await owner.visit.look("reset that waits");
  // The person has the phone after all: the link in the mail stops the reset.
  const mail = await server.mail.next(person.email, /going to be switched off/);
  await visit.go(linkIn(mail, "mail"));
  await visit.send();
  await owner.visit.go(page);
  assert.equal(await owner.visit.page.locator('button[value="keep-2fa"]').count(), 0, "it is stopped");
  await start();
  await server.age("people", "reset_2fa_at", 86_400 - 600);
  // The job looks when the server starts, and once a minute.
  await server.restart();
  await visit.knock(person);
  assert.equal(visit.path(), "/portal/code", "ten minutes before, the code is asked for");
  await server.age("people", "reset_2fa_at", 600);
  await server.restart();
  await server.mail.next(person.email, /Two-factor sign-in is off/);
  await visit.go("/portal/sign-in");
  await visit.knock(person);
  assert.equal(await visit.isIn(), true, "the password alone lets the person in");
});
