// Hosted forms work without this: it only keeps an impatient second click from looking broken, and
// tells an embedding page how tall the form is.

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-once]");
  if (!form) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.querySelector("button:not([type=button])")?.setAttribute("aria-busy", "true");
});

// Back in the browser's history the page is as it was left: let it be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});

document.querySelector("[aria-invalid=true]")?.focus();

if (window.parent !== window) {
  // Not the document's height, which is never less than the frame's.
  const main = document.querySelector("main");
  const tell = () => window.parent.postMessage({ leadcrmHeight: main.offsetHeight }, "*");
  new ResizeObserver(tell).observe(main);
}
