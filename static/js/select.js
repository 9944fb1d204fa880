// Bulk selection in [data-select]: a header box, shift ranges, and a bar that counts.
let last = null;

const boxes = (form) => [...form.querySelectorAll(':is(tbody, li) input[type="checkbox"][name="ids"]')];

function show(form) {
  const all = boxes(form);
  const chosen = all.filter((box) => box.checked);
  for (const box of all) {
    const row = box.closest("tr, li");
    if (box.checked) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  }
  const head = form.querySelector("[data-all]");
  if (head) {
    head.checked = all.length > 0 && chosen.length === all.length;
    head.indeterminate = chosen.length > 0 && !head.checked;
  }
  const bar = form.querySelector("[data-bulk]");
  if (bar) {
    bar.hidden = !chosen.length;
    bar.querySelector("[data-bulk-count]").textContent = chosen.length;
  }
}

function set(form, some, checked) {
  for (const box of some) box.checked = checked;
  show(form);
}

document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-select]");
  if (!form) return;
  if (event.target.matches("[data-all]")) set(form, boxes(form), event.target.checked);
  else if (event.target.closest("[data-bulk-clear]")) set(form, boxes(form), false);
  else if (event.target.matches(':is(tbody, li) input[name="ids"]')) {
    const all = boxes(form);
    const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) set(form, all.slice(from, to + 1), event.target.checked);
    last = event.target;
    show(form);
  }
});

const showAll = () => document.querySelectorAll("[data-select]").forEach(show);
document.addEventListener("clear-selection", () => {
  document.querySelectorAll("[data-select]").forEach((form) => set(form, boxes(form), false));
});
document.addEventListener("htmx:afterSettle", showAll);
addEventListener("pageshow", showAll);
