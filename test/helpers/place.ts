import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';

/** Place: a folder for one test file, with a table of interactions in it. */
export interface Place {
  folder: string;
  /** Where models go. */
  out: string;
  /** u0 .. u8 and i0 .. i6, each pair that has an even sum; columns user, item, when, much. */
  table: string;
  csv: string;
  /** What every command that reads `table` needs. */
  columns: string[];
  /** Writes a file into the folder. */
  file(name: string, content: string | Uint8Array): string;
  /** Nothing was written to `out`, and nothing half-written lies beside it. */
  untouched(): void;
  remove(): void;
}

/** place: makes one. */
export function place(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'tightrec-cli-')), out = join(folder, 'model.safetensors');
  const file = (name: string, content: string | Uint8Array): string => { const path = join(folder, name); writeFileSync(path, content); return path; };
  const pairs = Array.from({ length: 63 }, (_, n) => [n % 9, Math.floor(n / 9)]).filter(([u, i]) => (u + i) % 2 === 0);
  const csv = `user,item,when,much\n${pairs.map(([u, i]) => `u${u},i${i},2011-0${i + 1}-0${u + 1},${u + 1}`).join('\n')}\n`;
  return {
    folder, out, csv, file, table: file('table.csv', csv), columns: ['--user', 'user', '--item', 'item'],
    untouched: () => assert.equal(readdirSync(folder).filter((name) => name.endsWith('.safetensors') || name.includes('.tightrec-')), []),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
