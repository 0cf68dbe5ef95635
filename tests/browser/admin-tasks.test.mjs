// What admins come to the console for, done by the keyboard alone, on pages that have something to show.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { consoleOf, enrol, invitation, signIn, tabTo } from './admin.mjs';
import { ARTEFACTS, barriers, openPage, settled, startBrowser, startService } from './harness.mjs';
import { guess, register, start, status } from './people.mjs';

const ANNA = '+358401234561';
const VIEWS = { light: {}, dark: { colorScheme: 'dark' }, narrow: { viewport: { width: 400, height: 860 } } };

let service, browser, origin, otto, page, anna;

before(async () => {
  await mkdir(ARTEFACTS, { recursive: true });
  [service, browser] = await Promise.all([startService(), startBrowser()]);
  origin = consoleOf(service);
  anna = await register(service, ANNA, "Anna's phone");
  await register(service, '+447400123456', 'Work');
  await register(service, '+4915112345678', 'Handy');
  await guess(service, '+358451234567');
  await start(service, '+358501234567');
  await start(service, '+358501234567');
  otto = await openPage(browser, `${origin}/admin/sign-in`, { ready: 'main' });
  page = otto.page;
  const phone = await enrol(page, origin, await invitation(service, 'otto'));
  await signIn(page, origin, 'otto', phone);
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Whatever the pages were used for, they kept their policy and threw nothing. */
function clean() {
  assert.deepEqual([otto.seen.breaches, otto.seen.errors], [[], []]);
}

const heading = (name) => page.getByRole('heading', { name }).waitFor();

/** Goes to a section by its place in the menu, and to its content past the menu. */
async function section(name) {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
  await page.waitForFunction((title) => document.querySelector('h1')?.textContent === title && document.activeElement === document.body, name === 'Countries' ? 'Countries and prefixes' : name);
}

/** Types into the field of that label, which the keyboard reaches. */
async function fill(label, text) {
  await tabTo(page, label);
  await page.keyboard.type(text);
}

async function press(name, key = 'Enter') {
  await tabTo(page, name);
  await page.keyboard.press(key);
}

/** The page as everybody gets it: nothing bars the way in any look, and a picture of each is kept. */
async function looks(name) {
  for (const [view, options] of Object.entries(VIEWS)) {
    const look = await openPage(browser, page.url(), { ready: 'main', storageState: await page.context().storageState(), ...options });
    await look.page.waitForFunction(() => [...document.querySelectorAll('[data-series]')].every((figure) => figure.querySelector('canvas')));
    assert.deepEqual(await barriers(look.page), [], `${name} in ${view}`);
    const [wide, room] = await look.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= room, `${name} in ${view} is ${wide} px wide in ${room}`);
    await settled(look.page);
    await look.page.screenshot({ path: join(ARTEFACTS, `admin-${name}-${view}.png`), fullPage: true, animations: 'disabled' });
    assert.deepEqual([look.seen.breaches, look.seen.errors], [[], []], `${name} in ${view}`);
    await look.close();
  }
}

describe('by the keyboard alone an admin', { timeout: 180_000 }, () => {
  test('finds out why a person was not let in, and helps', async () => {
    await section('Verifications');
    await page.locator('tbody tr').nth(4).waitFor();
    await looks('verifications');
    await fill('Whole number', '+358501234567');
    await page.keyboard.press('Enter');
    await heading(/^Attempts of \+358/);
    assert.ok(!(await page.content()).includes('501234567'), 'the number stays masked');
    await page.locator('tbody tr', { hasText: 'resend_wait' }).first().waitFor();
    await press('+358 ••••••• 67');
    await heading('What happened');
    await looks('verification');
    await fill('Why the number may ask again', 'ticket 17: no code came');
    await press('Unblock the number');
    await page.getByRole('status').filter({ hasText: 'may ask for a code again' }).waitFor();
    assert.equal((await start(service, '+358501234567')).status, 201);
    clean();
  });

  test('sees a whole number only for a reason', async () => {
    await section('Accounts');
    await fill('Whole number, or account id', ANNA);
    await page.keyboard.press('Enter');
    await heading('Devices');
    await looks('account');
    assert.ok(!(await page.content()).includes('401234561'));
    await fill('Why you need the whole number', 'ticket 18: the person asks');
    await press('Reveal the number');
    await page.locator('.secret', { hasText: ANNA }).waitFor();
    clean();
  });

  test('locks an account, lets it go on, and erases it', async () => {
    assert.equal(await status(service, anna.device_token), 200);
    await fill('Why', 'a stolen telephone');
    await press('Lock the account');
    await heading('Let it go on');
    assert.equal(await status(service, anna.device_token), 401);
    await fill('Why', 'found in the sofa');
    await press('Unlock the account');
    await page.getByRole('heading', { name: 'Lock', exact: true }).waitFor();
    assert.equal(await status(service, anna.device_token), 200);
    await press('Erase the account', 'Space');
    await press('Erase');
    await page.getByRole('alert').filter({ hasText: 'The account is erased' }).waitFor();
    assert.equal(await status(service, anna.device_token), 401);
    clean();
  });

  test('shuts a country and opens it again', async () => {
    await section('Countries');
    await fill('Country or prefix', 'DE');
    await fill('Why', 'pumping since noon');
    await press('Decide');
    await page.getByRole('row', { name: /^DE block/ }).waitFor();
    await looks('countries');
    assert.equal((await start(service, '+4915112345679')).status, 403);
    await press('Take back what was decided of DE');
    await page.getByText('The configuration alone decides').waitFor();
    assert.notEqual((await start(service, '+4915112345679')).status, 403);
    clean();
  });

  test('stops all sending and lets it go on', async () => {
    await section('Now');
    await looks('now');
    await fill('Why nothing shall be sent', 'an incident at the gateway');
    await press('Stop all sending');
    await page.getByRole('alert').filter({ hasText: 'an incident at the gateway' }).waitFor();
    assert.equal((await start(service, '+358441234567')).status, 503);
    await press('Let codes be sent again');
    await page.getByRole('alert').waitFor({ state: 'detached' });
    assert.equal((await start(service, '+358441234567')).status, 201);
    clean();
  });

  test('sees who delivers, and what was done', async () => {
    await section('Gateways');
    await page.getByRole('row', { name: /^inbox well/ }).waitFor();
    await looks('gateways');
    await section('Audit log');
    for (const action of ['person.revealed', 'person.searched', 'account.locked', 'account.erased', 'sending.paused']) {
      await page.locator('#rows tr', { hasText: action }).first().waitFor();
    }
    await looks('audit');
    clean();
  });
});
