// What refusals, reasons and durations are called on the page.

const REFUSALS = {
  unreachable: 'The server does not answer. Is it still running? Nothing you typed is lost.',
  number_invalid: 'No such number exists. Are the country and all the digits right?',
  number_type_not_allowed: 'This kind of number cannot receive a code. Use a mobile number.',
  destination_not_allowed: 'This server does not send to that country.',
  resend_too_early: 'A code went to this number a moment ago.',
  sends_exhausted: 'This number has had all its messages for now.',
  destination_paused: 'Sending to this range of numbers is paused.',
  rate_limited: 'That was a little fast.',
  challenge_required: 'The server asks for one check after another. Try again later.',
  challenge_incorrect: 'The server did not accept the proof of work. Try again.',
  challenge_closed: 'That check is over. Ask for the code again.',
  challenge_elsewhere: 'The server asks for a CAPTCHA, which this page cannot show: it loads nothing from others. Your own app can.',
  challenge_unsolved: 'This browser did not finish the proof of work. Try again.',
  checks_exhausted: 'No checks are left. Ask for a new code.',
  verification_over: 'This code is over. Ask for a new one.',
  start_again: 'This code is nearly over. Ask for a new one.',
  grant_expired: 'That took too long: prove the number once more.',
  grant_used: 'This proof has been used. Prove the number once more.',
  token_invalid: 'The server no longer knows this person. Register the number again.',
  lookup_rate: 'That is enough asking for now.',
  lookup_budget_spent: 'This account has asked for as many new numbers as it may.',
  no_epoch: 'The server speaks no handle algorithm that this page knows.',
};

/** Why numbers are left out, by reason; `{n}` of them. */
const REASONS = {
  duplicate: 'written more than once',
  invalid: 'not a complete number',
  business: 'premium, freephone and other business lines',
  service: 'short numbers and service codes',
  own: 'your own number',
  no_number: 'words, not a number',
};

/** A refusal in plain words, with when to come back. */
export function refusalInWords(refusal) {
  const words = REFUSALS[refusal.code] ?? refusal.message;
  return refusal.retryAfter ? `${words} Try again in ${duration(refusal.retryAfter)}.` : words;
}

export const reasonInWords = (reason) => REASONS[reason];

/** `1 check`, `2 checks`. */
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

/** Whole units, rounded up, so that waiting as long as it says is always long enough. */
export function duration(seconds) {
  if (seconds < 60) return count(seconds, 'second');
  if (seconds < 3600) return count(Math.ceil(seconds / 60), 'minute');
  return count(Math.ceil(seconds / 3600), 'hour');
}

/** `0:27` */
export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
