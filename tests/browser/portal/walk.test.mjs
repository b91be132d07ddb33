// The whole way of a company's first owner, from the operator's invitation to a subuser who sees less.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { invite, join, linkIn, newNumber, newTenant } from "./people.mjs";
import { startDev } from "./servers.mjs";

let server;
before(async () => (server = await startDev({ utf8: false })));
after(() => server?.stop());

/** A step of the walk; its name stands before what went wrong in it. */
const step = (name, body) =>
  body().catch((error) => {
    error.message = `${name}: ${error.message}`;
    throw error;
  });

test("the whole walk", async () => {
  const tenant = await newTenant(server, "Zielony Koszyk");
  const owner = { name: "Marta Wiśniewska", email: "marta@zielony.example", password: password(1), tenant };
  const home = await open(server.base);
  let work;

  await step("an invitation by the operator makes an owner", async () => {
    const link = await invite(server, { tenant, email: owner.email });
    assert.equal(await home.go(link), 200);
    assert.match(await home.text(), /Zielony Koszyk/);
    await join(home, link, owner);
    assert.equal(home.path(), "/portal");
    assert.match(await home.text(), /Owner/);
    assert.equal(await (await open(server.base)).go(link), 404, "the link works once");
  });

  await step("the second factor is switched on, and asked for", async () => {
    await home.switchOn(server, owner, newNumber());
    await home.signOut();
    await home.signIn(server, owner);
    assert.equal(await home.isIn(), true);
  });

  await step("a mail tells of the new device, and its link signs out everywhere", async () => {
    work = await (await open(server.base)).signIn(server, owner);
    assert.equal(await work.isIn(), true);
    const mail = await server.mail.next(owner.email, /\/portal\/mail\//);
    const link = linkIn(mail, "mail");
    await home.go("/portal/devices");
    await home.act("act", "end-others");
    assert.equal(await work.isIn(), false, "it is out with its next request");
    assert.equal(await home.isIn(), true);
    await work.go(link);
    await work.send();
    assert.equal(await home.isIn(), false);
    await home.signIn(server, owner);
  });

  await step("the end of a session is announced, and a late form comes back", async () => {
    await home.page.clock.install();
    await home.go("/portal/profile");
    await home.page.clock.runFor(58 * 60 * 1_000 + 5_000);
    await home.page.locator("#session-end").waitFor();
    await home.fill({ name: "Marta W." });
    await server.age("sessions", "seen_at", 3_601);
    await home.send();
    assert.equal(home.path(), "/portal/sign-in");
    await home.signIn(server, owner);
    assert.equal(home.path(), "/portal/profile");
    assert.equal(await home.page.locator("#name").inputValue(), "Marta W.");
    await home.page.clock.resume();
  });

  await step("an old password must be changed where the company says so", async () => {
    await home.go("/portal/security/rules");
    await home.prove(server, owner, { password_age: "force", password_days: "30" });
    await server.age("people", "password_at", 31 * 86_400);
    await home.go("/portal/devices");
    assert.equal(home.path(), "/portal/password");
    const chosen = password(2);
    await home.prove(server, owner, { password: chosen }, { password: chosen });
    owner.password = chosen;
    assert.equal(await home.go("/portal/devices"), 200);
    assert.equal(home.path(), "/portal/devices");
  });

  await step("the portal's list refuses", async () => {
    await server.command("allowlist", "portal", "add", "--tenant", tenant, "203.0.113.0/24 Office");
    await home.go("/portal");
    assert.match(await home.text(), /127\.0\.0\.1/);
    assert.doesNotMatch(await home.text(), /Zielony/);
    await server.command("allowlist", "portal", "clear", "--tenant", tenant);
    await home.go("/portal");
    assert.match(await home.text(), /Zielony/);
  });

  await step("a subuser is invited, signs in and sees less", async () => {
    const subuser = { name: "Kasia Mak", email: "kasia@zielony.example", password: password(3), tenant };
    const limits = ["--permissions", "verifications:start,reports:read"];
    const visit = await open(server.base);
    await join(visit, await invite(server, { tenant, role: "subuser", limits, email: subuser.email }), subuser);
    await visit.signOut();
    await visit.signIn(server, subuser);
    assert.match(await visit.text(), /Member/);
    assert.doesNotMatch(await visit.text(), /Owner/);
    for (const path of ["/portal/ip-lists", "/portal/security/rules"]) {
      assert.equal(await visit.page.locator(`a[href="${path}"]`).count(), 0, path);
      assert.equal(await visit.go(path), 404, path);
    }
    assert.equal(await visit.go("/portal/devices"), 200);
    assert.equal(await visit.go("/portal/security"), 200);
  });
});
