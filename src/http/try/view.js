// What is on the page besides the phone and the address book: steps, errors, people, buttons to send again.
import { clock, refusalInWords } from './words.js';

const STEPS = ['number', 'code', 'contacts'];

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes under `attributes`, and children. */
export function element(tag, { attributes = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Shows one step and puts the keyboard where it goes on. */
export function showStep(step, focus) {
  for (const name of STEPS) $(`step-${name}`).hidden = name !== step;
  for (const item of document.querySelectorAll('.steps [data-step]')) {
    const at = STEPS.indexOf(item.dataset.step);
    item.classList.toggle('done', at < STEPS.indexOf(step));
    if (item.dataset.step === step) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  }
  document.body.dataset.step = step;
  $('result').hidden = true;
  focus?.focus();
}

/** Says beside a field what is wrong with it; nothing clears it. What was typed stays. */
export function complain(field, words = '') {
  const error = $(`${field}-error`);
  error.textContent = words;
  const input = $(field);
  if (!(input instanceof HTMLInputElement) || input.type === 'file') return;
  if (words) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
  if (words) input.focus();
}

/** Runs what a form or button asks for, once at a time, and says beside `field` how it was refused. */
export async function oneAtATime(control, field, work) {
  if (control.getAttribute('aria-busy') === 'true') return;
  control.setAttribute('aria-busy', 'true');
  complain(field);
  try {
    await work();
  } catch (refusal) {
    if (!refusal.code) throw refusal;
    complain(field, refusalInWords(refusal));
  } finally {
    control.removeAttribute('aria-busy');
  }
}

/** How to get at this page at all: no key, or one that the server refused. */
export function showKeyNotice(reason) {
  $('key-notice').hidden = !reason;
  document.body.classList.toggle('locked', reason === 'missing');
  if (!reason) return;
  $('key-title').textContent = reason === 'missing' ? 'Open this page by its link' : 'That key is not the server’s';
  $('key-words').textContent =
    reason === 'missing'
      ? 'The messages shown here are for you alone, so the page needs a key. Use the whole link that “tuttu serve” printed when it started. It looks like this:'
      : 'It changes whenever the server starts. Use the link that the running “tuttu serve” printed. It looks like this:';
  $('key-notice').scrollIntoView({ block: 'nearest' });
}

/** The people registered here, the one whose eyes are used marked. */
export function showPeople(people, active, choose) {
  $('people').hidden = people.length === 0;
  $('people').querySelector('ul').replaceChildren(...people.map((person) => personItem(person, person === active, choose)));
}

function personItem(person, isActive, choose) {
  const button = element(
    'button',
    { type: 'button', className: 'person', onclick: () => choose(person), attributes: { 'aria-pressed': String(isActive) } },
    element('span', { className: 'face', textContent: initials(person.name), attributes: { 'aria-hidden': 'true' } }),
    element('span', {}, element('b', { textContent: person.name }), element('small', { textContent: person.pretty })),
  );
  return element('li', {}, button);
}

/** Up to two letters, or the emoji, of a name. */
export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, '').split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join('') || [...name][0] || '?';
}

/** A button for each channel; `update` keeps the wait that it still has to sit out. */
export function resendButtons(channels, send) {
  const buttons = channels.map(({ channel, not_before: notBefore }) => {
    const label = channel === 'voice' ? 'Call me' : 'Send it again';
    const button = element('button', { type: 'button', onclick: () => send(channel, button) });
    const update = () => {
      const left = Math.ceil((Date.parse(notBefore) - Date.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? `${label} in ${clock(left)}` : label;
    };
    update();
    return { button, update };
  });
  $('resend').replaceChildren(...buttons.map(({ button }) => button));
  return () => buttons.forEach(({ update }) => update());
}
