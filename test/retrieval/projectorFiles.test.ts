import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, type RawId, sideTable } from '../../lib/data/index.ts';
import { AlternatingLeastSquares, EASE } from '../../lib/models.ts';
import { saveProjectorFiles } from '../../lib/node.ts';
import { type VectorModel, projectorFiles } from '../../lib/retrieval/index.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';

const test = suite('retrieval/projectorFiles');

/** A model of these items, with vectors of two numbers. */
const made = (ids: RawId[], data: Float32Array, unknown = false): VectorModel => ({ name: 'Made', items: LabelEncoder.inOrder(ids, { unknown }), answers: { vectors: { item: { data, shape: [data.length / 2, 2] } } } });

test('by hand, ids alone', () => {
  const { vectors, metadata } = projectorFiles(made(['a', 7, 9007199254740993n], Float32Array.of(1, -0.5, 0.1, 1e-9, 0, 3e38)));
  assert.is(vectors, '1\t-0.5\n0.100000001\t9.99999972e-10\n0\t3.00000001e+38\n');
  assert.is(metadata, 'a\n7\n9007199254740993\n');
});

test('with columns there is a header', () => {
  const films = sideTable(['b', 'a'], { year: [1990, 1950], 'all\tgenres': [['War', 'Sci-Fi'], []] });
  assert.is(projectorFiles(made(['a', 'b'], new Float32Array(4)), { metadata: films }).metadata, 'id\tyear\tall genres\na\t1950\t\nb\t1990\tWar, Sci-Fi\n');
});

test('what the format cannot hold becomes a space, and no line is blank', () => {
  const ids = ['a\tb', 'c\r\nd', ' e\u2028f\n', '', '\t\n', '"g"'], notes = sideTable(ids, { note: ids.map((id) => `${id}\t!`) });
  assert.is(projectorFiles(made(ids, new Float32Array(12))).metadata, 'a b\nc d\ne f\n(blank)\n(blank)\n"g"\n');
  for (const line of projectorFiles(made(ids, new Float32Array(12)), { metadata: notes }).metadata.split('\n').slice(0, -1)) assert.is(line.split('\t').length, 2);
});

test('the row for unknown items is left out', () => assert.equal(projectorFiles(made(['a'], Float32Array.of(9, 9, 1, 2), true)), { vectors: '1\t2\n', metadata: 'a\n' }));

test('of a model, in a folder: each number is read back as it was', async () => {
  const { train } = planted({ users: 30, items: 40 }), model = await new AlternatingLeastSquares({ factors: 5, epochs: 1 }).fit(train), folder = await mkdtemp(join(tmpdir(), 'tightrec-'));
  try {
    await saveProjectorFiles(model, folder);
    const rows = (await readFile(join(folder, 'vectors.tsv'), 'utf8')).trimEnd().split('\n').map((line) => line.split('\t').map(Number));
    assert.equal(Float32Array.from(rows.flat()), model.answers.vectors!.item.data.slice());
    assert.equal((await readFile(join(folder, 'metadata.tsv'), 'utf8')).trimEnd().split('\n'), model.items.known().map(String));
    await rejects(() => saveProjectorFiles(model, join(folder, 'nowhere')), 'file-missing', 'nowhere');
  } finally { await rm(folder, { recursive: true }); }
});

test('what cannot be shown is refused, in a sentence', async () => {
  const { train } = planted({ users: 10, items: 30 }), weights = await new EASE().fit(train), model = made(['a', 'b'], new Float32Array(4));
  refuses(() => projectorFiles(weights), 'unsupported', 'projectorFiles: EASE learns no item vectors; use BPR or AlternatingLeastSquares');
  refuses(() => projectorFiles(new AlternatingLeastSquares()), 'not-fitted');
  refuses(() => projectorFiles(model, { metadata: sideTable(['a'], { x: [1] }) }), 'unknown-id', "projectorFiles: item 'b' is not in the side table; metadata must hold every item");
  refuses(() => projectorFiles(model, { metadata: { year: [1, 2] } as never }), 'bad-input', 'projectorFiles: metadata: expected a side table');
  refuses(() => projectorFiles(model, { columns: {} } as never), 'bad-setting', "projectorFiles: there is no option 'columns'; the options are metadata");
});

test.run();
