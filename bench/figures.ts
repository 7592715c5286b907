/**
 * npm run figures: the study with seeds 1, 2 and 3; prints each figure that the project promises beside the mean that came out, and fails
 * when one is missed. Needs the Online Retail data where `npm start` finds it; on generated data the figures mean nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Study { data: { generated: boolean }; models: { name: string; validation: number; test: number; fitSeconds: number }[] }

const promises: Record<string, { least: number; most?: number; test?: number }> = {
  'purchase-history': { least: 0.169 },
  'purchase-history, half-life': { least: 0.173 },
  'item-knn': { least: 0.125 },
  'ease': { least: 0.170 },
  'blend': { least: 0.183, test: 0.190 },
  'logistic-mf': { least: 0.150 },
  'logistic-adagrad': { least: 0.140 },
  'bpr': { least: 0.152 },
  "bpr, chapter's settings": { least: 0.136, most: 0.146 },
  'als': { least: 0.155 },
  "als, chapter's settings": { least: 0.138 },
};

const folder = mkdtempSync(join(tmpdir(), 'tightrec-figures-')), studies: Study[] = [];
try {
  for (const seed of [1, 2, 3]) {
    const file = join(folder, `${seed}.json`), began = performance.now();
    const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('../dist/lib/cli/main.js', import.meta.url)), 'study', '--quiet', '--seed', String(seed), '--json', file, '--report', join(folder, `${seed}.html`)], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error(`the study with seed ${seed} ended with code ${status}`);
    studies.push(JSON.parse(readFileSync(file, 'utf8')) as Study);
    console.log(`seed ${seed}: ${((performance.now() - began) / 1000).toFixed(1)} s, from the file to the report`);
  }
} finally { rmSync(folder, { recursive: true, force: true }); }
if (studies.some(({ data }) => data.generated)) throw new Error('the Online Retail data was not found: these figures would be of generated data');

let missed = 0;
for (const [name, { least, most = Infinity, test = 0 }] of Object.entries(promises)) {
  const rows = studies.map(({ models }) => models.find((model) => model.name === name)!);
  const mean = (pick: (row: Study['models'][number]) => number) => rows.reduce((sum, row) => sum + pick(row), 0) / rows.length;
  const validation = mean((row) => row.validation), last = mean((row) => row.test), met = validation >= least && validation <= most && last >= test;
  if (!met) missed++;
  console.log(`${met ? 'ok    ' : 'MISSED'} ${name.padEnd(28)} validation ${validation.toFixed(4)} (${rows.map((row) => row.validation.toFixed(4)).join(' ')}), asked ${least}${most < Infinity ? ` to ${most}` : ' or more'}; test ${last.toFixed(4)}${test > 0 ? `, asked ${test} or more` : ''}; fit ${mean((row) => row.fitSeconds).toFixed(1)} s`);
}
process.exit(missed === 0 ? 0 : 1);
