// The board: drag a card with mouse or finger, or move it by key: M, arrows, Enter. The server decides;
// what it refuses goes back to where it was.
const says = document.querySelector("[data-board-says]");
const HOLD = 300; // a finger rests this long before it drags instead of scrolls
const SLOP = 6;

const board = () => document.getElementById("board");
const laneOf = (element) => element.closest("[data-board] > .lane");
const lanes = () => [...board().querySelectorAll(":scope > .lane")];
const listOf = (lane) => lane.querySelector(":scope > ul");
const tell = (text) => { says.textContent = text; };
const toast = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));

// ---- the move itself ----
async function move(item, lane, home) {
  const card = item.querySelector(".kcard");
  const { card: id, stage: expected, name } = card.dataset;
  if (lane.dataset.category !== "open") {
    home.restore();
    return ask(id, lane.dataset.stage, expected);
  }
  card.setAttribute("data-pending", "");
  try {
    const answer = await send(id, lane.dataset.stage, expected);
    const event = JSON.parse(answer.headers.get("HX-Trigger") || "{}");
    if (answer.ok) {
      put(await answer.text());
      tell(`${name} moved to ${lane.dataset.name}.`);
    } else fail(card, home, event.toast?.text || "Not moved. Reload the page and try again.");
    if (answer.ok && event.toast) toast(event.toast);
  } catch {
    fail(card, home, "Not moved. You’re offline.");
  }
}

function send(id, stage, expected) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const query = board().dataset.here;
  return fetch(`/pipeline/${id}/move/${query ? `?${query}` : ""}`, {
    method: "POST",
    headers: { ...headers, "HX-Request": "true" },
    body: new URLSearchParams({ stage, expected, pipeline: new URLSearchParams(query).get("pipeline") || "" }),
  });
}

function put(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const focused = document.activeElement?.closest("[id^=card-]")?.id;
  for (const element of fresh.querySelectorAll("[id]")) {
    const old = document.getElementById(element.id);
    if (!old) continue;
    old.replaceWith(document.adoptNode(element));
    window.htmx?.process(element);
  }
  if (focused) document.getElementById(focused)?.querySelector("a")?.focus({ preventScroll: true });
}

function fail(card, home, text) {
  home.restore();
  card.removeAttribute("data-pending");
  card.setAttribute("data-failed", "");
  card.title = text;
  setTimeout(() => { card.removeAttribute("data-failed"); card.removeAttribute("title"); }, 6000);
  toast({ text, tone: "bad" });
  board().dispatchEvent(new CustomEvent("board-refresh"));
}

function ask(id, stage, expected) {
  const pipeline = new URLSearchParams(board().dataset.here).get("pipeline");
  const query = new URLSearchParams({ stage, expected, ...(pipeline && { pipeline }), next: location.pathname + location.search });
  window.htmx.ajax("GET", `/pipeline/${id}/move/?${query}`, { target: "#dialog" });
}

function homeOf(item) {
  const parent = item.parentElement;
  const after = item.nextElementSibling;
  return { lane: laneOf(item), restore: () => parent.isConnected && parent.insertBefore(item, after?.isConnected ? after : null) };
}

function light(lane) {
  for (const each of lanes()) each.toggleAttribute("data-over", each === lane);
}

// ---- pointer ----
let press = null; // a pointer is down on a card
let drag = null; // and has moved far enough to carry it

document.addEventListener("pointerdown", (event) => {
  const card = event.target.closest?.("[data-board] .kcard");
  if (!card || event.button || event.target.closest("button, .mv")) return;
  press = { card, x: event.clientX, y: event.clientY, id: event.pointerId, touch: event.pointerType === "touch" };
  if (press.touch) press.timer = setTimeout(() => press && pick(press.x, press.y), HOLD);
});

document.addEventListener("pointermove", (event) => {
  if (!press || event.pointerId !== press.id) return;
  const far = Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLOP;
  if (!drag && far && press.touch) return release();
  if (!drag && far) pick(press.x, press.y);
  if (drag) carry(event.clientX, event.clientY);
});

function pick(x, y) {
  const item = press.card.closest("li");
  const box = press.card.getBoundingClientRect();
  const ghost = document.createElement("li");
  ghost.className = "kcard";
  ghost.dataset.ghost = "";
  ghost.setAttribute("aria-hidden", "true");
  drag = { item, card: press.card, ghost, home: homeOf(item), dx: x - box.left, dy: y - box.top, width: box.width };
  drag.card.setAttribute("data-drag", "");
  drag.card.setAttribute("data-carried", "");
  drag.card.style.width = `${box.width}px`;
  item.after(ghost);
  carry(x, y);
}

function carry(x, y) {
  const { card, ghost } = drag;
  card.style.left = `${x - drag.dx}px`;
  card.style.top = `${y - drag.dy}px`;
  const box = board().getBoundingClientRect();
  if (x > box.right - 40) board().scrollLeft += 12;
  else if (x < box.left + 40) board().scrollLeft -= 12;
  const under = document.elementsFromPoint(x, y).find((element) => laneOf(element));
  drag.lane = under ? laneOf(under) : null;
  light(drag.lane);
  const list = drag.lane && listOf(drag.lane);
  if (!list) return;
  const before = [...list.children].find((item) => item !== drag.item && item !== ghost && y < middle(item));
  list.insertBefore(ghost, before || null);
}

