import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fails, succeeds } from '../helpers/command.ts';
import { joined, makeXlsx, zipOf } from '../helpers/makeXlsx.ts';
import { place } from '../helpers/place.ts';
import { skip } from '../helpers/skip.ts';

const { folder, out, table, csv, columns, file, untouched, remove } = place();
const fit = (path: string, ...more: string[]) => ['fit', path, ...columns, '--model', 'popularity', '--out', out, ...more];

const test = suite('cli/bad files');
test.before.each(() => rmSync(out, { force: true }));
test.after(remove);

const files: Record<string, { path: () => string | Promise<string>; says: (string | RegExp)[] }> = {
  'a missing file': { path: () => join(folder, 'nowhere.csv'), says: ['nowhere.csv', 'nothing there'] },
  'an empty file': { path: () => file('empty.csv', ''), says: ['empty.csv', 'empty file'] },
  'a header alone': { path: () => file('header.csv', 'user,item\n'), says: ['header.csv', 'expected rows'] },
  'a directory': { path: () => folder, says: ['a directory'] },
  'a .gz cut short': { path: () => file('cut.csv.gz', gzipSync(csv.repeat(9)).subarray(0, 120)), says: ['cut.csv.gz', 'cut short'] },
  'an .xlsx cut short': { path: async () => file('cut.xlsx', (await makeXlsx(csv.split('\n').map((line) => line.split(',')))).subarray(0, 900)), says: ['cut.xlsx'] },
  'a zip bomb': {
    path: async () => file('bomb.xlsx', await joined(zipOf([
      { name: 'xl/workbook.xml', data: ['<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'] },
      { name: 'xl/_rels/workbook.xml.rels', data: ['<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'] },
      { name: 'xl/worksheets/sheet1.xml', data: Array.from({ length: 300 }, () => new Uint8Array(2 ** 20).fill(32)) },
    ]))),
    says: ['bomb.xlsx', 'zip bomb'],
  },
  'a file of something else': { path: () => file('page.csv', '<html><body>log in</body></html>\n'), says: ['HTML'] },
};
for (const [what, { path, says }] of Object.entries(files)) {
  test(what, async () => { await fails(fit(await path()), 1, says); untouched(); });
}

test('a column that is not there: says which there are', async () => {
  await fails(['fit', table, '--user', 'usr', '--item', 'item', '--model', 'popularity', '--out', out], 1, ['"usr"', '"user", "item", "when", "much"', 'did you mean "user"']);
  await fails(fit(table, '--time', 'date'), 1, ['"date"', '"when"']);
  untouched();
});

test('one column for two things', async () => {
  await fails(['fit', table, '--user', 'user', '--item', 'user', '--model', 'popularity', '--out', out], 2, ["'user' twice"]);
});

test('a date and a number that do not parse: row and column; skipped and counted when asked', async () => {
  const bad = file('bad.csv', 'user,item,when,much\nu1,i1,2011-01-01,1\nu2,i1,yesterday,1\nu3,i2,2011-01-03,many\nu4,,2011-01-04,1\n');
  await fails(fit(bad, '--time', 'when'), 1, ['row 3', '"when"', '"yesterday"', '--on-bad-row skip']);
  await fails(fit(bad, '--value', 'much'), 1, ['row 4', '"much"', '"many"', '--on-bad-row skip']);
  await fails(fit(bad), 1, ['row 5', '"item"', 'empty cell', '--on-bad-row skip']);
  untouched();
  const { stdout, stderr } = await succeeds(fit(bad, '--time', 'when', '--value', 'much', '--on-bad-row', 'skip'));
  assert.match(stdout, 'of 1 user and 1 item, from 1 interaction,');
  assert.match(stderr, /left out 3 bad rows; the first: row 3, column when: .*"yesterday"/);
});

test('no row is left', async () => {
  await fails(fit(file('all-bad.csv', 'user,item\n,i1\nu1,\n'), '--on-bad-row', 'skip'), 1, ['all-bad.csv', /row/]);
});

test('an encoding that is not that of the file', async () => {
  const latin = file('latin.csv', Buffer.from('user,item\ncaf\xe9,1\n', 'latin1'));
  await fails(fit(latin), 1, ['--encoding windows-1252']);
  await succeeds(fit(latin, '--encoding', 'windows-1252'));
});

