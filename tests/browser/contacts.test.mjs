import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BATCH, handleOf, handlesOf, readBook, usableEpoch } from '../../src/http/try/contacts.js';
import { friendsIn } from '../../src/http/try/lookup.js';
import { readNumber } from '../../src/http/try/numbers.js';
import { sampleBook } from '../../src/http/try/sample.js';
import { decodeFile, parseCards } from '../../src/http/try/vcard.js';
import { mixedBook } from './books.mjs';

const DATA = fileURLToPath(new URL('../data', import.meta.url));
const OWNER = { region: 'FI', identity: '+358401234500' };

const card = (...lines) => ['BEGIN:VCARD', ...lines, 'END:VCARD', ''].join('\r\n');
const table = (name) => {
  const rows = readFileSync(`${DATA}/${name}`, 'utf8').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t'));
  const [head, ...body] = rows;
  return body.map((row) => Object.fromEntries(head.map((column, at) => [column, row[at] ?? ''])));
};

describe('a vCard', () => {
  test('of version 2.1 may be quoted-printable, broken softly and in any charset', () => {
    const text = card('VERSION:2.1', 'FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=50=C3=A4=69=', '=76=69 =F0=9F=8C=BB', 'TEL;CELL;PREF:040-1234567');
    assert.deepEqual(parseCards(text), [{ name: 'Päivi 🌻', numbers: ['040-1234567'] }]);
    const latin = card('N;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:=D6ster=E5ker;=C5ke', 'TEL:1');
    assert.equal(parseCards(latin)[0].name, 'Åke Österåker');
  });

  test('of version 4.0 may hold numbers as addresses with an extension', () => {
    const [{ numbers }] = parseCards(card('VERSION:4.0', 'FN:Outi', 'TEL;VALUE=uri;PREF=1;TYPE="cell,voice":tel:+358-40-123-4576;ext=102'));
    assert.equal(readNumber(numbers[0], 'SE').identity, '+358401234576');
  });

  test('may be folded anywhere, have groups and several numbers', () => {
    const [read] = parseCards(card('FN:Maria-Hele', ' na', 'item1.TEL;type=pref:040 123', '\t 4567', 'item1.X-ABLabel:_$!<Other>!$_', 'TEL:09 1234568'));
    assert.deepEqual(read, { name: 'Maria-Helena', numbers: ['040 123 4567', '09 1234568'] });
  });

  test('without FN is named by N, then ORG, then its number', () => {
    const names = parseCards(card('FN:', 'N:Laine;Elina;M;;', 'ORG:Oy') + card('N:;;;;', 'ORG:Salmisen Kala\\, Ky;Tori') + card('TEL:0401234574')).map(({ name }) => name);
    assert.deepEqual(names, ['Elina M Laine', 'Salmisen Kala, Ky, Tori', '0401234574']);
  });

  test('without an end, in lower case, or with a photo of a megabyte is read all the same', () => {
    const photo = `PHOTO;ENCODING=b:${'\r\n /9j/4AAQSkZJRgABAQEASABIAAD/2wBDAG40C5z/s3qYnKVE5rt4Cix4kB0/szc4='.repeat(15000)}`;
    const text = `begin:vcard\nfn:Liisa\ntel:040 123 4581\nBEGIN:VCARD\n${photo}\nFN:Eero\nEND:VCARD`;
    assert.deepEqual(parseCards(text).map(({ name }) => name), ['Liisa', 'Eero']);
  });

  test('file is read in UTF-8, UTF-16 and Windows-1252', () => {
    const text = 'FN:Hämäläinen';
    assert.equal(decodeFile(new TextEncoder().encode(text)), text);
    assert.equal(decodeFile(Buffer.from(`\uFEFF${text}`, 'utf16le')), text);
    assert.equal(decodeFile(Buffer.from(text, 'latin1')), text);
  });

  test('file with nothing in it has no contacts', () => {
    assert.deepEqual(parseCards(''), []);
    assert.deepEqual(parseCards('hello\nworld: yes'), []);
  });
});

