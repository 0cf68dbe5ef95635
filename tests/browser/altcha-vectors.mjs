// Lets the official library solve the challenge in tests/data/altcha.json and set one itself:
//     TUTTU_UPDATE=1 cargo nextest run --test altcha; node tests/browser/altcha-vectors.mjs
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createChallenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';

const FILE = new URL('../data/altcha.json', import.meta.url);

export const vectors = () => JSON.parse(readFileSync(FILE, 'utf8'));

/** The keys with which the service signed them, as the library takes them. */
export const secrets = () => {
  const { hmacSignatureSecret, hmacKeySignatureSecret } = vectors();
  return { hmacSignatureSecret, hmacKeySignatureSecret };
};

/** What the official widget sends for a challenge. */
export async function solved(challenge) {
  const solution = await solveChallenge({ challenge, deriveKey });
  return { challenge, solution };
}

export const encoded = (payload) => Buffer.from(JSON.stringify(payload)).toString('base64');

if (import.meta.filename === process.argv[1]) {
  const { set_by_tuttu: challenge } = vectors();
  const { cost, data, expiresAt, keyLength, algorithm } = challenge.parameters;
  const own = await createChallenge({ algorithm, cost, data, expiresAt, keyLength, counter: randomInt(150, 301), deriveKey, ...secrets() });
  const made = { ...secrets(), set_by_tuttu: challenge, solved_by_altcha_lib: encoded(await solved(challenge)), set_by_altcha_lib: own };
  writeFileSync(FILE, `${JSON.stringify(made, null, 2)}\n`);
}
