// Toasts: from the page, from HX-Trigger {"toast": {text, tone, undo}}, or from a "toast" event on document.
const LIFE = 8000;
const box = document.querySelector("[data-toasts]");

function let_go(toast) {
  let timer = setTimeout(() => toast.remove(), LIFE);
  const hold = () => clearTimeout(timer);
  const release = () => { hold(); timer = setTimeout(() => toast.remove(), LIFE); };
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("pointerleave", release);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("focusout", release);
}

function add({ text, tone, undo }) {
  const toast = box.querySelector("template").content.firstElementChild.cloneNode(true);
  toast.querySelector("span").textContent = text;
  if (tone === "bad") {
    toast.dataset.tone = "bad";
    const use = toast.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace("circle-check", "circle-alert"));
  }
  if (undo) {
    const form = toast.querySelector("form");
    form.action = undo;
    form.hidden = false;
  } else toast.querySelector("form").remove();
  box.append(toast);
  let_go(toast);
}

if (box) {
  box.querySelectorAll(".toast").forEach(let_go);
  document.addEventListener("toast", (event) => add(event.detail));
}
