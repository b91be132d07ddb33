// Every page: no finding of axe in light and dark, on a phone and on a screen; and everything works without JavaScript.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { invite, join, linkIn, memberId, newNumber, newPerson, newTenant } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev()));
after(() => server?.stop());

const OWN = ["", "/profile", "/security", "/security/rules", "/ip-lists", "/devices", "/password", "/email", "/two-factor"];
const LONG = "Wolnomiłościwszczególnieprzezzielonykosz";

for (const locale of ["en-GB", "pl-PL"]) {
  test(`no page before sign-in has a violation of accessibility: ${locale}`, async () => {
    const visit = await open(server.base, { locale });
    for (const path of ["/portal/sign-in", "/portal/forgot", "/portal/signed-out", "/portal/nothing", "/portal/reset/0000"]) {
      await visit.go(path);
      await visit.look(path);
    }
    await visit.go("/portal/sign-in");
    await visit.knock({ email: "nobody@example.com", password: "x" });
    await visit.look("sign-in with an error");
    assert.match(await visit.page.title(), /^(Error|Błąd): /);
    await visit.go("/portal/forgot");
    await visit.enter({ email: "nobody@example.com" });
    await visit.look("link is on its way");
    const tenant = await newTenant(server, `${LONG.slice(0, 28)} Sp. z o.o.`);
    await visit.go(await invite(server, { tenant, role: "subuser", email: `${"long".repeat(15)}@example.com` }));
    await visit.look("invitation");
    await visit.fill({ name: "x", password: "x" });
    await visit.act("act", "join");
    await visit.look("invitation with errors");
  });
}

