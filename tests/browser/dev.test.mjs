// The page of `countersign dev` in a real browser, against a running server.
// READY_FILE names what `dev --ready-file` wrote; CHROMIUM the browser.
// Each test uses numbers of its own: a number takes five starts in ten minutes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";

const base = JSON.parse(readFileSync(process.env.READY_FILE, "utf8")).base_url;
const WAIT = 10_000;
let browser;
let context;
let page;
let complaints;

before(async () => {
  browser = await chromium.launch({
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
});

after(() => browser?.close());

beforeEach(() => openContext());

// Whatever a test looks at: nothing broke, and nothing left this machine.
afterEach(async () => {
  await context.close();
  assert.deepEqual(complaints, []);
});

async function openContext(options = {}) {
  await context?.close();
  complaints = [];
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(WAIT);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: base });
  context.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(base).host) complaints.push(`asked ${request.url()}`);
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => complaints.push(`error: ${error.error()}`));
  page = await context.newPage();
  await page.goto(base);
}

const phone = () => page.getByRole("region", { name: "Virtual phone" });
const timeline = () => page.getByRole("region", { name: "Timeline" });
const provider = (name) => page.getByRole("region", { name: "Provider" }).getByRole("radio", { name, exact: true });
const heading = (name) => page.getByRole("heading", { name }).waitFor();

async function setProvider(name) {
  const moved = page.waitForResponse((response) => response.url().endsWith("/dev/provider"));
  await provider(name).check();
  assert.ok((await moved).ok());
  assert.ok(await provider(name).isChecked());
}

async function askForCode(number) {
  await page.getByLabel("Phone number").fill(number);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await heading("Enter the code");
}

const codeOnPhone = () => phone().getByRole("button", { name: /^Copy the code/ }).last();

async function enterCode(code) {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Confirm" }).click();
}

const widthOfPage = () => page.evaluate(() => document.documentElement.scrollWidth);

test("the root leads to the page, and the empty phone shows what fills it", async () => {
  assert.equal(page.url(), `${base}/dev`);
  await page.getByText("Development: nothing leaves this machine until").waitFor();
  await phone().getByText("No messages yet").waitFor();
  const line = await phone().getByText(/^curl /).innerText();
  assert.ok(line.includes(`${base}/v1/verifications`), line);
});

test("a code goes out, is read on the phone, is typed in, and counts", async () => {
  await askForCode("+48500500501");
  await codeOnPhone().click();
  await phone().getByText("Copied").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await codeOnPhone().innerText());
  await enterCode(copied);
  await heading("Number confirmed");
  await timeline().getByText("Right code: approved").waitFor();
  const wire = page.getByRole("region", { name: "Requests and answers" });
  await wire.getByText("/check").first().waitFor();
  await wire.getByText('"approved"').first().waitFor();
});

test("a wrong code says how many tries are left, and the last one ends it", async () => {
  await askForCode("+48500500502");
  const right = await codeOnPhone().innerText();
  const wrong = right.replace(/.$/, (last) => String((Number(last) + 1) % 10));
  for (const left of ["4 tries left", "3 tries left", "2 tries left", "1 try left"]) {
    await enterCode(wrong);
    await page.locator("#code-error").getByText(left).waitFor();
  }
  await enterCode(wrong);
  await heading("Too many wrong codes");
  await page.getByRole("button", { name: "Start again" }).click();
  await page.getByLabel("Phone number").waitFor();
});

test("a provider that is down delays the message and does not lose it", async () => {
  await setProvider("Down");
  await askForCode("+48500500503");
  await timeline().getByText(/did not take the message .*next try in/).first().waitFor();
  assert.equal(await phone().getByText("+48500500503").count(), 0);
  await setProvider("Working");
  await codeOnPhone().waitFor({ timeout: 20_000 });
  await timeline().getByText("Delivered to the phone").waitFor();
  await enterCode(await codeOnPhone().innerText());
  await heading("Number confirmed");
});

test("a message sent from elsewhere arrives by itself and is kept over a reload", async () => {
  await page.getByRole("button", { name: /\+48500500503/ }).waitFor();
  const { key } = JSON.parse(readFileSync(process.env.READY_FILE, "utf8"));
  const answer = await fetch(`${base}/v1/verifications`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ to: "+48500500504" }),
  });
  assert.equal(answer.status, 201);
  const thread = page.getByRole("button", { name: /\+48500500504.*unread/ });
  await thread.waitFor();
  assert.match(await page.title(), /^\(1\) /);
  await thread.click();
  await codeOnPhone().waitFor();
  await page.reload();
  await page.getByRole("button", { name: /\+48500500504/ }).waitFor();
});

const step = () => page.locator(".exchange[open] .request");
const tab = (name) => step().getByRole("tab", { name, exact: true });
const code = () => step().getByRole("tabpanel");

