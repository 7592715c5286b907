import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TightrecError } from '../errors.ts';
import { checkpointFile } from '../io/checkpointFile.ts';
import { checkOutput, writeWhole } from '../io/files.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import { findMovieLens } from '../study/findMovieLens.ts';
import { findTransactions } from '../study/findTransactions.ts';
import { MODELS, MOVIELENS_MODELS, RETRIEVAL_MODELS, STUDY_MODELS } from '../study/models.ts';
import type { MovieLens } from '../study/movieLens.ts';
import { movieLensReport } from '../study/movieLensReport.ts';
import type { MovieLensResult } from '../study/movieLensResult.ts';
import { runMovieLens } from '../study/movieLensStudy.ts';
import { movieLensTable } from '../study/movieLensTable.ts';
import { onlineRetail } from '../study/onlineRetail.ts';
import { GENERATOR } from '../study/page.ts';
import type { Progress } from '../study/progress.ts';
import { reportOf } from '../study/report.ts';
import { runRetrieval } from '../study/retrievalStudy.ts';
import { runStudy } from '../study/study.ts';
import { type Paint, tableOf } from '../study/table.ts';
import { Interruption, UsageError } from './failure.ts';
import { checkTable } from './loadModel.ts';
import { checkKept, sameFile } from './options.ts';
import { openTerminal, printable } from './terminal.ts';

interface StudyCommand { data?: string; models?: string[]; all?: boolean; seed: number; json?: string; report: string | false; checkpoints?: string; threads: ThreadsOption; onBadRow: 'error' | 'skip'; quiet?: boolean }

/** Outcome: what a study leaves: everything measured, its table, its report. */
interface Outcome { readonly result: object; table(paint: Paint): string; report(): Promise<string> }

/** STUDIES: the data sets there is a study of. */
export const STUDIES = ['online-retail', 'movielens', 'movielens-retrieval'] as const;

/** study: the command `tightrec study`. */
export async function study(name: (typeof STUDIES)[number], command: StudyCommand, signal: AbortSignal): Promise<void> {
  const { data, json, report, checkpoints, quiet } = command, input = data === 'generated' ? undefined : data;
  for (const [option, path] of [['--json', json], ['--report', report]] as const) if (path && input !== undefined) await checkKept(option, path, input);
  if (json !== undefined && report !== false && await sameFile(json, report)) throw new UsageError(`--json and --report would both write ${json}; name another file for one of them`);
  const begin = studies[name](command); // before anything is written: it refuses what makes no sense
  if (json !== undefined) await checkOutput(json);
  if (report !== false) { await checkOutput(report); await checkReport(report); }
  if (input !== undefined && name === 'online-retail') await checkTable(input);
  if (checkpoints !== undefined) await makeFolder(checkpoints);

  const { progress, paint, result: print, note } = openTerminal({ quiet }), began = performance.now();
  const outcome = await begin(progress, signal).catch((error: unknown) => {
    if (signal.reason instanceof Interruption && checkpoints !== undefined) signal.reason.left = `${checkpoints} has what was learned up to the last whole epoch, and the same command goes on from there`;
    throw error;
  });
  signal.throwIfAborted();
  if (json !== undefined) await writeWhole(json, `${JSON.stringify(outcome.result, null, 2)}\n`);
  if (report !== false) await writeWhole(report, await outcome.report());

  note(`the whole study took ${((performance.now() - began) / 1000).toFixed(1)} s`);
  print(`\n${outcome.table(paint)}`);
  if (json !== undefined) print(`JSON: ${printable(resolve(json))}\n`);
  if (report !== false) print(`Report: ${printable(resolve(report))}\n`);
}

const url = process.env.TIGHTREC_DATA_URL; // for tests: another place for the public download

const studies: Record<(typeof STUDIES)[number], (command: StudyCommand) => (progress: Progress, signal: AbortSignal) => Promise<Outcome>> = {
  'online-retail'({ data, models, all, seed, checkpoints, threads, onBadRow }) {
    const asked = all ? STUDY_MODELS : namesOf(models, STUDY_MODELS) ?? MODELS;
    return async (progress, signal) => {
      const transactions = await findTransactions({ file: data, seed, onBadRow, progress, signal, ...(url !== undefined && { url }) });
      const result = await runStudy(await onlineRetail(transactions), {
        models: asked, seed, threads, progress, signal, ...(checkpoints !== undefined && { checkpoints: (row: string) => checkpointFile(join(checkpoints, fileNameOf(row))) }),
      });
      return { result, table: (paint) => tableOf(result, paint), report: () => reportOf(result) };
    };
  },
  movielens: (command) => ofMovieLens('movielens', command, MOVIELENS_MODELS, runMovieLens),
  'movielens-retrieval': (command) => ofMovieLens('movielens-retrieval', command, RETRIEVAL_MODELS, runRetrieval),
};

/** A study of MovieLens 100k. */
function ofMovieLens<Name extends string>(
  study: string, { data, models, all, seed, checkpoints, threads, onBadRow }: StudyCommand, choices: readonly Name[],
  run: (data: MovieLens, options: { models: readonly Name[]; seed: number; threads: ThreadsOption; progress: Progress; signal: AbortSignal }) => Promise<MovieLensResult>,
): (progress: Progress, signal: AbortSignal) => Promise<Outcome> {
  const asked = namesOf(models, choices) ?? choices;
  if (all) throw new UsageError(`--all is for the study of online-retail: ${study} trains all of its models unless told otherwise; leave it out`);
  if (checkpoints !== undefined) throw new UsageError(`--checkpoints is for the study of online-retail: a model of ${study} is trained in a minute or less; leave it out`);
  if (onBadRow === 'skip') throw new UsageError(`--on-bad-row skip is for the study of online-retail: the figures of ${study} are for all its rows; leave it out`);
  return async (progress, signal) => {
    const result = await run(await findMovieLens({ file: data, seed, progress, signal, ...(url !== undefined && { url }) }), { models: asked, seed, threads, progress, signal }), { map: _, ...figures } = result; // the map is a picture
    return { result: figures, table: (paint) => movieLensTable(result, paint), report: () => movieLensReport(result, asked) };
  };
}

/** The names given with --models, which are of one data set. */
function namesOf<Name extends string>(given: readonly string[] | undefined, choices: readonly Name[]): readonly Name[] | undefined {
  const wrong = given?.find((name) => !(choices as readonly string[]).includes(name));
  if (wrong !== undefined) throw new UsageError(`--models: there is no '${wrong}'; allowed are ${choices.join(', ')}, separated by commas`);
  return given as readonly Name[] | undefined;
}

/** "lstm, chapter's settings" goes to lstm-chapter-s-settings.safetensors. */
const fileNameOf = (row: string): string => `${row.replace(/[^a-z0-9]+/gi, '-')}.safetensors`;

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new TightrecError('file-unreadable', `cannot make the folder ${path} for --checkpoints (${cause.code}); name a folder that is there or can be made`, { cause });
  });
}

/** A file that tightrec has not written is not overwritten by a report: the default name is one that others use too. */
async function checkReport(path: string): Promise<void> {
  const file = await open(path).catch(() => null);
  if (file === null) return;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1000), 0, 1000, 0);
    if (bytesRead > 0 && !buffer.toString('latin1').includes(GENERATOR)) throw new UsageError(`${path} exists and is no report of tightrec; name another file with --report FILE`);
  } finally {
    await file.close();
  }
}
