// Drives the console as an admin would: an invitation from the command line, an authenticator, a keyboard.
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const STEP = 30;
export const PASSWORD = 'kuusi vanhaa porsasta';

/** The address of the console: by this name browsers take the cookies of a session without TLS. */
export const consoleOf = (service) => new URL(service.link).origin.replace('127.0.0.1', 'localhost');

/** Runs `tuttu` where the service runs, and answers what it prints. */
export async function tuttu(service, ...words) {
  const binary = resolve(HERE, process.env.TUTTU_BIN ?? '../../target/debug/tuttu');
  return (await run(binary, words, { cwd: service.cwd })).stdout;
}

/** The secret of an invitation that was made on the host. */
export async function invitation(service, name, ...roles) {
  const printed = await tuttu(service, 'admin', 'create', '--name', name, ...roles.flatMap((role) => ['--role', role]));
  return /#secret=(\S+)/.exec(printed)[1];
}

/** An authenticator on a phone (RFC 6238), which never shows the same code twice. */
export class Authenticator {
  #secret;
  #used = 0;

  constructor(typed) {
    const bits = [...typed.replace(/\s/g, '')].map((symbol) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(symbol).toString(2).padStart(5, '0')).join('');
    this.#secret = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  }

  /** A code that the server takes now: the clock may be a step behind or ahead, and each step is taken once. */
  code() {
    const now = Math.floor(Date.now() / 1000 / STEP);
    const step = Math.max(this.#used + 1, now - 1);
    if (step > now + 1) throw new Error('every code of this minute and a half is spent');
    this.#used = step;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', this.#secret).update(counter).digest();
    const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, '0');
  }
}

/** Takes up an invitation by the keyboard alone. */
export async function enrol(page, origin, secret) {
  await page.goto(`${origin}/admin/enrol#secret=${secret}`);
  await page.getByRole('textbox', { name: 'Invitation' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Second factor' }).waitFor();
  const typed = await page.locator('details .mono').textContent();
  const phone = new Authenticator(typed);
  await page.getByLabel('Password', { exact: true }).focus();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type(phone.code());
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  return phone;
}

/** Signs in by the keyboard alone. */
export async function signIn(page, origin, name, phone) {
  await page.goto(`${origin}/admin/sign-in`);
  await page.waitForFunction(() => document.activeElement?.id === 'name');
  await page.keyboard.type(name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Tab');
  await page.keyboard.type(phone.code());
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'));
}

/** Moves on with Tab until this has the focus. */
export async function tabTo(page, name, limit = 60) {
  for (let presses = 0; presses < limit; presses += 1) {
    await page.keyboard.press('Tab');
    const words = await page.evaluate(() => {
      const at = document.activeElement;
      return at.labels?.[0]?.textContent ?? at.getAttribute('aria-label') ?? at.textContent;
    });
    if (words.replace(/\s+/g, ' ').trim().startsWith(name)) return;
  }
  throw new Error(`the keyboard does not reach ${name}`);
}
