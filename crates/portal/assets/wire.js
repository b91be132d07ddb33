// Calls the API with the demo key, and shows each request and answer as sent.
import { find, make } from "./page.js";
import { requestTabs } from "./tabs.js";

const { key, shortKey, baseUrl } = document.body.dataset;
const MOST_SHOWN = 12;
const TIME_OUT = 10_000;

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?/g;

/** JSON with names and values told apart, built from text nodes only. */
function paint(json) {
  const code = make("code");
  let end = 0;
  for (const match of json.matchAll(TOKEN)) {
    const kind = match[2] ? "name" : match[1] ? "string" : "literal";
    const word = match[1] ?? match[0];
    code.append(json.slice(end, match.index), make("span", { className: kind, textContent: word }));
    end = match.index + word.length;
  }
  code.append(json.slice(end));
  return code;
}

function show(method, path, body, answer) {
  const badge = make("span", {
    className: `badge ${answer.ok ? "good" : "bad"}`,
    textContent: answer.status ? `${answer.status} ${answer.words}` : "No answer",
  });
  const summary = make("summary", {}, method, make("span", { className: "path", textContent: path, title: path }), badge);
  const shown = answer.body === undefined ? answer.words : JSON.stringify(answer.body, null, 2);
  const parts = make(
    "div",
    { className: "parts" },
    requestTabs({ method, path, body, key, baseUrl }, shortKey),
    make("div", { className: "head" }, "Answer"),
    make("pre", {}, paint(shown)),
  );
  const list = find("exchanges");
  for (const older of list.querySelectorAll("details")) older.open = false;
  list.prepend(make("li", {}, make("details", { className: "exchange", open: true }, summary, parts)));
  while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
  list.scrollTop = 0;
  find("wire-empty").hidden = true;
}

async function send(method, path, body) {
  const headers = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(path, { method, headers, body, signal: AbortSignal.timeout(TIME_OUT) });
    const text = await response.text();
    const answer = { ok: response.ok, status: response.status, words: response.statusText };
    try {
      answer.body = JSON.parse(text);
    } catch {
      answer.words ||= "No JSON";
    }
    return answer;
  } catch {
    return { ok: false, status: 0, words: "Countersign did not answer. Is it still running?" };
  }
}

/** Calls the API: `{ok, status, words, body?}`. Never throws. */
export async function call(method, path, value) {
  const answer = await send(method, path, value === undefined ? undefined : JSON.stringify(value));
  show(method, path, value, answer);
  return answer;
}
