// The timeline in words, and the switch of the pretended provider.
import { find, make } from "./page.js";

const TONES = { approved: "good", delivered: "good", check_wrong: "warn", message_retried: "warn", message_dropped: "warn", exhausted: "bad", message_rejected: "bad", undelivered: "bad" };

let timer = null;
let watched = null;

function line(event, start) {
  const at = new Date(event.at);
  const since = ((at - start) / 1000).toFixed(1);
  const time = make("time", { dateTime: event.at, textContent: `+${since} s`, tabIndex: 0 });
  time.dataset.exact = at.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
  return make("li", { className: TONES[event.kind] ?? "" }, time, make("span", { textContent: event.sentence }));
}

/** Reads the timeline once; the kinds of its events, or null when it could not be read. */
async function read(id) {
  try {
    const response = await fetch(`/dev/timeline/${id}`, { signal: AbortSignal.timeout(5000) });
    if (!response.ok || id !== watched) return null;
    const events = await response.json();
    const list = find("timeline");
    // Only what is new is added: a focused time keeps its focus.
    const start = new Date(events[0]?.at);
    for (const event of events.slice(list.children.length)) list.append(line(event, start));
    find("timeline-empty").hidden = true;
    return events.map((event) => event.kind);
  } catch {
    return null;
  }
}

/** Follows a verification each second while `isLive()`, and once after. */
export function watchTimeline(id, isLive, onRejected) {
  clearTimeout(timer);
  watched = id;
  find("timeline").replaceChildren();
  let rejections = 0;
  const turn = async () => {
    const wasLive = isLive();
    const kinds = await read(id);
    if (id !== watched) return;
    const count = kinds?.filter((kind) => kind === "message_rejected").length ?? rejections;
    if (count > rejections && wasLive) onRejected();
    rejections = count;
    if (wasLive) timer = setTimeout(turn, 1000);
  };
  turn();
}

async function choose(mode) {
  const error = find("provider-error");
  try {
    const response = await fetch("/dev/provider", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ mode }),
      signal: AbortSignal.timeout(5000),
    });
    error.hidden = response.ok;
  } catch {
    error.hidden = false;
  }
  error.textContent = error.hidden ? "" : "The switch did not move. Is Countersign still running?";
}

export function startProvider() {
  const form = find("provider-form");
  form.addEventListener("change", () => choose(new FormData(form).get("mode")));
}
