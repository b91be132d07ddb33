// Codes through Kannel, and its reports back: `countersign serve` -> smsbox -> bearerbox
// -> SMPP -> the SMSC of tests/smpp, which answers with a receipt, and all the way back.
// COUNTERSIGN names the program; Debian's package `kannel` has the other two.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const WAIT = 15_000;
const COMPANY = "Zażółcona Gęśla Jaźń nad Łódzką Ćmą Wsi";
const program = process.env.COUNTERSIGN;
const smscProgram = fileURLToPath(new URL("../smpp/server.cjs", import.meta.url));
const children = [];
const smscs = {};
let folder;
let ports;
let base;
let environment;

// ---- processes ---------------------------------------------------------------

async function freePorts(names) {
  const servers = names.map(() => createServer());
  const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", done));
  await Promise.all(servers.map(listening));
  const found = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return Object.fromEntries(names.map((name, index) => [name, found[index]]));
}

/** A child whose words are kept for a failure; `ended` settles with it. */
function start(name, file, args, env = {}) {
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  const entry = { name, child, words: "" };
  entry.ended = new Promise((done) => child.once("exit", done).once("error", done));
  const keep = (chunk) => (entry.words = (entry.words + chunk).slice(-20_000));
  child.stderr.on("data", keep);
  child.stdout.on("data", keep);
  children.push(entry);
  return child;
}

async function end({ child, ended }) {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(timer);
}

async function eventually(what, probe) {
  const until = Date.now() + WAIT;
  for (;;) {
    const found = await probe();
    if (found) return found;
    const dead = children.find(({ child }) => child.exitCode !== null);
    if (dead || Date.now() > until) throw new Error(dead ? `${dead.name} ended, no ${what}` : `no ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const answers = (port) =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true) || socket.destroy());
    socket.on("error", () => done(false));
  });

async function startSmsc(name, config) {
  const events = [];
  const child = start(`smsc ${name}`, "node", [smscProgram, JSON.stringify(config)]);
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line)));
  smscs[name] = events;
  return (await eventually(`port of ${name}`, () => events.find(({ event }) => event === "listening"))).port;
}

async function startKannel(smscPorts) {
  const smsc = ([name, port]) => `
group = smsc
smsc = smpp
smsc-id = ${name}
allowed-smsc-id = ${name}
host = 127.0.0.1
port = ${port}
transceiver-mode = true
smsc-username = kannel
smsc-password = hunter2
system-type = ""
reconnect-delay = 1
`;
  const file = join(folder, "kannel.conf");
  const text = `
group = core
admin-interface = 127.0.0.1
admin-port = ${ports.admin}
admin-password = hunter2
smsbox-interface = 127.0.0.1
smsbox-port = ${ports.smsbox}
box-allow-ip = 127.0.0.1
box-deny-ip = "*.*.*.*"
dlr-storage = internal
${Object.entries(smscPorts).map(smsc).join("")}
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = 127.0.0.1
sendsms-port = ${ports.sendsms}

group = sendsms-user
username = countersign
password = hunter2
concatenation = true
max-messages = 3

group = sms-service
keyword = default
max-messages = 0
text = ""
`;
  await writeFile(file, text, { mode: 0o600 });
  start("bearerbox", "bearerbox", [file]);
  await eventually("bearerbox", () => answers(ports.smsbox));
  start("smsbox", "smsbox", [file]);
  await eventually("smsbox", () => answers(ports.sendsms));
  for (const name of Object.keys(smscPorts)) {
    await eventually(`bind at ${name}`, () => smscs[name].some(({ event }) => event === "bind"));
  }
}

async function startCountersign() {
  environment = {
    COUNTERSIGN__DATA__FOLDER: join(folder, "data"),
    COUNTERSIGN__SERVER__BIND: `127.0.0.1:${ports.api}`,
    COUNTERSIGN__SERVER__OPERATOR_BIND: `127.0.0.1:${ports.operator}`,
    COUNTERSIGN__SERVER__PUBLIC_URL: base,
    COUNTERSIGN__DELIVERY__ALLOWED_NETWORKS: "127.0.0.0/8",
  };
  start("countersign", program, ["serve"], environment);
  const ready = () => fetch(`${base}/health/ready`).then(({ ok }) => ok, () => false);
  await eventually("countersign", ready);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-kannel-"));
  ports = await freePorts(["admin", "smsbox", "sendsms", "api", "operator"]);
  base = `http://127.0.0.1:${ports.api}`;
  const delivers = await startSmsc("delivers", { receipts: "text" });
  const fails = await startSmsc("fails", { receipts: "tlv", fail: 1 });
  await Promise.all([startKannel({ delivers, fails }), startCountersign()]);
});

after(async () => {
  // Kannel says goodbye to the SMSCs, so those end last.
  for (const child of children.reverse()) await end(child);
  await rm(folder, { recursive: true, force: true });
});

// ---- the API -----------------------------------------------------------------

async function countersign(...args) {
  const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, ...environment } });
  return stdout.match(/(ten_|cs_live_)\S+/)[0];
}

