// What an attacker tries against the portal.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { open, password } from "./browser.mjs";
import { Client, ask } from "./client.mjs";
import { invite, join, linkIn, newNumber, newPerson, newTenant, path } from "./people.mjs";
import { startDev, startServe } from "./servers.mjs";

let server;
let evil;
before(async () => {
  server = await startDev();
  evil = createServer((request, answer) => answer.writeHead(200, { "Content-Type": "text/html" }).end(evil.page));
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  evil.base = `http://127.0.0.1:${evil.address().port}`;
});
after(async () => {
  evil?.close();
  await server?.stop();
});

const nameOf = async (visit) => {
  await visit.go("/portal/profile");
  return visit.page.locator("#name").inputValue();
};

/** A page of another site that sends a form to ours by itself. */
const trap = (action, fields) => {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  return `<form method="post" action="${action}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`;
};

test("a form of another site, or with another token, changes nothing", async () => {
  const { person, visit } = await newPerson(server, { name: "Anna Cel" });
  const fields = { name: "Mallory", language: "en", zone: "UTC", act: "save" };
  const mine = await Client.of(visit);
  const form_token = await mine.token("/portal/profile");
  const foreign = [
    [{ Origin: "https://evil.example" }, "another origin"],
    [{ Origin: evil.base }, "another port"],
    [{ Origin: "null" }, "a hidden origin without the browser's word"],
    [{ "Sec-Fetch-Site": "cross-site" }, "another site"],
    [{ "Sec-Fetch-Site": "same-site" }, "a sister site"],
    [{ "Content-Type": "text/plain" }, "no form"],
    [{ "Content-Type": "application/json" }, "JSON"],
  ];
  for (const [headers, what] of foreign) {
    const headersOfNull = headers.Origin === "null" ? { ...headers, "Sec-Fetch-Site": "cross-site" } : headers;
    const { status } = await mine.post("/portal/profile", { ...fields, form_token }, headersOfNull);
    assert.ok([403, 415].includes(status), `${what}: ${status}`);
  }
  const other = await newPerson(server);
  const theirs = await (await Client.of(other.visit)).token("/portal/profile");
  const before = new Client(server.base);
  const visitors = await before.token("/portal/sign-in");
  for (const token of [undefined, "", "0".repeat(32), theirs, visitors]) {
    const { status } = await mine.post("/portal/profile", { ...fields, ...(token !== undefined && { form_token: token }) });
    assert.equal(status, 403, `token ${token}`);
  }
  evil.page = trap(`${server.base}/portal/profile`, { ...fields, form_token: theirs });
  visit.allowed = evil.base;
  await visit.go(evil.base);
  await visit.page.waitForURL("**/portal/profile");
  assert.equal(await nameOf(visit), "Anna Cel");
  assert.equal(await (await mine.get("/portal/sign-out")).status < 500, true);
  assert.equal(await visit.isIn(), true, "a link signs nobody out");
  assert.equal((await mine.post("/portal/profile", { ...fields, form_token })).status, 303, "and the form itself is right");
  assert.equal(await nameOf(visit), "Mallory");
  assert.ok(person);
});

test("nobody is signed in as another by a form of another site", async () => {
  const attacker = await newPerson(server, { name: "Mallory" });
  const accomplice = new Client(server.base);
  const form_token = await accomplice.token("/portal/sign-in");
  const { email, password } = attacker.person;
  evil.page = trap(`${server.base}/portal/sign-in`, { email, password, form_token });
  const victim = await open(server.base);
  victim.allowed = evil.base;
  await victim.go("/portal/sign-in");
  await victim.go(evil.base);
  await victim.page.waitForURL("**/portal/sign-in");
  assert.equal(await victim.isIn(), false);
  const fresh = new Client(server.base);
  assert.equal((await fresh.post("/portal/sign-in", { email, password, form_token })).status, 403, "without the cookie of the GET");
  await fresh.get("/portal/sign-in");
  assert.equal((await fresh.post("/portal/sign-in", { email, password, form_token })).status, 403, "with the cookie of another GET");
});

