// An address book to play with: the people registered on this page, among others.

/** Numbers as people write them, of nobody in particular. Some cannot be asked for, and are counted. */
const OTHERS = [
  ['Grandma 👵', ['+358 (9) 123 4570', '09 123 4570']],
  ['Oskari, neighbour', ['0400123488']],
  ['Sven-Göran', ['+46 70-174 06 05', '0046 8 120 131 00']],
  ['Grace Miller', ['+1 (212) 555-0142', '+1 212 555 0134 ext. 102']],
  ['Jörg from the cottage', ['0049 (0)171 3920055']],
  ['Lucía 🇦🇷', ['+54 11 2345-6789', '+54 9 11 2345-6789']],
  ['Ana Souza', ['+55 11 96123-4567']],
  ['Zoé 🥐', ['+33 6 12 34 56 78']],
  ['Kenji', ['+81 90-1234-5678']],
  ['Amara', ['+234 802 123 4567']],
  ['Mehmet Şahin', ['+90 532 123 45 67']],
  ['Pizza Online', ['0600 12345']],
  ['Emergency', ['112']],
  ['Balance', ['*100#']],
  ['Piano teacher', []],
];

/** A vCard 3.0 file of these people, `[{name, number}]`, spread among the examples. */
export function sampleBook(people) {
  const cards = OTHERS.map(([name, numbers]) => [name, numbers]);
  people.forEach(({ name, number }, at) => cards.splice((3 + at * 4) % cards.length, 0, [name, [number]]));
  return cards.map(([name, numbers]) => card(name, numbers)).join('');
}

function card(name, numbers) {
  const lines = ['BEGIN:VCARD', 'VERSION:3.0', `FN:${escape(name)}`, ...numbers.map((number) => `TEL;TYPE=CELL:${escape(number)}`)];
  return `${lines.join('\r\n')}\r\nEND:VCARD\r\n`;
}

function escape(value) {
  return value.replace(/[\\,;]/g, '\\$&').replace(/\r?\n/g, ' ');
}
