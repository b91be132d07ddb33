// What the tests share: the running `dev`, fresh numbers, servers that misbehave.
import { Countersign, type ClientOptions } from "countersign";
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The folder of the package. */
export const root = fileURLToPath(new URL("..", import.meta.url));

interface Dev {
  base_url: string;
  key: string;
  test_key: string;
}

const file = process.env["COUNTERSIGN_READY_FILE"];
assert.ok(file, "COUNTERSIGN_READY_FILE must name what `countersign dev --ready-file` wrote");
export const dev = JSON.parse(readFileSync(file, "utf8")) as Dev;

export const live = (options: ClientOptions = {}) => new Countersign(dev.key, { baseUrl: dev.base_url, ...options });
export const test = (options: ClientOptions = {}) => new Countersign(dev.test_key, { baseUrl: dev.base_url, ...options });

/** A mobile number that no other test uses: each takes few starts. */
export const newNumber = () => `+4850${String(randomInt(10_000_000)).padStart(7, "0")}`;

/** A name that no other run uses. */
export const newName = (prefix: string) => `${prefix}-${randomInt(2 ** 40).toString(36)}`;

interface Inbox {
  verification_id: string;
  code: string;
}

/** The messages on the virtual phone, newest first. */
export async function inbox(to: string): Promise<Inbox[]> {
  const response = await fetch(`${dev.base_url}/dev/messages?to=${encodeURIComponent(to)}`);
  return (await response.json()) as Inbox[];
}

/** Asks until there is an answer, for ten seconds. */
export async function eventually<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (let turn = 0; turn < 100; turn++) {
    const answer = await ask();
    if (answer) return answer;
    await sleep(100);
  }
  throw new Error(`still nothing: ${ask}`);
}

/** The code of the newest message for a number. */
export const codeFor = (to: string) => eventually(async () => (await inbox(to))[0]?.code);

/** Another code of the same form. */
export const wrong = (code: string) => code.replace(/.$/, (last) => String((Number(last) + 1) % 10));

async function serve<S extends Server>(server: S): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server of the test's own; its address, and the requests that it got. */
export async function stub(answer: RequestListener): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.setHeader("Connection", "close");
    request.resume().on("end", () => answer(request, response));
  });
  return { url: await serve(server), requests };
}

/** A client of a stub, which never gets a real key. */
export const stranger = (baseUrl: string, options: ClientOptions = {}) => new Countersign("cs_test_none", { baseUrl, ...options });

/** Passes all on to dev, and cuts the first connections when their answer comes, unseen. */
export async function cutting(cuts: number): Promise<{ url: string; cut: () => number }> {
  const { hostname, port } = new URL(dev.base_url);
  let done = 0;
  const server = createTcpServer((from: Socket) => {
    const to = connect(Number(port), hostname);
    from.on("error", () => to.destroy()).on("close", () => to.destroy());
    to.on("error", () => from.destroy()).on("close", () => from.destroy());
    from.pipe(to);
    to.once("data", (first: Buffer) => {
      if (done < cuts) {
        done++;
        from.resetAndDestroy();
        return;
      }
      from.write(first);
      to.pipe(from);
    });
  });
  return { url: await serve(server), cut: () => done };
}
