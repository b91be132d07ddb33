// The servers of the portal's tests: each test file starts its own `countersign dev` or `countersign serve`,
// with a folder of its own, and a real SMTP server that keeps what it takes.
// COUNTERSIGN names the program, COUNTERSIGN_TEST_SMTP_PYTHON a Python that has aiosmtpd.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const WAIT = 20_000;
const program = process.env.COUNTERSIGN;
const run = promisify(execFile);

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks until there is an answer. */
export async function eventually(what, probe, wait = WAIT) {
  const until = Date.now() + wait;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > until) throw new Error(`no ${what} within ${wait} ms`);
    await pause(50);
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The environment without settings that another test, or the machine, has put there. */
function environment(settings) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN__"));
  return { ...Object.fromEntries(inherited), ...settings };
}

const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]]) process.once(signal, () => process.exit(code));

class Child {
  constructor(file, args, env, { terminal = false } = {}) {
    this.words = "";
    // `script` gives the program a real terminal: standard input, output and error.
    const [command, words] = terminal ? ["script", ["-qefc", [file, ...args].join(" "), "/dev/null"]] : [file, args];
    this.child = spawn(command, words, { env, stdio: [terminal ? "pipe" : "ignore", "pipe", "pipe"] });
    children.add(this.child);
    this.ended = new Promise((done) => this.child.once("exit", done).once("error", done));
    const keep = (chunk) => (this.words = (this.words + chunk).slice(-50_000));
    this.child.stderr.on("data", keep);
    this.child.stdout.on("data", keep);
  }

  /** Types a line, once the program asks for it. */
  async type(question, line) {
    await eventually(`${question} in: ${this.words}`, () => question.test(this.words));
    this.child.stdin.write(`${line}\n`);
  }

  async end() {
    if (this.child.exitCode !== null) return;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    await this.ended;
    children.delete(this.child);
    clearTimeout(timer);
  }
}

/** An SMTP server that keeps what it takes. */
class Mail {
  static async start({ utf8 = true } = {}) {
    const mail = new Mail();
    mail.kept = [];
    const program = fileURLToPath(new URL("../../smtp/server.py", import.meta.url));
    const args = [program, JSON.stringify({ smtputf8: utf8 })];
    mail.process = new Child(process.env.COUNTERSIGN_TEST_SMTP_PYTHON, args, process.env);
    createInterface({ input: mail.process.child.stdout }).on("line", (line) => {
      const said = JSON.parse(line);
      if (said.port) mail.port = said.port;
      else mail.kept.push({ ...said, subject: said.headers.find(([name]) => name.toLowerCase() === "subject")[1] });
    });
    await eventually("SMTP server", () => {
      if (mail.process.child.exitCode !== null) throw new Error(mail.process.words);
      return mail.port;
    });
    return mail;
  }

  /** Every mail to an address so far, in the order of their arrival. */
  to(address) {
    return this.kept.filter((mail) => mail.to.includes(address));
  }

  /** The first mail to an address, after those that were seen already, whose subject or text matches. */
  async next(address, pattern, seen = 0) {
    const found = () => this.to(address).slice(seen).find(({ subject, text }) => pattern.test(subject) || pattern.test(text));
    return eventually(`mail to ${address} like ${pattern}`, found).catch((error) => {
      error.message += `; there are ${JSON.stringify(this.to(address).map(({ subject }) => subject))}`;
      throw error;
    });
  }
}

class Server {
  constructor(folder, settings) {
    this.folder = folder;
    this.settings = settings;
    this.people = 0;
  }

  /** Runs a command of the program beside this server. Returns its standard output, without the last newline. */
  async command(...args) {
    const { stdout } = await run(program, args, { env: environment(this.settings), timeout: 30_000 });
    return stdout.trimEnd();
  }

  /** Runs a command of the program on a terminal, where a person can answer. */
  onTerminal(...args) {
    return new Child(program, args, environment(this.settings), { terminal: true });
  }

  async start(...args) {
    this.args = args.length ? args : this.args;
    this.process = new Child(program, this.args, environment(this.settings), { terminal: this.terminal });
    await eventually("server", async () => {
      if (this.process.child.exitCode !== null) throw new Error(this.process.words);
      return this.isUp();
    }, 60_000);
  }

  async restart() {
    await this.process.end();
    await this.start();
  }

  /** Moves rows of the database into the past, in place of waiting. */
  async age(table, columns, seconds) {
    const moves = columns.split(" ").map((column) => `${column} = ${column} - ${seconds * 1_000_000}`);
    await this.change(`UPDATE ${table} SET ${moves.join(", ")}`);
  }

