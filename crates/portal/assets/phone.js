// The virtual phone: conversations by number, threads, unread dots, sound.
import { announce, copy, find, icon, make, setIcon, timeOfDay } from "./page.js";

const MOST_KEPT = 1000;
const TITLE = document.title;

const messages = new Map();
const unread = new Set();
const bubbles = new Map();
let openNumber = null;
let followed = null;
let audio = null;

/** The thread of this number opens by itself when its message arrives. */
export function follow(number) {
  followed = `+${number.replace(/\D/g, "").replace(/^00/, "")}`;
}

const inOrder = () => [...messages.values()].sort((a, b) => a.at.localeCompare(b.at) || a.id.localeCompare(b.id));

/** The text with its code as a button that copies it. */
function bubble(message) {
  const body = make("p", { className: "bubble" });
  const at = message.code ? message.text.indexOf(message.code) : -1;
  if (at < 0) {
    body.append(message.text);
    return body;
  }
  const button = make("button", { type: "button", textContent: message.code, title: "Copy the code" });
  button.setAttribute("aria-label", `Copy the code ${[...message.code].join(" ")}`);
  body.append(message.text.slice(0, at), button, message.text.slice(at + message.code.length));
  button.addEventListener("click", async () => {
    if (!(await copy(message.code)) || body.parentElement.querySelector(".tick")) return;
    const tick = make("span", { className: "tick", textContent: "Copied" });
    tick.prepend(icon("check"));
    body.previousElementSibling.append(tick);
    setTimeout(() => tick.remove(), 1500);
  });
  return body;
}

function thread(message, isFresh) {
  const at = new Date(message.at);
  const time = make("time", { dateTime: message.at, textContent: timeOfDay(at), title: at.toLocaleString() });
  const item = make("li", { className: isFresh ? "fresh" : "" });
  item.append(make("p", { className: "meta" }, `${message.from}, `, time), bubble(message));
  return item;
}

function showThread() {
  const list = find("thread");
  for (const message of inOrder()) {
    if (message.to !== openNumber || bubbles.has(message.id)) continue;
    const item = thread(message, unread.has(message.id));
    bubbles.set(message.id, item);
    list.append(item);
    list.scrollTop = list.scrollHeight;
  }
  if (!document.hidden) {
    for (const id of [...unread]) if (messages.get(id)?.to === openNumber) unread.delete(id);
  }
}

function conversation(number, last, count) {
  const at = new Date(last.at);
  const button = make("button", { type: "button", className: count ? "unread" : "" });
  button.dataset.number = number;
  button.append(
    make("span", { className: count ? "dot" : "" }),
    make("span", { className: "who", textContent: number }),
    make("time", { dateTime: last.at, textContent: timeOfDay(at), title: at.toLocaleString() }),
    make("span", { className: "last", textContent: last.text.replace(/\s+/g, " ") }),
  );
  if (count) button.append(make("span", { className: "visually-hidden", textContent: `, ${count} unread` }));
  button.addEventListener("click", () => {
    open(number);
    find("back").focus();
  });
  return make("li", {}, button);
}

function showConversations() {
  const list = find("conversations");
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.number : null;
  const newest = new Map();
  const counts = new Map();
  for (const message of inOrder().reverse()) {
    if (!newest.has(message.to)) newest.set(message.to, message);
    if (unread.has(message.id)) counts.set(message.to, (counts.get(message.to) ?? 0) + 1);
  }
  list.replaceChildren(...[...newest].map(([number, last]) => conversation(number, last, counts.get(number) ?? 0)));
  if (focused) list.querySelector(`[data-number="${CSS.escape(focused)}"]`)?.focus();
}

function render() {
  find("empty").hidden = messages.size > 0;
  find("conversations").hidden = messages.size === 0 || openNumber !== null;
  find("thread").hidden = openNumber === null;
  find("back").hidden = openNumber === null;
  find("phone-heading").textContent = openNumber ?? "Messages";
  if (openNumber === null) showConversations();
  else showThread();
  document.title = unread.size ? `(${unread.size}) ${TITLE}` : TITLE;
}

function open(number) {
  if (number !== openNumber) {
    bubbles.clear();
    find("thread").replaceChildren();
  }
  openNumber = number;
  render();
}

/** Two short tones, made here: there is no sound file to load. */
function beep() {
  if (!audio) return;
  for (const [offset, pitch] of [[0, 880], [0.12, 1175]]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + offset;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.08, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.1);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.11);
  }
}

function toggleSound() {
  const button = find("sound");
  const isOn = !audio;
  if (isOn) {
    audio = new AudioContext();
    beep();
  } else {
    audio.close();
    audio = null;
  }
  button.setAttribute("aria-pressed", String(isOn));
  setIcon(button, isOn ? "sound" : "quiet");
}

function receive(message) {
  if (messages.has(message.id)) return;
  messages.set(message.id, message);
  unread.add(message.id);
  while (messages.size > MOST_KEPT) {
    const oldest = messages.keys().next().value;
    messages.delete(oldest);
    unread.delete(oldest);
  }
  beep();
  announce(`New message for ${message.to}`);
  if (message.to === followed && message.to !== openNumber) open(message.to);
  else render();
}

/** What is in the inbox: read already at the first load, new after a lost connection. */
async function load(isFirst) {
  try {
    const response = await fetch("/dev/messages", { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) return;
    for (const message of (await response.json()).reverse()) {
      if (!isFirst) receive(message);
      else messages.set(message.id, message);
    }
    if (isFirst) render();
  } catch {
    // The event stream connects again and then reads once more.
  }
}

/** A lost connection comes back by itself; a refused one is asked for again. */
function connect(isFirst) {
  const events = new EventSource("/dev/events");
  events.addEventListener("open", async () => {
    await load(isFirst);
    isFirst = false;
  });
  events.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 5000, isFirst);
  });
}

export function startPhone() {
  const tick = () => (find("clock").textContent = timeOfDay(new Date()));
  tick();
  setInterval(tick, 5000);
  find("thread").replaceChildren();
  render();
  connect(true);
  find("sound").hidden = false;
  find("back").addEventListener("click", () => {
    const number = openNumber;
    open(null);
    find("conversations").querySelector(`[data-number="${CSS.escape(number)}"]`)?.focus();
  });
  find("sound").addEventListener("click", toggleSound);
  document.addEventListener("visibilitychange", render);
}
