// Editing in place: Escape, or leaving an unchanged field, brings the value back.
const cancel = (form) => form?.querySelector("[data-cancel]")?.click();

document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && event.target.closest?.("[data-inplace]");
  if (!form) return;
  event.preventDefault();
  cancel(form);
});

document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("form[data-inplace][hx-trigger]");
  if (!form || form.contains(event.relatedTarget) || event.target.getAttribute("aria-invalid")) return;
  const control = form.querySelector(".input");
  if (!control) return;
  const start = control.matches("select") ? [...control.options].find((o) => o.defaultSelected)?.value ?? "" : control.defaultValue;
  if (control.value === start) cancel(form);
});

document.addEventListener("htmx:afterSettle", (event) => {
  event.target.querySelector?.("[data-inplace] input.input")?.select();
});
