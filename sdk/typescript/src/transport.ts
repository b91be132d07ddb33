// Every request goes through here: headers, time-outs, what is tried again, and what an answer means.
import { webCrypto } from "./crypto.js";
import { CountersignError, NetworkError, ProblemError, TimeoutError } from "./errors.js";
import type { FieldError, ProblemCode, RefusingLimit } from "./generated/types.gen.js";
import { VERSION } from "./generated/version.gen.js";
import { policyOf, type Policy, type RequestOptions } from "./options.js";

/** A request, as the generated methods describe it. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: object;
  readonly body?: object;
  /** Must not be sent again when its answer was lost. */
  readonly once?: true;
  /** What is read of the answer: its body (when absent), nothing, or where it leads. */
  readonly answer?: "none" | "location";
}

/** Makes a request and answers what the server did. */
export type Send = (call: Call, options?: RequestOptions) => Promise<unknown>;

export interface Settings {
  readonly key: string;
  readonly baseUrl: string;
  readonly policy: Policy;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** More is not read: the largest answer, the OpenAPI document, has 0.6 MB. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A server that wants a longer wait is not waited for. */
const LONGEST_WAIT = 10_000;
/** Here a person waits, not the network. */
const FOR_PEOPLE = new Set<string>(["resend_too_soon", "sends_exhausted", "guess_limit"]);

interface Try {
  readonly url: string;
  readonly init: RequestInit;
  readonly call: Call;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

export function transport(settings: Settings): Send {
  return async (call, options = {}) => {
    const policy = policyOf(options, settings.policy);
    const deadline = Date.now() + policy.timeout;
    const init = await initOf(settings.key, call, options);
    const url = settings.baseUrl + call.path + queryOf(call.query);
    for (let retry = 0; ; retry++) {
      const left = deadline - Date.now();
      const timeout = Math.min(policy.attemptTimeout, Math.max(left, 1));
      try {
        return await tryOnce(settings, { url, init, call, timeout, signal: options.signal });
      } catch (error) {
        const wait = retry < policy.maxRetries ? waitBefore(error, call, retry) : undefined;
        if (wait === undefined || wait >= deadline - Date.now()) throw error;
        await sleep(wait, options.signal);
      }
    }
  };
}

async function initOf(key: string, call: Call, options: RequestOptions): Promise<RequestInit> {
  const headers: Record<string, string> = {
    Authorization: `Bearer ${key}`,
    Accept: "application/json, application/problem+json",
    "User-Agent": `countersign-typescript/${VERSION}`,
  };
  if (call.method === "POST") headers["Idempotency-Key"] = await idempotencyKey(options.idempotencyKey);
  // A redirect is never followed: it would take body and key elsewhere.
  const init: RequestInit = { method: call.method, headers, redirect: "manual" };
  if (call.body === undefined) return init;
  headers["Content-Type"] = "application/json";
  return { ...init, body: JSON.stringify(call.body) };
}

async function idempotencyKey(given: string | undefined): Promise<string> {
  if (given === undefined) return (await webCrypto()).randomUUID();
  if (/^[\x20-\x7e]{1,255}$/.test(given) && !/["\\]/.test(given) && given === given.trim()) return given;
  throw new TypeError("idempotencyKey must be 1 to 255 printable ASCII characters, without quotes and backslashes");
}

function queryOf(query: object | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

async function tryOnce(settings: Settings, one: Try): Promise<unknown> {
  one.signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, one.timeout);
  one.signal?.addEventListener("abort", abort);
  try {
    const response = await settings.fetch(one.url, { ...one.init, signal: controller.signal });
    return read(one.call, response, await readText(response));
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    one.signal?.throwIfAborted();
    if (controller.signal.aborted) throw new TimeoutError(`no answer within ${one.timeout} ms`);
    throw new NetworkError(`no answer: ${reasonOf(error, settings.key)}`);
  } finally {
    clearTimeout(timer);
    one.signal?.removeEventListener("abort", abort);
  }
}

/** What went wrong, in a word where there is one. The error itself may hold the request, so it is not kept. */
function reasonOf(error: unknown, key: string): string {
  const { message, cause, code } = error as { message?: unknown; cause?: unknown; code?: unknown };
  if (typeof code === "string" && /^\w{1,64}$/.test(code)) return code;
  if (typeof cause === "object" && cause !== null) return reasonOf(cause, key);
  return typeof message === "string" ? message.replaceAll(key, "[key]").slice(0, 200) : "the connection failed";
}

async function readText(response: Response): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > MOST_BYTES) {
      await reader.cancel();
      throw new CountersignError(`the answer is longer than ${MOST_BYTES} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function read(call: Call, response: Response, text: string): unknown {
  const location = response.headers.get("location");
  if (call.answer === "location" && response.status >= 300 && response.status < 400 && location) return location;
  if (response.ok && call.answer === "none") return undefined;
  const body = parse(text);
  if (response.ok && body) return body;
  throw problemOf(response, body);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What is no problem of the server's own (of a proxy before it, say) has the code `unexpected_answer`. */
function problemOf(response: Response, body: Record<string, unknown> | undefined): ProblemError {
  const isProblem = !response.ok && typeof body?.["code"] === "string";
  const text = (name: string) => (isProblem && typeof body?.[name] === "string" ? body[name] : undefined);
  const retryAfter = isProblem && typeof body?.["retry_after"] === "number" ? body["retry_after"] : undefined;
  return new ProblemError({
    code: (text("code") ?? "unexpected_answer") as ProblemCode,
    status: response.status,
    title: text("title") ?? "The answer is not one of Countersign",
    detail: text("detail") ?? text("title") ?? `the answer with status ${response.status} is not one of Countersign`,
    errors: isProblem && Array.isArray(body?.["errors"]) ? (body["errors"] as FieldError[]) : [],
    requestId: text("request_id") ?? response.headers.get("x-request-id") ?? undefined,
    retryAfter: retryAfter ?? secondsOf(response.headers.get("retry-after")),
    limit: isProblem ? (body?.["limit"] as RefusingLimit | undefined) : undefined,
  });
}

/** Retry-After: seconds, or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

/** Milliseconds until the call may be tried again, if it may. */
function waitBefore(error: unknown, call: Call, retry: number): number | undefined {
  const backoff = 250 * 2 ** retry * (0.5 + Math.random() / 2);
  if (error instanceof NetworkError) return call.once ? undefined : backoff;
  if (!(error instanceof ProblemError) || FOR_PEOPLE.has(error.code)) return undefined;
  // What was refused has not happened; what failed may have.
  const mayRepeat = error.status === 429 || (error.status >= 500 && !call.once);
  if (!mayRepeat) return undefined;
  if (error.retryAfter === undefined) return backoff;
  const wait = error.retryAfter * 1000 + Math.random() * 250;
  return wait <= LONGEST_WAIT ? wait : undefined;
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
  });
}
