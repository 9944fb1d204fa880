// The palette: pages of the navigation at once, leads as the server finds them.
const palette = document.getElementById("palette");

if (palette) {
  const input = palette.querySelector("input");
  const pages = palette.querySelector("[data-palette-pages]");
  const options = () => [...palette.querySelectorAll('[role="option"]')].filter((o) => o.checkVisibility());

  const choose = (option) => {
    for (const other of palette.querySelectorAll('[aria-selected="true"]')) other.setAttribute("aria-selected", "false");
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.id ||= `option-${Math.random().toString(36).slice(2)}`;
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const filter = () => {
    const words = input.value.trim().toLowerCase();
    for (const option of pages.querySelectorAll('[role="option"]')) {
      option.hidden = !option.textContent.toLowerCase().includes(words);
    }
    pages.hidden = !pages.querySelector('[role="option"]:not([hidden])');
    if (!words) palette.querySelector("#palette-found").replaceChildren();
    choose(options()[0]);
  };

  const open = () => {
    if (palette.open) return;
    palette.showModal();
    input.select();
    filter();
  };

  document.addEventListener("open-palette", open);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.target.closest("[popover]")?.hidePopover();
    open();
  });
  input.addEventListener("input", filter);
  palette.addEventListener("htmx:afterSettle", () => choose(options()[0]));
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (step && all.length) {
      event.preventDefault();
      choose(all[(at + step + all.length) % all.length]);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) window.open(all[at].href, "_blank", "noopener");
      else all[at].click();
    }
  });
}
