// Starts the service and a browser, and drives the page at /try as a person would.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const HERE = fileURLToPath(new URL('.', import.meta.url));
export const ARTEFACTS = resolve(HERE, '../artefacts');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Starts the service in an empty folder; `link` is what it prints for the page. */
export async function startService() {
  const cwd = await mkdtemp(join(tmpdir(), 'tuttu-try-'));
  const binary = resolve(HERE, process.env.TUTTU_BIN ?? '../../target/debug/tuttu');
  const env = { ...process.env, TUTTU__SERVER__LISTEN: '127.0.0.1:0', TUTTU__SERVER__OPS_LISTEN: '127.0.0.1:0' };
  const child = spawn(binary, ['serve'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', done).once('error', done));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(cwd, { recursive: true, force: true });
  };
  const link = await Promise.race([printedLink(child.stdout), ended.then(() => null)]);
  if (link) return { link, cwd, stop };
  await stop();
  throw new Error(`${binary} ended before it printed the link of the page`);
}

async function printedLink(stdout) {
  for await (const line of createInterface({ input: stdout })) {
    const link = /http:\/\/127\.0\.0\.1:\d+\/try#key=[^\s]+/.exec(line)?.[0];
    if (link) {
      stdout.resume();
      return link;
    }
  }
  return null;
}

export const startBrowser = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium', args: FLAGS });

/** A fresh page that keeps everything it sends, and every breach of its content security policy. */
export async function openPage(browser, link, { ready = '.steps [aria-current], #key-notice:visible', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 900 }, locale: 'fi-FI', ...options });
  const page = await context.newPage();
  const seen = { requests: [], breaches: [], errors: [] };
  context.on('request', (request) => seen.requests.push(request));
  page.on('console', (message) => message.type() === 'error' && note(seen, message.text()));
  page.on('pageerror', (error) => seen.errors.push(error.message));
  await page.exposeFunction('noteBreach', (breach) => seen.breaches.push(breach));
  await page.addInitScript(() =>
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => globalThis.noteBreach(`${violatedDirective} ${blockedURI}`)),
  );
  await page.goto(link);
  await page.locator(ready).first().waitFor();
  return { page, seen, close: () => context.close() };
}

/** The browser reports refusals of the service as errors too; those are answers that the page awaits. */
function note(seen, text) {
  if (/content security policy/i.test(text)) seen.breaches.push(text);
  else if (!/Failed to load resource: the server responded with a status of 4\d\d/.test(text)) seen.errors.push(text);
}

/** Types a number and asks for its code. */
export async function askForCode(page, number, name) {
  await page.getByLabel('Phone number').fill(number);
  if (name) await page.getByLabel('What this page calls you').fill(name);
  await page.getByRole('button', { name: 'Send me a code' }).click();
}

/** The code in the message that arrives on the phone of the page; older ones can no longer be filled in. */
export async function arrivedCode(page) {
  const text = await page.locator('#messages li:has(button)').first().innerText();
  return /\d{6,8}/.exec(text)[0];
}

/** The whole way from a number to an address book. */
export async function registerPerson(page, number, name) {
  await askForCode(page, number, name);
  await page.getByLabel('Code', { exact: true }).fill(await arrivedCode(page));
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('heading', { name: 'Who do you know?' }).waitFor();
}

/** Drops a file on the page, as from a file manager. */
export async function dropBook(page, text) {
  const dataTransfer = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], 'contacts.vcf', { type: 'text/vcard' }));
    return transfer;
  }, text);
  await page.locator('#drop').dispatchEvent('drop', { dataTransfer });
}

/** The names of the people who lit up. */
export async function litUp(page) {
  await page.locator('#counts').waitFor();
  return page.locator('#friends b').allInnerTexts();
}

/** What axe-core finds wrong with the page as it stands, in a line each. */
export async function barriers(page) {
  await settled(page);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ preload: false }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/** Colours are judged, and pictures taken, when everything that moves has arrived. */
export async function settled(page) {
  await page.evaluate(() => {
    const moving = document.getAnimations().filter((animation) => animation.effect.getTiming().iterations !== Infinity);
    return Promise.all(moving.map(({ finished }) => finished.catch(() => {})));
  });
}
