// Real browsers for the portal's tests, and what a person does in them.
// CHROMIUM names the browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach } from "node:test";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WAIT = 20_000;
let browser;
let opened = [];

/** A password that the rule takes; each number gives another one. */
export const password = (n) => `Violet kettle ${n} orbits`;

async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return browser;
}

after(() => browser?.close());

// Whatever a test looked at: nothing broke, and nothing left this machine.
afterEach(async () => {
  const visits = opened;
  opened = [];
  await Promise.all(visits.map(({ context }) => context.close()));
  assert.deepEqual(visits.flatMap(({ complaints }) => complaints), []);
});

/** A browser of its own: no cookie is shared with another. */
export async function open(base, options = {}) {
  const visit = new Visit(base);
  visit.context = await (await launch()).newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  visit.context.setDefaultTimeout(WAIT);
  opened.push(visit);
  visit.context.on("request", (request) => {
    if (![base, visit.allowed].includes(new URL(request.url()).origin)) visit.complaints.push(`asked ${request.url()}`);
  });
  visit.context.on("console", (message) => {
    // Chromium also complains of pages that are answered with an error, which is what some tests want.
    const isPage = /the server responded with a status of 4\d\d/.test(message.text()) && !/\/assets\//.test(message.location().url);
    if (["error", "warning"].includes(message.type()) && !isPage) visit.complaints.push(`console: ${message.text()}`);
  });
  visit.context.on("weberror", (error) => visit.complaints.push(`error: ${error.error()}`));
  visit.page = await visit.context.newPage();
  return visit;
}

export class Visit {
  complaints = [];
  /** Another site that this browser may ask. */
  allowed;

  constructor(base) {
    this.base = base;
  }

