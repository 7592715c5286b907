/**
 * Every `console` block of docs/cli.md is run, in order, in one folder; what it prints must be what the page says, seconds and sizes of files aside.
 * `UPDATE_SNIPPETS=1 node --import tsx test/cli/docs.test.ts` writes what they print into the page.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { command } from '../helpers/command.ts';
import { noRealData, realData } from '../helpers/retail.ts';
import { skip } from '../helpers/skip.ts';

const page = fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), text = readFileSync(page, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'tightrec-docs-')), update = process.env.UPDATE_SNIPPETS === '1';
let updated = text;

/** What differs from run to run, and from change to change, is not compared. */
const settled = (output: string): string => output.replace(/ *\d+\.\d s\b/g, ' 0.0 s').replace(/ *[\d,]+ bytes/g, ' 0 bytes');

const test = suite('cli/docs');
test.before(() => {
  copyFileSync(fileURLToPath(new URL('../../docs/examples/purchases.csv', import.meta.url)), join(folder, 'purchases.csv'));
  if (realData !== null) symlinkSync(realData, join(folder, 'online-retail.csv.gz'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'tightrec'), `#!/bin/sh\nexec ${[process.execPath, ...command].map((word) => `'${word}'`).join(' ')} "$@"\n`, { mode: 0o755 });
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

if (process.platform === 'win32') skip('cli/docs', 'the commands are written for sh');
else {
  for (const [whole, block] of text.matchAll(/```console\n([\s\S]*?)```/g)) {
    const lines = block.trimEnd().split('\n'), commands = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2)), name = commands[commands.length - 1];
    if (name.includes('online-retail') && realData === null) { skip(`cli/docs, ${name}`, noRealData); continue; }
    test(name, () => {
      // stdout; of what fails, the sentence on stderr too
      const outputs = commands.map((line) => {
        const { stdout, stderr, status } = spawnSync('sh', ['-c', line], { cwd: folder, encoding: 'utf8', env: { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` } });
        return stdout.replace(/^\n/, '') + (status === 0 ? '' : stderr.split('\n').filter((said) => said.startsWith('tightrec: ')).map((said) => `${said}\n`).join(''));
      });
      const printed = commands.map((line, at) => `$ ${line}\n${outputs[at].replaceAll(folder, '~')}`).join('');
      if (update) updated = updated.replace(whole, () => `\`\`\`console\n${printed}\`\`\``);
      else assert.is(settled(printed), settled(block));
    });
  }
  if (update) test('the page is written', () => writeFileSync(page, updated));
}

test.run();
