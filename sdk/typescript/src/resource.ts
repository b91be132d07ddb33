import type { RequestOptions } from "./options.js";
import { paged, type Page, type Paged } from "./pages.js";
import type { Call, Send } from "./transport.js";

/** What the classes of the resources have in common. */
export class Resource {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  protected call<T>(call: Call, options?: RequestOptions): Promise<T> {
    return this.#send(call, options) as Promise<T>;
  }

  protected pages<T, P extends Page<T>>(call: Call, options?: RequestOptions): Paged<T, P> {
    // A POST has its cursor in the body. Each page is a request of its own, with a key of its own.
    const place = call.method === "POST" ? "body" : "query";
    const later = { ...options, idempotencyKey: undefined };
    return paged<T, P>((cursor) => {
      if (cursor === undefined) return this.call(call, options);
      return this.call({ ...call, [place]: { ...(call[place] as object), cursor } }, later);
    });
  }
}

/** A value as one part of a path. */
export function segment(name: string, value: string): string {
  if (typeof value === "string" && value !== "" && value !== "." && value !== "..") return encodeURIComponent(value);
  throw new TypeError(`${name} must be a text that is not empty`);
}
