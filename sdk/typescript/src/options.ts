/** How one call is made; what is absent is as the client has it. */
export interface RequestOptions {
  /**
   * Names this request for the server, so that a repeat is answered as the first was; 1 to 255
   * printable characters. Only for POST; a random one is made for each call when absent.
   */
  readonly idempotencyKey?: string | undefined;
  /** Milliseconds for the whole call: all tries and the waits between them. */
  readonly timeout?: number | undefined;
  /** Milliseconds for one try: connecting, sending and the whole answer. */
  readonly attemptTimeout?: number | undefined;
  /** How often the call is tried again, 0 to 10. */
  readonly maxRetries?: number | undefined;
  /** Ends the call; it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a client is made. */
export interface ClientOptions {
  /** Where the server is, such as `https://otp.example.com`; `COUNTERSIGN_URL` when absent. */
  readonly baseUrl?: string | undefined;
  /** Milliseconds for a whole call: all tries and the waits between them; 30,000 when absent. */
  readonly timeout?: number | undefined;
  /** Milliseconds for one try: connecting, sending and the whole answer; 10,000 when absent. */
  readonly attemptTimeout?: number | undefined;
  /** How often a call is tried again, 0 to 10; 2 when absent. */
  readonly maxRetries?: number | undefined;
  /** Send the key in clear over plain http to another machine. Only for a network that you trust. */
  readonly allowInsecureHttp?: boolean | undefined;
  /** Used instead of the global `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

/** What a call goes by, all of it checked. */
export interface Policy {
  readonly timeout: number;
  readonly attemptTimeout: number;
  readonly maxRetries: number;
}

const MOST_TIME = 600_000;
const MOST_RETRIES = 10;

function whole(name: string, value: number | undefined, standard: number, least: number, most: number): number {
  if (value === undefined) return standard;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}`);
}

/** The options over a policy. */
export function policyOf(options: Partial<Policy> | RequestOptions | ClientOptions, base: Policy): Policy {
  return {
    timeout: whole("timeout", options.timeout, base.timeout, 1, MOST_TIME),
    attemptTimeout: whole("attemptTimeout", options.attemptTimeout, base.attemptTimeout, 1, MOST_TIME),
    maxRetries: whole("maxRetries", options.maxRetries, base.maxRetries, 0, MOST_RETRIES),
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The base URL without a slash at its end. */
export function parseBaseUrl(text: string | undefined, allowInsecureHttp: boolean): string {
  if (!text) throw new TypeError("baseUrl is missing: give it, or set COUNTERSIGN_URL");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("baseUrl must be a whole URL, such as https://otp.example.com");
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError("baseUrl must have no user name, password, query or fragment");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !allowInsecureHttp) {
    throw new TypeError("baseUrl must be https: over http everybody on the way reads the key (see allowInsecureHttp)");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError("baseUrl must be https");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** The key as a header may carry it. Says nothing of it when it is wrong. */
export function parseKey(text: string | undefined): string {
  if (!text) throw new TypeError("key is missing: give it, or set COUNTERSIGN_KEY");
  if (typeof text === "string" && /^[\x21-\x7e]{1,512}$/.test(text)) return text;
  throw new TypeError("key must be the text that was shown when the key was made, without spaces");
}

/** An environment variable, where there are any and reading them is allowed. */
export function environment(name: string): string | undefined {
  try {
    const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
    return process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}
