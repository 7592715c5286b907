import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dateOfNumber, dateOfSerial, formatDate, parseDate, parseNumber } from '../../lib/data/parse.ts';

const test = suite('data/readTable: numbers and dates');
const utc = (...parts: [number, number, number, number?, number?, number?, number?]) => Date.UTC(...parts);

test('numbers: plain decimals only', () => {
  for (const [text, value] of [['0', 0], ['-12', -12], ['+5', 5], ['2.55', 2.55], ['.5', 0.5], ['7.', 7], ['1e3', 1000], ['2.5E-7', 2.5e-7], ['007', 7]] as const) {
    assert.is(parseNumber(text), value, text);
  }
  assert.ok(Object.is(parseNumber('-0'), -0));
  for (const text of ['', ' ', ' 5', '5 ', '1,5', '1 000', '1_000', '1.000.000', 'NaN', 'Infinity', '-Infinity', '1e999', '0x1F', '0b1', '0o7', '1e', 'e5', '-', '+', '.', '--1', '5-', '1e5.5', '12abc', '£5', '٣']) {
    assert.ok(Number.isNaN(parseNumber(text)), JSON.stringify(text));
  }
});

test('every day from 1600 to 2400, against Date.UTC', () => {
  for (let day = utc(1600, 0, 1); day < utc(2400, 0, 1); day += 86_400_000) {
    const text = new Date(day).toISOString().slice(0, 10);
    if (parseDate(text) !== day) assert.unreachable(`${text} was read as ${parseDate(text)}, not ${day}`);
  }
  assert.is(parseDate('0001-01-01'), -62_135_596_800_000);
  assert.is(parseDate('9999-12-31 23:59:59.999'), 253_402_300_799_999);
});

test('times, fractions and offsets', () => {
  const noon = utc(2011, 11, 9, 12, 50);
  for (const [text, value] of [
    ['2011-12-09 12:50', noon], ['2011-12-09T12:50', noon], ['2011-12-09 12:50:00', noon], ['2011-12-09T12:50:00Z', noon], ['2011-12-09T12:50Z', noon],
    ['2011-12-09 12:50:07', noon + 7000], ['2011-12-09 12:50:07.5', noon + 7500], ['2011-12-09 12:50:00.1', noon + 100], ['2011-12-09 12:50:00.123456', noon + 123.456],
    ['2011-12-09 12:50:00+00:00', noon], ['2011-12-09T12:50:00+02:00', noon - 7_200_000], ['2011-12-09T12:50:00.25-05:30', noon + 250 + 19_800_000],
    ['2011-12-09 00:00:00', utc(2011, 11, 9)], ['2012-02-29', utc(2012, 1, 29)], ['2000-02-29', utc(2000, 1, 29)],
  ] as const) assert.is(parseDate(text), value, text);
});

test('seconds and milliseconds since 1970', () => {
  assert.is(parseDate('881250949'), 881_250_949_000);
  assert.is(parseDate('1323434400'), 1_323_434_400_000);
  assert.is(parseDate('1323434400123'), 1_323_434_400_123);
  assert.is(parseDate('946684800000'), 946_684_800_000);
});

test('what is no date', () => {
  for (const text of [
    '', ' ', '2011-02-30', '2011-02-29', '1900-02-29', '2011-13-01', '2011-00-10', '2011-01-00', '2011-04-31', '2011-1-5', '11-01-05', '2011/12/09', '12/1/2010 8:26', '09.12.2011',
    '2011-12-09 ', ' 2011-12-09', '2011-12-09 24:00', '2011-12-09 12:60', '2011-12-09 12:50:60', '2011-12-09 1:50', '2011-12-09 12', '2011-12-09 12:5', '2011-12-09 12:50:5', '2011-12-09_12:50',
    '2011-12-09 12:50:00.', '2011-12-09 12:50:00z', '2011-12-09 12:50:00ZZ', '2011-12-09 12:50+2', '2011-12-09 12:50+0200', '2011-12-09 12:50+24:00', '2011-12-09 12:50+02:60', '2011-12-09Z', '2011-12-09+02:00',
    '20111209', '40513', '40513.35', '12345678901', '-1323434400', '1e9', 'yesterday', '2011-12-0a', '2011-12-09 12:50:00 PM',
  ]) assert.ok(Number.isNaN(parseDate(text)), JSON.stringify(text));
});

test('serials of the 1900 system, with a day that never was', () => {
  assert.is(dateOfSerial(1, false), utc(1900, 0, 1));
  assert.is(dateOfSerial(59, false), utc(1900, 1, 28));
  assert.ok(Number.isNaN(dateOfSerial(60, false)));
  assert.ok(Number.isNaN(dateOfSerial(60.99, false)));
  assert.is(dateOfSerial(61, false), utc(1900, 2, 1));
  assert.is(dateOfSerial(25_569, false), 0);
  assert.is(dateOfSerial(40_513.351388888885, false), utc(2010, 11, 1, 8, 26));
  assert.is(dateOfSerial(2_958_465, false), utc(9999, 11, 31));
  for (const serial of [0, 0.5, -1, 2_958_466, NaN, Infinity]) assert.ok(Number.isNaN(dateOfSerial(serial, false)), String(serial));
});

test('serials of the 1904 system', () => {
  assert.is(dateOfSerial(0, true), utc(1904, 0, 1));
  assert.is(dateOfSerial(60, true), utc(1904, 2, 1)); // 1904 was a leap year
  assert.is(dateOfSerial(40_513 - 1462 + 0.5, true), utc(2010, 11, 1, 12));
  assert.ok(Number.isNaN(dateOfSerial(-1, true)));
});

test('numbers that may be serials or seconds', () => {
  assert.is(dateOfNumber(40_513, false), utc(2010, 11, 1));
  assert.is(dateOfNumber(881_250_949, false), 881_250_949_000);
  assert.is(dateOfNumber(1_323_434_400_123, true), 1_323_434_400_123);
  assert.ok(Number.isNaN(dateOfNumber(20_111_209, false)));
});

test('dates as text', () => {
  assert.is(formatDate(utc(2010, 11, 1, 8, 26)), '2010-12-01 08:26:00');
  assert.is(formatDate(utc(2010, 11, 1, 8, 26, 59, 700)), '2010-12-01 08:27:00');
});

test.run();
