// Comforts on top of pages that work without them.

/** Leads to the errors after a form was refused. */
document.querySelector(".summary")?.focus();

/** The buttons that copy an element's text. */
for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.querySelector("span");
  const said = label.textContent;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const lines = source.children.length ? [...source.children].map((line) => line.textContent) : [source.textContent];
    await navigator.clipboard.writeText(lines.join("\n"));
    label.textContent = button.dataset.copied;
    setTimeout(() => (label.textContent = said), 2_000);
  });
}

/** Sends a code once it is complete: after a paste, or straight from the message. */
const field = document.querySelector("input[data-code]");
if (field) {
  const digits = () => field.value.replace(/\D/g, "");
  const isComplete = () => digits().length === Number(field.dataset.code);
  const send = () => isComplete() && field.form.requestSubmit(field.form.querySelector(".primary, .destroy"));
  field.addEventListener("paste", () => setTimeout(send));
  if ("OTPCredential" in window) {
    const stop = new AbortController();
    field.form.addEventListener("submit", () => stop.abort());
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: stop.signal })
      .then((message) => {
        field.value = message.code;
        send();
      })
      .catch(() => {});
  }
}

/** Says two minutes before that the session ends. A later page in another tab moves the end. */
const note = document.getElementById("session-end");
if (note) {
  // The server's clock counts; this machine's may differ.
  const offset = Date.now() - Number(note.dataset.now);
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("countersign-session") : null;
  let timer;
  const wait = (endsAt) => {
    note.hidden = true;
    clearTimeout(timer);
    // A longer wait than a timer can hold is not worth a note.
    const left = endsAt + offset - 120_000 - Date.now();
    if (left < 2 ** 31) timer = setTimeout(() => (note.hidden = false), Math.max(left, 0));
  };
  const moved = (endsAt) => {
    wait(endsAt);
    tabs?.postMessage(endsAt);
  };
  tabs?.addEventListener("message", ({ data }) => wait(Number(data)));
  moved(Number(note.dataset.endsAt));
  note.querySelector("[data-stay]").addEventListener("click", async () => {
    const token = note.querySelector("[name=form_token]").value;
    const answer = await fetch("/portal/stay", { method: "POST", body: new URLSearchParams({ form_token: token }) });
    // Without a session the answer leads to the sign-in page, which says why.
    if (!answer.ok || answer.redirected) location.reload();
    else moved(Number(await answer.text()));
  });
}
