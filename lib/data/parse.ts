/**
 * parseNumber: the number that a text spells, or NaN. Decimal point, optional sign and exponent; no thousands separators, no blanks, no
 * hexadecimal, no NaN, no Infinity.
 */
export function parseNumber(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    // 0 to 9, then + - . E e: of these characters Number accepts nothing but decimal numbers
    if (!((c >= 48 && c <= 57) || c === 43 || c === 45 || c === 46 || c === 69 || c === 101)) return NaN;
  }
  const value = text === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : NaN;
}

/**
 * parseDate: milliseconds since 1970-01-01T00:00Z of a date in a text, or NaN.
 *
 *   YYYY-MM-DD             YYYY-MM-DD HH:MM[:SS[.f]]        a T may stand for the blank; time of the wall clock, read as if it were UTC
 *   ...Z  ...+hh:mm        the moment itself: the offset is taken off
 *   881250949              9 or 10 digits: seconds since 1970; 12 or 13 digits: milliseconds
 */
export function parseDate(text: string): number {
  if (text.charCodeAt(4) !== DASH) return unixTime(text);
  const year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  if (text.charCodeAt(7) !== DASH || !(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return NaN;
  const date = daysSince1970(year, month, day) * DAY;
  if (text.length === 10) return date;

  const blank = text.charCodeAt(10), hour = digits(text, 11, 2), minute = digits(text, 14, 2);
  if ((blank !== 32 && blank !== 84) || text.charCodeAt(13) !== COLON || !(hour <= 23 && minute <= 59)) return NaN;
  let at = 16, seconds = 0;
  if (text.charCodeAt(at) === COLON) {
    seconds = digits(text, 17, 2);
    if (!(seconds <= 59)) return NaN;
    at = 19;
    if (text.charCodeAt(at) === 46) {
      const start = at++;
      while (isDigit(text.charCodeAt(at))) at++;
      if (at === start + 1) return NaN;
      seconds += Number(text.slice(start, at));
    }
  }
  const wallClock = date + hour * 3_600_000 + minute * 60_000 + Math.round(seconds * 1e6) / 1e3; // whole microseconds: 0.1 s is 100 ms
  if (at === text.length || (text[at] === 'Z' && at + 1 === text.length)) return wallClock;

  const sign = text[at] === '+' ? 1 : text[at] === '-' ? -1 : NaN, hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);
  if (text.charCodeAt(at + 3) !== COLON || text.length !== at + 6 || !(hours <= 23 && minutes <= 59)) return NaN;
  return wallClock - sign * (hours * 3_600_000 + minutes * 60_000);
}

/**
 * dateOfSerial: milliseconds since 1970 of a workbook's serial number of days, or NaN where there is no such day. Day 1 is 1 January
 * 1900; day 60 would be 29 February 1900, which Excel believes in and which never was. In the 1904 system day 0 is 1 January 1904.
 */
export function dateOfSerial(serial: number, date1904: boolean): number {
  const days = date1904 ? serial + 1462 : serial < 60 ? serial + 1 : serial;
  const exists = date1904 ? serial >= 0 : serial >= 1 && !(serial >= 60 && serial < 61);
  return exists && days < 2_958_466 ? Math.round((days - 25_569) * DAY) : NaN; // the last day is 31 December 9999
}

/** dateOfNumber: a date from a number that is no text: a serial if it is small enough for one, else seconds or milliseconds since 1970. */
export function dateOfNumber(value: number, date1904: boolean): number {
  return value < 2_958_466 ? dateOfSerial(value, date1904) : unixTime(String(value));
}

/** formatDate: 'YYYY-MM-DD HH:MM:SS' of milliseconds since 1970, to the nearest second. */
export function formatDate(milliseconds: number): string {
  return new Date(Math.round(milliseconds / 1000) * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

const DAY = 86_400_000, DASH = 45, COLON = 58;

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** The number that `count` digits from `at` spell; NaN when one of them is no digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let k = at; k < at + count; k++) {
    const c = text.charCodeAt(k);
    if (!isDigit(c)) return NaN;
    value = 10 * value + c - 48;
  }
  return value;
}

function unixTime(text: string): number {
  const value = digits(text, 0, text.length);
  if (text.length === 9 || text.length === 10) return value * 1000;
  return text.length === 12 || text.length === 13 ? value : NaN;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + Math.floor((153 * m + 2) / 5) + day - 719_469;
}
