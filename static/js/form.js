// Hosted forms work without this. It shows one step at a time and questions that wait for an answer,
// keeps an impatient second click from looking broken, tells an embedding page how tall the form is,
// and counts (nobody is told who) how far visitors get. A form that says so keeps what was typed.

const form = document.querySelector("form[data-once]");

// ---- once ----
document.addEventListener("submit", (event) => {
  const sent = event.target.closest("form");
  if (!sent.matches("[data-once]") || event.defaultPrevented) return;
  if (sent.dataset.sent) {
    event.preventDefault();
    return;
  }
  sent.dataset.sent = "yes";
  sent.querySelector("[data-submit]")?.setAttribute("aria-busy", "true");
});

// Back in the browser's history the page is as it was left: let it be sent again.
addEventListener("pageshow", () => {
  for (const each of document.querySelectorAll("form[data-sent]")) {
    delete each.dataset.sent;
    each.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});

// ---- questions that wait for an answer: as leads/questions.py decides ----
const answered = (name) => {
  const block = form.querySelector(`[data-key="${CSS.escape(name)}"]`);
  if (block?.hidden) return [];
  return [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    .filter((input) => !/^(checkbox|radio)$/.test(input.type) || input.checked)
    .map((input) => input.value.trim().toLowerCase())
    .filter(Boolean);
};

const TICKED = ["on", "yes", "true", "1"];

function holds({ when, op, value }) {
  const given = answered(when);
  const wanted = (value || "").toLowerCase();
  if (op === "filled" || op === "empty") return (given.length > 0) === (op === "filled");
  if (op === "contains") return given.some((text) => text.includes(wanted));
  const same = given.some((text) => text === wanted || (TICKED.includes(text) && TICKED.includes(wanted)));
  return same === (op !== "is_not");
}

function decide() {
  for (const block of form.querySelectorAll("[data-when]")) {
    block.hidden = !holds(block.dataset);
    // What is hidden is not sent.
    for (const input of block.querySelectorAll("input, select, textarea")) input.disabled = block.hidden;
  }
}

// ---- steps ----
const steps = form?.matches("[data-steps]") ? [...form.querySelectorAll("[data-step]")] : [];
const submit = form?.querySelector("[data-submit]");
let here = 0;

function missing(step) {
  const found = [];
  for (const block of step.querySelectorAll(".field")) {
    if (block.hidden || block.closest("[hidden]:not([data-step])")) continue;
    const input = block.querySelector('[aria-required="true"]');
    if (!input) continue;
    const empty = answered(input.name).length === 0;
    tell(block, input, empty ? (/^(checkbox|radio)$/.test(input.type) || input.matches("select") ? "Choose one." : "Please fill this in.") : "");
    if (empty) found.push(input);
  }
  return found;
}

function tell(block, input, words) {
  let note = block.querySelector(".error");
  if (!words) {
    note?.remove();
    input.removeAttribute("aria-invalid");
    return;
  }
  if (!note) {
    note = document.createElement("span");
    note.className = "error";
    note.id = `${input.name}-missing`;
    block.append(note);
  }
  note.textContent = words;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", note.id);
}

function go(to, { focus = true } = {}) {
  here = to;
  steps.forEach((step, index) => { step.hidden = index !== here; });
  bar.hidden = false;
  back.hidden = here === 0;
  const last = here === steps.length - 1;
  next.hidden = last;
  submit.hidden = !last;
  count.textContent = `Step ${here + 1} of ${steps.length}`;
  if (focus) {
    const title = steps[here].querySelector("h2[tabindex]");
    (title || steps[here].querySelector("input, select, textarea"))?.focus();
  }
}

function button(words, primary) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn";
  made.dataset.sz = "lg";
  if (primary) made.dataset.v = "primary";
  made.textContent = words;
  return made;
}

const bar = document.createElement("div");
const back = button("Back", false);
const next = button("Continue", true);
const count = document.createElement("p");

function begin() {
  bar.className = "row stepbar";
  count.className = "muted sm end";
  count.setAttribute("role", "status");
  bar.append(back, next, count);
  submit.before(bar);
  form.dataset.stepping = "";
  next.addEventListener("click", forward);
  back.addEventListener("click", () => go(here - 1));
  // Enter in a field goes on, as it would send a form of one step.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input") || here === steps.length - 1) return;
    event.preventDefault();
    forward();
  });
  const wrong = steps.findIndex((step) => step.querySelector("[aria-invalid=true], [data-invalid]"));
  go(Math.max(wrong, 0), { focus: false });
}

function forward() {
  const empty = missing(steps[here]);
  if (empty.length) empty[0].focus();
  else go(here + 1);
}

// A link of the summary leads to a field of another step.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('#problems a[href^="#"]');
  const field = link && document.getElementById(link.hash.slice(1));
  const step = field ? steps.indexOf(field.closest("[data-step]")) : -1;
  if (step >= 0) go(step, { focus: false });
  if (field) {
    event.preventDefault();
    field.focus();
  }
});