test('a model where a table is expected', async () => {
  await succeeds(fit(table));
  const model = file('model.csv', readFileSync(out)), lists = join(folder, 'lists.csv');
  const { stderr } = await fails(['fit', model, ...columns, '--model', 'popularity', '--out', lists], 1, ['model.csv is a model file, not a table']);
  assert.not.match(stderr, 'encoding');
  await fails(['evaluate', out, model, ...columns], 1, ['model.csv is a model file']);
  await fails(['study', '--data', model, '--no-report'], 1, ['model.csv is a model file']);
  assert.not.ok(existsSync(lists));
});

test('an output that would take the place of what is read: by its name, another way to write it, a link', async () => {
  const before = readFileSync(table), link = join(folder, 'link.csv'), shop = file('shop.csv', 'not read\n'), json = join(folder, 'study.json');
  linkSync(table, link);
  if (process.platform !== 'win32') symlinkSync(table, join(folder, 'soft.csv'));
  for (const path of [table, join(folder, '..', basename(folder), 'table.csv'), link, ...(process.platform === 'win32' ? [] : [join(folder, 'soft.csv')])]) {
    await fails(['fit', table, ...columns, '--model', 'popularity', '--out', path], 2, [`--out would overwrite the input ${table}; name another file`]);
  }
  assert.equal(readFileSync(table), before);
  await succeeds(fit(table));
  const model = readFileSync(out);
  await fails(['recommend', out, '--all', '--out', out], 2, ['--out would overwrite the input']);
  assert.equal(readFileSync(out), model);
  await fails(['study', '--data', shop, '--json', shop, '--no-report'], 2, ['--json would overwrite the input']);
  await fails(['study', '--data', shop, '--report', shop], 2, ['--report would overwrite the input']);
  await fails(['study', '--data', shop, '--json', json, '--report', join(folder, '.', 'study.json')], 2, ['--json and --report would both write']);
  assert.is(readFileSync(shop, 'utf8'), 'not read\n');
});

if (spawnSync('mkfifo', [join(folder, 'pipe')]).status !== 0) skip('cli/bad files, a pipe', 'there is no mkfifo');
else {
  test('a pipe that nobody writes: refused, not waited for', async () => {
    const pipe = join(folder, 'pipe');
    for (const args of [fit(pipe), ['info', pipe], ['recommend', pipe, '--user', 'u1'], ['study', '--data', pipe, '--no-report'], ['fit', table, ...columns, '--model', 'popularity', '--out', pipe]]) {
      await fails(args, 1, ['pipe', 'device or']);
    }
    untouched();
  });
}

test('a sheet that is not there', async () => {
  const workbook = file('two.xlsx', await makeXlsx([['user', 'item'], ['u1', 'i1']], { sheet: 'Orders', otherSheets: ['Notes'] }));
  await fails(fit(workbook, '--sheet', 'Order'), 2, ['"Order"', '"Orders", "Notes"']);
  await succeeds(fit(workbook, '--sheet', 'Orders'));
});

test('names that would steer a terminal are shown and do nothing', async () => {
  const odd = file('odd.csv', 'user,item\n\u001b[31mred\u0007,"i\n1"\n');
  await succeeds(fit(odd));
  const { stdout } = await succeeds(['recommend', out, '--user', '\u001b[31mred\u0007', '--include-seen', '-k', '1']);
  assert.match(stdout, /^item +score\ni 1 +1\.0000\n$/);
  const { stderr } = await fails(['recommend', out, '--user', '\u001b[2J'], 1, ['\\x1b[2J', '\\x1b[31mred\\x07']);
  assert.not.ok(stderr.includes('\u001b'));
});

test('a place that cannot be written, said before the work', async () => {
  await fails(['fit', join(folder, 'nowhere.csv'), ...columns, '--model', 'bpr', '--out', join(folder, 'no', 'model')], 1, ['cannot write', 'does not exist']);
  mkdirSync(join(folder, 'taken'), { recursive: true });
  await fails(['fit', table, ...columns, '--model', 'bpr', '--out', join(folder, 'taken')], 1, ['it is a directory']);
});

test.run();
