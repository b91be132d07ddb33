// Standard Webhooks 1.0, by the Web Crypto of the runtime: the official library has the same
// rules, but is not for several secrets at once and would be the one dependency.
import { webCrypto } from "./crypto.js";
import { WebhookError } from "./errors.js";
import type { Delivery, KeyMode, ScopeName, VerificationStatus } from "./generated/types.gen.js";

/** What is told of a verification: never its code, its number or its metadata. */
export interface VerificationEventData {
  verification_id: string;
  mode: KeyMode;
  profile: string | null;
  country: string | null;
  status: VerificationStatus;
  delivery: Delivery;
  message_id: string | null;
  provider: string | null;
  /** What the provider said, or why it was canceled: `client` or `transaction_mismatch`. */
  reason: string | null;
}

/** What is told of a key: never its secret. */
export interface KeyEventData {
  key_id: string;
  mode: KeyMode;
  name: string;
  scopes: ScopeName[];
  disabled: boolean;
  expires_at: string | null;
  replaced_by: string | null;
  /** The member to whom the key belongs; null for a key of the company. */
  member_id: string | null;
}

/** The limits of a member. Null stands for all things, or for no bound. */
export interface MemberLimits {
  role: "owner" | "subuser";
  permissions: ScopeName[];
  zone: string;
  hours: string;
  senders: string[] | null;
  templates: string[] | null;
  profiles: string[] | null;
  groups: string[] | null;
  pool: number | null;
  most_parts: number | null;
}

/** What a message says about a member: never a name or an e-mail address. */
export interface MemberEventData extends MemberLimits {
  member_id: string;
  /** The invitation that made it a member, in `member.created`. */
  invitation_id: string | null;
  disabled: boolean;
}

/** What a message says about an invitation. */
export interface InvitationEventData extends MemberLimits {
  invitation_id: string;
  /** The id of a member or a key, or `operator`. */
  invited_by: string;
  expires_at: string;
}

/** What a ping says. */
export interface PingEventData {
  webhook_id: string;
  mode: KeyMode;
}

interface Message<Type extends string, Data> {
  /** The `webhook-id`. A message may come twice: remember it for some days. */
  id: string;
  type: Type;
  /** When it happened (RFC 3339). Messages come in no order. */
  timestamp: string;
  data: Data;
}

/** Something happened to a verification. */
export type VerificationEvent = Message<
  | "verification.started"
  | "verification.sent"
  | "verification.delivered"
  | "verification.approved"
  | "verification.failed"
  | "verification.expired"
  | "verification.canceled"
  | "verification.exhausted"
  | "message.failed",
  VerificationEventData
>;

/** A key was changed, or ends soon. */
export type KeyEvent = Message<
  "key.created" | "key.updated" | "key.rotated" | "key.disabled" | "key.enabled" | "key.deleted" | "key.expiring",
  KeyEventData
>;

/** Somebody was invited. */
export type InvitationEvent = Message<"member.invited", InvitationEventData>;

/** A person became a member, or a member was changed. */
export type MemberEvent = Message<
  "member.created" | "member.updated" | "member.disabled" | "member.enabled" | "member.deleted",
  MemberEventData
>;

/** Somebody tried out the webhook. */
export type PingEvent = Message<"webhook.ping", PingEventData>;

/**
 * An event that a later server tells. At run time `type` is what the server sent; its text here
 * only keeps `switch (event.type)` narrowing the others, and asks for a `default`.
 */
export type UnknownEvent = Message<"(unknown to this release)", Record<string, unknown>>;

/** A message of a webhook. */
export type WebhookEvent = VerificationEvent | KeyEvent | InvitationEvent | MemberEvent | PingEvent | UnknownEvent;

/** Headers, as a `Request` or as Node gives them. */
export type WebhookHeaders = { get(name: string): string | null } | Record<string, string | readonly string[] | undefined>;

/** How strictly a message is looked at. */
export interface WebhookOptions {
  /** Seconds that the sender's clock may be off, either way; 300 when absent. */
  readonly tolerance?: number | undefined;
}

const MOST_BYTES = 1024 * 1024;
const MOST_TRIED = 16;

/**
 * Says what a message of a webhook tells, after proving that your Countersign sent it just now;
 * throws {@link WebhookError} if it did not.
 *
 * @param payload The body as it came, before anything reads it as JSON.
 * @param headers The headers of the request.
 * @param secrets The secret of the webhook, `whsec_...`, or several of them.
 */
export async function verifyWebhook(
  payload: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  options: WebhookOptions = {},
): Promise<WebhookEvent> {
  const body = bytesOf(payload);
  const keys = secretsOf(secrets).map(keyOf);
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  checkTime(timestamp, options.tolerance ?? 300);
  const signatures = signaturesOf(header(headers, "webhook-signature"));
  const prefix = new TextEncoder().encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(prefix.length + body.length);
  signed.set(prefix);
  signed.set(body, prefix.length);
  for (const key of keys) if (await isSigned(key, signatures, signed)) return eventOf(id, body);
  throw new WebhookError("no signature is by this secret");
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  if (!(bytes instanceof Uint8Array)) throw new TypeError("payload must be the body as it came: text or bytes");
  if (bytes.length > MOST_BYTES) throw new WebhookError("the body is too long");
  return bytes;
}

function secretsOf(secrets: string | readonly string[]): readonly string[] {
  const all = typeof secrets === "string" ? [secrets] : secrets;
  if (Array.isArray(all) && all.length >= 1 && all.length <= MOST_TRIED) return all;
  throw new TypeError(`secrets must be 1 to ${MOST_TRIED} texts`);
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const text = typeof secret === "string" ? secret.replace(/^whsec_/, "") : "";
  const key = decode(text);
  if (key && key.length > 0) return key;
  throw new TypeError("secrets must be whsec_ and base64, as they were shown when the webhook was made");
}

function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function header(headers: WebhookHeaders, name: string): string {
  const value = typeof headers.get === "function" ? headers.get(name) : entry(headers, name);
  if (typeof value === "string" && value !== "") return value;
  throw new WebhookError(`the header ${name} is missing`);
}

function entry(headers: object, name: string): unknown {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
}

function checkTime(text: string, tolerance: number): void {
  if (!(tolerance >= 0)) throw new RangeError("tolerance must be a number of seconds from 0");
  if (!/^\d{1,12}$/.test(text)) throw new WebhookError("the header webhook-timestamp is not a time");
  const off = Date.now() / 1000 - Number(text);
  if (off > tolerance) throw new WebhookError("the message is too old");
  if (off < -tolerance) throw new WebhookError("the message is from the future");
}

function signaturesOf(text: string): Uint8Array<ArrayBuffer>[] {
  const known = text.split(" ").slice(0, MOST_TRIED).filter((one) => one.startsWith("v1,"));
  return known.map((one) => decode(one.slice(3))).filter((one) => one !== undefined);
}

/** Web Crypto compares in constant time. */
async function isSigned(key: Uint8Array<ArrayBuffer>, signatures: Uint8Array<ArrayBuffer>[], signed: Uint8Array<ArrayBuffer>) {
  const { subtle } = await webCrypto();
  const hmac = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  for (const signature of signatures) if (await subtle.verify("HMAC", hmac, signature, signed)) return true;
  return false;
}

function eventOf(id: string, body: Uint8Array): WebhookEvent {
  try {
    const event = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as WebhookEvent;
    if (typeof event.type === "string" && typeof event.data === "object" && event.data !== null) return { ...event, id };
  } catch {
    // Signed, and yet no event: told below.
  }
  throw new WebhookError("the body is not an event");
}
