import type { FieldError, ProblemCode, RefusingLimit } from "./generated/types.gen.js";

/** Whatever this package throws because of the server or the network. */
export class CountersignError extends Error {
  static {
    this.prototype.name = "CountersignError";
  }
}

/** What the server said of a refusal (RFC 9457). */
export interface ProblemDetails {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;
  readonly limit: RefusingLimit | undefined;
}

/** The server refused. Decide by `code`; `detail` is for people. */
export class ProblemError extends CountersignError implements ProblemDetails {
  static {
    this.prototype.name = "ProblemError";
  }

  /** Names the kind of problem. A later server may know more of them. */
  readonly code: ProblemCode;
  /** The HTTP status. */
  readonly status: number;
  /** The kind in words. */
  readonly title: string;
  /** What happened this time. */
  readonly detail: string;
  /** All fields that are wrong. */
  readonly errors: readonly FieldError[];
  /** Names the request in the server's logs: quote it when you ask for help. */
  readonly requestId: string | undefined;
  /** Seconds after which the same request may pass, where waiting helps. */
  readonly retryAfter: number | undefined;
  /** The limit that refused. */
  readonly limit: RefusingLimit | undefined;

  constructor(details: ProblemDetails) {
    super(`${details.detail} (${details.code}${details.requestId ? `, ${details.requestId}` : ""})`);
    this.code = details.code;
    this.status = details.status;
    this.title = details.title;
    this.detail = details.detail;
    this.errors = details.errors;
    this.requestId = details.requestId;
    this.retryAfter = details.retryAfter;
    this.limit = details.limit;
  }
}

/**
 * No whole answer came: the server may have done what was asked, or not. Ask again with the
 * same `idempotencyKey`.
 */
export class NetworkError extends CountersignError {
  static {
    this.prototype.name = "NetworkError";
  }
}

/** No whole answer came in time. */
export class TimeoutError extends NetworkError {
  static {
    this.prototype.name = "TimeoutError";
  }
}

/** A message is not from your Countersign, or is too old: do not believe it. */
export class WebhookError extends CountersignError {
  static {
    this.prototype.name = "WebhookError";
  }
}
