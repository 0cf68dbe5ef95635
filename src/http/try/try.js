// The page at /try: a number, its code, an address book. This file says what follows what.
import * as api from './api.js';
import { passing } from './challenge.js';
import { readBook } from './contacts.js';
import { find, friendsIn } from './lookup.js';
import { countries, readNumber } from './numbers.js';
import { Phone } from './phone.js';
import { lightUp, showBook, showSent } from './result.js';
import { sampleBook } from './sample.js';
import { decodeFile } from './vcard.js';
import { $, complain, element, oneAtATime, resendButtons, showKeyNotice, showPeople, showStep } from './view.js';
import { count } from './words.js';

const NAMES = ['Aino', 'Eino', 'Helmi', 'Onni', 'Lumi', 'Toivo', 'Saima', 'Urho'];

/** Everything the page knows; it ends with the tab. */
const state = { people: [], active: null, holder: null, verification: null, grant: null, attempt: null };
const phone = new Phone(fillIn);
let updateResend = () => {};

function start() {
  $('region').replaceChildren(...countries('en').map(({ region, name, code }) => element('option', { value: region, textContent: `${name} +${code}` })));
  $('region').value = new Intl.Locale(navigator.language).region ?? 'FI';
  takeKey();
}

/** The link is opened anew with another key when the server was started again: then only the hash changes. */
function takeKey() {
  phone.key = new URLSearchParams(location.hash.slice(1)).get('key');
  showKeyNotice(phone.key ? null : 'missing');
  if (!state.verification && !state.active) askForNumber();
}

function tick() {
  phone.tick();
  updateResend();
}

// The number

function askForNumber() {
  phone.stop();
  Object.assign(state, { verification: null, grant: null });
  $('name').value ||= NAMES[state.people.length % NAMES.length];
  showStep('number', phone.key && $('number'));
}

function another() {
  $('number').value = $('name').value = '';
  complain('number');
  hintNumber();
  askForNumber();
}

const typedNumber = () => readNumber($('number').value, $('region').value);

function hintNumber() {
  const { pretty, region } = typedNumber();
  const country = region && new Intl.DisplayNames(['en'], { type: 'region' }).of(region);
  $('number-hint').textContent = pretty ? [pretty, country].filter(Boolean).join(', ') : 'As you would write it at home, or with + and the country.';
}

async function sendNumber() {
  const read = typedNumber();
  const written = $('number').value.trim();
  if (!written) return complain('number', 'Type your number first.');
  const number = read.e164 ?? written;
  if (read.e164) await holdPhone(read.e164, read.pretty);
  const answer = await once(['start', number], (attempt) => passing('number', null, () => api.startVerification(number, $('region').value, attempt)));
  state.holder = { name: $('name').value.trim() || 'You', number: answer.phone_number, pretty: read.pretty ?? answer.phone_number, region: read.region ?? $('region').value };
  if (!read.e164) await holdPhone(answer.phone_number, answer.phone_number);
  askForCode(answer);
}

/** Asking the inbox first tells a wrong key before any message is spent. */
async function holdPhone(number, pretty) {
  try {
    await phone.hold(number, pretty);
    showKeyNotice(null);
  } catch (refusal) {
    if ([401, 403, 404].includes(refusal.status)) showKeyNotice('refused');
    throw [401, 403, 404].includes(refusal.status) ? new api.Refusal({ detail: 'The server refused the key of this page; see above.' }) : refusal;
  }
}

/** Repeats of one unanswered question carry one key, so that nothing is sent twice. */
async function once(question, ask) {
  const asked = JSON.stringify(question);
  if (state.attempt?.asked !== asked) state.attempt = { asked, id: crypto.randomUUID() };
  try {
    const answer = await ask(state.attempt.id);
    state.attempt = null;
    return answer;
  } catch (refusal) {
    if (refusal.code !== 'unreachable') state.attempt = null;
    throw refusal;
  }
}

// The code

function askForCode(verification) {
  state.verification = verification;
  $('code-number').textContent = state.holder.pretty;
  $('code').value = '';
  $('code-form').hidden = false;
  complain('code');
  complain('resend');
  showVerification();
  showStep('code', $('code'));
  phone.watch(state.holder.number);
}

/** Takes in what an answer or a problem says of the verification; its secret and number were said once. */
function learn(update) {
  if (update) state.verification = { ...state.verification, ...update };
  if (state.verification.status !== 'pending') phone.stop();
  showVerification();
}

function showVerification() {
  const { code, channels, expires_at: end, status } = state.verification;
  $('code-until').textContent = new Date(end).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  $('code-hint').textContent = `${code.length} digits, ${count(code.checks_left, 'check')} left.`;
  $('code-restart').hidden = status === 'pending' || status === 'approved';
  $('code-submit').hidden = !$('code-restart').hidden;
  updateResend = resendButtons(status === 'pending' ? channels : [], resend);
}

