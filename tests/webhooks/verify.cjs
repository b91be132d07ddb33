// Verifies messages with the library of Standard Webhooks itself: lines of
// {"secret", "at", "headers", "body"} come in, each answered by "ok" or why not.
// `at` is the time, in seconds, by which the library judges the timestamp.
const readline = require("node:readline");
const { Webhook } = require("standardwebhooks");

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { secret, at, headers, body } = JSON.parse(line);
  Date.now = () => at * 1000;
  try {
    new Webhook(secret).verify(body, headers);
    console.log("ok");
  } catch (error) {
    console.log(error.message);
  }
});
