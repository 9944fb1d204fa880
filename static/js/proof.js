// Proof of work for a form with <input type="hidden" name="lc_proof" data-proof="{…}">: begun when
// somebody starts to fill it in, and waited for briefly when it is sent. Without it (no script, no
// secure context, an old browser) the form is sent all the same; it only looks a little odder.

const LONGEST_WAIT = 8000;
const running = new WeakMap();

function solve(input) {
  const challenge = JSON.parse(input.dataset.proof);
  const worker = new Worker(new URL("proof-worker.js", import.meta.url));
  return new Promise((resolve) => {
    const end = () => {
      worker.terminate();
      resolve();
    };
    worker.addEventListener("error", end);
    worker.addEventListener("message", ({ data: number }) => {
      const { algorithm, challenge: hash, salt, signature } = challenge;
      if (number !== null) {
        input.value = btoa(JSON.stringify({ algorithm, challenge: hash, number, salt, signature }));
      }
      end();
    });
    worker.postMessage(challenge);
  });
}

function begin(form) {
  const input = form?.querySelector("input[data-proof]");
  if (!input || !globalThis.crypto?.subtle || !globalThis.Worker) return null;
  if (!running.has(form)) running.set(form, solve(input));
  return running.get(form);
}

addEventListener("focusin", (event) => begin(event.target.closest?.("form")));

addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const input = form.querySelector?.("input[data-proof]");
    if (!input || input.value || input.dataset.waited) return;
    const solving = begin(form);
    if (!solving) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // nobody else believes it was sent
    const button = event.submitter;
    button?.setAttribute("aria-busy", "true");
    await Promise.race([solving, new Promise((resolve) => setTimeout(resolve, LONGEST_WAIT))]);
    input.dataset.waited = "yes";
    form.requestSubmit(button);
  },
  { capture: true },
);
