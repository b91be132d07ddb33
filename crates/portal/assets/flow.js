// The sign-in form: start, check, send again, cancel, and the ways it ends.
import { announce, find, minutes, setIcon } from "./page.js";
import { follow } from "./phone.js";
import { watchTimeline } from "./timeline.js";
import { call } from "./wire.js";

const ENDS = {
  approved: ["check", "Number confirmed", "The code was right. Your own service would now let this person in."],
  exhausted: ["stop", "Too many wrong codes", "This code no longer works. Ask for a new one and try again."],
  expired: ["clock", "The code has expired", "Codes work for a few minutes only. Ask for a new one."],
  canceled: ["stop", "Canceled", "The code no longer works."],
  failed: ["stop", "The message could not be sent", "No provider took it. Check how the provider is set, then try again."],
};

const startForm = find("start-form");
const codeForm = find("code-form");
let current = null;
let isBusy = false;

const isLive = (id) => () => current?.id === id && current.status === "pending";

/** The message beside the field and in the summary, or only in the summary. */
function fail(form, field, words) {
  const input = form.querySelector("input");
  const summary = form.querySelector(".summary");
  const beside = form.querySelector(".error");
  input.setAttribute("aria-invalid", String(Boolean(field)));
  beside.textContent = field ? words : "";
  beside.hidden = !field;
  summary.querySelector("a").textContent = field ? words : "";
  summary.querySelector("span").textContent = field ? "" : words;
  summary.hidden = !words;
  if (words) {
    input.focus();
    input.select();
  }
}

/** What a refused call means for the person. */
function explain(form, answer) {
  const problem = answer.body ?? {};
  const name = form.querySelector("input").name;
  const own = problem.errors?.find((error) => error.field === name);
  const first = own ?? problem.errors?.[0];
  const isField = Boolean(own) || ["invalid_phone_number", "number_cannot_receive_sms", "invalid_code"].includes(problem.code);
  const wait = problem.retry_after ? ` Try again in ${minutes(problem.retry_after * 1000)}.` : "";
  const words = first?.message ?? problem.detail ?? problem.title ?? answer.words;
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  fail(form, isField, (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`) + wait);
}

/** Shows one step and hides the others. */
function step(element) {
  for (const each of [startForm, codeForm, find("end")]) each.hidden = each !== element;
}

function finish(status) {
  current.status = status;
  const [icon, title, words] = ENDS[status] ?? ENDS.failed;
  const end = find("end");
  end.dataset.state = status;
  setIcon(end, icon);
  end.querySelector("h3").textContent = title;
  end.querySelector("p").textContent = words;
  step(end);
  end.querySelector("h3").focus();
}

/** Brings the countdowns to now; each second and after each answer. */
function tick() {
  if (current?.status !== "pending") return;
  const now = Date.now();
  const expiry = Date.parse(current.expires_at) - now;
  if (expiry <= 0) return finish("expired");
  find("expiry").textContent = minutes(expiry);
  const wait = current.resend_at ? Date.parse(current.resend_at) - now : null;
  const isReady = wait !== null && wait <= 0;
  find("again").hidden = !isReady;
  find("again-wait").hidden = isReady;
  find("again-wait").textContent = wait === null ? "No more messages can be sent" : `Send again in ${minutes(wait)}`;
}

function mask(number) {
  return number.slice(0, 3) + "*".repeat(Math.max(0, number.length - 6)) + number.slice(-3);
}

/** Runs one call at a time: a double click is one click. */
async function once(form, act) {
  if (isBusy) return;
  isBusy = true;
  form.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    isBusy = false;
    form.removeAttribute("aria-busy");
  }
}

async function start() {
  const to = startForm.elements.to.value.trim();
  if (!to) return fail(startForm, true, "Enter your phone number.");
  fail(startForm, false, "");
  follow(to);
  const answer = await call("POST", "/v1/verifications", { to });
  if (!answer.ok) return explain(startForm, answer);
  current = answer.body;
  find("masked").textContent = mask(current.to);
  codeForm.reset();
  fail(codeForm, false, "");
  step(codeForm);
  tick();
  codeForm.elements.code.focus();
  watchTimeline(current.id, isLive(current.id), refresh);
}

async function check() {
  const code = codeForm.elements.code.value.replace(/[\s-]/g, "");
  if (!code) return fail(codeForm, true, "Enter the code from the message.");
  const answer = await call("POST", `/v1/verifications/${current.id}/check`, { code });
  if (answer.status === 404) return finish("expired");
  if (!answer.ok) return explain(codeForm, answer);
  const { status, attempts_left: left } = answer.body;
  if (status !== "pending") return finish(status);
  fail(codeForm, true, `That is not the code. ${left === 1 ? "1 try" : `${left} tries`} left.`);
}

/** Reads the verification again, after an event that may have ended it. */
async function refresh() {
  const answer = await call("GET", `/v1/verifications/${current.id}`);
  if (!answer.ok || answer.body.id !== current.id) return;
  current = { ...answer.body, to: current.to };
  if (current.status === "pending") tick();
  else finish(current.status);
}

async function resend() {
  const answer = await call("POST", `/v1/verifications/${current.id}/resend`);
  if (answer.ok) {
    current = answer.body;
    fail(codeForm, false, "");
    announce("Sent again");
    codeForm.elements.code.focus();
    return tick();
  }
  if (answer.body?.code === "verification_ended") return refresh();
  explain(codeForm, answer);
}

async function cancel() {
  const answer = await call("POST", `/v1/verifications/${current.id}/cancel`);
  if (answer.ok || answer.status === 404) return finish("canceled");
  if (answer.body?.code === "verification_ended") return refresh();
  explain(codeForm, answer);
}

function paste(event) {
  const text = event.clipboardData.getData("text").trim();
  if (!text) return;
  event.preventDefault();
  event.target.value = text;
  codeForm.requestSubmit();
}

export function startFlow() {
  const submit = (form, act) => (event) => {
    event.preventDefault();
    once(form, act);
  };
  startForm.addEventListener("submit", submit(startForm, start));
  codeForm.addEventListener("submit", submit(codeForm, check));
  // No WebOTP: the message never reaches a real phone, so nothing could answer.
  codeForm.elements.code.addEventListener("paste", paste);
  find("again").addEventListener("click", () => once(codeForm, resend));
  find("cancel").addEventListener("click", () => once(codeForm, cancel));
  find("restart").addEventListener("click", () => {
    step(startForm);
    startForm.elements.to.focus();
  });
  startForm.querySelector(".primary").disabled = false;
  setInterval(tick, 1000);
}
