// Asks which numbers of a book belong to people who are here.
import { epochs, lookup, Refusal } from './api.js';
import { BATCH, handlesOf, usableEpoch } from './contacts.js';

/**
 * The accounts behind a book's numbers, asked for by handle only.
 *
 * @returns {Promise<{handles: Map<string, string>, requests: number, accounts: Map<string, string>}>}
 *   `accounts` is keyed by number (E.164).
 */
export async function find(book, token) {
  try {
    return await findIn(await chooseEpoch(token), book, token);
  } catch (refusal) {
    // The epoch may have ended between the two calls; the next list names its successor.
    if (refusal.code !== 'epoch_unknown') throw refusal;
    return findIn(await chooseEpoch(token), book, token);
  }
}

async function chooseEpoch(token) {
  const epoch = usableEpoch(await epochs(token));
  if (!epoch) throw new Refusal({ code: 'no_epoch' });
  return epoch;
}

async function findIn(epoch, book, token) {
  const handles = handlesOf(book.numbers.keys(), epoch.pepper);
  const asked = [...handles.keys()];
  const accounts = new Map();
  let requests = 0;
  for (let from = 0; from < asked.length; from += BATCH) {
    const { matches } = await lookup(token, epoch.id, asked.slice(from, from + BATCH));
    requests += 1;
    for (const { handle, account_id: account } of matches) accounts.set(handles.get(handle), account);
  }
  return { handles, requests, accounts };
}

/** Who in the book is here, in the book's order, each person once: `[{contact, written, number, account}]`. */
export function friendsIn(book, accounts) {
  const friends = new Map();
  for (const [number, account] of accounts) {
    const { written, contacts } = book.numbers.get(number);
    for (const contact of contacts) friends.set(contact, { contact, written, number, account });
  }
  return [...friends.values()].sort((a, b) => a.contact - b.contact);
}
