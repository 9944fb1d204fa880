// Dialogs, menus, clocks and small conveniences. Everything listens on document, so that swapped content works.

// ---- dialogs ----
const opener = new WeakMap();

function open(dialog, from) {
  if (!dialog || dialog.open) return;
  opener.set(dialog, from || document.activeElement);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog]");
  if (button) {
    const dialog = document.getElementById(button.dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    button.closest("[popover]")?.hidePopover();
    open(dialog, button);
    return;
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  else if (event.target.matches("dialog[open]") && outside(event)) event.target.close();
});

function outside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

document.addEventListener("open-dialog", (event) => open(document.getElementById(event.detail.id)));
document.addEventListener("close-dialog", () => document.querySelector("dialog[open]")?.close());
document.addEventListener("close", (event) => opener.get(event.target)?.focus?.(), true);
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.target.closest?.("dialog");
  if (!dialog || dialog.id === "palette") return;
  if (dialog.childElementCount) {
    dialog.setAttribute("aria-label", dialog.querySelector("h2")?.textContent || "Dialog");
    open(dialog, event.detail.requestConfig?.elt);
    const first = dialog.querySelector('[aria-invalid="true"], [autofocus]');
    (first || dialog.querySelector("input:not([type=hidden]), select, textarea"))?.focus();
  } else dialog.close();
});

// ---- menus: placed under their button, inside the window ----
document.addEventListener("click", (event) => {
  const button = event.target.closest("[popovertarget]");
  const menu = button && document.getElementById(button.getAttribute("popovertarget"));
  if (menu?.matches(".menu:not(.sheet)")) {
    menu.dataset.placed = "";
    requestAnimationFrame(() => place(menu, button));
  }
});

function place(menu, button) {
  const from = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = from.bottom + 4 + height < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, below ? from.bottom + 4 : from.top - height - 4)}px`;
  menu.style.margin = "0";
  menu.querySelector("a, button")?.focus();
}

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !step) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll("a, button")];
  items[(items.indexOf(event.target) + step + items.length) % items.length].focus();
});

// ---- clocks: worded as leadcrm.lib.ui words them ----
function words(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours < 4) return rest ? `${hours} h ${String(rest).padStart(2, "0")}` : `${hours} h`;
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

function tick() {
  for (const clock of document.querySelectorAll('[data-due]:not([data-k="met"])')) {
    const left = new Date(clock.dataset.due) - Date.now();
    if (left < 0 && clock.dataset.k === "due") {
      clock.dataset.k = "late";
      const symbol = clock.querySelector("use");
      symbol?.setAttribute("href", symbol.getAttribute("href").replace("#i-clock", "#i-clock-alert"));
    }
    const text = clock.querySelector("span");
    if (text) text.textContent = `${words(left)} ${left < 0 ? "over" : "left"}`;
  }
}
setInterval(tick, 20000);

// ---- conveniences ----
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    source.select?.();
    say("Press Ctrl C to copy the selected text.");
  }
});

// On a phone the settings menu is one long row: begin at the page one is on.
document.querySelector('.nav[data-v="sub"] [aria-current]')?.scrollIntoView({ block: "nearest", inline: "center" });

function say(text, tone = "") {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, tone } }));
}

document.addEventListener("htmx:sendError", () => say("You’re offline. Nothing was saved.", "bad"));
document.addEventListener("htmx:responseError", (event) => {
  const { xhr, target } = event.detail;
  if (target?.closest("#palette")) return;
  if ((xhr.getResponseHeader("HX-Trigger") || "").includes("toast")) return;
  const id = xhr.getResponseHeader("X-Request-ID");
  say(xhr.status === 404 ? "That isn’t there any more. Reload the page." : `That didn’t work. Try again.${id ? ` Reference ${id.slice(0, 8)}.` : ""}`, "bad");
});
