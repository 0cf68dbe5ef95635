// An address book on the page: first every contact as a dark window, then those who are here with a light on.
import { $, element, initials } from './view.js';
import { count, reasonInWords } from './words.js';

/** From here on windows have no name beside them. */
const CROWD = 48;

/** So many windows are drawn; those with a light on always are. */
const WINDOWS = 1500;

/** Shows a book before anything is known of it. */
export function showBook(book) {
  $('result').hidden = false;
  $('result-heading').textContent = 'Looking for people you know';
  $('result-status').textContent = `Asking for ${count(book.numbers.size, 'number')}…`;
  $('friends').replaceChildren();
  $('wall').classList.toggle('crowd', book.contacts.length > CROWD);
  $('wall').replaceChildren(...book.contacts.slice(0, WINDOWS).map(windowOf));
  for (const id of ['counts', 'skipped', 'sent']) $(id).hidden = true;
}

function windowOf({ name }) {
  const pane = element('span', { className: 'pane', textContent: initials(name), attributes: { 'aria-hidden': 'true' } });
  return element('li', { title: name }, pane, element('span', { className: 'name', textContent: name }));
}

/** Lights up those who are here: `friends` is `[{contact, written, number, account}]`. */
export function lightUp(book, friends) {
  const found = friends.length;
  $('result-heading').textContent = found ? `${count(found, 'person', 'people')} you know ${found === 1 ? 'is' : 'are'} here` : 'Nobody you know is here yet';
  $('result-status').textContent = found
    ? `Found among ${count(book.contacts.length, 'contact')} by nothing but ${count(book.numbers.size, 'hash', 'hashes')}.`
    : 'Register another person whose number is in this book, then bring it again.';
  $('friends').replaceChildren(...friends.map((friend, at) => friendItem(book, friend, at)));
  friends.forEach(({ contact }, at) => light(book, contact, at));
  showCounts(book, found);
  showSkipped(book);
}

function friendItem(book, { contact, written, account }, at) {
  const { name } = book.contacts[contact];
  const item = element(
    'li',
    {},
    element('span', { className: 'face', textContent: initials(name), attributes: { 'aria-hidden': 'true' } }),
    element('span', {}, element('b', { textContent: name }), element('small', { textContent: written }), element('small', { textContent: `account ${account.slice(0, 8)}…` })),
  );
  item.style.setProperty('--turn', Math.min(at, 20));
  return item;
}

function light(book, contact, at) {
  const wall = $('wall');
  const pane = wall.children[contact] ?? wall.appendChild(windowOf(book.contacts[contact]));
  pane.classList.add('lit');
  pane.style.setProperty('--turn', Math.min(at, 20));
  pane.append(element('span', { className: 'aside', textContent: ' is here' }));
}

function showCounts(book, found) {
  const counts = [
    ['contacts', book.contacts.length],
    ['numbers asked for', book.numbers.size],
    ['left out', book.skipped.length],
    [found === 1 ? 'is here' : 'are here', found],
  ];
  $('counts').hidden = false;
  $('counts').replaceChildren(
    ...counts.map(([label, n]) => element('div', {}, element('dt', { textContent: label }), element('dd', { textContent: n.toLocaleString('en') }))),
  );
}

function showSkipped({ skipped, numberless }) {
  const lines = [...new Set(skipped.map(({ reason }) => reason))].map((reason) => {
    const numbers = skipped.filter((entry) => entry.reason === reason);
    return skippedItem(count(numbers.length, 'number'), reasonInWords(reason), numbers);
  });
  if (numberless) lines.push(skippedItem(count(numberless, 'contact'), 'without any number', []));
  $('skipped').hidden = lines.length === 0;
  $('skipped').querySelector('summary').textContent = 'What was left out, and why';
  $('skipped').querySelector('ul').replaceChildren(...lines);
}

function skippedItem(amount, words, numbers) {
  const examples = numbers.slice(0, 3).map(({ name, written }) => `${name} ${written}`).join(', ');
  return element('li', {}, element('b', { textContent: amount }), ` ${words}`, element('small', { textContent: examples && `such as ${examples}` }));
}

/** Shows what the server was told: `handles` is a Map from handle to number. */
export function showSent(book, handles, requests) {
  $('sent').hidden = handles.size === 0;
  $('sent-words').textContent = `${count(handles.size, 'handle')} of 16 bytes in ${count(requests, 'request')}, sorted. No name, no number.`;
  const rows = [...handles].slice(0, 3).map(([handle, number]) => {
    const cells = [book.numbers.get(number).written, number, handle];
    return element('tr', {}, ...cells.map((text) => element('td', { textContent: text })));
  });
  $('sent').querySelector('tbody').replaceChildren(...rows);
}
