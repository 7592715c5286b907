import { type Results, figure } from './results.ts';
import { table } from './tables.ts';

/** ServeRow: a stretch of requests to `tightrec serve`: times in milliseconds, `rate` in requests a second, `block` in lists scored together, on average. */
export interface ServeRow { readonly name: string; readonly seconds: number; readonly requests: number; readonly rate: number; readonly p50: number; readonly p99: number; readonly max: number; readonly errors: number; readonly block: number }

export interface ServeResults extends Pick<Results, 'machine' | 'runtime' | 'commit'> { readonly items: number; readonly factors: number; readonly k: number; readonly rows: readonly ServeRow[] }

/** servingTable: requests to a running server. */
export function servingTable({ machine, runtime, commit, items, factors, k, rows }: ServeResults): string {
  return `${table(
    [`top ${k} of ${items.toLocaleString('en-US')} x ${factors}`, 'seconds', 'requests', 'a second', 'p50, ms', 'p99, ms', 'longest, ms', 'errors', 'lists a block'],
    rows.map(({ name, seconds, requests, rate, p50, p99, max, errors, block }) => [name, seconds.toFixed(0), requests.toLocaleString('en-US'), Math.round(rate).toLocaleString('en-US'), figure(p50), figure(p99), figure(max), String(errors), figure(block)]),
  )}

${machine.cpu}, ${machine.cores} cores, client and server on the same machine, ${runtime}; commit ${commit}. \`npm run bench:serve\` measures it and compares every list with that of the model which the answer names.`;
}
