// What every part of the page needs: elements, words for screen readers, copying.

export const find = (id) => document.getElementById(id);

/** An element with properties and children; strings become text, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A small icon from the sprite in the page. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Exchanges the picture of an icon that is there already. */
export function setIcon(svg, name) {
  svg.querySelector("use").setAttribute("href", `#i-${name}`);
}

/** Says something to screen readers without moving the focus. */
export function announce(words) {
  const region = find("announce");
  region.textContent = "";
  setTimeout(() => (region.textContent = words), 50);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
    return true;
  } catch {
    announce("The browser did not allow copying. Select the text instead.");
    return false;
  }
}

/** A button that copies `text` and says so for a moment. */
export function copyButton(text, label) {
  const button = make("button", { type: "button", className: "small" }, icon("copy"), make("span", { textContent: "Copy" }));
  button.dataset.copy = text;
  button.setAttribute("aria-label", label);
  return button;
}

async function copyFrom(button) {
  if (!(await copy(button.dataset.copy))) return;
  const words = button.querySelector("span");
  setIcon(button, "check");
  words.textContent = "Copied";
  setTimeout(() => {
    setIcon(button, "copy");
    words.textContent = "Copy";
  }, 1500);
}

/** One listener serves every copy button, also those made later. */
export function watchCopyButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copyFrom(button);
  });
}

/** `0:27`; never negative. */
export function minutes(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** `14:05`, in the manner of the reader. */
export function timeOfDay(date) {
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
