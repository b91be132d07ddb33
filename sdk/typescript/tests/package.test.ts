// What is published: it installs into an empty folder, imports, has its types, and its README works.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test as it } from "node:test";
import { pathToFileURL } from "node:url";
import { codeFor, dev, newName, newNumber, root, test } from "./support.js";

const temp = mkdtempSync(join(tmpdir(), "countersign-ts-"));
let archive = "";

/** Runs a command and gives what it printed; answers a question with `input`. */
function run(command: string, folder: string, env: Record<string, string> = {}, input?: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const quiet = { npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };
    const child = spawn(command, { cwd: folder, shell: true, timeout: 60_000, env: { ...process.env, ...quiet, ...env } });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (printed += part));
    input?.then((text) => child.stdin.end(`${text}\n`), reject) ?? child.stdin.end();
    child.on("error", reject).on("close", (status) => {
      if (status === 0) resolve(printed);
      else reject(new Error(`${command} ended with ${status}: ${printed}`));
    });
  });
}

function emptyFolder(name: string): string {
  const folder = join(temp, name);
  mkdirSync(folder);
  return folder;
}

before(async () => {
  const [packed] = JSON.parse(await run(`npm pack --ignore-scripts --json --pack-destination "${temp}"`, root)) as [
    { filename: string; files: { path: string }[]; size: number },
  ];
  archive = join(temp, packed.filename);
  const outside = packed.files.map((file) => file.path).filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path));
  assert.deepEqual(outside.sort(), ["LICENSE", "README.md", "package.json"]);
  assert.ok(packed.size < 100_000, `${packed.size} bytes`);
});

after(() => rmSync(temp, { recursive: true, force: true }));

/** A folder into which the package is installed. */
async function installed(name: string): Promise<string> {
  const folder = emptyFolder(name);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  await run(`npm install --offline "${archive}"`, folder);
  return folder;
}

const readme = readFileSync(join(root, "README.md"), "utf8");

/** The blocks of code of a part of the README. */
const blocks = (heading: string, language: string) => {
  const part = readme.split(/^## /m).find((each) => each.startsWith(`${heading}\n`));
  assert.ok(part, heading);
  return [...part.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1]!);
};

it("from an empty folder to an approved code by the README", async () => {
  const folder = emptyFolder("start");
  const [install, start] = blocks("Start", "sh");
  const [code] = blocks("Start", "js");
  assert.ok(install && start && code);
  // As it stands, but for the place of the package and a number that no other run uses.
  const to = newNumber();
  assert.equal(code.split("+48500500500").length, 2);
  await run(install.replace(/ countersign$/m, ` --offline "${archive}"`), folder);
  writeFileSync(join(folder, "start.mjs"), code.replace("+48500500500", to));
  const env = { COUNTERSIGN_URL: dev.base_url, COUNTERSIGN_KEY: dev.key };
  assert.match(await run(start, folder, env, codeFor(to)), /approved\s*$/);
  const other = newNumber();
  writeFileSync(join(folder, "start.mjs"), code.replace("+48500500500", other));
  const testing = { ...env, COUNTERSIGN_KEY: dev.test_key };
  assert.match(await run(start, folder, testing, Promise.resolve("123456")), /approved\s*$/);
});

const PRELUDE = `import { Countersign, NetworkError, ProblemError, verifyWebhook, WebhookError } from "countersign";
const client = new Countersign();
`;

/** What the types must refuse. */
const WRONG = [
  "await client.verifications.start({});",
  "await client.verifications.start({ to: 1 });",
  'await client.verifications.start({ to: "+48500500500", colour: "red" });',
  'await client.verifications.check({ code: "1" });',
  'const status: number = (await client.verifications.get("ver_1")).status; console.log(status);',
  "for (const one of client.keys.list()) console.log(one);",
  'if ((await verifyWebhook("", {}, "")).type === "verification.aproved") console.log(1);',
];

it("the types hold, in both ways to resolve them, and all other code of the README runs", async () => {
  const folder = await installed("readme");
  const parts = ["A wrong code, another message", "Errors", "Retries and time-outs", "Pages", "Webhooks", "Test mode"];
  const outcomes = ["ask again in", "400 invalid_request", "", "", "listening", "true"];
  for (const [n, part] of parts.entries()) {
    const [code, ...more] = blocks(part, "ts");
    assert.ok(code && !more.length, part);
    const end = part === "Webhooks" ? 'server.listen(0, "127.0.0.1", () => (console.log("listening"), server.close()));\n' : "";
    writeFileSync(join(folder, `part${n}.ts`), PRELUDE + code.replaceAll("+48500500500", newNumber()).replace("order-1001", newName("order")) + end);
  }
  cpSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"), { recursive: true });
  cpSync(join(root, "node_modules/undici-types"), join(folder, "node_modules/undici-types"), { recursive: true });
  const refused = WRONG.map((line) => `// @ts-expect-error\n${line}\n`).join("");
  writeFileSync(join(folder, "wrong.ts"), `${PRELUDE}export async function wrong() {\n${refused}}\n`);
  const tsc = `"${process.execPath}" "${join(root, "node_modules/typescript/bin/tsc")}"`;
  const strict = "--strict --target es2022 --lib es2022 --types node --exactOptionalPropertyTypes --noUncheckedIndexedAccess";
  // The first looks at the declarations of the package, too; there are no types of a browser.
  await run(`${tsc} ${strict} --module node16 --moduleResolution node16 *.ts`, folder);
  await run(`${tsc} --noEmit --skipLibCheck ${strict} --module esnext --moduleResolution bundler *.ts`, folder);
  const env = { COUNTERSIGN_URL: dev.base_url, COUNTERSIGN_KEY: dev.test_key };
  const node = `"${process.execPath}"`;
  const printed = await Promise.all(parts.map((_, n) => run(`${node} part${n}.js`, folder, env)));
  outcomes.forEach((outcome, n) => assert.ok(printed[n]?.includes(outcome), `${parts[n]}: ${printed[n]}`));
});

it("what the page of dev shows of each step runs as it is copied", async () => {
  const folder = await installed("page");
  const module = join(folder, "snippets.mjs");
  cpSync(join(root, "../../crates/portal/assets/snippets.js"), module);
  const { snippets } = (await import(pathToFileURL(module).href)) as { snippets(request: object): { typescript: string } };
  const copied = async (method: string, path: string, body?: object) => {
    const request = { method, path: `/v1/verifications${path}`, body, key: dev.test_key, baseUrl: dev.base_url };
    writeFileSync(join(folder, "copied.js"), snippets(request).typescript);
    return (await run(`"${process.execPath}" copied.js`, folder)).trim();
  };
  assert.equal(await copied("POST", "", { to: newNumber() }), "pending");
  const { id } = await test().verifications.start({ to: newNumber() });
  await assert.rejects(copied("POST", `/${id}/resend`), /resend_too_soon/);
  assert.equal(await copied("POST", `/${id}/check`, { code: "000000" }), "pending");
  assert.equal(await copied("POST", `/${id}/check`, { code: "123456" }), "approved");
  assert.equal(await copied("GET", `/${id}`), "approved");
  const other = await test().verifications.start({ to: newNumber() });
  assert.equal(await copied("POST", `/${other.id}/cancel`), "canceled");
  // What a person types is a text in each language, whatever is in it.
  const odd = "+48 \"'\\`${1}\n\u2028";
  await assert.rejects(copied("POST", "", { to: odd }), /invalid_phone_number/);
});
