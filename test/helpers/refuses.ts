import * as assert from 'uvu/assert';
import { type ErrorCode, TightrecError } from '../../lib/errors.ts';

function judge(error: unknown, code: ErrorCode, words: readonly (string | RegExp)[]): void {
  if (!(error instanceof TightrecError)) throw error;
  assert.is(error.code, code, `${error.code}: ${error.message}`);
  for (const word of words) assert.match(error.message, word);
}

/** refuses: `work` must throw a TightrecError of this code, whose message holds all the words. */
export function refuses(work: () => unknown, code: ErrorCode, ...words: (string | RegExp)[]): void {
  let outcome: unknown;
  try { outcome = work(); } catch (error) { judge(error, code, words); return; }
  assert.unreachable(`expected '${code}', but it went well: ${String(outcome)}`);
}

/** rejects: the same for work that takes its time. */
export async function rejects(work: () => Promise<unknown>, code: ErrorCode, ...words: (string | RegExp)[]): Promise<void> {
  let outcome: unknown;
  try { outcome = await work(); } catch (error) { judge(error, code, words); return; }
  assert.unreachable(`expected '${code}', but it went well: ${String(outcome)}`);
}
