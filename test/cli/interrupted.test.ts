import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RunOptions, fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';
import { retailCsv, smallShop } from '../helpers/retail.ts';
import { skip } from '../helpers/skip.ts';

const { folder, out, table, columns, file, untouched, remove } = place();
const endless = ['fit', table, ...columns, '--model', 'bpr', '--epochs', '1000000', '--factors', '16', '--out', out];

/** Sends the signal once stderr says that training has begun. */
const interrupt = (signal: NodeJS.Signals, begun = /\d %/, times = 1): RunOptions => {
  let sent = false;
  return { during: (child, stderr) => {
    if (sent || !begun.test(stderr)) return;
    sent = true;
    for (let n = 0; n < times; n++) setTimeout(() => child.kill(signal), 40 * n);
  } };
};

// A file system of 64 KiB, which root may mount
const disk = join(folder, 'disk');
mkdirSync(disk);
const mounted = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status === 0;

const test = suite('cli/interrupted');
if (mounted) test.after(() => { spawnSync('umount', [disk]); });
test.before.each(() => rmSync(out, { force: true }));
test.after(remove);

if (process.platform === 'win32') skip('cli/interrupted', 'Windows has no signals to send');
else {
  test('Ctrl-C in the middle of a fit: one line, code 130, no file', async () => {
    await fails(endless, 130, ['interrupted', 'no file was written'], interrupt('SIGINT'));
    untouched();
  });

  test('the model that was there stays as it was', async () => {
    await succeeds(['fit', table, ...columns, '--model', 'popularity', '--out', out]);
    const before = readFileSync(out);
    await fails(endless, 130, ['interrupted'], interrupt('SIGINT'));
    assert.equal(readFileSync(out), before);
    assert.equal(readdirSync(folder).filter((name) => name.includes('.tightrec-')), []);
  });

  test('Ctrl-C that npm passes on comes twice: still one line', async () => {
    await fails(endless, 130, ['interrupted'], interrupt('SIGINT', /\d %/, 2));
    untouched();
  });

  test('kill is heard too', async () => {
    await fails(endless, 143, ['interrupted'], interrupt('SIGTERM'));
    untouched();
  });

  test('in the middle of the study: no report, no JSON', async () => {
    const shop = file('shop.csv', retailCsv(smallShop())), report = join(folder, 'report.html'), json = join(folder, 'study.json');
    await fails(['study', '--data', shop, '--models', 'popularity,bpr', '--report', report, '--json', json], 130, ['interrupted'], interrupt('SIGINT', /popularity: /));
    assert.not.ok(existsSync(report) || existsSync(json));
    assert.equal(readdirSync(folder).filter((name) => name.includes('.tightrec-')), []);
  });
}

if (!mounted) skip('cli/interrupted, a full disk', 'mounting a small file system takes root');
else {
  test('a full disk while saving: the old model stays, nothing half-written beside it', async () => {
    const model = join(disk, 'model.safetensors'), fit = (...more: string[]) => ['fit', table, ...columns, '--out', model, ...more];
    await succeeds(fit('--model', 'popularity'));
    const before = readFileSync(model);
    await fails(fit('--model', 'bpr', '--epochs', '1', '--factors', '4096'), 1, ['model.safetensors', 'the disk is full']);
    assert.equal(readFileSync(model), before);
    assert.equal(readdirSync(disk), ['model.safetensors']);
  });

  test('a full disk under a report and under lists', async () => {
    const shop = file('shop.csv', retailCsv(smallShop()));
    await fails(['study', '--data', shop, '--models', 'popularity', '--report', join(disk, 'report.html')], 1, ['report.html', 'the disk is full']);
    assert.not.ok(existsSync(join(disk, 'report.html')));
    const many = file('many.csv', `user,item\n${Array.from({ length: 3000 }, (_, n) => `user-${n},i${n % 50}`).join('\n')}\n`);
    await succeeds(['fit', many, ...columns, '--model', 'popularity', '--out', out]);
    await fails(['recommend', out, '--all', '--k', '20', '--out', join(disk, 'lists.csv')], 1, ['lists.csv', 'the disk is full']);
    assert.not.ok(existsSync(join(disk, 'lists.csv')));
  });
}

test.run();
