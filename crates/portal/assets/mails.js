// The mails of `dev`: a list that reads itself again.
import { announce, find, make, timeOfDay } from "./page.js";

const EVERY_MS = 2000;
const known = new Set();

function link(mail, form, text) {
  return make("a", { href: `/dev/mails/${mail.id}/${form}`, target: "_blank", textContent: text });
}

function show(mails, tell) {
  const list = find("mails");
  find("mails-empty").hidden = mails.length > 0;
  const news = mails.filter((mail) => !known.has(mail.id));
  if (news.length === 0) return;
  news.forEach((mail) => known.add(mail.id));
  if (tell) announce(`New mail: ${news[0].subject}`);
  const row = (mail) => {
    const item = make("li", {});
    const hint = make("p", { className: "hint", textContent: `To ${mail.to}, ${timeOfDay(new Date(mail.at))}` });
    item.append(link(mail, "html", mail.subject), " ", link(mail, "text", "as text"), hint);
    return item;
  };
  list.replaceChildren(...mails.map(row));
}

/** Reads the mails now and again; the page shows those that it was served with until then. */
export function startMails() {
  let first = true;
  const read = async () => {
    try {
      const answer = await fetch("/dev/mails");
      if (answer.ok) show(await answer.json(), !first);
      first = false;
    } catch {
      // The server is away; the phone says so.
    }
    setTimeout(read, EVERY_MS);
  };
  read();
}
