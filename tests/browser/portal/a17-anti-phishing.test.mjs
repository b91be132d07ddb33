// A17: nobody asks for a password or a code, and the pages and mails say so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { invite, linkIn, newNumber, newPerson } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const LINE = { en: /[Nn]obody who works for us .*(password|code)/, pl: /[Nn]ikt, kto .*(hasł|kod)/ };

test("sign-in and each mail say that nobody asks for a password", async () => {
  const { person, visit } = await newPerson(server);
  await invite(server, { email: "line@example.com", role: "subuser" });
  await visit.switchOn(server, person, newNumber());
  const other = await open(server.base);
  for (const path of ["/portal/sign-in", "/portal/forgot"]) {
    await other.go(path);
    assert.match(await other.text(), LINE.en, path);
  }
  await other.enter({ email: person.email });
  await other.go("/portal/sign-in");
  await other.knock(person);
  assert.match(await other.text(), LINE.en, "at the code");
  await visit.go("/portal/email");
  await visit.prove(server, person, { email: "line-2@example.com" });
  await visit.go("/portal/password");
  await visit.prove(server, person, { password: password(501) }, { password: password(501) });
  const mails = [/reset/, /mail/].map((page) => server.mail.next(person.email, new RegExp(`/portal/${page.source}/`)));
  await Promise.all([...mails, server.mail.next("line-2@example.com", /\/portal\/mail\//)]);
  await server.mail.next(person.email, /password was changed|changed/i);
  assert.ok(server.mail.kept.length >= 5, `${server.mail.kept.length} mails`);
  for (const { subject, text, html } of server.mail.kept) {
    assert.match(text.replace(/\s+/g, " "), LINE.en, subject);
    assert.match(html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " "), LINE.en, subject);
    assert.ok(!/<(img|script|link|iframe)\b|src=/i.test(html), `${subject} loads something`);
    for (const [link] of `${text} ${html}`.matchAll(/https?:\/\/[^\s"'<>]+/g)) assert.ok(link.startsWith(server.base), `${subject}: ${link}`);
  }
});

test("in Polish too", async () => {
  const { person, visit } = await newPerson(server, { options: { locale: "pl-PL" } });
  await visit.go("/portal/profile");
  await visit.enter({ language: "pl" });
  assert.equal(await visit.page.locator("html").getAttribute("lang"), "pl");
  await visit.signOut();
  assert.match(await visit.text(), LINE.pl);
  await visit.go("/portal/sign-in");
  assert.equal(await visit.page.locator("html").getAttribute("lang"), "pl");
  assert.match(await visit.text(), LINE.pl);
  await (await open(server.base, { locale: "pl-PL" })).signIn(server, person);
  const mail = await server.mail.next(person.email, LINE.pl);
  linkIn(mail, "mail");
});
