// What is new: asked for every few seconds while the page is looked at, and at once when it is again.
const bell = document.querySelector("[data-bell]");
const EVERY = 10000;
const LONGEST = 120000; // between two questions to a server that does not answer
let after = "";
let wait = EVERY;
let timer = null;

async function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(`/settings/notifications/live/?after=${after}`, { headers: { "HX-Request": "true" } });
    if (answer.status === 200 && answer.headers.get("Content-Type")?.includes("json")) tell(await answer.json());
    else if (answer.status !== 204) throw new Error(answer.status);
    wait = EVERY;
  } catch {
    wait = Math.min(wait * 2, LONGEST); // a restart, or no way there: again, a little later
  }
  timer = setTimeout(ask, wait);
}

function tell({ last, unread, items }) {
  after = last;
  let count = bell.querySelector(".count");
  if (unread && !count) {
    count = document.createElement("span");
    count.className = "count";
    bell.append(count);
  }
  if (count && unread) count.textContent = unread;
  else count?.remove();
  for (const { title } of items) document.dispatchEvent(new CustomEvent("toast", { detail: { text: title } }));
  if (items.length) document.dispatchEvent(new CustomEvent("notices"));
}

if (bell) {
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  ask();
}
