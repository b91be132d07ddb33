// The request of a step as tabs, one a language. The chosen one holds for all steps and is remembered.
import { copyButton, make } from "./page.js";
import { LANGUAGES, snippets } from "./snippets.js";

const STORED = "countersign.language";
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
let chosen = stored();
let made = 0;

/** A browser may keep nothing, or what another version kept. */
function stored() {
  try {
    const language = localStorage.getItem(STORED);
    return Object.hasOwn(LANGUAGES, language ?? "") ? language : "curl";
  } catch {
    return "curl";
  }
}

function remember(language) {
  chosen = language;
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // It then holds until the page is left.
  }
}

/** Shows one language; one that a step has no words in shows its curl line. */
function show(box, language) {
  const shown = box.querySelector(`[role="tab"][data-language="${language}"]`) ? language : "curl";
  for (const tab of box.querySelectorAll('[role="tab"]')) {
    const isShown = tab.dataset.language === shown;
    tab.setAttribute("aria-selected", String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
  }
  for (const panel of box.querySelectorAll('[role="tabpanel"]')) panel.classList.toggle("shown", panel.dataset.language === shown);
  const button = box.querySelector("[data-copy]");
  const panel = box.querySelector(".shown");
  button.dataset.copy = panel.dataset.text;
  button.setAttribute("aria-label", `Copy ${box.dataset.step} ${shown === "curl" ? "as a curl line" : `in ${LANGUAGES[shown]}`}`);
}

function choose(language) {
  remember(language);
  for (const box of document.querySelectorAll(".request")) show(box, language);
}

/** Arrows go round, Home and End to the ends; what is focused is chosen. */
function move(event) {
  const tabs = [...event.currentTarget.querySelectorAll('[role="tab"]')];
  const at = tabs.indexOf(event.target);
  const to = { Home: 0, End: tabs.length - 1 }[event.key] ?? (at + (STEPS[event.key] ?? 0) + tabs.length) % tabs.length;
  if (at < 0 || to === at || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  tabs[to].focus();
  choose(tabs[to].dataset.language);
}

/** Long lines break before the parts of an address, after what opens, and before a value. */
const breakable = (text) => text.split(/(?<=\w)(?=\/\w)|(?<=[({]|=(?="))/).flatMap((part, n) => (n ? [make("wbr"), part] : [part]));

/** A line, in which the key with the quote after it stays in one piece. */
function line(text, shortKey) {
  const start = text.indexOf(shortKey);
  if (start < 0) return make("span", {}, ...breakable(text));
  const end = start + shortKey.length + 1;
  const key = make("span", { className: "whole", textContent: text.slice(start, end) });
  return make("span", {}, ...breakable(text.slice(0, start)), key, ...breakable(text.slice(end)));
}

/** The code; each line is an element, so that what is broken goes on indented. */
const paint = (text, shortKey) =>
  make("code", {}, ...text.split("\n").flatMap((each, n) => (n ? ["\n", line(each, shortKey)] : [line(each, shortKey)])));

/** The request with the key cut short to be seen, and whole to be copied. */
export function requestTabs(request, shortKey) {
  const whole = snippets(request);
  const seen = snippets({ ...request, key: shortKey });
  const number = ++made;
  const step = `${request.method} ${request.path}`;
  const bar = make("div", { className: "tabs" });
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", `${step} in`);
  const panels = make("div", { className: "panels" });
  for (const language of Object.keys(whole)) {
    const tab = make("button", { type: "button", id: `tab-${number}-${language}`, textContent: LANGUAGES[language] });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `panel-${number}-${language}`);
    tab.dataset.language = language;
    tab.addEventListener("click", () => choose(language));
    bar.append(tab);
    const panel = make("pre", { id: `panel-${number}-${language}`, tabIndex: 0 }, paint(seen[language], shortKey));
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    Object.assign(panel.dataset, { language, text: whole[language] });
    panels.append(panel);
  }
  bar.addEventListener("keydown", move);
  const box = make("div", { className: "request" }, make("div", { className: "head" }, bar, copyButton("", "")), panels);
  box.dataset.step = step;
  show(box, chosen);
  return box;
}
