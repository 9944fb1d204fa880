// The rule form shows only the fields of the chosen kind; the points follow the weight's band.
const BANDS = { most_important: [10, 15], very_important: [5, 9], valid: [1, 4], negative: [-100, -1] };

const arrange = (form) => {
  const chosen = (name) => form.querySelector(`[name="${name}"]:checked`)?.value;
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== chosen("kind");
  const hide = (name, when) => form.querySelector(`[name="${name}"]`)?.closest(".field")?.toggleAttribute("hidden", when);
  hide("value", ["is_set", "is_not_set"].includes(form.querySelector("[name=op]")?.value));
  hide("max_count", form.querySelector("[name=counting]")?.value !== "at_most");
  hide("decay_days", form.querySelector("[name=decay]")?.value === "none");
};

const keepInBand = (form) => {
  const band = BANDS[form.querySelector('[name="weight_class"]:checked')?.value];
  const points = form.querySelector("[name=points]");
  if (!band || form.querySelector("[name=override_note]")?.value) return;
  const now = Number(points.value);
  if (now < band[0] || now > band[1]) points.value = band[0] < 0 ? -5 : band[0];
};

for (const form of document.querySelectorAll("[data-rule-form]")) {
  arrange(form);
  form.addEventListener("change", (event) => {
    arrange(form);
    if (event.target.name === "weight_class") keepInBand(form);
  });
}