test("sign-in replaces a session that was planted", async () => {
  const { person, visit } = await newPerson(server);
  const attacker = await newPerson(server);
  const planted = await Client.of(attacker.visit);
  const victim = await open(server.base);
  await victim.go("/portal/sign-in");
  const own = ["cs_session", "cs_visit", "cs_half", "cs_device"];
  const known = "0".repeat(52);
  const port = new URL(server.base).port;
  const names = own.map((name) => `${name}_${port}`);
  const session = planted.jar.get(planted.name("cs_session"));
  for (const secret of [known, session]) {
    const browser = await open(server.base);
    await browser.context.addCookies(names.map((name) => ({ name, value: secret, url: server.base })));
    await browser.go("/portal/sign-in");
    if (browser.path() !== "/portal/sign-in") await browser.signOut();
    await browser.signIn(server, person);
    assert.equal(await browser.isIn(), true);
    const now = (await browser.cookie("cs_session")).value;
    assert.notEqual(now, secret, "the secret is a new one");
    const thief = new Client(server.base);
    for (const name of names) thief.jar.set(name, secret);
    const { body } = await thief.get("/portal/profile");
    assert.ok(!body.includes(person.name) || person.name === attacker.person.name);
    assert.ok(!(await thief.get("/portal/email")).body.includes(person.email), "the planted secret is not this person's");
  }
  const before = (await visit.cookie("cs_session")).value;
  await visit.signOut();
  await visit.signIn(server, person);
  assert.notEqual((await visit.cookie("cs_session")).value, before);
  const old = new Client(server.base);
  old.jar.set(`cs_session_${port}`, before);
  assert.equal(await old.isIn(), false, "an ended secret opens nothing");
});

test("no page can be framed, kept or sniffed", async () => {
  const { person, visit } = await newPerson(server);
  const mine = await Client.of(visit);
  const mail = await (async () => {
    await (await open(server.base)).knock(person);
    return linkIn(await server.mail.next(person.email, /\/portal\/mail\//), "mail");
  })();
  for (const page of ["/portal", "/portal/sign-in", "/portal/security", "/portal/none", "/portal/reset/none", mail]) {
    const { headers } = await mine.get(page);
    const policy = headers["content-security-policy"];
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "script-src 'self'"]) {
      assert.ok(policy.includes(part), `${page}: ${policy}`);
    }
    assert.ok(!/unsafe|https?:|\*|data:/.test(policy), policy);
    assert.equal(headers["x-content-type-options"], "nosniff", page);
    assert.equal(headers["cross-origin-opener-policy"], "same-origin", page);
    assert.match(headers["cache-control"], /no-store/, page);
  }
  const { headers, body } = await new Client(server.base).get(mail);
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.ok(!body.includes(person.email), "the page of a link names nobody");
});

test("sign-in leads to no other site", async () => {
  const { person } = await newPerson(server);
  for (const next of ["https://evil.example/", "//evil.example/portal", "/\\evil.example", "/portal/../../evil", "javascript:alert(1)", "/portal//evil.example", "/v1/keys"]) {
    const client = new Client(server.base);
    const page = `/portal/sign-in?next=${encodeURIComponent(next)}`;
    const answer = await client.submit(page, { email: person.email, password: person.password, next });
    assert.equal(answer.status, 303, next);
    const place = new URL(answer.headers.location, server.base);
    assert.equal(place.origin, server.base, next);
    assert.ok(/^\/portal(\/[a-z-]+)*$/.test(place.pathname), `${next} leads to ${place}`);
    await server.change("DELETE FROM sign_in_waits");
  }
});