/** A tenant of this name and what it may call. */
async function makeTenant(name) {
  const tenant = await countersign("tenant", "create", "--name", name, "--countries", "PL,GB,DE");
  const scopes = ["start", "check", "read"].map((act) => `verifications:${act}`);
  scopes.push("settings:read", "settings:write");
  const key = await countersign("key", "create", "--tenant", tenant, "--name", "test", "--scopes", scopes.join());
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await fetch(`${base}${path}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json().catch(() => ({}));
    return { status: response.status, ...answer };
  };
}

async function made(call, path, body) {
  const response = await call("POST", path, body);
  assert.ok(response.id, JSON.stringify(response));
  return response.id;
}

/**
 * An account at smsbox. The reports come to {callback_url}, which a URL cannot
 * hold, so Kannel gets headers in place of its GET; %d is the kind of report.
 * Kannel's %A would be the receipt's text, which may quote the code.
 */
function settings(smsc, coding) {
  return {
    url: `http://127.0.0.1:${ports.sendsms}/cgi-bin/sendsms`,
    headers: {
      "X-Kannel-Username": "countersign",
      "X-Kannel-Password": "{secret.password}",
      "X-Kannel-SMSC": smsc,
      "X-Kannel-From": "{from}",
      "X-Kannel-To": "{to_digits}",
      "X-Kannel-Coding": coding,
      "X-Kannel-DLR-Mask": "31",
      "X-Kannel-DLR-URL": "{callback_url}&status=%d",
    },
    content_type: "text",
    body: "{text}",
    from: "Acme",
    secrets: { password: "hunter2" },
    answer: { accepted: [202], account: [403], retry: [503] },
    receipts: { status: "status", delivered: ["1"], undelivered: ["2", "16"], addresses: ["127.0.0.1/32"] },
  };
}

const messages = (smsc) => smscs[smsc].filter(({ event }) => event === "message");

/** An account whose test message reached the SMSC, and a route through it for one country. */
async function makeRoute(call, company, country, to, smsc, coding) {
  const name = `kannel-${country.toLowerCase()}`;
  const account = { name, kind: "http", settings: settings(smsc, coding) };
  const provider = await made(call, "/v1/providers", account);
  const trial = await call("POST", `/v1/providers/${provider}/test`, { to });
  assert.equal(trial.outcome, "accepted", JSON.stringify(trial));
  const expected = `Test message of ${company} through ${name}.`;
  await eventually("test message", () => messages(smsc).some(({ text }) => text === expected));
  await made(call, "/v1/routes", { name, provider, countries: [country] });
}

/** Starts a verification and gives its code, once the SMSC has its text and Kannel reported. */
async function deliver(call, smsc, body, expected) {
  const known = messages(smsc).length;
  const id = await made(call, "/v1/verifications", body);
  const message = await eventually(`message at ${smsc}`, () => messages(smsc)[known]);
  const code = message.text.match(/[0-9]{6}/)?.[0];
  const submit = smscs[smsc].findLast(({ event }) => event === "submit");
  const { text, parts } = message;
  const { data_coding, source_addr, destination_addr } = submit;
  assert.deepEqual(
    { text, parts, data_coding, source_addr, destination_addr },
    { ...expected, text: expected.text.replace("CODE", code), source_addr: "Acme", destination_addr: body.to.slice(1) },
  );
  const delivery = await eventually("report", async () => {
    const { delivery } = await call("GET", `/v1/verifications/${id}`);
    return ["delivered", "undelivered"].includes(delivery) && delivery;
  });
  return { id, code, delivery };
}

// ---- the tests ---------------------------------------------------------------

function scenario(name, company, body) {
  test(name, async () => {
    try {
      const call = await makeTenant(company);
      // The server hears of a key that a command made within a second.
      await eventually("key", async () => (await call("GET", "/v1/providers")).status === 200);
      await body(call);
    } catch (error) {
      for (const { name, words } of children) console.error(`---- ${name}\n${words}`);
      throw error;
    }
  });
}

scenario("a text in GSM 03.38 arrives as it is, and is reported", "Acme", async (call) => {
  await makeRoute(call, "Acme", "GB", "+447400123456", "delivers", "0");
  const expected = { text: "CODE is your Acme code. Don't share it.", parts: 1, data_coding: 0 };
  const { id, code, delivery } = await deliver(call, "delivers", { to: "+447400123457" }, expected);
  assert.equal(delivery, "delivered");
  assert.equal((await call("POST", `/v1/verifications/${id}/check`, { code })).status, "approved");
});

scenario("a Polish text arrives in UCS-2, in two parts", COMPANY, async (call) => {
  await makeRoute(call, COMPANY, "PL", "+48500500500", "delivers", "2");
  const expected = { text: `CODE to kod ${COMPANY}. Nie podawaj go nikomu.`, parts: 2, data_coding: 8 };
  const { id, code, delivery } = await deliver(call, "delivers", { to: "+48500500501", locale: "pl" }, expected);
  assert.equal(delivery, "delivered");
  assert.equal((await call("POST", `/v1/verifications/${id}/check`, { code })).status, "approved");
});

scenario("what the SMSC cannot deliver is reported as that", "Acme", async (call) => {
  await makeRoute(call, "Acme", "DE", "+4915112345678", "fails", "0");
  const expected = { text: "CODE is your Acme code. Don't share it.", parts: 1, data_coding: 0 };
  const { delivery } = await deliver(call, "fails", { to: "+4915112345679" }, expected);
  assert.equal(delivery, "undelivered");
});