function middle(item) {
  const box = item.getBoundingClientRect();
  return box.top + box.height / 2;
}

function release() {
  clearTimeout(press?.timer);
  press = null;
}

function drop() {
  const { item, card, ghost, home, lane } = drag;
  drag = null;
  for (const name of ["data-drag", "data-carried", "style"]) card.removeAttribute(name);
  const list = lane && listOf(lane);
  const moved = lane && lane !== home.lane;
  if (moved && list) list.insertBefore(item, ghost.isConnected ? ghost : null);
  ghost.remove();
  light(null);
  if (moved) move(item, lane, home);
}

document.addEventListener("pointerup", (event) => {
  if (!press || event.pointerId !== press.id) return;
  release();
  if (drag) {
    drop();
    // The click that ends a drag opens nothing.
    addEventListener("click", swallow, { capture: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }));
  }
});
function swallow(click) {
  click.preventDefault();
  click.stopPropagation();
}

document.addEventListener("pointercancel", () => { release(); cancelDrag(); });
document.addEventListener("touchmove", (event) => { if (drag) event.preventDefault(); }, { passive: false });
document.addEventListener("dragstart", (event) => { if (event.target.closest?.("[data-board]")) event.preventDefault(); });

function cancelDrag() {
  if (!drag) return;
  drag.lane = null;
  drop();
}

// ---- keyboard ----
let held = null; // a card picked up with M

function hold(item) {
  held = { item, home: homeOf(item), lane: laneOf(item) };
  item.querySelector(".kcard").setAttribute("data-drag", "");
  tell(`${nameOf(item)} picked up from ${held.lane.dataset.name}. Left and right choose a stage, Enter moves, Escape puts it back.`);
}

const nameOf = (item) => item.querySelector(".kcard").dataset.name;

function shift(by) {
  const all = lanes();
  const next = all[all.indexOf(held.lane) + by];
  if (!next) return;
  held.lane = next;
  light(next);
  const list = listOf(next);
  if (list) {
    list.prepend(held.item);
    held.item.querySelector("a").focus();
  }
  tell(`${nameOf(held.item)} to ${next.dataset.name}.`);
}

function letGo(commit) {
  const { item, home, lane } = held;
  held = null;
  light(null);
  item.querySelector(".kcard").removeAttribute("data-drag");
  if (commit && lane !== home.lane) return move(item, lane, home);
  home.restore();
  item.querySelector("a").focus();
  tell(`${nameOf(item)} stays in ${home.lane.dataset.name}.`);
}

function walk(item, key) {
  const across = { ArrowLeft: -1, ArrowRight: 1 }[key];
  const items = [...item.parentElement.querySelectorAll(":scope > li:has(.kcard)")];
  if (!across) return items[items.indexOf(item) + (key === "ArrowDown" ? 1 : -1)];
  const all = lanes().filter((lane) => listOf(lane)?.querySelector(".kcard"));
  const list = all[all.indexOf(laneOf(item)) + across];
  const others = list ? [...list.querySelectorAll("li:has(.kcard)")] : [];
  return others[Math.min(items.indexOf(item), others.length - 1)];
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key;
  if (drag && key === "Escape") { release(); cancelDrag(); return event.preventDefault(); }
  if (held) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (way) shift(way);
    else if (key === "Enter" || key === "Escape") letGo(key === "Enter");
    else if (key === "Tab") letGo(false);
    if (key !== "Tab") { event.preventDefault(); event.stopPropagation(); }
    return;
  }
  const item = event.target.closest?.("[data-board] li:has(> .kcard)");
  if (!item) return;
  if (key.toLowerCase() === "m" && !("keysOff" in document.body.dataset)) hold(item);
  else if (key.startsWith("Arrow")) walk(item, key)?.querySelector("a").focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

// ---- the poll never takes a card out of somebody’s hand, nor folds what was unfolded ----
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "board" && (drag || held || board().querySelector("[data-pending]"))) event.preventDefault();
});
// Nothing new on this board, whatever moved elsewhere: do not look again until something else does.
document.addEventListener("htmx:afterRequest", (event) => {
  const seen = event.target.id === "board" && event.detail.xhr?.getResponseHeader("X-Seen");
  if (seen) event.target.setAttribute("hx-vals", JSON.stringify({ seen }));
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "board" || event.detail.xhr.status !== 200) return;
  const focused = document.activeElement?.closest("[id^=card-]")?.id;
  const scrolled = [board().scrollLeft, ...lanes().map((lane) => listOf(lane)?.scrollTop || 0)];
  document.addEventListener("htmx:afterSwap", () => {
    board().scrollLeft = scrolled[0];
    lanes().forEach((lane, index) => { const list = listOf(lane); if (list) list.scrollTop = scrolled[index + 1]; });
    if (focused) document.getElementById(focused)?.querySelector("a")?.focus({ preventScroll: true });
  }, { once: true });
});
