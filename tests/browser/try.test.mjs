import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readNumber } from '../../src/http/try/numbers.js';
import { mixedBook } from './books.mjs';
import { ARTEFACTS, arrivedCode, askForCode, barriers, dropBook, litUp, openPage, registerPerson, settled, startBrowser, startService } from './harness.mjs';

const VIEWS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  narrow: { colorScheme: 'light', viewport: { width: 400, height: 860 } },
};

let service, browser, opened;

before(async () => {
  await mkdir(ARTEFACTS, { recursive: true });
  [service, browser] = await Promise.all([startService(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** A page of its own; whatever it was used for, it kept its policy and threw nothing. */
async function onPage(options, work, link = service.link) {
  opened = await openPage(browser, link, options);
  await work(opened.page, opened.seen);
  assert.deepEqual(opened.seen.breaches, []);
  assert.deepEqual(opened.seen.errors, []);
  await opened.close();
}

async function picture(page, name) {
  await settled(page);
  await page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}

describe('the page at /try', { timeout: 180_000 }, () => {
  test('shows exactly the people who are here, and no contact number leaves it', () =>
    onPage({}, async (page, seen) => {
      await registerPerson(page, '040 123 4501', 'Aino');
      await page.getByRole('button', { name: 'Register another person' }).click();
      await registerPerson(page, '+358 50 234 5602', 'Eino');
      await page.getByRole('button', { name: 'Register another person' }).click();
      await registerPerson(page, '044 345 6703', 'Helmi');

      const friends = [{ name: 'Aino from work ☕', number: '040-1234501' }, { name: 'Eino Äijälä', number: '00358 50 2345602' }];
      const book = mixedBook(500, friends);
      await dropBook(page, book.text);
      assert.deepEqual(await litUp(page), friends.map(({ name }) => name));
      assert.equal(await page.locator('#wall li').count(), 500);
      assert.equal(await page.locator('#wall li.lit').count(), 2);
      await page.getByRole('heading', { name: '2 people you know are here' }).waitFor();
      await page.locator('#sent summary').click();
      await picture(page, 'try-500');

      const secrets = book.numbers.filter((number) => !friends.some((friend) => friend.number === number));
      await assertKept(seen.requests, secrets);
    }));

  test('finds one another’s people in a sample address book', () =>
    onPage({ colorScheme: 'dark' }, async (page) => {
      await registerPerson(page, '041 456 7804', 'Lumi');
      await page.getByRole('button', { name: 'sample address book' }).click();
      await page.getByRole('heading', { name: 'Nobody you know is here yet' }).waitFor();
      await page.getByRole('button', { name: 'Register another person' }).click();
      await registerPerson(page, '046 567 8905', 'Toivo');
      await page.getByRole('button', { name: 'sample address book' }).click();
      assert.deepEqual(await litUp(page), ['Lumi']);
      await picture(page, 'try-sample');
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Save this sample' }).click()]);
      assert.equal(download.suggestedFilename(), 'sample.vcf');
      await page.getByRole('button', { name: /^Lumi/ }).click();
      await page.getByRole('heading', { name: 'Nobody you know is here yet' }).waitFor();
    }));

  test('is walked from end to end by the keyboard alone', () =>
    onPage({}, async (page) => {
      const chosen = page.waitForEvent('filechooser'); // from here on no dialog of the system opens
      await focused(page, 'number');
      await page.keyboard.type('040 678 9006');
      await page.keyboard.press('Enter');
      await focused(page, 'code');
      const code = await arrivedCode(page);
      await page.keyboard.type(code);
      await page.keyboard.press('Enter');
      await focused(page, 'contacts-heading');
      await tabTo(page, 'book');
      await page.keyboard.press('Enter');
      const chooser = await chosen;
      const { text } = mixedBook(20, []);
      await chooser.setFiles({ name: 'contacts.vcf', mimeType: 'text/vcard', buffer: Buffer.from(text) });
      await focused(page, 'result-heading');
      await page.keyboard.press('Shift+Tab');
      await focused(page, 'sample');
      await page.keyboard.press('Enter');
      await focused(page, 'result-heading');
      await tabTo(page, 'another');
      await page.keyboard.press('Enter');
      await focused(page, 'number');
    }));

  test('says how many checks are left after a wrong code, and keeps what was typed', () =>
    onPage({}, async (page) => {
      await askForCode(page, '050 789 0107');
      const code = await arrivedCode(page);
      const wrong = code.replace(/.$/, (digit) => (Number(digit) + 1) % 10);
      await page.getByLabel('Code', { exact: true }).fill(wrong);
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText('That is not the code. 4 checks left.').waitFor();
      assert.equal(await page.getByLabel('Code', { exact: true }).inputValue(), wrong);
      await focused(page, 'code');
      assert.deepEqual(await barriers(page), []);
      await picture(page, 'try-wrong-code');
      await page.getByRole('button', { name: /^Send it again in/ }).waitFor();
      await page.getByRole('button', { name: `Fill in ${code}` }).click();
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByRole('heading', { name: 'Who do you know?' }).waitFor();
    }));

  test('can be asked for the code again once the wait is over', () =>
    onPage({}, async (page) => {
      await page.clock.install();
      await askForCode(page, '050 789 0108');
      await arrivedCode(page);
      await page.getByRole('button', { name: /^Send it again in/ }).waitFor();
      await page.clock.fastForward(31_000);
      // The page's time has passed, the server's has not: it is asked, and says how long to wait.
      await page.getByRole('button', { name: 'Send it again', exact: true }).click();
      await page.getByText('A code went to this number a moment ago.').waitFor();
    }));

  test('keeps a number that cannot be, and says so beside it', () =>
    onPage({}, async (page) => {
      await askForCode(page, '040 12');
      await page.locator('#number-error').getByText(/./).waitFor();
      assert.equal(await page.getByLabel('Phone number').inputValue(), '040 12');
      assert.equal(await page.getByLabel('Phone number').getAttribute('aria-invalid'), 'true');
    }));

  test('without its key says where the link is printed', () =>
    onPage(
      {},
      async (page) => {
        await page.getByRole('alert').getByText('tuttu serve').waitFor();
        assert.ok(await page.getByLabel('Phone number').isHidden());
        assert.deepEqual(await barriers(page), []);
        await picture(page, 'try-no-key');
      },
      service.link.replace(/#.*/, ''),
    ));

  test('with a wrong key says so, and spends no message', () =>
    onPage(
      {},
      async (page, seen) => {
        await askForCode(page, '044 890 1208');
        await page.getByRole('heading', { name: 'That key is not the server’s' }).waitFor();
        assert.equal(await page.getByLabel('Phone number').inputValue(), '044 890 1208');
        assert.deepEqual(seen.requests.filter((request) => request.method() === 'POST'), []);
      },
      service.link.replace(/#.*/, '#key=wrong'),
    ));

  const numbers = { light: '040 901 2309', dark: '050 912 3410', narrow: '044 923 4511' };
  for (const [view, options] of Object.entries(VIEWS)) {
    test(`has no barrier that axe knows, ${view}`, () =>
      onPage(options, async (page) => {
        const clear = async (stage) => {
          assert.deepEqual(await barriers(page), [], stage);
          await picture(page, `try-${view}-${stage}`);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${stage} is as wide as the window`);
        };
        await clear('number');
        await askForCode(page, numbers[view]);
        const code = await arrivedCode(page);
        await clear('code');
        await page.getByLabel('Code', { exact: true }).fill(code);
        await page.getByRole('button', { name: 'Check' }).click();
        await page.getByRole('heading', { name: 'Who do you know?' }).waitFor();
        await clear('contacts');
        await page.getByRole('button', { name: 'sample address book' }).click();
        await litUp(page);
        for (const summary of await page.locator('summary').all()) await summary.click();
        await clear('result');
      }));
  }
});

/** Nothing that went out holds one of these numbers: not as written, not as E.164, not encoded, not plainly hashed. */
async function assertKept(requests, numbers) {
  const sent = requests.map((request) => `${request.url()}\n${JSON.stringify(request.headers())}\n${request.postData() ?? ''}`);
  assert.ok(sent.some((text) => text.includes('/v1/discovery/lookup')));
  const everything = decodeURIComponent(sent.join('\n').replace(/%(?![0-9a-f]{2})/gi, '%25'));
  // As people write numbers, and then only the digits of all that was sent.
  const joined = everything.replace(/[\s().+/-]/g, '');
  const digits = everything.replace(/\D/g, '');
  for (const written of numbers) {
    const { e164 } = readNumber(written, 'FI');
    if (!e164) continue;
    const national = e164.slice(4);
    assert.ok(!joined.includes(national), `the digits of ${written} were sent`);
    assert.ok(!digits.includes(e164.slice(1)), `the digits of ${written} were sent apart`);
    for (const hidden of disguises(e164)) assert.ok(!everything.includes(hidden), `${written} was sent in disguise`);
  }
}

function disguises(e164) {
  const plain = [e164, e164.slice(1)].flatMap((text) => [Buffer.from(text), createHash('sha256').update(text).digest(), createHash('sha1').update(text).digest()]);
  return plain.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]);
}

/** The keyboard is on this element, and a ring shows it. */
async function focused(page, id) {
  await page.waitForFunction((expected) => document.activeElement?.id === expected, id);
  const ring = await page.evaluate(() => {
    const input = document.activeElement;
    return [input, input.parentElement].some((element) => Number.parseInt(getComputedStyle(element).outlineWidth, 10) >= 2 && getComputedStyle(element).outlineStyle !== 'none');
  });
  assert.ok(ring, `${id} shows that it has the keyboard`);
}

async function tabTo(page, id) {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((expected) => document.activeElement?.id === expected, id)) return focused(page, id);
  }
  throw new Error(`the keyboard does not reach ${id}`);
}
