// A form that is on its way is not sent again by a second click.
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") event.preventDefault();
    form.ariaBusy = "true";
  });
}
// The page may come back as it was left.
addEventListener("pageshow", () => {
  for (const form of document.forms) form.ariaBusy = null;
});
