/**
 * npm run bench:rivals [-- --filter WORD] [--quick] [--json FILE]
 *
 * The same work in other JavaScript libraries, one thread each, one process each, in rounds on this machine; their packages are installed
 * in bench/rivals/ and nowhere else. Every answer is checked. What a library refuses is printed as refused, with what it says. With nothing
 * filtered, bench/results/rivals.json is written, from which `npm run docs` prints the table.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commit, machine, resultFile, writeResults } from '../machine.ts';
import { type Refusal, type Results, type Row, figure } from '../results.ts';

const rivals: Record<string, string> = {
  'tightrec': './tightrec.ts', 'tightrec, simd-fma': './tightrecFma.ts', 'tfjs wasm': './tfjs.ts', 'tfjs wasm, new matrices': './tfjsFresh.ts', 'tfjs wasm, one-hot': './tfjsOneHot.ts', 'tfjs cpu': './tfjsCpu.ts',
  'jax-js wasm': './jax.ts', 'onnxruntime-web': './onnxruntime.ts', 'ml-matrix': './mlMatrix.ts', 'ndarray-gemm': './ndarrayGemm.ts', 'numpy-ts': './numpyTs.ts',
};

const { values: flags } = parseArgs({ options: { filter: { type: 'string' }, quick: { type: 'boolean' }, json: { type: 'string' } } });
const patience = flags.quick ? 30 : 120; // seconds that a library may take for one work
if (!existsSync(new URL('node_modules/onnxruntime-web', import.meta.url))) {
  console.error('the rivals are not installed: npm install --prefix bench/rivals (some 460 MB; npm run bench:rivals does it)');
  process.exit(1);
}

interface Line { version?: string; note?: string; work?: { at: number; name: string; size: string }; failed?: string; row?: Row; refusal?: Refusal }

/**
 * A library's process from its work number `from` on, or for the works in `only`; `hear` is given its lines as they come. Resolves to a
 * sentence when it did not end well.
 */
function child(name: string, file: string, from: number, hear: (line: Line) => void, only: readonly number[] = []): Promise<string | null> {
  return new Promise((resolve) => {
    const started = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('child.ts', import.meta.url)), name, file, flags.quick ? 'quick' : 'full', String(from), only.join()], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '', errors = '', late = false;
    const kill = (): void => { late = true; started.kill('SIGKILL'); };
    let timer = setTimeout(kill, 1000 * patience);
    started.stdout.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (output + piece).split('\n');
      output = lines.pop()!;
      for (const text of lines) {
        if (!text.startsWith('@@')) continue; // libraries print too
        const line = JSON.parse(text.slice(2)) as Line;
        if (line.work) { clearTimeout(timer); timer = setTimeout(kill, 1000 * patience); }
        hear(line);
      }
    });
    started.stderr.setEncoding('utf8').on('data', (piece: string) => { errors += piece; });
    started.on('close', (code, signal) => {
      clearTimeout(timer);
      const said = errors.split('\n').findLast((line) => /\w*Error\b|abort|memory/i.test(line))?.trim();
      resolve(late ? `not done after ${patience} seconds` : code === 0 ? null : `its process ended with ${signal ?? `code ${code}`}${said ? `: ${said.slice(0, 300)}` : ''}`);
    });
  });
}

const shown = (row: Row): string => `${row.name.padEnd(18)}${row.size.padEnd(44)}${figure(row.median).padStart(9)} ${row.unit}${row.once ? ', timed once' : ` (${figure(Math.min(row.low, row.high))} .. ${figure(Math.max(row.low, row.high))})`}`;

const rows: Row[] = [], refusals: Refusal[] = [], versions: Record<string, string> = {};
const placeOf = new Map<Row, number>(); // which of a library's works it is
for (const [name, file] of Object.entries(rivals)) {
  if (flags.filter && !name.includes(flags.filter)) continue;
  const refuse = (refusal: Refusal): void => { refusals.push(refusal); console.log(`  ${refusal.name.padEnd(18)}${refusal.size.padEnd(44)} refused: ${refusal.why}`); };
  let work: Line['work'], broken: string | null;
  do {
    const from: number = work ? work.at + 1 : 0;
    work = undefined;
    broken = await child(name, file, from, (line) => {
      if (line.version !== undefined && from === 0) { versions[name] = line.version; console.log(`\n${name} ${line.version}${line.note ? `: ${line.note}` : ''}`); }
      if (line.failed !== undefined) console.log(`\n${name} is left out: ${line.failed}`);
      if (line.work) work = line.work;
      if (line.refusal) refuse(line.refusal);
      if (line.row && work) { rows.push(line.row); placeOf.set(line.row, work.at); console.log(`  ${shown(line.row)}`); }
    });
    // a work that took too long or broke the process is refused, and the next one begins in a new process
    if (broken !== null) { const { name: what, size } = work ?? { name: 'start', size: '' }; refuse({ name: what, size, variant: name, why: broken }); }
  } while (broken !== null && work !== undefined);
}

/**
 * The machine has slow phases, which would strike whoever is at work just then. So what was timed is timed again, library after library, and the
 * best round counts.
 */
const better = (a: Row, b: Row): boolean => (a.unit === 'ms' ? a.median < b.median : a.median > b.median);
for (let round = 2; round <= (flags.quick ? 1 : 4); round++) {
  for (const [name, file] of Object.entries(rivals)) {
    const again = rows.filter((row) => row.variant === name && !row.once);
    if (again.length === 0) continue;
    await child(name, file, 0, ({ row }) => {
      const at = rows.findIndex((other) => row !== undefined && other.variant === name && other.name === row.name && other.size === row.size);
      if (row === undefined || !better(row, rows[at])) return;
      placeOf.set(row, placeOf.get(rows[at])!);
      rows[at] = row;
    }, again.map((row) => placeOf.get(row)!));
  }
}
if (!flags.quick) { console.log('\nthe best of four rounds'); for (const row of rows) console.log(`  ${row.variant.padEnd(26)}${shown(row)}`); }

const results: Results = { machine: machine(), runtime: `Node ${process.versions.node}`, commit: commit(), threads: 1, versions, limits: null, rows, refusals };
if (flags.json) writeResults(flags.json, results);
if (!flags.filter && !flags.quick) writeResults(resultFile('rivals'), results);
