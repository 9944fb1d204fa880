// The keyboard. Off while typing, off with <body data-keys-off>, and never in the way of the browser's own keys.
const body = document.body;
let going = 0;

const typing = (target) => target.closest?.('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]');
const rows = () => [...document.querySelectorAll('[data-keys="rows"] tbody tr, ul[data-keys="rows"] > li, ol[data-keys="rows"] > li')].filter((row) => row.checkVisibility());
const cursor = () => document.querySelector("[data-cursor]");

function moveTo(row) {
  cursor()?.removeAttribute("data-cursor");
  if (!row) return;
  row.setAttribute("data-cursor", "");
  row.scrollIntoView({ block: "nearest" });
  linkOf(row)?.focus({ preventScroll: true });
}

const linkOf = (row) => row.querySelector("[data-open]") ?? row.querySelector(".name a") ?? row.querySelector("a");

function step(by) {
  const all = rows();
  if (!all.length) return shortcut(by > 0 ? "j" : "k");
  const at = all.indexOf(cursor());
  moveTo(all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))]);
  return true;
}

function select(event) {
  const box = cursor()?.querySelector('input[type="checkbox"]');
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
  return box;
}

function shortcut(key) {
  const matching = `[aria-keyshortcuts~="${CSS.escape(key)}" i]:not(:disabled)`;
  const near = cursor()?.querySelector(matching);
  const target = near || [...document.querySelectorAll(matching)].find((element) => element.checkVisibility());
  if (!target) return false;
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
  return true;
}

function undo() {
  const button = [...document.querySelectorAll("[data-undo]")].findLast((element) => element.checkVisibility());
  button?.click();
  return button;
}

function go(key) {
  const link = document.querySelector(`a[data-go="${CSS.escape(key)}"]`);
  if (link) location.href = link.href;
  return link;
}

function handle(event) {
  const key = event.key.toLowerCase();
  if (Date.now() - going < 1200) {
    going = 0;
    return go(key);
  }
  if (key === "g") return (going = Date.now());
  if (event.key === "?") return document.dispatchEvent(new CustomEvent("open-dialog", { detail: { id: "keys-dialog" } }));
  if (key === "/") return document.dispatchEvent(new CustomEvent("open-palette"));
  if (key === "j") return step(1);
  if (key === "k") return step(-1);
  if (key === "x") return select(event);
  if (key === "z") return undo();
  if (event.key === "Escape") {
    moveTo(null);
    document.dispatchEvent(new CustomEvent("clear-selection"));
    return false;
  }
  return key.length === 1 && shortcut(key);
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("open-palette"));
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if ("keysOff" in body.dataset || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (handle(event)) event.preventDefault();
});
