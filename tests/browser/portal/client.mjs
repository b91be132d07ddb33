// A client that is no browser: it sends what an attacker or a scanner would.
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";

/** Sends one request. Redirects are not followed. */
export function ask(base, { method = "GET", path, headers = {}, body }) {
  const { request } = base.startsWith("https:") ? https : http;
  return new Promise((done, failed) => {
    const sent = request(base + path, { method, headers, rejectUnauthorized: false, timeout: 10_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("end", () => done({ status: answer.statusCode, headers: answer.headers, body: text }));
    });
    sent.on("error", failed);
    sent.on("timeout", () => sent.destroy(new Error(`no answer to ${path}`)));
    sent.end(body);
  });
}

export class Client {
  /** The cookies, by name. */
  jar = new Map();

  constructor(base) {
    this.base = base;
  }

  async send(request) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie && { Cookie: cookie }), ...request.headers };
    const answer = await ask(this.base, { ...request, headers });
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (/max-age=0/i.test(line)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }

  get(path, headers) {
    return this.send({ path, headers });
  }

  post(path, fields, headers = {}) {
    const body = new URLSearchParams(fields).toString();
    const form = { "Content-Type": "application/x-www-form-urlencoded", Origin: this.base, "Sec-Fetch-Site": "same-origin" };
    return this.send({ method: "POST", path, body, headers: { ...form, ...headers } });
  }

  /** Opens the page of a form. Returns its token. */
  async token(path) {
    const { status, body } = await this.get(path);
    assert.equal(status, 200, path);
    return body.match(/name="form_token" value="([^"]+)"/)[1];
  }

  /** Opens a page and sends a form of it. */
  async submit(path, fields) {
    return this.post(path, { form_token: await this.token(path), ...fields });
  }

  /** Takes over the cookies of a browser. */
  static async of(visit) {
    const client = new Client(visit.base);
    for (const { name, value } of await visit.context.cookies()) client.jar.set(name, value);
    return client;
  }

  name(start) {
    return [...this.jar.keys()].find((name) => name.replace(/^__Host-/, "").startsWith(start));
  }

  async isIn() {
    const { status, headers } = await this.get("/portal");
    return status === 200 || (status === 303 && !headers.location.startsWith("/portal/sign-in"));
  }
}
