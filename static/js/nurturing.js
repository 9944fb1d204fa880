// The template editor: insert a field at the cursor, and preview what is typed as it is typed.
const editor = document.getElementById("editor");
let last = editor?.elements.html;
let timer;

function preview() {
  clearTimeout(timer);
  timer = setTimeout(() => document.querySelector("[data-preview]")?.click(), 500);
}

editor?.addEventListener("focusin", (event) => {
  if (event.target.matches("textarea, input:not([type=hidden])")) last = event.target;
});
editor?.addEventListener("input", preview);
document.getElementById("as")?.addEventListener("change", preview);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button || !last) return;
  last.setRangeText(`{{ ${button.dataset.insert} }}`, last.selectionStart, last.selectionEnd, "end");
  document.getElementById("fields")?.hidePopover();
  last.focus();
  preview();
});
