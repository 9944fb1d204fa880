// The definition form shows only what the chosen type needs.
const form = document.querySelector("[data-definition]");
if (form) {
  const type = form.querySelector("[name=type]");
  const arrange = () => {
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(type.value);
  };
  type.addEventListener("change", arrange);
  arrange();
}
