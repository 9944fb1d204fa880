// Levels of an answer by keyboard: arrows between levels and criteria, 0 unknown, 1 no, 2 partly, 3 yes.
// After a click the card is swapped; htmx gives the focus back to the button with the same id.
const ORDER = ["unknown", "no", "partial", "yes"];

function move(button, across, down) {
  const rows = [...button.closest("[data-levels]").querySelectorAll(".levels")];
  const row = rows.indexOf(button.closest(".levels"));
  const buttons = (at) => [...rows[at].querySelectorAll("button")];
  const column = buttons(row).indexOf(button);
  const target = buttons(Math.max(0, Math.min(rows.length - 1, row + down)));
  target[Math.max(0, Math.min(target.length - 1, column + across))].focus();
}

function choose(button, level) {
  const chosen = button.closest(".levels").querySelector(`[value="${level}"]`);
  chosen.focus();
  chosen.click();
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.("[data-levels] .levels button");
  if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in STEPS) move(button, ...STEPS[event.key]);
  else if (/^[0-3]$/.test(event.key)) choose(button, ORDER[event.key]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });
