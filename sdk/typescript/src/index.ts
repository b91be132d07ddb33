export { Countersign } from "./client.js";
export { CountersignError, NetworkError, ProblemError, TimeoutError, WebhookError, type ProblemDetails } from "./errors.js";
export type { ClientOptions, RequestOptions } from "./options.js";
export type { Page, Paged } from "./pages.js";
export type * from "./generated/types.gen.js";
export { VERSION } from "./generated/version.gen.js";
export * from "./webhooks.js";
