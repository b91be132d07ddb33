// What the page does, as a curl line and by the SDKs. Knows no page: the tests run what it writes.

/** A text as one word of a shell. */
const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A text as a literal; what JSON escapes reads the same in all three languages. */
const literal = JSON.stringify;

/** What the SDKs call the requests of the page, by method and what follows the id. */
const ACTS = {
  "POST ": { name: "start", type: "StartVerification", gives: "v" },
  "GET ": { name: "get", gives: "v" },
  "POST check": { name: "check", type: "Check", gives: "answer" },
  "POST resend": { name: "resend", gives: "v" },
  "POST cancel": { name: "cancel", gives: "v" },
};

function curl({ method, path, body, key, baseUrl }) {
  const lines = [`curl -X ${method} ${baseUrl}${path}`, `-H ${quote(`Authorization: Bearer ${key}`)}`];
  if (body) lines.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

function typescript({ name, gives, id, fields, key, baseUrl }) {
  const body = fields.map(([field, value]) => `${field}: ${literal(value)}`).join(", ");
  const values = [id && literal(id), body && `{ ${body} }`].filter(Boolean).join(", ");
  return `import { Countersign } from "countersign";

const client = new Countersign(${literal(key)}, {
  baseUrl: ${literal(baseUrl)},
});
const ${gives} = await client.verifications.${name}(${values});
console.log(${gives}.status);`;
}

function python({ name, gives, id, fields, key, baseUrl }) {
  const body = fields.map(([field, value]) => `${field}=${literal(value)}`);
  const values = [...(id ? [literal(id)] : []), ...body].join(", ");
  return `from countersign import Countersign

client = Countersign(
    ${literal(key)},
    base_url=${literal(baseUrl)},
)
${gives} = client.verifications.${name}(${values})
print(${gives}.status)`;
}

function go({ name, type, gives, id, fields, key, baseUrl }) {
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const body = fields.map(([field, value]) => `${capital(field)}: ${literal(value)}`).join(", ");
  const values = ["ctx", id && literal(id), type && `countersign.${type}{${body}}`].filter(Boolean).join(", ");
  return `client, err := countersign.New(${literal(key)},
	countersign.WithBaseURL(${literal(baseUrl)}))
if err != nil {
	return err
}
${gives}, err := client.Verifications.${capital(name)}(${values})
if err != nil {
	return err
}
fmt.Println(${gives}.Status)`;
}

/** The languages in the order of their tabs. */
export const LANGUAGES = { curl: "curl", typescript: "TypeScript", python: "Python", go: "Go" };

/**
 * A request to the API in each language that has words for it.
 * `{method, path, body?: {to} or {code}, key, baseUrl}` gives `{curl, typescript?, python?, go?}`.
 */
export function snippets(request) {
  const [, id, rest = ""] = request.path.match(/^\/v1\/verifications(?:\/(ver_\w+)(?:\/(\w+))?)?$/) ?? [];
  const act = request.path.startsWith("/v1/verifications") && ACTS[`${request.method} ${rest}`];
  if (!act || (act.name === "start") === Boolean(id)) return { curl: curl(request) };
  const call = { ...act, id, fields: Object.entries(request.body ?? {}), key: request.key, baseUrl: request.baseUrl };
  return { curl: curl(request), typescript: typescript(call), python: python(call), go: go(call) };
}
