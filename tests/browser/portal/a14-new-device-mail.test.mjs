// A14: a mail about each right password in a browser that is not the person's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { linkIn, newNumber, newPerson } from "./people.mjs";
import { pause, startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const about = ({ email }) => server.mail.to(email).filter(({ text }) => /\/portal\/mail\//.test(text) && /127\.0\.0\.1/.test(text));
const more = async (person, count) => {
  await server.mail.next(person.email, /127\.0\.0\.1/, server.mail.to(person.email).length ? 0 : 0);
  const until = Date.now() + 5_000;
  while (about(person).length < count && Date.now() < until) await pause(50);
  assert.equal(about(person).length, count);
};

test("a right password in an unknown browser sends a mail, in a known one none", async () => {
  const { person, visit } = await newPerson(server);
  await visit.switchOn(server, person, newNumber());
  const other = await open(server.base, { timezoneId: "Europe/Warsaw" });
  await other.knock({ ...person, password: password(0) });
  await pause(500);
  assert.equal(about(person).length, 0, "a wrong password sends none");
  const seen = (await server.messages(person.phone)).length;
  await other.knock(person);
  assert.equal(other.path(), "/portal/code");
  await more(person, 1);
  const [mail] = about(person);
  assert.match(mail.text, /Chrom/, "it names the browser");
  assert.match(mail.text, /\d\d:\d\d/, "and the time");
  assert.ok(!mail.text.includes(person.phone), "the number is masked");
  linkIn(mail, "mail");
  await other.enter({ code: await server.code(person.phone, seen) });
  assert.equal(await other.isIn(), true);
  await other.signOut();
  await other.signIn(server, person);
  await pause(700);
  assert.equal(about(person).length, 1, "the browser is known now");
});

test("a browser that is trusted sends none, even after 30 days", async () => {
  const { person, visit } = await newPerson(server);
  await visit.go("/portal/devices");
  await visit.act("act", "trust");
  await visit.prove(server, person);
  await server.age("device_people", "first_at last_at", 31 * 86_400);
  await visit.signOut();
  await visit.signIn(server, person);
  await pause(700);
  assert.equal(about(person).length, 0);
  await (await open(server.base)).signIn(server, person);
  await more(person, 1);
});