// ---- counting ----
const events = new Map();
let started = false;
let last = "";

function note(what, field = "") {
  events.set(`${what} ${field}`, [what, field]);
}

function flush() {
  const at = form.querySelector('[name="lc_at"]')?.value;
  if (!events.size || !at || navigator.globalPrivacyControl) return;
  const body = JSON.stringify({ at, events: [...events.values()] });
  events.clear();
  navigator.sendBeacon(form.dataset.count, body);
}

function watch() {
  note("view");
  setTimeout(flush, 1000);
  form.addEventListener("input", () => {
    if (!started) note("start");
    started = true;
  });
  form.addEventListener("focusout", (event) => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (!key || !started) return;
    last = key;
    if (answered(event.target.name).length) note("filled", key);
  });
  addEventListener("pagehide", () => {
    if (started && !form.dataset.sent && last) note("left", last);
    flush();
  });
}

// ---- what was typed and not sent, where the page tells of it: see leads/capture/unfinished.py ----
const KEPT = `lc:${location.pathname}`;
const control = (name) => form.querySelector(`[name="lc_${name}"]`);
const CHOSEN = /^(checkbox|radio)$/;
let keptBefore = "";
let forgotten = false;
let waiting = 0;

function typed() {
  const answers = {};
  for (const block of form.querySelectorAll(".field[data-key]")) {
    if (block.hidden) continue;
    for (const input of block.querySelectorAll("input, select, textarea")) {
      if (!input.name || (CHOSEN.test(input.type) && !input.checked) || !input.value) continue;
      (answers[input.name] ??= []).push(input.value);
    }
  }
  for (const input of form.querySelectorAll('input[type="hidden"]:not([name^="lc_"])')) {
    if (input.value) answers[input.name] = [input.value];
  }
  return Object.fromEntries(Object.entries(answers).map(([name, all]) => [name, all.length > 1 ? all : all[0]]));
}

function keep(more = {}) {
  clearTimeout(waiting);
  if (form.dataset.sent || forgotten) return;
  const body = JSON.stringify({
    at: control("at")?.value,
    nonce: control("nonce")?.value,
    trap: control("confirm")?.value,
    page: control("page")?.value,
    ref: control("ref")?.value,
    visitor: control("visitor")?.value || "",
    answers: more.forget ? {} : typed(),
    last,
    ...more,
  });
  if (body === keptBefore) return;
  keptBefore = body;
  navigator.sendBeacon(form.dataset.keep, body);
}

// In this tab only: a page that is reloaded goes on where it was.
function remember() {
  if (forgotten) return;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ nonce: control("nonce")?.value, answers: typed() }));
  } catch { /* a browser that keeps nothing */ }
}

function recall() {
  let known;
  try {
    known = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  } catch { /* as above */ }
  if (!known?.answers || document.getElementById("problems")) return;
  for (const [name, value] of Object.entries(known.answers)) {
    const values = [value].flat();
    for (const input of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (input.type === "checkbox" && input.value === "on") continue; // consent is given anew
      if (CHOSEN.test(input.type)) input.checked = values.includes(input.value);
      else if (!input.value) input.value = values[0];
    }
  }
  if (known.nonce && control("nonce")) control("nonce").value = known.nonce;
}

function forget() {
  try {
    sessionStorage.removeItem(KEPT);
  } catch { /* as above */ }
}

function keepTyped() {
  const note = form.querySelector("[data-kept]");
  if (!note || navigator.globalPrivacyControl) return;
  note.hidden = false;
  recall();
  form.addEventListener("input", () => {
    remember();
    clearTimeout(waiting);
    waiting = setTimeout(keep, 2000);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && started) keep();
  });
  form.addEventListener("submit", forget);
  note.querySelector("[data-forget]").addEventListener("click", () => {
    keep({ forget: true });
    forgotten = true;
    forget();
    form.reset();
    note.textContent = "What you typed is forgotten, and no more is kept.";
    form.dispatchEvent(new Event("change"));
  });
}

if (form) {
  if (form.dataset.keep) keepTyped();
  if (form.querySelector("[data-when]")) {
    decide();
    form.addEventListener("input", decide);
    form.addEventListener("change", decide);
  }
  if (steps.length > 1) begin();
  if (form.dataset.count) watch();
}
(document.getElementById("problems") || document.querySelector("[aria-invalid=true]"))?.focus();

// ---- in a frame ----
if (window.parent !== window) {
  // Not the document's height, which is never less than the frame's.
  const main = document.querySelector("main");
  const tellHeight = () => window.parent.postMessage({ leadcrmHeight: main.offsetHeight }, "*");
  new ResizeObserver(tellHeight).observe(main);
  // The page around it may know the browser; t.js answers so when it hears of the height.
  addEventListener("message", (event) => {
    const visitor = event.source === window.parent && event.data?.leadcrmVisitor;
    const input = form?.querySelector('[name="lc_visitor"]');
    if (input && typeof visitor === "string" && visitor.length < 46) input.value = visitor;
  });
}
