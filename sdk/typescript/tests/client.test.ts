import { Countersign, NetworkError, ProblemError, VERSION, type ClientOptions, type RequestOptions } from "countersign";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test as it } from "node:test";
import { inspect } from "node:util";
import { dev, live, newNumber, root, stub } from "./support.js";

const document = JSON.parse(readFileSync(join(root, "../../openapi/openapi.json"), "utf8")) as {
  info: { version: string };
  paths: Record<string, Record<string, unknown>>;
};

it("each operation of the document has one method", async () => {
  const seen: string[] = [];
  const client = new Countersign("cs_test_none", {
    baseUrl: "https://otp.example.com",
    fetch: async (url, init) => {
      seen.push(`${init.method} ${new URL(url).pathname}`);
      return new Response(JSON.stringify({ data: [], next_cursor: null }), { headers: { Location: "/" } });
    },
  });
  const resources = Object.values(client).filter((value) => typeof value === "object") as Record<string, unknown>[];
  for (const resource of resources) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
      if (name === "constructor") continue;
      const method = (resource[name] as (...values: unknown[]) => Promise<unknown>).bind(resource);
      await method("one", {}).catch((error: unknown) => assert.ok(error instanceof ProblemError, String(error)));
    }
  }
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, "one")}`),
  );
  assert.ok(operations.length > 60);
  // Its answer is lines.
  operations.splice(operations.indexOf("GET /v1/audit/export"), 1);
  assert.deepEqual([...new Set(seen)].sort(), operations.sort());
  assert.equal(VERSION, document.info.version);
});

it("system operations need no more than an address", async () => {
  const client = live();
  assert.deepEqual(await client.system.live(), { status: "ok" });
  assert.deepEqual(await client.system.ready(), { status: "ok" });
  assert.equal(await client.system.docs(), "/docs/");
  assert.equal((await client.system.openapi())["openapi"], "3.1.0");
});

it("nothing that is printed shows the key or the code", async () => {
  const key = "cs_live_thisisthekey";
  const client = new Countersign(key, { baseUrl: dev.base_url, maxRetries: 0 });
  const echo = async (_: string, init: RequestInit): Promise<Response> => {
    throw Object.assign(new Error(`failed with ${JSON.stringify(init.headers)}`), { request: init });
  };
  const failing = new Countersign(key, { baseUrl: dev.base_url, fetch: echo, maxRetries: 0 });
  const errors = await Promise.all(
    [client, failing].map((one) => one.verifications.check("ver_1", { code: "424242" }).catch((error: unknown) => error)),
  );
  assert.ok(errors[0] instanceof ProblemError && errors[0].code === "invalid_key");
  assert.ok(errors[1] instanceof NetworkError);
  for (const thing of [client, client.verifications, ...errors]) {
    const options = { depth: null, showHidden: true, getters: true };
    const printed = [inspect(thing, options), inspect(thing, { ...options, customInspect: false }), String(thing)];
    for (const text of [...printed, JSON.stringify(thing), (thing as Error).stack ?? ""]) {
      assert.ok(!text.includes("thisisthekey"), text);
      assert.ok(!text.includes("424242"), text);
    }
  }
  assert.equal(JSON.stringify(client), JSON.stringify({ baseUrl: dev.base_url }));
  assert.match(inspect(client), /^Countersign \{ baseUrl: /);
  assert.ok(!inspect(structuredClone(client), { depth: null, showHidden: true }).includes("thisisthekey"));
});

it("a base URL must be safe to send a key to", () => {
  const make = (baseUrl: string, options: ClientOptions = {}) => new Countersign("cs_test_none", { baseUrl, ...options }).baseUrl;
  assert.equal(make("https://otp.example.com/"), "https://otp.example.com");
  assert.equal(make("https://example.com/otp//"), "https://example.com/otp");
  for (const url of ["http://localhost:8080", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:8080", "http://a.localhost"]) {
    assert.equal(make(url), url);
  }
  for (const url of ["http://otp.example.com", "http://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.example.com"]) {
    assert.throws(() => make(url), /baseUrl must be https/);
    assert.equal(make(url, { allowInsecureHttp: true }), url);
  }
  for (const url of ["ftp://example.com", "otp.example.com", "/v1", "https://a:b@example.com", "https://example.com?x=1", "https://example.com#x"]) {
    assert.throws(() => make(url, { allowInsecureHttp: true }), /^TypeError: baseUrl/);
  }
});

it("key and address come from the environment when they are not given", () => {
  const { COUNTERSIGN_URL: url, COUNTERSIGN_KEY: key } = process.env;
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  try {
    set("COUNTERSIGN_URL", "https://otp.example.com");
    set("COUNTERSIGN_KEY", "cs_test_none");
    assert.equal(new Countersign().baseUrl, "https://otp.example.com");
    assert.equal(new Countersign(undefined, { baseUrl: "https://other.example.com" }).baseUrl, "https://other.example.com");
    set("COUNTERSIGN_KEY", "");
    assert.throws(() => new Countersign(), /key is missing/);
    set("COUNTERSIGN_URL", undefined);
    assert.throws(() => new Countersign("cs_test_none"), /baseUrl is missing/);
  } finally {
    set("COUNTERSIGN_URL", url);
    set("COUNTERSIGN_KEY", key);
  }
});

it("a wrong argument is named, and nothing is sent", async () => {
  const make = (options: ClientOptions) => () => new Countersign("cs_test_none", { baseUrl: "https://otp.example.com", ...options });
  for (const timeout of [0, -1, 1.5, Number.NaN, Infinity, 600_001]) {
    assert.throws(make({ timeout }), /^RangeError: timeout/);
    assert.throws(make({ attemptTimeout: timeout }), /^RangeError: attemptTimeout/);
  }
  for (const maxRetries of [-1, 11, 0.5]) assert.throws(make({ maxRetries }), /^RangeError: maxRetries/);
  for (const key of ["cs_live_a b", "cs_live_a\r\nX-Evil: 1", "ключ"]) {
    assert.throws(() => new Countersign(key, { baseUrl: dev.base_url }), (error: Error) => !error.message.includes(key));
  }
  const server = await stub((_, response) => response.writeHead(200).end("{}"));
  const client = new Countersign("cs_test_none", { baseUrl: server.url });
  for (const idempotencyKey of ["", "a".repeat(256), 'a"b', "a\nb", " a", "ą"]) {
    await assert.rejects(client.verifications.start({ to: newNumber() }, { idempotencyKey }), /^TypeError: idempotencyKey/);
  }
  const options: RequestOptions = { timeout: 0 };
  await assert.rejects(client.tenant.get(options), /^RangeError: timeout/);
  for (const id of ["", ".", ".."]) assert.throws(() => client.verifications.get(id), /^TypeError: id/);
  assert.equal(server.requests.length, 0);
  await client.profiles.get("a/../b?c");
  assert.equal(server.requests[0]?.url, "/v1/profiles/a%2F..%2Fb%3Fc");
});
