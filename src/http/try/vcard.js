// Reads address books in vCard 2.1, 3.0 and 4.0 (RFC 2425, 2426, 6350), as phones really write them.

/** The text of a file: UTF-16 with a mark, else UTF-8, else what old phones and Outlook wrote. */
export function decodeFile(bytes) {
  const view = new Uint8Array(bytes);
  const mark = view[0] === 0xff && view[1] === 0xfe ? 'utf-16le' : view[0] === 0xfe && view[1] === 0xff ? 'utf-16be' : null;
  if (mark) return new TextDecoder(mark).decode(view);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(view);
  } catch {
    return new TextDecoder('windows-1252').decode(view);
  }
}

/** The cards of an address book, in order: `[{name, numbers: [text, ...]}]`. Never throws. */
export function parseCards(text) {
  const cards = [];
  let card = null;
  const close = () => card && cards.push(finished(card));
  for (const property of properties(text)) {
    const value = property.value.trim().toUpperCase();
    if (property.name === 'BEGIN' && value === 'VCARD') {
      close();
      card = { numbers: [] };
    } else if (property.name === 'END' && value === 'VCARD') {
      close();
      card = null;
    } else if (card) {
      note(card, property);
    }
  }
  close();
  return cards;
}

function note(card, { name, value }) {
  if (name === 'TEL') card.numbers.push(unescape(value).trim().replace(/^tel:/i, ''));
  else if (name === 'FN') card.formatted ||= tidy(unescape(value));
  else if (name === 'N') card.structured ||= fullName(value);
  else if (name === 'ORG') card.organisation ||= tidy(parts(value).join(', '));
}

function finished({ numbers, formatted, structured, organisation }) {
  return { name: formatted || structured || organisation || numbers[0] || 'No name', numbers };
}

/** Family;given;middle;prefix;suffix, said in the order in which people say it. */
function fullName(value) {
  const [family, given, middle] = parts(value);
  return tidy([given, middle, family].filter(Boolean).join(' '));
}

function* properties(text) {
  for (const line of unfolded(text)) {
    const found = /^(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)$/s.exec(line);
    if (!found) continue;
    const [, name, parameters, value] = found;
    yield { name: name.toUpperCase(), value: isQuotedPrintable(parameters) ? quotedPrintable(value, parameters) : value };
  }
}

/** Whole lines: a leading blank continues the line before, and so does a `=` at the end of quoted-printable. */
function unfolded(text) {
  const lines = [];
  let [quoted, soft] = [false, false];
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const continues = soft || (/^[ \t]/.test(line) && lines.length > 0);
    if (!continues) {
      lines.push([]);
      quoted = isQuotedPrintable(line.slice(0, line.indexOf(':')));
    }
    const start = continues && !soft ? 1 : 0;
    soft = quoted && line.endsWith('=');
    lines.at(-1).push(line.slice(start, soft ? -1 : undefined));
  }
  return lines.map((pieces) => pieces.join(''));
}

function isQuotedPrintable(parameters) {
  return /;(ENCODING=)?QUOTED-PRINTABLE(;|$)/i.test(parameters);
}

function quotedPrintable(value, parameters) {
  const charset = /;CHARSET=([^;]+)/i.exec(parameters)?.[1] ?? 'utf-8';
  const bytes = [];
  for (const [token, hex] of value.matchAll(/=([0-9A-F]{2})|[^]/giu)) {
    if (hex) bytes.push(parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(token));
  }
  return decoderFor(charset).decode(new Uint8Array(bytes));
}

function decoderFor(charset) {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

function parts(value) {
  return value.split(/(?<!\\);/).map((part) => unescape(part).trim()).filter((part, at) => part || at < 3);
}

function unescape(value) {
  return value.replace(/\\(.)/g, (_, escaped) => (/n/i.test(escaped) ? ' ' : escaped));
}

function tidy(name) {
  return name.replace(/\s+/g, ' ').trim();
}