  /** Opens a path of the portal, and returns the status. */
  async go(path) {
    const answer = await this.page.goto(path.startsWith("http") ? path : this.base + path);
    return answer.status();
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  title() {
    return this.page.locator("h1").innerText();
  }

  /** The words of the page. */
  text() {
    return this.page.locator("body").innerText();
  }

  /** What the page says is wrong: the whole list of a form, at its top. */
  async faults() {
    const summary = this.page.locator(".summary");
    return (await summary.count()) ? summary.locator("li").allInnerTexts() : [];
  }

  /** Types into fields by their names. */
  async fill(fields) {
    for (const [name, value] of Object.entries(fields)) {
      const field = this.page.locator(`[name="${name}"]:not([type="hidden"], button)`);
      const kind = await field.first().evaluate((each) => (each.tagName === "SELECT" ? "select" : each.type));
      if (kind === "select") await field.selectOption(value);
      else if (kind === "radio") await this.page.locator(`[name="${name}"][value="${value}"]`).check();
      else if (kind === "checkbox") await field.setChecked(value);
      else await field.fill(value);
    }
  }

  /** Presses the main button of the page's own form, and waits for the page that answers. */
  async send(button = ".button.primary, .button.destroy") {
    await this.follow(this.page.locator("main form").locator(button).last());
  }

  /** Presses the button of an act, such as `act=off`. */
  async act(name, value, within = "main") {
    await this.follow(this.page.locator(`${within} button[name="${name}"][value="${value}"]`).first());
  }

  async follow(button) {
    const answered = this.page.waitForEvent("domcontentloaded");
    await button.click();
    await answered;
  }

  async cookie(name) {
    const cookies = await this.context.cookies();
    return cookies.find((cookie) => cookie.name.replace(/^__Host-/, "").startsWith(name));
  }

  // ---- what a person does ----------------------------------------------------

  /** Types address and password. */
  async knock({ email, password }) {
    if (this.path() !== "/portal/sign-in") await this.go("/portal/sign-in");
    await this.fill({ email, password });
    await this.send();
  }

  /** Signs in, with the code of the phone if one is asked for, and enters the tenant if there are several. */
  async signIn(server, person) {
    const seen = person.phone ? (await server.messages(person.phone)).length : 0;
    await this.knock(person);
    if (this.path() === "/portal/code") {
      assert.ok(person.phone, "a code is asked for, and the person has no phone");
      await this.enter({ code: await server.code(person.phone, seen) });
    }
    if (this.path() === "/portal/tenants" && person.tenant) await this.act("tenant", person.tenant);
    return this;
  }

  async enter(fields) {
    await this.fill(fields);
    await this.send();
  }

  /** Sends a form that asks for the password, and for a code if the person has a phone. */
  async prove(server, person, fields = {}, again = {}) {
    await this.fill(fields);
    const asksForPassword = await this.page.locator('[name="proof_password"]').count();
    const seen = person.phone ? (await server.messages(person.phone)).length : 0;
    if (asksForPassword) await this.fill({ proof_password: person.password });
    await this.send();
    if (await this.page.locator('[name="proof_code"]').count()) {
      await this.fill({ ...again, proof_code: await server.code(person.phone, seen) });
      await this.send();
    }
  }

  /** Switches the second factor on with this number. Returns the recovery codes. */
  async switchOn(server, person, number) {
    await this.go("/portal/two-factor");
    const seen = (await server.messages(number)).length;
    await this.enter({ phone: number, proof_password: person.password });
    await this.enter({ code: await server.code(number, seen) });
    const codes = await this.page.locator("#codes li").allInnerTexts();
    assert.equal(codes.length, 10, await this.text());
    await this.enter({ stored: true });
    person.phone = number;
    return codes;
  }

  async signOut() {
    const found = await this.page.locator('form[action="/portal/sign-out"]').count();
    if (!found) await this.go("/portal");
    const menu = this.page.locator('button[popovertarget="you"]');
    if (await menu.isVisible()) await menu.click();
    const form = this.page.locator('#you form[action="/portal/sign-out"], footer form[action="/portal/sign-out"]');
    await this.follow(form.first().locator("button"));
    assert.equal(this.path(), "/portal/signed-out");
  }

  /** Asks a page again, and says whether the browser is still signed in. */
  async isIn() {
    await this.go("/portal");
    return this.path() !== "/portal/sign-in";
  }

  // ---- what every page promises ----------------------------------------------

  /** Looks at the page on a phone and on a screen, by day and by night. */
  async look(name) {
    for (const width of [375, 1280]) {
      await this.page.setViewportSize({ width, height: 800 });
      await this.page.emulateMedia({ colorScheme: "dark" });
      // The colours are all that differs by night.
      await this.check(`${name}, ${width} px, dark`, { type: "rule", values: ["color-contrast", "link-in-text-block"] });
      await this.page.emulateMedia({ colorScheme: "light" });
      await this.check(`${name}, ${width} px, light`);
    }
  }

  /** No finding of axe, and nothing wider than its place. */
  async check(name, only) {
    if (!(await this.page.evaluate(() => "axe" in globalThis))) await this.page.evaluate(axe);
    // Colours that move from night to day would be judged half-way.
    await this.page.evaluate(() => document.getAnimations().forEach((animation) => animation.finish()));
    const rules = { resultTypes: ["violations"], ...(only && { runOnly: only }) };
    const { violations } = await this.page.evaluate((rules) => globalThis.axe.run(document, rules), rules);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
    assert.deepEqual(found, [], `${name} at ${this.page.url()}`);
    const wide = await this.page.evaluate(() => {
      // A field may hold more than it shows, a table reaches into the page's margin, a name may end in dots, and
      // what only screen readers see is a pixel wide.
      const isHidden = (each) => each.clientWidth <= 1 || (each !== document.body && isHidden(each.parentElement));
      const isMeant = (each) => each.matches("input, select, textarea, :has(> .table-wrap)") || getComputedStyle(each).textOverflow === "ellipsis" || isHidden(each);
      const wide = [...document.querySelectorAll("body, body *")].filter((each) => each.scrollWidth > each.clientWidth);
      const { scrollWidth, clientWidth } = document.documentElement;
      const said = wide.filter((each) => !isMeant(each)).map((each) => each.outerHTML.slice(0, 120));
      return scrollWidth > clientWidth ? [`the page: ${scrollWidth} px`, ...said] : said;
    });
    assert.deepEqual(wide, [], `${name} is too wide`);
  }
}