  async change(statement) {
    const code = "import sqlite3,sys; db=sqlite3.connect(sys.argv[1],timeout=10); db.execute(sys.argv[2]); db.commit()";
    await run("python3", ["-c", code, this.database(), statement]);
  }

  async ask(query) {
    const code =
      "import sqlite3,sys,json; db=sqlite3.connect(sys.argv[1],timeout=10); print(json.dumps(db.execute(sys.argv[2]).fetchall(), default=bytes.hex))";
    const { stdout } = await run("python3", ["-c", code, this.database(), query]);
    return JSON.parse(stdout);
  }

  database() {
    return join(this.folder, "directory.sqlite");
  }

  /** The newest code that a phone of `dev` got, once there are more messages than `seen`. */
  async code(number, seen = 0) {
    return eventually(`code for ${number}`, async () => {
      const messages = await this.messages(number);
      return messages.length > seen && messages[0].code;
    });
  }

  async messages(number) {
    const answer = await fetch(`${this.base}/dev/messages?to=${encodeURIComponent(number)}`);
    assert.equal(answer.status, 200);
    return answer.json();
  }

  async stop() {
    await this.process.end();
    await this.mail?.process.end();
    rmSync(this.folder, { recursive: true, force: true });
    assert.ok(!/panicked/.test(this.process.words), this.process.words);
  }
}

async function prepare(server, settings, { mail, utf8 }) {
  if (mail) server.mail = await Mail.start({ utf8 });
  const mailSettings = mail && {
    COUNTERSIGN__MAIL__URL: `smtp://127.0.0.1:${server.mail.port}`,
    COUNTERSIGN__MAIL__FROM: "Countersign <portal@countersign.example>",
  };
  server.settings = { COUNTERSIGN__DATA__FOLDER: server.folder, ...mailSettings, ...settings };
}

function newFolder() {
  return mkdtempSync(join(tmpdir(), "countersign-portal."));
}

/** `countersign dev`. Its person, its tenant and its key are those of the ready file. */
export async function startDev({ mail = true, utf8 = true, settings = {} } = {}) {
  const server = new Server(newFolder());
  const file = join(server.folder, "ready.json");
  // Links in mails begin with the public address, so the port is chosen before.
  const port = await freePort();
  const own = { COUNTERSIGN__SERVER__PUBLIC_URL: `http://127.0.0.1:${port}` };
  const args = ["dev", "--port", String(port), "--operator-port", "0", "--data", server.folder, "--ready-file", file];
  await prepare(server, { ...own, ...settings }, { mail, utf8 });
  server.base = own.COUNTERSIGN__SERVER__PUBLIC_URL;
  server.isUp = () => existsSync(file) && fetch(`${server.base}/portal/sign-in`).then(({ ok }) => ok, () => false);
  await server.start(...args);
  const ready = JSON.parse(readFileSync(file, "utf8"));
  Object.assign(server, { ready, base: ready.base_url, tenant: ready.tenant_id, key: ready.key });
  server.owner = { email: ready.portal_email, password: ready.portal_password };
  return server;
}

/**
 * `countersign serve`: with `tls` over TLS with a certificate of its own, with `ownHost` with the portal on another host
 * than the API, with `terminal` on a terminal.
 */
export async function startServe({ mail = true, utf8 = true, tls = false, ownHost = false, terminal = false, settings = {} } = {}) {
  const server = new Server(newFolder());
  const [port, operatorPort] = [await freePort(), await freePort()];
  server.base = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  server.portal = ownHost ? `http://localhost:${port}` : server.base;
  server.terminal = terminal;
  server.operator = `http://127.0.0.1:${operatorPort}`;
  const certificate = tls ? await makeCertificate(server.folder) : {};
  const own = {
    COUNTERSIGN__SERVER__BIND: `127.0.0.1:${port}`,
    COUNTERSIGN__SERVER__OPERATOR_BIND: `127.0.0.1:${operatorPort}`,
    COUNTERSIGN__SERVER__PUBLIC_URL: server.base,
    ...(ownHost && { COUNTERSIGN__SERVER__PORTAL_URL: server.portal }),
    ...certificate,
  };
  await prepare(server, { ...own, ...settings }, { mail, utf8 });
  server.isUp = () => fetch(`${server.operator}/health/ready`).then(({ ok }) => ok, () => false);
  await server.start("serve");
  return server;
}

async function makeCertificate(folder) {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  await run("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", certificate]);
  return { COUNTERSIGN__SERVER__TLS__CERTIFICATE: certificate, COUNTERSIGN__SERVER__TLS__KEY: key };
}
