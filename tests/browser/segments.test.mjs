// Twilio's own library counts the segments of every text in tests/data/messages.tsv as we do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SegmentedMessage } from 'sms-segments-calculator';

const FILE = new URL('../data/messages.tsv', import.meta.url);

const rows = readFileSync(FILE, 'utf8')
  .split('\n')
  .slice(2, -1)
  .map((line) => line.split('\t'));

const counted = (text) => {
  const message = new SegmentedMessage(text);
  const units = message.encodedChars.reduce((sum, character) => sum + character.codeUnits.length, 0);
  return [message.encodingName, units, message.segmentsCount];
};

test('every text takes the segments that the library counts', () => {
  assert.ok(rows.length > 600, `${rows.length} rows`);
  for (const [locale, form, encoding, units, segments, text] of rows) {
    assert.deepEqual([encoding, Number(units), Number(segments)], counted(JSON.parse(text)), `${locale} ${form} ${text}`);
  }
});
