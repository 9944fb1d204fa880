// My day: choosing somebody swaps the right side only, and the list keeps its place. On a phone links go to a page.
const wide = matchMedia("(min-width: 48.01rem)");

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-lead-link]");
  if (!link || !wide.matches || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  window.htmx.ajax("GET", link.getAttribute("href"), { target: "#reader", swap: "outerHTML" });
  history.replaceState(null, "", link.href);
});

function mark() {
  const chosen = document.getElementById("reader")?.dataset.lead;
  for (const link of document.querySelectorAll("#day-list a.item")) {
    if (link.dataset.leadLink !== chosen) link.removeAttribute("aria-current");
    else {
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({ block: "nearest" });
    }
  }
  const list = document.getElementById("day-list");
  const path = list?.getAttribute("hx-get");
  if (path && chosen) list.setAttribute("hx-get", path.replace(/(&lead=.*)?$/, `&lead=${chosen}`));
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "reader") mark();
});

// A key or click that opens a way to answer puts the cursor into it.
document.addEventListener("change", (event) => {
  if (event.target.name !== "way") return;
  const form = event.target.closest("label").nextElementSibling;
  form?.querySelector("input:not([type=hidden], [type=radio]), textarea")?.focus();
});
