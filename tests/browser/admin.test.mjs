import assert from 'node:assert/strict';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { consoleOf, enrol, invitation, signIn, tabTo, tuttu } from './admin.mjs';
import { ARTEFACTS, barriers, openPage, settled, startBrowser, startService } from './harness.mjs';

const ASSETS = new URL('../../src/http/console/assets/', import.meta.url);
const VIEWS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  narrow: { colorScheme: 'light', viewport: { width: 400, height: 860 } },
  contrast: { forcedColors: 'active' },
};
const PAGES = ['now', 'verifications', 'countries', 'gateways', 'accounts', 'audit', 'team', 'you', 'confirm'];

let service, browser, origin, anna;

before(async () => {
  await mkdir(ARTEFACTS, { recursive: true });
  [service, browser] = await Promise.all([startService(), startBrowser()]);
  origin = consoleOf(service);
  anna = await opened({});
  anna.secret = await invitation(service, 'anna');
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** A browser of its own on the door of the console. */
const opened = (options) => openPage(browser, `${origin}/admin/sign-in`, { ready: 'main', ...options });

/** Whatever a page was used for, it kept its policy and threw nothing. */
function clean({ seen }) {
  assert.deepEqual(seen.breaches, []);
  assert.deepEqual(seen.errors, []);
}

async function picture(page, name) {
  await settled(page);
  await page.screenshot({ path: join(ARTEFACTS, `admin-${name}.png`), fullPage: true, animations: 'disabled' });
}

/** The page as it is for everybody: nothing bars the way, nothing stands out at the side. */
async function open(page, name) {
  assert.deepEqual(await barriers(page), [], name);
  const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= view, `${name} is ${wide} px wide in ${view}`);
}

describe('the console', { timeout: 180_000 }, () => {
  test('takes an invitation, a password and a second factor by the keyboard', async () => {
    const { page } = anna;
    await page.goto(`${origin}/admin/enrol`);
    await open(page, 'enrol');
    await picture(page, 'invited');
    anna.phone = await enrol(page, origin, anna.secret);
    assert.equal(await page.locator('.codes li').count(), 10);
    await open(page, 'recovery codes');
    await picture(page, 'enrolled');
    assert.ok(!page.url().includes('secret'), 'the secret has left the address');
    clean(anna);
  });

  test('lets nobody in who is wrong, and says no more', async () => {
    const { page } = anna;
    await page.goto(`${origin}/admin/sign-in`);
    await page.getByLabel('Name').fill('anna');
    await page.getByLabel('Password').fill('not the password');
    await page.getByLabel('Code').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').textContent(), /Name, password or code are wrong/);
    await open(page, 'refused');
    await picture(page, 'refused');
  });

  test('is signed in to, left and invited from by the keyboard', async () => {
    const { page } = anna;
    await signIn(page, origin, 'anna', anna.phone);
    const cookies = await anna.page.context().cookies();
    const session = cookies.find(({ name }) => name === '__Host-tuttu-admin');
    assert.deepEqual([session.secure, session.httpOnly, session.sameSite, session.path], [true, true, 'Strict', '/']);
    await tabTo(page, 'Skip to the content');
    await tabTo(page, 'Team');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Team' }).waitFor();
    await page.locator('#invite-name').focus();
    await page.keyboard.type('berta');
    await tabTo(page, 'support');
    await page.keyboard.press('Space');
    await tabTo(page, 'Make an invitation');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'An invitation' }).waitFor();
    const link = await page.locator('.secret').textContent();
    assert.match(link, /^http:\/\/localhost:\d+\/admin\/enrol#secret=\S{43}$/);
    await open(page, 'invitation');
    const berta = await opened({});
    const phone = await enrol(berta.page, origin, link.split('=')[1]);
    await signIn(berta.page, origin, 'berta', phone);
    await berta.page.getByRole('heading', { name: 'Now' }).waitFor();
    assert.equal(await berta.page.getByRole('link', { name: 'Team' }).count(), 0);
    clean(berta);
    await berta.close();
    clean(anna);
  });

  for (const [view, options] of Object.entries(VIEWS)) {
    test(`bars nobody's way: ${view}`, async () => {
      const look = await opened({ ...options, storageState: await anna.page.context().storageState() });
      for (const name of PAGES) {
        await look.page.goto(`${origin}/admin/${name}`);
        await look.page.locator('h1').waitFor();
        await look.page.evaluate(() => document.querySelectorAll('main details').forEach((details) => { details.open = true; }));
        await open(look.page, `${name} in ${view}`);
        if (['now', 'audit', 'team', 'you'].includes(name) && view !== 'contrast') await picture(look.page, `${name}-${view}`);
      }
      clean(look);
      await look.close();
      const outside = await opened(options);
      await open(outside.page, `sign-in in ${view}`);
      if (view !== 'contrast') await picture(outside.page, `sign-in-${view}`);
      clean(outside);
      await outside.close();
    });
  }

  test('shows, filters, proves and verifies the audit log by the keyboard', async () => {
    const { page } = anna;
    await page.goto(`${origin}/admin/audit`);
    await page.getByLabel('Action').focus();
    await page.keyboard.type('admin.signed_in');
    await tabTo(page, 'Show');
    await page.keyboard.press('Enter');
    await page.waitForURL(/action=admin.signed_in/);
    const rows = page.locator('#rows tr');
    assert.ok(await rows.count() >= 2);
    for (const text of await rows.allTextContents()) assert.match(text, /admin\.signed_in/);
    await rows.first().getByRole('link', { name: 'admin.signed_in' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'admin.signed_in' }).waitFor();
    await open(page, 'an entry');
    await picture(page, 'audit-entry');
    const proof = await page.request.get(await page.getByRole('link', { name: 'Proof' }).getAttribute('href').then((path) => origin + path));
    assert.match(await proof.text(), /^c2sp\.org\/tlog-proof@v1\nindex \d+\n/);
    await page.goto(`${origin}/admin/audit`);
    await page.getByRole('button', { name: 'Verify the whole log' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The log is whole' }).waitFor();
    await open(page, 'verified');
    await picture(page, 'audit-verified');
    await page.goto(`${origin}/admin/audit?live=1`);
    const before = await page.locator('#rows tr').count();
    await tuttu(service, 'sending', 'pause', '--reason', 'a drill of the console');
    await page.locator('#rows tr', { hasText: 'sending.paused' }).waitFor();
    await tuttu(service, 'sending', 'resume');
    await page.locator('#rows tr', { hasText: 'sending.resumed' }).waitFor();
    assert.ok(await page.locator('#rows tr').count() > before);
    clean(anna);
  });

  test('keeps the look that somebody chose', async () => {
    const { page } = anna;
    await page.goto(`${origin}/admin/team`);
    const look = () => page.evaluate(() => document.documentElement.dataset.theme ?? '');
    const toggle = page.getByRole('button', { name: /^Look/ });
    await toggle.click();
    await toggle.click();
    assert.equal(await look(), 'dark');
    await page.reload();
    assert.equal(await look(), 'dark');
    await toggle.click();
    await page.reload();
    assert.equal(await look(), '');
    clean(anna);
  });

  test('is left, and its cookie with it', async () => {
    const { page } = anna;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${origin}/admin/team`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.match(await tuttu(service, 'admin', 'list'), /anna +admin +active/);
    const printed = await tuttu(service, 'admin', 'recover', '--name', 'anna');
    assert.match(printed, /admin\/enrol#secret=/);
    assert.match(await tuttu(service, 'admin', 'list'), /anna +admin +invited/);
    clean(anna);
  });

  test('weighs at most 100 KB of script and style', async () => {
    const files = (await readdir(ASSETS, { recursive: true })).filter((name) => /\.(js|css)$/.test(name));
    const sizes = await Promise.all(files.map(async (name) => gzipSync(await readFile(new URL(name, ASSETS))).length));
    const sum = sizes.reduce((total, size) => total + size, 0);
    assert.ok(sum <= 100 * 1024, `${sum} bytes`);
  });
});
