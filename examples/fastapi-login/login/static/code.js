// The code straight from the message where the browser can (WebOTP), and the countdown to "Send again".
// Without this file everything works, by typing.
const form = document.querySelector("form[data-otp]");
const input = form.elements.code;

if ("OTPCredential" in window) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  form.addEventListener("submit", stop);
  addEventListener("pagehide", stop);
  setTimeout(stop, form.dataset.expiresIn * 1000);
  navigator.credentials
    .get({ otp: { transport: ["sms"] }, signal: controller.signal })
    .then((otp) => {
      if (!otp?.code || input.value) return;
      input.value = otp.code;
      form.requestSubmit();
    })
    .catch(() => {}); // No permission, or stopped: the person types.
}

const again = document.querySelector("[data-again]");
if (again) {
  const words = document.querySelector("[data-again-wait]");
  // By how long the page is open: the clocks of phones are often wrong.
  const ready = performance.now() + again.dataset.wait * 1000;
  const tick = () => {
    const left = Math.ceil((ready - performance.now()) / 1000);
    again.hidden = left > 0;
    const seconds = String(left % 60).padStart(2, "0");
    words.textContent = left > 0 ? `Send again in ${Math.floor(left / 60)}:${seconds}` : "";
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}