// In Polish, whose words are longer. The pages of a demanded and of a reset second factor are in a2-two-factor.test.mjs,
// those of set-up in set-up.test.mjs.
test("no page has a violation of accessibility", async () => {
  const options = { locale: "pl-PL" };
  const tenant = await newTenant(server, LONG);
  const { person, visit } = await newPerson(server, { tenant, options, name: `${LONG} ${LONG.slice(0, 15)}` });
  await visit.go("/portal/profile");
  assert.equal(await visit.page.locator("html").getAttribute("lang"), "pl");
  const second = await newTenant(server, "Studio Fala");
  const link = await invite(server, { tenant: second, role: "subuser", email: person.email });
  assert.equal(await visit.go(link), 200);
  await visit.look("invitation of a person who is signed in");
  await visit.act("act", "accept");
  await visit.go("/portal/tenants");
  await visit.look("tenants");
  await visit.act("tenant", tenant);
  await newPerson(server, { tenant, role: "subuser", name: "Bartek Mak" });
  const member = `/members/${await memberId(server, tenant, "Bartek Mak")}/sign-ins`;
  for (const page of [...OWN, member]) {
    assert.equal(await visit.go(`/portal${page}`), 200, page);
    await visit.look(page || "/portal");
  }
  await visit.act("act", "end-all");
  await visit.look("end of all sessions of a member");
  await visit.go("/portal/devices");
  await visit.act("act", "trust");
  await visit.look("trust in a browser");
  await visit.go("/portal/two-factor");
  await visit.enter({ phone: "123", proof_password: person.password });
  await visit.look("number with an error");
  const number = newNumber();
  await visit.enter({ phone: number, proof_password: person.password });
  await visit.look("code of the first message");
  await visit.enter({ code: await server.code(number) });
  await visit.look("recovery codes");
  await visit.enter({ stored: true });
  person.phone = number;
  await visit.look("after the recovery codes");
  await visit.go("/portal/two-factor");
  await visit.look("another number");
  await visit.go("/portal/security");
  await visit.look("security with a second factor");
  for (const act of ["new-codes", "revoke-keys"]) {
    const button = visit.page.locator(`main button[value="${act}"]`);
    if (!(await button.count())) continue;
    await visit.act("act", act);
    await visit.look(`page of ${act}`);
    await visit.go("/portal/security");
  }
  await visit.act("act", "off");
  await visit.look("proof of an act of one button");
  await visit.enter({ proof_password: person.password });
  await visit.look("proof by code");
  await visit.act("proof_act", "recovery");
  await visit.look("proof by recovery code");
  await visit.go("/portal/profile");
  await visit.act("act", "close");
  await visit.look("end of an account");
  await visit.go("/portal/email");
  await visit.enter({ email: "x@y", proof_password: "x" });
  await visit.look("address with errors");
  await visit.signOut();
  await visit.look("signed out");
  await visit.go("/portal/sign-in");
  await visit.knock(person);
  await visit.look("code");
  await visit.enter({ code: "000000" });
  await visit.look("wrong code");
  await visit.go("/portal/recovery");
  await visit.look("recovery code");
  await visit.go("/portal/forgot");
  await visit.enter({ email: person.email });
  await visit.go(linkIn(await server.mail.next(person.email, /\/portal\/reset\//), "reset"));
  await visit.look("new password");
  const stranger = await open(server.base);
  await stranger.go("/portal/sign-in");
  await stranger.knock(person);
  await visit.go(linkIn(await server.mail.next(person.email, /\/portal\/mail\//), "mail"));
  await visit.look("sign out everywhere by a mail");
  await visit.send();
  await visit.look("signed out everywhere");
});

test("no page of another address, of refusals and of old passwords has one either", async () => {
  const tenant = await newTenant(server, "Klinika Wrzos");
  const { person, visit } = await newPerson(server, { tenant });
  const [former, address] = [person.email, `${"nowy-adres-".repeat(5)}wrzos@example.com`];
  await visit.go("/portal/email");
  await visit.prove(server, person, { email: address });
  await visit.look("address that waits");
  await visit.go(linkIn(await server.mail.next(address, /\/portal\/mail\//), "mail"));
  await visit.look("confirmation of an address");
  await visit.send();
  await visit.look("confirmed address");
  person.email = address;
  const undo = linkIn(await server.mail.next(former, /\/portal\/mail\//), "mail");
  await visit.go(undo);
  await visit.look("way back to the former address");
  await server.age("people", "password_at", 31 * 86_400);
  for (const page of OWN) {
    await visit.go(`/portal${page}`);
    await visit.look(`with an old password ${page}`);
  }
  await server.command("tenant", "security", "set", tenant, "--password-age", "force");
  await visit.go("/portal");
  await visit.look("forced password");
  await server.command("tenant", "security", "set", tenant, "--password-age", "off");
  await visit.go("/portal/ip-lists");
  await visit.prove(server, person, { entries: "203.0.113.0/24 Biuro" });
  await visit.look("a list without its author");
  await server.command("allowlist", "portal", "add", "--tenant", tenant, "203.0.113.0/24 Office");
  await visit.go("/portal");
  await visit.look("refused address");
});

test("every page works without JavaScript", async () => {
  const options = { javaScriptEnabled: false, viewport: { width: 375, height: 800 } };
  const tenant = await newTenant(server, "Bez Skryptu");
  const person = { name: "Iza Cicha", email: "iza@example.com", password: password(77), tenant };
  const visit = await open(server.base, options);
  await join(visit, await invite(server, { tenant, email: person.email }), person);
  await visit.switchOn(server, person, newNumber());
  await visit.signOut();
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
  await visit.go("/portal/profile");
  await visit.enter({ name: "Iza Głośna" });
  await visit.go("/portal/profile");
  assert.equal(await visit.page.locator("#name").inputValue(), "Iza Głośna");
  await visit.go("/portal/security/rules");
  await visit.prove(server, person, { password_age: "off" });
  assert.deepEqual(await visit.faults(), []);
  await visit.go("/portal/ip-lists");
  await visit.prove(server, person, { entries: "127.0.0.0/8 Here" });
  assert.deepEqual(await visit.faults(), []);
  await visit.go("/portal/password");
  await visit.prove(server, person, { password: password(78) }, { password: password(78) });
  person.password = password(78);
  await visit.go("/portal/email");
  await visit.prove(server, person, { email: "iza.nowa@example.com" });
  await visit.go("/portal/email");
  assert.match(await visit.page.locator(".note.info").innerText(), /iza\.nowa@example\.com.* works until/, "the page says what waits");
  await visit.go(linkIn(await server.mail.next("iza.nowa@example.com", /\/portal\/mail\//), "mail"));
  await visit.send();
  person.email = "iza.nowa@example.com";
  if (await visit.isIn()) await visit.signOut();
  await visit.signIn(server, person);
  assert.equal(await visit.isIn(), true);
});

// A number takes ten codes in ten minutes.
test("the pages of devices and of the second factor work without JavaScript", async () => {
  const options = { javaScriptEnabled: false, viewport: { width: 375, height: 800 } };
  const tenant = await newTenant(server, "Bez Skryptu");
  const person = { name: "Ewa Cicha", email: "ewa@example.com", password: password(79), tenant };
  const visit = await open(server.base, options);
  await join(visit, await invite(server, { tenant, email: person.email }), person);
  await visit.switchOn(server, person, newNumber());
  const other = await (await open(server.base, options)).signIn(server, person);
  await visit.go("/portal/devices");
  await visit.act("act", "end-others");
  assert.equal(await other.isIn(), false);
  await visit.go("/portal/security");
  await visit.act("act", "new-codes");
  await visit.prove(server, person);
  const codes = await visit.page.locator("#codes li").allInnerTexts();
  assert.equal(codes.length, 10);
  const saved = visit.page.waitForEvent("download");
  await visit.page.locator('button[value="file"]').click();
  const file = await saved;
  assert.equal(file.suggestedFilename(), "countersign-recovery-codes.txt");
  const words = readFileSync(await file.path(), "utf8");
  assert.deepEqual(words.match(/[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}/g), codes);
  assert.ok(!words.includes(person.email) && !words.includes(person.name), "it does not say whose codes these are");
  assert.equal(await visit.page.locator("#codes li").count(), 10, "the page stays");
  await visit.enter({ stored: true });
  await visit.go("/portal/security");
  await visit.act("act", "off");
  await visit.prove(server, person);
  delete person.phone;
  await server.age("sessions", "seen_at", 3_601);
  await visit.go("/portal/devices");
  assert.equal(await visit.page.locator(".note").count(), 1, "without a script the sign-in page says why");
  await visit.signIn(server, person);
  await visit.signOut();
});
