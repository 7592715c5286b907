import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkpointFromBytes, fromBytes, toBytes } from '../../lib/models.ts';
import { MODEL_NAMES } from '../../lib/io/model.ts';
import { forged } from '../helpers/forged.ts';
import { type FixtureAnswers, answersOf, checkpointMakers, fileVersion, fixtureFolder, scoresOf } from '../helpers/modelFixtures.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { shop } from '../helpers/shop.ts';
import { smallModels } from '../helpers/smallModels.ts';

const test = suite('io/olderFiles');

const versions = readdirSync(fixtureFolder), filesOf = (version: string): string[] => readdirSync(join(fixtureFolder, version)).filter((name) => name.endsWith('.safetensors')).map((name) => name.replace('.safetensors', ''));
const read = (version: string, name: string): { bytes: Uint8Array; answers: FixtureAnswers } =>
  ({ bytes: new Uint8Array(readFileSync(join(fixtureFolder, version, `${name}.safetensors`))), answers: JSON.parse(readFileSync(join(fixtureFolder, version, `${name}.json`), 'utf8')) });

test('every model that a file can hold has a file of this version', () => {
  const command = 'is none: a new model goes into test/helpers/smallModels.ts, and node --import tsx test/fixtures/models.ts writes its file';
  assert.ok(versions.includes(`v${fileVersion}`), `v${fileVersion} ${command}`);
  for (const name of MODEL_NAMES) {
    assert.ok(name in smallModels, `${name} ${command}`);
    assert.ok(filesOf(`v${fileVersion}`).includes(name), `${name}.safetensors ${command}`);
  }
  for (const name of Object.keys(checkpointMakers)) assert.ok(filesOf(`v${fileVersion}`).includes(`checkpoint-${name}`), name);
});

for (const version of versions) {
  for (const name of filesOf(version)) {
    const { bytes, answers } = read(version, name);

    test(`${version}, ${name}: answers as it did, to the bit`, () => {
      const model = fromBytes(bytes), { after: _, ...then } = answers;
      assert.is(model.name, name.replace(/^checkpoint-|-without-.*$/g, ''));
      assert.equal(answersOf(model), then);
    });

    test(`${version}, ${name}: written today it is the same model`, () => {
      const today = toBytes(fromBytes(bytes)), { after: _, ...then } = answers;
      assert.equal([answersOf(fromBytes(today)), toBytes(fromBytes(today))], [then, today]);
    });

    if (!name.startsWith('checkpoint-')) continue;

    test(`${version}, ${name}: the fit goes on to where it went`, async () => {
      const { make, options } = checkpointMakers[name.replace('checkpoint-', '')], { last } = checkpointFromBytes(bytes), reports: number[] = [];
      const model = await make().fit(shop(), { ...options, checkpoints: { load: () => checkpointFromBytes(bytes), save: () => {} }, onEpoch: ({ epoch }) => { reports.push(epoch); } });
      assert.equal(reports, [last.epoch + 1]);
      assert.ok(maxAbsDiff(scoresOf(model, answers.users).flat(), answers.after!.flat()) < 1e-5); // what it learns from here on may come to round otherwise
      assert.not.equal(answers.after, answers.scores);
    });
  }
}

test('a setting that a file lacks means what the model did when it was written', () => {
  const settings = (name: string): Record<string, unknown> => fromBytes(read('v1', name).bytes).settings as Record<string, unknown>;
  const { solver, learningRateDecay, itemL2, initialScale } = settings('BPR-without-solver');
  assert.equal([solver, learningRateDecay, itemL2, initialScale], ['adam', 1, null, null]);
  assert.is(settings('BPR-without-itemL2').itemL2, null); // that of the users' rows
  assert.is(settings('BPR-without-initialScale').initialScale, null);
  assert.is(settings('RatingMF-without-learningRateDecay').learningRateDecay, 1);
  assert.is(settings('Popularity-without-halfLife').halfLife, null);
});

test('a version that is not known is refused', () => {
  const { bytes } = read(`v${fileVersion}`, 'BPR'), as = (version: string) => () => fromBytes(forged(bytes, ({ metadata }) => { metadata.version = version; }), 'old.safetensors');
  for (const version of ['0', '-1', '1.0', 'one', '']) refuses(as(version), 'file-damaged', `old.safetensors: expected file version ${fileVersion}, got "${version}"`);
  for (const version of [String(Number(fileVersion) + 1), '999']) refuses(as(version), 'file-damaged', 'written by a newer tightrec', `its file version is ${version}`, 'update tightrec');
});

test.run();
