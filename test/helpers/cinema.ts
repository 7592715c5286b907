import { random } from '../../lib/random.ts';
import { FILES, GENRES, readMovieLens } from '../../lib/study/movieLens.ts';

/** The five files of MovieLens 100k, of a small cinema: 40 people, 30 films, 12 ratings each. */
function smallCinema(): Record<keyof typeof FILES, string> {
  const next = random(4), ratings: string[] = [];
  for (let user = 1; user <= 40; user++) for (const film of next.shuffle(Int32Array.from({ length: 30 }, (_, at) => at + 1)).subarray(0, 12)) ratings.push(`${user}\t${film}\t${1 + (user + film + next.below(2)) % 5}\t${875_000_000 + ratings.length}`);
  return {
    ratings: `${ratings.join('\n')}\n`, base: `${ratings.filter((_, at) => at % 5 > 0).join('\n')}\n`, test: `${ratings.filter((_, at) => at % 5 === 0).join('\n')}\n`,
    users: `${Array.from({ length: 40 }, (_, at) => `${at + 1}|${20 + at}|${at % 2 ? 'M' : 'F'}|${at % 3 ? 'writer' : 'student'}|0000${at}`).join('\n')}\n`,
    items: `${Array.from({ length: 30 }, (_, at) => `${at + 1}|Film\u00e9 ${at + 1} (${1966 + at})|01-Jan-1995||http://example.org|${GENRES.map((_, genre) => (genre === 1 + at % 5 || genre === 7 ? 1 : 0)).join('|')}`).join('\n')}\n`,
  };
}
export const files = smallCinema();

/** In ISO-8859-1, as the files are. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const inBytes = Object.fromEntries(Object.entries(files).map(([part, text]) => [part, bytesOf(text)])) as Record<keyof typeof FILES, Uint8Array>;

export const cinema = await readMovieLens('a small cinema', inBytes);
