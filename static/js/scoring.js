// The rule form shows only the fields of the chosen kind; the points follow the weight's band.
const BANDS = { most_important: [10, 15], very_important: [5, 9], valid: [1, 4], negative: [-100, -1] };

const arrange = (form) => {
  const chosen = (name) => form.querySelector(`[name="${name}"]:checked`)?.value;
  const value = (name) => form.querySelector(`[name="${name}"]`)?.value;
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== chosen("kind");
  const hide = (name, when) => form.querySelector(`[name="${name}"]`)?.closest(".field")?.toggleAttribute("hidden", when);
  const counting = value("counting");
  hide("own_type", value("activity_type") !== "other");
  hide("max_count", counting !== "at_most");
  hide("per", counting !== "at_most");
  hide("counted_by", !["distinct", "amount"].includes(counting));
  hide("per_amount", counting !== "amount");
  hide("decay_days", value("decay") === "none");
  const band = BANDS[chosen("weight_class")];
  const points = Number(value("points"));
  hide("override_note", !value("override_note") && (!band || (points >= band[0] && points <= band[1])));
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
    if (event.target.name === "weight_class") keepInBand(form);
    arrange(form);
  });
}
