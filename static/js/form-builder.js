// The form builder: fields are dragged by their grip, or moved with the arrow keys while it has the
// focus. Everything else is plain posts. The server decides the order and sends it back.
const list = () => document.getElementById("fieldlist");
const items = () => [...list().querySelectorAll(":scope > li[data-key]")];

async function send(todo, focus) {
  const form = document.getElementById("order");
  const body = new URLSearchParams(new FormData(form));
  body.set("do", todo);
  const answer = await fetch(form.action, { method: "POST", body });
  if (!answer.ok) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["fieldlist", "preview", "draft-state"]) {
    const part = fresh.getElementById(id);
    if (part) document.getElementById(id)?.replaceWith(document.adoptNode(part));
  }
  light();
  if (focus) list().querySelector(`li[data-key="${CSS.escape(focus)}"] [data-grip]`)?.focus();
}

// ---- keys ----
document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  if (!grip || !way) return;
  event.preventDefault();
  const key = grip.closest("li").dataset.key;
  send(`${way}:${key}`, key);
});

// ---- pointer ----
let carried = null;

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  if (!grip || event.button) return;
  event.preventDefault();
  carried = grip.closest("li");
  carried.dataset.drag = "";
  grip.setPointerCapture(event.pointerId);
});

document.addEventListener("pointermove", (event) => {
  if (!carried) return;
  const after = items().find((item) => {
    const box = item.getBoundingClientRect();
    return item !== carried && event.clientY < box.top + box.height / 2;
  });
  if (after) list().insertBefore(carried, after);
  else items().at(-1).after(carried);
});

document.addEventListener("pointerup", () => {
  if (!carried) return;
  const { key } = carried.dataset;
  delete carried.dataset.drag;
  const place = items().indexOf(carried);
  carried = null;
  send(`move:${key}:${place}`);
});

document.addEventListener("pointercancel", () => {
  if (carried) location.reload();
});

// ---- the chosen field is outlined in the preview ----
function light() {
  const form = document.querySelector("[data-preview]");
  if (!form) return;
  for (const block of form.querySelectorAll("[data-key]")) {
    block.toggleAttribute("data-on", block.dataset.key === form.dataset.onKey);
  }
}

// Another kind of question has other settings: save, and show the pane anew.
document.addEventListener("change", (event) => {
  if (event.target.id === "id_q-type" || event.target.id === "id_q-when_field") {
    event.target.form.requestSubmit();
  }
});
document.addEventListener("htmx:afterSettle", light);
light();