test("links in mails name the configured address, whatever Host says", async () => {
  const { person } = await newPerson(server);
  const evilHosts = [{ Host: "evil.example" }, { "X-Forwarded-Host": "evil.example" }, { Forwarded: "host=evil.example" }, { "X-Forwarded-Proto": "https", "X-Host": "evil.example" }];
  for (const headers of evilHosts) {
    const client = new Client(server.base);
    const origin = headers.Host ? { Origin: "http://evil.example" } : {};
    const form_token = (await client.get("/portal/forgot", headers)).body.match(/name="form_token" value="([^"]+)"/)?.[1];
    await client.post("/portal/forgot", { form_token: form_token ?? "", email: person.email }, { ...headers, ...origin });
    const { body, headers: answered } = await client.get("/portal/sign-in", headers);
    assert.ok(!body.includes("evil.example") && !String(answered.location ?? "").includes("evil.example"));
  }
  const mail = await server.mail.next(person.email, /\/portal\/reset\//);
  assert.ok(mail.text.includes(`${server.base}/portal/reset/`));
  for (const { text, html } of server.mail.kept) assert.ok(!`${text}${html}`.includes("evil.example"));
});

test("scanners that open every link change nothing", async () => {
  const { person, visit } = await newPerson(server);
  const guest = "scanned@example.com";
  const invitation = await invite(server, { email: guest });
  const other = await (await open(server.base)).signIn(server, person);
  const forgetful = await open(server.base);
  await forgetful.go("/portal/forgot");
  await forgetful.enter({ email: person.email });
  await visit.go("/portal/email");
  await visit.prove(server, person, { email: "scanned-new@example.com" });
  const mails = await Promise.all([
    server.mail.next(person.email, /\/portal\/reset\//),
    server.mail.next("scanned-new@example.com", /\/portal\/mail\//),
    server.mail.next(person.email, /scanned|address/i),
  ]);
  assert.equal(mails.length, 3);
  const mine = server.mail.kept.filter(({ to }) => [person.email, guest, "scanned-new@example.com"].some((each) => to.includes(each)));
  const links = new Set([invitation]);
  for (const { text, html } of mine) for (const [, link] of `${text} ${html}`.matchAll(/(\/portal\/[a-z-]+\/[a-z0-9_/-]{20,})/g)) links.add(link);
  // The person has used this one.
  links.delete(linkIn(server.mail.to(person.email)[0], "invite"));
  assert.ok(links.size >= 4, [...links].join(" "));
  const state = () => Promise.all(["links", "sessions", "device_people", "recovery_codes", "former_passwords"].map((table) => server.ask(`SELECT count(*) FROM ${table}`))).then(async (counts) => [...counts.flat(2), ...(await server.ask("SELECT sum(epoch), count(*), sum(length(password)) FROM people")).flat(), ...(await server.ask("SELECT count(*) FROM links WHERE used_at IS NOT NULL")).flat(), ...(await server.ask("SELECT count(*) FROM invitations")).flat()]);
  const before = await state();
  const scanner = { "User-Agent": "Mozilla/5.0 (compatible; MailScanner)", "Sec-Purpose": "prefetch;prerender", Purpose: "prefetch" };
  for (const link of links) {
    for (const method of ["GET", "HEAD", "GET"]) {
      const { status } = await ask(server.base, { method, path: link, headers: scanner });
      assert.equal(status, 200, `${method} ${link}`);
    }
    const robot = await ask(server.base, { method: "POST", path: link, headers: { ...scanner, "Content-Type": "application/x-www-form-urlencoded" }, body: "" });
    assert.equal(robot.status, 403, "a button that is pressed without the page");
  }
  assert.deepEqual(await state(), before);
  assert.equal(await visit.isIn(), true);
  assert.equal(await other.isIn(), true);
  const guestVisit = await open(server.base);
  await join(guestVisit, invitation, { name: "Late Guest", password: password(88) });
  assert.equal(await guestVisit.isIn(), true, "the link still works");
});

test("a name is text on every page", async () => {
  const markup = `<img src=x onerror="document.title='owned'"><b>"'&`;
  const tenant = await newTenant(server, `<script>alert(1)</script><u>"'&`);
  const agent = `Mozilla/5.0 (X11; Linux <script>alert(2)</script>) ${markup} Chrome/141.0 Safari/537.36`;
  const { person, visit } = await newPerson(server, { tenant, name: markup, options: { userAgent: agent } });
  const second = await newTenant(server, "<u>Other</u>");
  await visit.go(await invite(server, { tenant: second, role: "subuser", email: person.email }));
  const shown = [];
  const isText = async (where) => {
    const strange = await visit.page.evaluate(() => [...document.querySelectorAll("main img, main script, main u, main b > b, header img, header script, header u")].map((each) => each.outerHTML));
    assert.deepEqual(strange, [], where);
    assert.notEqual(await visit.page.title(), "owned", where);
    shown.push(await visit.page.locator("body").innerText());
  };
  await isText("invitation");
  await visit.act("act", "accept");
  await visit.go("/portal/tenants");
  await isText("tenants");
  await visit.act("tenant", tenant);
  await visit.go("/portal/ip-lists");
  await visit.prove(server, person, { entries: `127.0.0.0/8 ${markup}` });
  const members = await server.command("member", "list", "--tenant", tenant);
  const id = members.split("\n").find((line) => line.includes(person.email)).split("\t")[0];
  for (const page of ["", "/profile", "/security", "/security/rules", "/ip-lists", "/devices", `/members/${id}/sign-ins`]) {
    await visit.go(`/portal${page}`);
    await isText(page);
  }
  await visit.go("/portal/devices");
  await visit.act("act", "trust");
  await isText("the browser's name in a question");
  await visit.go("/portal/profile");
  await visit.fill({ name: `"><script>alert(3)</script>` });
  await visit.send();
  await isText("flash");
  assert.ok(shown.some((text) => text.includes("<img src=x")), "the name was there");
  const mail = await server.mail.next(person.email, /\/portal\/invite\//, 1);
  assert.ok(!/<(script|img|u)\b/i.test(mail.html), mail.html);
});

test("the file of recovery codes has codes and nothing else", async () => {
  const client = await Client.of((await newPerson(server)).visit);
  const token = await client.token("/portal/profile");
  const file = async (words) => client.post("/portal/recovery-codes", `form_token=${token}&act=file${words}`);
  const { status, headers, body } = await file("&recovery_code=0123-4567-89ab&recovery_code=%3Cscript%3E&recovery_code=a%0d%0ab");
  assert.equal(status, 200);
  assert.match(headers["content-disposition"], /^attachment; filename="[a-z.-]+"$/);
  assert.match(headers["content-type"], /^text\/plain/);
  assert.equal(headers["cache-control"], "no-store");
  assert.ok(body.includes("0123-4567-89ab") && !body.includes("script"), body);
  assert.equal((await file("&recovery_code=hello")).status, 303, "nothing to write");
  assert.equal((await client.post("/portal/recovery-codes", { form_token: "x", act: "file" })).status, 403, "and only for the page's own form");
});

test("an unknown address and a wrong password get the same page", async () => {
  const { person, visit } = await newPerson(server);
  const disabled = await newPerson(server, { role: "subuser", name: "Adam Dis" });
  const members = await server.command("member", "list", "--tenant", server.tenant);
  const id = members.split("\n").find((line) => line.includes(disabled.person.email)).split("\t")[0];
  await server.command("member", "disable", "--tenant", server.tenant, id);
  const answers = [];
  for (const tried of [
    { email: person.email, password: password(0) },
    { email: "unknown-person@example.com", password: password(0) },
    { email: disabled.person.email, password: disabled.person.password },
  ]) {
    const client = new Client(server.base);
    const answer = await client.submit("/portal/sign-in", tried);
    const same = answer.body.replaceAll(tried.email, "EMAIL").replace(/name="form_token" value="[^"]+"/g, "TOKEN");
    const { "set-cookie": set = [], date, ...headers } = answer.headers;
    delete headers["content-length"];
    delete headers["x-request-id"];
    delete headers["request-id"];
    answers.push({ status: answer.status, headers, cookies: set.map((line) => line.split("=")[0]), same });
    assert.ok(date);
  }
  assert.deepEqual(answers[1], answers[0], "unknown");
  assert.deepEqual(answers[2], answers[0], "disabled, with the right password");
  assert.equal(answers[0].status, 400);
  await disabled.visit.go("/portal");
  assert.equal(disabled.visit.path(), "/portal/sign-in", "who has no enabled membership is signed out");
  assert.equal(await visit.isIn(), true);
});

test("a stolen device cookie signs nobody in", async () => {
  const { person, visit } = await newPerson(server);
  await visit.switchOn(server, person, newNumber());
  const thief = new Client(server.base);
  const mine = await Client.of(visit);
  const name = mine.name("cs_device");
  thief.jar.set(name, mine.jar.get(name));
  assert.equal(await thief.isIn(), false);
  assert.equal((await thief.submit("/portal/sign-in", { email: person.email, password: password(0) })).status, 400);
  const answer = await thief.submit("/portal/sign-in", { email: person.email, password: person.password });
  assert.match(answer.headers.location, /\/portal\/code$/, "the code is asked for although the browser seems known");
  assert.equal(await thief.isIn(), false);
});

test("ids of another tenant in forms lead nowhere", async () => {
  const there = await newTenant(server, "Obca Firma");
  const mine = await newPerson(server, { tenant: await newTenant(server, "Moja Firma") });
  const victim = await newPerson(server, { tenant: there, name: "Celina Ofiara" });
  const [[session, device]] = await server.ask("SELECT id, device_id FROM sessions ORDER BY signed_in_at DESC LIMIT 1");
  const members = await server.command("member", "list", "--tenant", there);
  const member = members.split("\t")[0];
  const client = await Client.of(mine.visit);
  await client.submit("/portal/tenants", { tenant: there });
  assert.ok(!(await client.get("/portal")).body.includes("Obca"), "another tenant is not entered");
  for (const fields of [{ act: "end", session }, { act: "forget", device }, { act: "trust", device, proof_password: mine.person.password }]) {
    const { status } = await client.submit("/portal/devices", fields);
    assert.ok(status < 500, JSON.stringify(fields));
  }
  assert.equal(await victim.visit.isIn(), true, "another person's session is not ended");
  assert.equal((await client.get(`/portal/members/${member}/sign-ins`)).status, 404);
  const form_token = await client.token("/portal/profile");
  for (const act of ["end", "end-all", "reset-2fa", "keep-2fa"]) {
    const answer = await client.post(`/portal/members/${member}/sign-ins`, { form_token, act, session, proof_password: mine.person.password });
    assert.equal(answer.status, 404, act);
  }
  assert.equal(await victim.visit.isIn(), true);
  assert.equal(await nameOf(victim.visit), "Celina Ofiara");
  await server.command("member", "invite", "--tenant", there, "--role", "owner", "second@example.com");
  const guest = await open(server.base);
  await join(guest, path(linkIn(await server.mail.next("second@example.com", /invite/), "invite")), { name: "Druga", password: password(5) });
  await server.command("member", "disable", "--tenant", there, member);
  await victim.visit.go("/portal/devices");
  assert.ok(!(await victim.visit.text()).includes("Obca"), "a disabled member is out of the tenant");
});

test("the code of one attempt completes no other", async () => {
  const { person, visit } = await newPerson(server);
  await visit.switchOn(server, person, newNumber());
  const [one, other] = [await open(server.base), await open(server.base)];
  const seen = (await server.messages(person.phone)).length;
  await one.knock(person);
  const first = await server.code(person.phone, seen);
  await other.knock(person);
  const second = await server.code(person.phone, seen + 1);
  if (first !== second) {
    await other.enter({ code: first });
    assert.equal(await other.isIn(), false);
  }
  await visit.go("/portal/email");
  await visit.fill({ email: "thief@example.com", proof_password: person.password });
  await visit.send();
  const proof = await server.code(person.phone, seen + 2);
  await visit.fill({ email: "other-thief@example.com", proof_code: proof });
  await visit.send();
  assert.equal(server.mail.to("other-thief@example.com").length, 0, "the code was for the form as it was");
  await visit.go("/portal/security");
  const mine = await Client.of(visit);
  await mine.submit("/portal/security", { act: "off", proof_code: proof });
  await visit.go("/portal/security");
  assert.equal(await visit.page.locator('button[value="off"]').count(), 1, "nor for another act");
  await one.go("/portal/code");
  await one.enter({ code: proof });
  assert.equal(await one.isIn(), false, "nor for sign-in");
});

test("wrong passwords make a caller wait, and a reset link is the way in", async () => {
  const { person } = await newPerson(server);
  await server.change("DELETE FROM sign_in_waits");
  const stranger = await open(server.base);
  for (let n = 0; n < 5; n++) {
    await stranger.go("/portal/sign-in");
    await stranger.knock({ ...person, password: password(0) });
    assert.match((await stranger.faults()).join(), /wrong/i, `${n}`);
  }
  await stranger.knock({ ...person, password: password(0) });
  await stranger.knock(person);
  assert.match((await stranger.faults()).join(), /Too many tries/);
  assert.equal(await stranger.isIn(), false, "the right password too has to wait");
  const owner = await open(server.base);
  await owner.go("/portal/forgot");
  await owner.enter({ email: person.email });
  await owner.go(linkIn(await server.mail.next(person.email, /\/portal\/reset\//), "reset"));
  await owner.enter({ password: password(89) });
  await owner.go("/portal/sign-in");
  await owner.knock({ ...person, password: password(89) });
  assert.equal(await owner.isIn(), true, "the browser that used the link");
  await server.change("DELETE FROM sign_in_waits");
});

test("codes to numbers that are not confirmed are few", async () => {
  const { person, visit } = await newPerson(server);
  let sent = 0;
  for (let n = 0; n < 5; n++) {
    const number = newNumber();
    await visit.go("/portal/two-factor");
    if (!(await visit.page.locator("#phone").count())) await visit.act("act", "other");
    await visit.enter({ phone: number, proof_password: person.password });
    sent += await server.code(number, 0).then(() => 1, () => 0);
    if (sent < n + 1) break;
  }
  assert.equal(sent, 3, "three numbers a day");
});

test("over TLS the cookies have their prefix, and plain ones are refused", async () => {
  const secure = await startServe({ mail: false, tls: true });
  try {
    const printed = await secure.command("member", "invite", "--operator", "--role", "owner", "tls@example.com");
    const link = path(printed.match(/\S*\/portal\/(setup|invite)\/\S+/)[0]);
    const client = new Client(secure.base);
    const { headers } = await client.get("/portal/sign-in");
    for (const line of headers["set-cookie"]) {
      assert.match(line, /^__Host-cs_/);
      for (const part of [/; Secure/i, /; HttpOnly/i, /; SameSite=Lax/i, /; Path=\//i]) assert.match(line, part);
      assert.doesNotMatch(line, /Domain/i);
    }
    assert.match(headers["strict-transport-security"], /max-age=\d{8}/);
    const answer = await client.submit(link, { act: "join", name: "Tola", email: "tls@example.com", password: password(1), language: "en", zone: "UTC" });
    assert.equal(answer.status, 303, answer.body.slice(0, 2_000));
    assert.equal((await client.get("/portal")).status, 200);
    const secret = client.jar.get("__Host-cs_session");
    assert.ok(secret.length >= 52, "256 bits");
    const stored = await secure.ask("SELECT secret_hash FROM sessions");
    assert.ok(!JSON.stringify(stored).includes(secret));
    for (const name of ["cs_session", `cs_session_${new URL(secure.base).port}`, "cs_session_443"]) {
      const plain = new Client(secure.base);
      plain.jar.set(name, secret);
      assert.equal((await plain.get("/portal")).status, 303, name);
    }
    const twice = new Client(secure.base);
    const doubled = { Cookie: `__Host-cs_session=${secret}; __Host-cs_session=${secret}` };
    assert.equal((await twice.get("/portal", doubled)).status, 303, "a cookie that came twice");
  } finally {
    await secure.stop();
  }
});
