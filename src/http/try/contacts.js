// From an address book to the handles that are asked for. Nothing here talks to the network.
import { blake3 } from './vendor/noble-hashes/blake3.js';
import { readNumber } from './numbers.js';
import { parseCards } from './vcard.js';

/** The handle algorithm this page knows. */
export const ALGORITHM = 'blake3-keyed-128';

/** The most handles this page asks for in one request; the server takes 20 000. */
export const BATCH = 5000;

/**
 * Reads a vCard file with the eyes of its owner.
 *
 * @returns {{contacts: {name: string}[], numbers: Map<string, {written: string, contacts: number[]}>,
 *   skipped: {name: string, written: string, reason: string}[], numberless: number}}
 *   `numbers` is keyed by identity (E.164); its `contacts` point into `contacts`.
 */
export function readBook(text, owner) {
  const book = { contacts: [], numbers: new Map(), skipped: [], numberless: 0 };
  for (const card of parseCards(text)) {
    const contact = book.contacts.push({ name: card.name }) - 1;
    if (!card.numbers.some(Boolean)) book.numberless += 1;
    for (const written of card.numbers.filter(Boolean)) {
      const reason = add(book, contact, written, owner);
      if (reason) book.skipped.push({ name: card.name, written, reason });
    }
  }
  return book;
}

/** Why a number is not asked for, or nothing when it now is. */
function add(book, contact, written, owner) {
  const number = readNumber(written, owner.region);
  if (number.reason) return number.reason;
  if (number.identity === owner.identity) return 'own';
  const known = book.numbers.get(number.identity);
  if (!known) {
    book.numbers.set(number.identity, { written, contacts: [contact] });
    return undefined;
  }
  // Two people may share a number; both are friends if it is found, but it is asked for once.
  if (!known.contacts.includes(contact)) known.contacts.push(contact);
  return 'duplicate';
}

/** The handle of a number: the first 16 bytes of BLAKE3 keyed with the pepper, as base64url. */
export function handleOf(number, pepper) {
  return toBase64url(blake3(new TextEncoder().encode(number), { key: pepper, dkLen: 16 }));
}

/** `Map` from handle to number, in the order of the handles: the order of the book is nobody's business. */
export function handlesOf(numbers, pepper) {
  const pairs = [...numbers].map((number) => [handleOf(number, pepper), number]);
  return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The first epoch whose algorithm is known here, with its pepper as bytes; nothing if there is none. */
export function usableEpoch(epochs) {
  const epoch = epochs.find(({ algorithm }) => algorithm === ALGORITHM);
  return epoch && { id: epoch.id, pepper: fromBase64url(epoch.params.pepper) };
}

function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}
