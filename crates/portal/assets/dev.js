// The page of `countersign dev`: starts its parts.
import { startFlow } from "./flow.js";
import { watchCopyButtons } from "./page.js";
import { startMails } from "./mails.js";
import { startPhone } from "./phone.js";
import { startProvider } from "./timeline.js";

watchCopyButtons();
startPhone();
startMails();
startFlow();
startProvider();
