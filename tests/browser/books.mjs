// Address books for tests: as mixed as real ones, of nobody in particular.

/** National and international ways to write a Finnish mobile number whose last nine digits are given. */
const WAYS = [
  (d) => `0${d.slice(0, 2)} ${d.slice(2, 5)} ${d.slice(5)}`,
  (d) => `+358${d}`,
  (d) => `+358 ${d.slice(0, 2)} ${d.slice(2, 5)} ${d.slice(5)}`,
  (d) => `0${d.slice(0, 2)}-${d.slice(2)}`,
  (d) => `00358 ${d}`,
  (d) => `+358 (0)${d.slice(0, 2)} ${d.slice(2)}`,
  (d) => `(0${d.slice(0, 2)}) ${d.slice(2, 5)}.${d.slice(5)}`,
];

const GIVEN = ['Päivi 🌻', 'Jörg', 'Zoé 🥐', 'Şahin', '李', 'Ana', 'Åke', 'Mümin 👩‍👧', 'Oili', "O'Neil"];
const FAMILY = ['Ääkkönen-Väänänen', 'Müller', 'Laine', 'Österåker', 'Virtanen', 'Souza'];

/**
 * A vCard file of `size` contacts, among them `known` (`[{name, number}]`, the number as written).
 * `numbers` lists every number in it, as written.
 */
export function mixedBook(size, known) {
  const numbers = [];
  const cards = [];
  const places = new Map(known.map((person, at) => [Math.floor(((at + 1) * size) / (known.length + 1)), person]));
  for (let at = 0; at < size; at += 1) {
    const person = places.get(at) ?? stranger(at);
    numbers.push(...(person.numbers ?? [person.number]));
    cards.push(card(at, person.name, person.numbers ?? [person.number]));
  }
  return { text: cards.join(''), numbers };
}

function stranger(at) {
  const digits = `4${5 + (at % 2)}7${String(100000 + at * 137).slice(-6)}`;
  const numbers = [WAYS[at % WAYS.length](digits)];
  if (at % 5 === 0) numbers.push(`09 ${String(1234000 + at)}`);
  if (at % 9 === 0) numbers.push(WAYS[(at + 3) % WAYS.length](digits));
  if (at % 50 === 7) numbers.push('112');
  return { name: `${GIVEN[at % GIVEN.length]} ${FAMILY[at % FAMILY.length]} ${at}`, numbers };
}

function card(at, name, numbers) {
  const lines = [[card30, card21, card40][at % 3](name, numbers)].flat();
  return `${['BEGIN:VCARD', ...lines, 'END:VCARD'].join('\r\n')}\r\n`;
}

function card30(name, numbers) {
  const long = `NOTE:${'met at the lake in the summer\\, swims well; '.repeat(4)}`;
  return ['VERSION:3.0', `FN:${name}`, ...numbers.map((number, at) => `item${at}.TEL;type=CELL;type=VOICE:${number}`), ...fold(long)];
}

function card21(name, numbers) {
  const hex = [...new TextEncoder().encode(name)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  const soft = hex.flatMap((byte, at) => (at && at % 20 === 0 ? ['=\r\n', byte] : [byte])).join('');
  return ['VERSION:2.1', `FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:${soft}`, ...numbers.map((number) => `TEL;CELL;PREF:${number}`)];
}

function card40(name, numbers) {
  const uri = (number) => (number.startsWith('+') && !number.includes('(') ? `TEL;VALUE=uri;TYPE="cell,voice":tel:${number.replaceAll(' ', '-')}` : `TEL;TYPE=cell:${number}`);
  return ['VERSION:4.0', ...fold(`FN:${name}`, 12), ...numbers.flatMap((number) => fold(uri(number), 30))];
}

/** Folds after so many characters, never inside one. */
function fold(line, width = 70) {
  const characters = [...line];
  const starts = Array.from({ length: Math.ceil(characters.length / width) }, (_, at) => at * width);
  return starts.map((start) => (start ? ' ' : '') + characters.slice(start, start + width).join(''));
}
