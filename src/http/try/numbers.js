// What people write for a number, made into the one form that is looked up.
import { revived, twin } from './aliases.js';
import './vendor/libphonenumber-js/libphonenumber-max.js';

// The shipped file exports nothing: it sets a global.
const { parsePhoneNumberWithError, getCountries, getCountryCallingCode } = globalThis.libphonenumber;

/** Kinds of number whose holder can prove them here; the others belong to businesses and services. */
const PROVABLE = new Set(['MOBILE', 'FIXED_LINE', 'FIXED_LINE_OR_MOBILE', 'VOIP']);

/**
 * Reads one number as its owner wrote it: `{e164, identity, region, pretty}`. What is not to be asked for has a
 * `reason`: `no_number`, `service`, `invalid`, or, with all the rest, `business`.
 */
export function readNumber(written, region) {
  const text = plain(written);
  const digits = text.replace(/\P{Nd}/gu, '');
  if (!digits) return { reason: 'no_number' };
  if (/^[*#]/.test(text)) return { reason: 'service' };
  const number = inUse(parse(text, region));
  if (!number) return { reason: digits.length <= 6 ? 'service' : 'invalid' };
  return {
    e164: number.number,
    identity: identity(number.number),
    region: number.country,
    pretty: number.formatInternational(),
    ...(PROVABLE.has(number.getType()) ? {} : { reason: 'business' }),
  };
}

/** The number itself if its range is in use, else what replaced it. A form in use is never rewritten. */
function inUse(number) {
  if (!number || number.isValid()) return number;
  const replacement = revived(number.number);
  const replaced = replacement && parse(replacement);
  return replaced?.isValid() ? replaced : null;
}

/** The one form that stands for all forms of a line: what is hashed and compared. */
function identity(e164) {
  const other = twin(e164);
  return other && parse(other)?.isValid() ? other : e164;
}

/** Every country with its calling code, by name: `[{region, name, code}]`. */
export function countries(locale) {
  const names = new Intl.DisplayNames([locale], { type: 'region' });
  return getCountries()
    .map((region) => ({ region, name: names.of(region), code: getCountryCallingCode(region) }))
    .sort((a, b) => a.name.localeCompare(b.name, locale));
}

/** Without marks that set direction, `tel:` (RFC 3966), and what follows a `;`: extensions and digits to dial later. */
function plain(written) {
  const [number] = written.normalize('NFKC').replace(/\p{Cf}/gu, '').trim().replace(/^tel:/i, '').split(';');
  return number.replace(/%20|%2D/gi, ' ').replace(/%2B/i, '+');
}

function parse(text, region) {
  try {
    return parsePhoneNumberWithError(text, { defaultCountry: region, extract: false });
  } catch {
    return null;
  }
}
