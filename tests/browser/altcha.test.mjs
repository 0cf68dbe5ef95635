// The official ALTCHA library takes our challenges, and judges as we do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { solveChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { secrets, solved, vectors } from './altcha-vectors.mjs';

test('the official library finds our signature, and its own solution of our challenge, right', async () => {
  const payload = await solved(vectors().set_by_tuttu);
  const verdict = await verifySolution({ ...payload, deriveKey, ...secrets() });
  assert.deepEqual([verdict.verified, verdict.expired], [true, false]);
});

test('the committed solution is the one that the official library finds', async () => {
  const { set_by_tuttu: challenge, solved_by_altcha_lib: payload } = vectors();
  const committed = JSON.parse(Buffer.from(payload, 'base64'));
  const { counter, derivedKey } = await solveChallenge({ challenge, deriveKey });
  assert.deepEqual(committed.challenge, challenge);
  assert.deepEqual([committed.solution.counter, committed.solution.derivedKey], [counter, derivedKey]);
});

test('the official library refuses our challenge where a field was altered', async () => {
  const payload = await solved(vectors().set_by_tuttu);
  payload.challenge.parameters.data.difficulty += 1;
  const verdict = await verifySolution({ ...payload, deriveKey, ...secrets() });
  assert.equal(verdict.verified, false);
});