test("each step is a curl line and the same in three languages", async () => {
  const { key } = JSON.parse(readFileSync(process.env.READY_FILE, "utf8"));
  await askForCode("+48500500505");
  const expected = {
    curl: [`curl -X POST ${base}/v1/verifications `, `-d '{"to":"+48500500505"}'`],
    TypeScript: [`baseUrl: "${base}"`, 'const v = await client.verifications.start({ to: "+48500500505" });'],
    Python: [`base_url="${base}"`, 'v = client.verifications.start(to="+48500500505")'],
    Go: [`WithBaseURL("${base}")`, 'client.Verifications.Start(ctx, countersign.StartVerification{To: "+48500500505"})'],
  };
  const place = () => step().evaluate((box) => [box, box.nextElementSibling].map((each) => each.getBoundingClientRect().toJSON()));
  const first = await place();
  for (const [name, parts] of Object.entries(expected)) {
    await tab(name).click();
    assert.deepEqual(await place(), first, `${name} moved what stands there`);
    assert.equal(await step().getByRole("tab", { selected: true }).innerText(), name);
    assert.equal(await code().count(), 1, "one panel is seen");
    const shown = await code().innerText();
    for (const part of parts) assert.ok(shown.includes(part), shown);
    assert.ok(!shown.includes(key), "the key is cut short");
    await step().getByRole("button", { name: name === "curl" ? "as a curl line" : `in ${name}` }).click();
    await step().getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.includes(key), "and whole when copied");
    const [start, end] = copied.split(key);
    assert.ok(shown.startsWith(start) && shown.endsWith(end), `${copied} is not ${shown}`);
  }
  await enterCode(await codeOnPhone().innerText());
  await heading("Number confirmed");
  await page.getByText(/\/check$/).first().waitFor();
  assert.match(await code().innerText(), /Verifications\.Check\(ctx, "ver_\w{26}", countersign\.Check\{Code: "\d{6}"\}\)/);
});

test("tabs go by the keyboard, and the chosen one is remembered", async () => {
  await askForCode("+48500500506");
  await tab("curl").focus();
  for (const [keys, name] of [
    ["ArrowRight", "TypeScript"],
    ["End", "Go"],
    ["ArrowRight", "curl"],
    ["ArrowLeft", "Go"],
    ["Home", "curl"],
    ["ArrowRight", "TypeScript"],
    ["ArrowRight", "Python"],
  ]) {
    await page.keyboard.press(keys);
    assert.equal(await tab(name).getAttribute("aria-selected"), "true", keys);
    assert.ok(await tab(name).evaluate((each) => each === document.activeElement), `${keys} leaves the focus`);
  }
  assert.equal(await step().locator('[role="tab"][tabindex="0"]').count(), 1);
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^Copy POST .* in Python$/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "tabpanel");
  await page.getByRole("button", { name: "Cancel" }).click();
  await heading("Canceled");
  assert.match(await code().innerText(), /client\.verifications\.cancel\("ver_\w{26}"\)/, "the next step keeps it");
  await page.reload();
  await askForCode("+48500500506");
  assert.match(await code().innerText(), /^from countersign import Countersign/, "so does a reload");
});

test("the documentation of the API renders under its policy", async () => {
  const answer = await page.goto(`${base}/docs/`);
  assert.match(answer.headers()["content-security-policy"], /frame-ancestors 'none'/);
  const operation = page.getByText("/v1/verifications", { exact: true }).first();
  await operation.click();
  await page.getByRole("button", { name: "Try it out" }).first().waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1280]) {
    test(`${colorScheme}, ${width} px: fits and can be read`, async () => {
      await openContext({ viewport: { width, height: 800 }, colorScheme });
      assert.ok((await widthOfPage()) <= width, `${await widthOfPage()} px wide at first`);
      await page.getByRole("button", { name: /\+48500500504/ }).click();
      await codeOnPhone().waitFor();
      assert.ok((await widthOfPage()) <= width, `${await widthOfPage()} px wide with a thread`);
      const { ratio, isDark } = await page.evaluate(readContrast);
      assert.ok(ratio >= 4.5, `contrast of the heading is ${ratio.toFixed(1)}`);
      assert.equal(isDark, colorScheme === "dark");
      await askForCode(`+4850050051${["light", "dark"].indexOf(colorScheme) * 2 + (width > 360)}`);
      for (const name of ["curl", "TypeScript", "Python", "Go"]) {
        await tab(name).click();
        assert.ok((await widthOfPage()) <= width, `${await widthOfPage()} px wide with ${name}`);
      }
    });
  }
}

/** Runs in the page: contrast of the heading on the page's ground (WCAG 2.2). */
function readContrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data]
      .map((byte) => byte / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const text = luminance(getComputedStyle(document.querySelector("h1")).color);
  const grounds = [document.body, document.documentElement].map((each) => getComputedStyle(each).backgroundColor);
  const ground = luminance(grounds.find((color) => color !== "rgba(0, 0, 0, 0)"));
  const [dark, light] = [Math.min(text, ground), Math.max(text, ground)];
  return { ratio: (light + 0.05) / (dark + 0.05), isDark: ground < text };
}
