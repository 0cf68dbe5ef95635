// What the server may ask for before it sends: a proof of work, done beside the page by ALTCHA's own worker.
import { Refusal, solveChallenge } from './api.js';
import { $ } from './view.js';

const WORKER = '/try/vendor/altcha/pbkdf2.js';
/** More cores than this would only make the machine slow for everything else. */
const MOST_WORKERS = 8;
/** How often the server may find that another challenge is due. */
const ROUNDS = 3;

/**
 * Asks, and where a challenge is due first solves it, saying so beside `field`. The answer is the verification as it
 * is once the code was sent; `secret` is the one that is known already, if it is.
 */
export async function passing(field, secret, ask) {
  try {
    return await ask();
  } catch (refusal) {
    if (refusal.code !== 'challenge_required' || !refusal.verification) throw refusal;
    $(`${field}-work`).textContent = 'Checking that you are not a machine';
    try {
      return await pass({ secret, ...refusal.verification }, ROUNDS);
    } finally {
      $(`${field}-work`).textContent = '';
    }
  }
}

async function pass(verification, rounds) {
  const open = verification.challenges.find(({ kind }) => kind === 'altcha');
  if (!open) throw new Refusal({ code: 'challenge_elsewhere' });
  const solution = await work(open.challenge);
  // Later answers mask the number, and say the secret no more.
  const after = (state) => ({ ...verification, ...state, phone_number: verification.phone_number });
  try {
    return after(await solveChallenge(verification, open.kind, solution, crypto.randomUUID()));
  } catch (refusal) {
    // An answer that was lost on its way, asked for again.
    if (refusal.code === 'challenge_closed' && refusal.verification?.deliveries.length) return after(refusal.verification);
    const another = ['challenge_required', 'challenge_incorrect'].includes(refusal.code) && refusal.verification;
    if (!another || rounds === 1) throw refusal;
    return pass(after(another), rounds - 1);
  }
}

/** The payload of the widget for its challenge: workers count up side by side, and the first to find the key wins. */
async function work(challenge) {
  const count = Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency ?? 1));
  const workers = Array.from({ length: count }, () => new Worker(WORKER));
  const task = (worker, first) =>
    new Promise((found, failed) => {
      worker.onmessage = ({ data }) => (data?.derivedKey ? found(data) : failed(data?.error));
      worker.onerror = failed;
      worker.postMessage({ type: 'work', challenge, counterStart: first, counterStep: count });
    });
  try {
    const solution = await Promise.any(workers.map(task));
    return btoa(JSON.stringify({ challenge, solution }));
  } catch {
    throw new Refusal({ code: 'challenge_unsolved' });
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
