import { Resources } from "./generated/resources.gen.js";
import { environment, parseBaseUrl, parseKey, policyOf, type ClientOptions } from "./options.js";
import { transport } from "./transport.js";

const STANDARD = { timeout: 30_000, attemptTimeout: 10_000, maxRetries: 2 };

/**
 * A client of one Countersign server, with one key. Make one and keep it; it may be used by
 * many at once. Not for web pages: whoever opens the page could read the key.
 */
export class Countersign extends Resources {
  /** Where the server is. */
  readonly baseUrl: string;

  /**
   * @param key The API key, `cs_live_...` or `cs_test_...`; `COUNTERSIGN_KEY` when absent.
   * @param options Where the server is, and how calls are made.
   */
  constructor(key?: string, options: ClientOptions = {}) {
    const url = options.baseUrl ?? environment("COUNTERSIGN_URL");
    const baseUrl = parseBaseUrl(url, options.allowInsecureHttp ?? false);
    const given = options.fetch;
    // The key lives in this closure alone, where nothing prints it.
    super(
      transport({
        key: parseKey(key ?? environment("COUNTERSIGN_KEY")),
        baseUrl,
        policy: policyOf(options, STANDARD),
        fetch: given ?? ((to, init) => globalThis.fetch(to, init)),
      }),
    );
    this.baseUrl = baseUrl;
  }

  /** What `JSON.stringify` shows. */
  toJSON(): { baseUrl: string } {
    return { baseUrl: this.baseUrl };
  }

  /** What `console.log` shows in Node, Deno and Bun. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Countersign { baseUrl: ${JSON.stringify(this.baseUrl)} }`;
  }
}