function fillIn(code) {
  $('code').value = code;
  complain('code');
  $('code').focus();
}

async function check() {
  const digits = $('code').value.replace(/\D/g, '');
  const { length } = state.verification.code;
  if (digits.length !== length) return complain('code', `The code has ${length} digits; ${digits.length ? `these are ${digits.length}` : 'type them here'}.`);
  try {
    const answer = await api.checkCode(state.verification, digits);
    learn(answer);
    state.grant = answer.grant;
  } catch (refusal) {
    return refused(refusal);
  }
  await register();
}

function refused(refusal) {
  learn(refusal.verification ?? (refusal.status === 410 ? { status: 'expired' } : undefined));
  const { code, status } = state.verification;
  if (refusal.code !== 'code_incorrect') throw refusal;
  const left = status === 'pending' ? `${count(code.checks_left, 'check')} left.` : 'No checks are left; ask for a new code.';
  complain('code', `That is not the code. ${left}`);
}

async function register() {
  welcome(await api.register(state.grant));
}

function resend(channel, button) {
  return oneAtATime(button, 'resend', async () => {
    try {
      const { id, secret } = state.verification;
      learn(await once(['again', id, channel], (attempt) => passing('resend', secret, () => api.sendAgain({ id, secret }, channel, attempt))));
    } catch (refusal) {
      learn(refusal.verification ?? waiting(channel, refusal.retryAfter));
      throw refusal;
    }
  });
}

/** The channels as they are after a refusal that says only how long to wait. */
function waiting(channel, seconds) {
  if (!seconds) return undefined;
  const until = new Date(Date.now() + seconds * 1000).toISOString();
  return { channels: state.verification.channels.map((one) => (one.channel === channel ? { ...one, not_before: until } : one)) };
}

// The contacts

function welcome({ account_id: account, device_token: token }) {
  phone.stop();
  const person = { ...state.holder, account, token, identity: readNumber(state.holder.number).identity, shown: null };
  state.people = [...state.people.filter(({ number }) => number !== person.number), person];
  $('name').value = '';
  become(person);
}

function become(person) {
  phone.stop();
  state.active = person;
  $('contacts-name').textContent = person.name;
  $('contacts-number').textContent = person.pretty;
  complain('book');
  showPeople(state.people, person, become);
  showStep('contacts', $('contacts-heading'));
  if (person.shown) showFound(person.shown);
}

async function bring(text, sampled) {
  const person = state.active;
  const book = readBook(text, person);
  if (!book.contacts.length) return complain('book', 'There is no contact in that file. It should be a vCard (.vcf).');
  $('sample-link').hidden = !sampled;
  showBook(book);
  try {
    person.shown = { book, ...(await find(book, person.token)) };
  } catch (refusal) {
    $('result').hidden = true;
    throw refusal;
  }
  if (person !== state.active) return undefined;
  showFound(person.shown);
  return $('result-heading').focus();
}

function showFound({ book, handles, requests, accounts }) {
  showBook(book);
  lightUp(book, friendsIn(book, accounts));
  showSent(book, handles, requests);
}

async function bringFile(file) {
  if (file) await bring(decodeFile(await file.arrayBuffer()), false);
}

async function bringSample() {
  const others = state.people.filter((person) => person !== state.active);
  const text = sampleBook(others.map(({ name, pretty }) => ({ name, number: pretty })));
  const link = $('sample-link').querySelector('a');
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/vcard' }));
  await bring(text, true);
}

// Wires

function on(target, event, field, work) {
  target.addEventListener(event, (happening) => {
    happening.preventDefault();
    return oneAtATime(target, field, () => work(happening));
  });
}

on($('number-form'), 'submit', 'number', sendNumber);
on($('code-form'), 'submit', 'code', check);
on($('sample'), 'click', 'book', bringSample);
on($('book'), 'change', 'book', async ({ target }) => {
  const [file] = target.files;
  await bringFile(file);
  target.value = '';
});
on($('drop'), 'drop', 'book', ({ dataTransfer }) => bringFile(dataTransfer.files[0]));
for (const event of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  $('drop').addEventListener(event, (happening) => {
    happening.preventDefault();
    $('drop').classList.toggle('over', event === 'dragenter' || event === 'dragover');
  });
}
// A file dropped beside the zone would make the browser leave the page.
for (const event of ['dragover', 'drop']) addEventListener(event, (happening) => happening.preventDefault());
for (const field of ['number', 'region']) $(field).addEventListener('input', hintNumber);
$('another').addEventListener('click', another);
$('code-restart').addEventListener('click', askForNumber);
$('change-number').addEventListener('click', askForNumber);
addEventListener('hashchange', takeKey);
start();
setInterval(tick, 1000);
