// The page at /try where the server asks for a challenge before it sends.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { ARTEFACTS, arrivedCode, askForCode, barriers, openPage, settled, startBrowser, startService } from './harness.mjs';

const SECRETS = { hmacSignatureSecret: 'for tests', hmacKeySignatureSecret: 'for tests, too' };

let service, browser;

before(async () => {
  await mkdir(ARTEFACTS, { recursive: true });
  [service, browser] = await Promise.all([startService(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** A page of its own; whatever it was used for, it kept its policy and threw nothing. */
async function onPage(work) {
  const opened = await openPage(browser, service.link);
  await work(opened.page, opened.seen);
  assert.deepEqual(opened.seen.breaches, []);
  assert.deepEqual(opened.seen.errors, []);
  await opened.close();
}

/** Spends all that a block of numbers may be sent: from then on the server asks for a challenge. */
async function emptyBlock(block) {
  for (let last = 1; last <= 8; last += 1) {
    const body = JSON.stringify({ phone_number: `+358${block}010${last}`, channel: 'sms' });
    const answer = await fetch(new URL('/v1/verifications', service.link), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    assert.equal(answer.status, 201, await answer.text());
  }
}

const solutions = (seen) => seen.requests.filter((request) => request.url().endsWith('/challenges'));

async function enterCode(page) {
  await page.getByLabel('Code', { exact: true }).fill(await arrivedCode(page));
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('heading', { name: 'Who do you know?' }).waitFor();
}

/** A refusal as the server words it. */
const problem = (status, code, verification) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: `urn:tuttu:problem:${code}`, title: code, status, detail: code, code, verification }),
});

describe('the page at /try, challenged', { timeout: 120_000 }, () => {
  test('does the proof of work that the server asks for, and goes on', () =>
    onPage(async (page, seen) => {
      await emptyBlock('40777');
      await page.evaluate(() => {
        globalThis.said = [];
        new MutationObserver(() => globalThis.said.push(document.getElementById('number-work').textContent)).observe(document.getElementById('number-work'), { childList: true });
      });
      await askForCode(page, '040 777 0199', 'Aino');
      await enterCode(page);
      assert.deepEqual(await page.evaluate(() => globalThis.said), ['Checking that you are not a machine', '']);
      assert.equal(solutions(seen).length, 1);
    }));

  test('tries once more when its first solution was not taken', () =>
    onPage(async (page, seen) => {
      await emptyBlock('40778');
      let due;
      page.on('response', async (answer) => (due = answer.status() === 428 ? answer.json() : due));
      const once = { times: 1 };
      await page.route('**/challenges', async (route) => route.fulfill(problem(422, 'challenge_incorrect', (await due).verification)), once);
      await askForCode(page, '040 778 0199', 'Eino');
      await enterCode(page);
      assert.equal(solutions(seen).length, 2);
    }));

  test('says in words that a CAPTCHA cannot be shown here', () =>
    onPage(async (page, seen) => {
      const challenges = [{ kind: 'turnstile', site_key: '1x00000000000000000000AA' }, { kind: 'hcaptcha', site_key: '10000000-ffff-ffff-ffff-000000000001' }];
      const verification = { id: crypto.randomUUID(), secret: 'A'.repeat(43), challenges, deliveries: [] };
      await page.route('**/v1/verifications', (route) => route.fulfill(problem(428, 'challenge_required', verification)));
      await askForCode(page, '040 888 0101');
      await page.getByText('a CAPTCHA, which this page cannot show').waitFor();
      assert.equal(await page.getByLabel('Phone number').inputValue(), '040 888 0101');
      assert.equal(solutions(seen).length, 0);
      assert.deepEqual(await barriers(page), []);
      await settled(page);
      await page.screenshot({ path: join(ARTEFACTS, 'try-captcha.png'), fullPage: true, animations: 'disabled' });
    }));

  test('solves before a code is sent again, and the official library finds its solution right', () =>
    onPage(async (page) => {
      await page.clock.install();
      await askForCode(page, '040 888 0202', 'Helmi');
      await arrivedCode(page);
      const challenge = await createChallenge({ algorithm: 'PBKDF2/SHA-256', cost: 2000, counter: 300, expiresAt: new Date(Date.now() + 600_000), deriveKey, ...SECRETS });
      const id = crypto.randomUUID();
      const state = { id, status: 'pending', phone_number: '+358 ••••••• 02', code: { length: 6, checks_left: 5 }, channels: [], challenges: [], deliveries: [], expires_at: new Date(Date.now() + 600_000).toISOString() };
      await page.route('**/codes', (route) => route.fulfill(problem(428, 'challenge_required', { ...state, challenges: [{ kind: 'altcha', challenge }] })));
      let sent;
      await page.route('**/challenges', (route, request) => {
        sent = { path: new URL(request.url()).pathname, bearer: request.headers().authorization, body: request.postDataJSON() };
        return route.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify(state) });
      });
      await page.clock.fastForward(31_000);
      await page.getByRole('button', { name: 'Send it again', exact: true }).click();
      await page.locator('#resend button').first().waitFor({ state: 'detached' });
      assert.equal(sent.path, `/v1/verifications/${id}/challenges`);
      assert.match(sent.bearer, /^Bearer [\w-]{43}$/);
      assert.equal(sent.body.kind, 'altcha');
      const payload = JSON.parse(Buffer.from(sent.body.solution, 'base64'));
      const verdict = await verifySolution({ ...payload, deriveKey, ...SECRETS });
      assert.deepEqual([verdict.verified, payload.challenge], [true, challenge]);
      await page.getByLabel('Code', { exact: true }).fill('1');
    }));
});
