// ALTCHA's search: the number whose hash with the salt is the challenge. In batches, because each
// digest is asynchronous and waiting for one at a time would take ten times as long.

const BATCH = 500;

const hex = (buffer) =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

addEventListener("message", async ({ data: { algorithm, challenge, maxNumber, salt } }) => {
  const encoder = new TextEncoder();
  const digest = async (number) =>
    hex(await crypto.subtle.digest(algorithm, encoder.encode(salt + number)));
  for (let start = 0; start <= maxNumber; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, maxNumber + 1 - start) }, (_, i) => start + i);
    const found = (await Promise.all(numbers.map(digest))).indexOf(challenge);
    if (found >= 0) return postMessage(start + found);
  }
  postMessage(null);
});