describe('a number', () => {
  test('is read with the region of the owner', () => {
    assert.equal(readNumber('040 123 4567', 'FI').identity, '+358401234567');
    assert.equal(readNumber('0049 (0)171 3920055', 'FI').identity, '+491713920055');
    assert.equal(readNumber('\u202A+358\u00A050\u00A01234568\u202C', 'US').identity, '+358501234568');
    assert.equal(readNumber('(212) 555-0134 x102', 'US').identity, '+12125550134');
  });

  test('that nobody can hold is left out, with a reason', () => {
    const reasons = ['112', '*100#', '0600 12345', '0800 98811', '040 12', 'see notes', '040 1234501 / 02'].map((written) => readNumber(written, 'FI').reason);
    assert.deepEqual(reasons, ['service', 'service', 'business', 'business', 'service', 'no_number', 'invalid']);
  });

  test('of one telephone with two numbers is one number', () => {
    assert.equal(readNumber('+52 1 55 1234 5678', 'FI').identity, '+525512345678');
    assert.equal(readNumber('+55 11 6123-4567', 'FI').identity, '+5511961234567');
    assert.equal(readNumber('97 12 34 56', 'BJ').identity, '+2290197123456');
    assert.equal(readNumber('+54 9 11 2345-6789', 'FI').identity, '+5491123456789');
    assert.equal(readNumber('+54 11 2345-6789', 'FI').identity, '+5491123456789');
    assert.equal(readNumber('+55 11 3123-4567', 'FI').identity, '+551131234567');
  });

  test('is read as Google reads it, for every example of every country', () => {
    const examples = table('numbers.tsv').filter(({ region }) => region !== '001'); // numbers of no country have no national form
    for (const { region, kind, national, e164 } of examples.filter(({ valid }) => valid === '1')) {
      const { e164: read, reason } = readNumber(national, region);
      const provable = ['mobile', 'fixed_line', 'fixed_line_or_mobile', 'voip'].includes(kind);
      assert.deepEqual([read, reason], [e164, provable ? undefined : 'business'], `${region} ${national}`);
    }
    for (const { region, national, e164 } of examples.filter(({ valid }) => valid === '0')) {
      assert.notEqual(readNumber(national, region).e164, e164, `${region} ${national}`);
    }
  });

  test('has the identity that the service gives it', () => {
    for (const { input, region, e164, identity: expected } of table('aliases.tsv')) {
      const read = readNumber(input, region || undefined);
      assert.deepEqual([read.e164, read.identity], [e164, expected], `${region} ${input}`);
    }
  });
});

describe('an address book', () => {
  test('asks for each number once, and knows everyone who has it', () => {
    const book = readBook(card('FN:Mum', 'TEL:09 1234568', 'TEL:040 123 4501') + card('FN:Dad', 'TEL:+35891234568', 'TEL:040 123 4500'), OWNER);
    assert.deepEqual([...book.numbers.keys()], ['+35891234568', '+358401234501']);
    assert.deepEqual(book.numbers.get('+35891234568').contacts, [0, 1]);
    assert.deepEqual(book.skipped.map(({ name, reason }) => [name, reason]), [['Dad', 'duplicate'], ['Dad', 'own']]);
    const friends = friendsIn(book, new Map([['+35891234568', 'a'], ['+358401234501', 'b']]));
    assert.deepEqual(friends.map(({ contact }) => contact), [0, 1]);
  });

  test('counts contacts that have no number', () => {
    assert.equal(readBook(card('FN:Nobody', 'TEL:', 'EMAIL:a@example.fi'), OWNER).numberless, 1);
  });

  test('of five hundred mixed cards loses none', () => {
    const { text, numbers } = mixedBook(500, [{ name: 'Eino', number: '040 123 4501' }]);
    const book = readBook(text, OWNER);
    assert.equal(book.contacts.length, 500);
    assert.equal(book.contacts[250].name, 'Eino');
    assert.equal(book.numbers.size + book.skipped.length, numbers.length);
    assert.deepEqual([...new Set(book.skipped.map(({ reason }) => reason))].sort(), ['duplicate', 'service']);
  });

  test('of each common phone and program is read', () => {
    const read = (name) => readBook(decodeFile(readFileSync(`${DATA}/vcards/${name}.vcf`)), OWNER);
    const names = (name) => read(name).contacts.map((contact) => contact.name);
    assert.ok(names('android-2.1').includes('Päivi Tyttö Äiti 👩‍👧 Ääkkönen-Väänänen'));
    assert.ok(names('nokia').includes('Åke Österåker'));
    assert.ok(names('outlook').includes('Hr Jürgen Hämäläinen'));
    assert.ok(read('macos-4.0').numbers.has('+358401234577'));
    assert.ok(read('ios').numbers.has('+358501234568'));
    assert.ok(read('google').numbers.has('+5511961234567'));
    assert.equal(read('careless').contacts.length, 4);
  });

  test('made as a sample holds the people of the page, and numbers to leave out', () => {
    const book = readBook(sampleBook([{ name: 'Eino; the "second"', number: '+358 40 123 4501' }]), OWNER);
    assert.ok(book.contacts.some(({ name }) => name === 'Eino; the "second"'));
    assert.ok(book.numbers.has('+358401234501'));
    assert.deepEqual([...new Set(book.skipped.map(({ reason }) => reason))].sort(), ['business', 'duplicate', 'service']);
  });
});

describe('a handle', () => {
  const pepper = new Uint8Array(32).fill(7);

  test('is 16 bytes of keyed BLAKE3 over the number', () => {
    assert.equal(handleOf('+358401234501', pepper), 'GxwtOhQdC8rMSZtcJn3qfw');
  });

  test('does not tell its place in the book', () => {
    const asked = [...handlesOf(['+358401234501', '+358401234502', '+358401234503'], pepper).keys()];
    assert.deepEqual(asked, [...asked].sort());
    assert.ok(BATCH <= 20000);
  });

  test('is made by the first epoch whose algorithm is known', () => {
    const params = { pepper: Buffer.from(pepper).toString('base64url') };
    const known = usableEpoch([{ id: 9, algorithm: 'oprf', params: {} }, { id: 4, algorithm: 'blake3-keyed-128', params }]);
    assert.deepEqual(known, { id: 4, pepper });
    assert.equal(usableEpoch([]), undefined);
  });
});
