import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TightrecError } from '../errors.ts';
import { checkpointFile } from '../io/checkpointFile.ts';
import { checkOutput, writeWhole } from '../io/files.ts';
import type { ThreadsOption } from '../models/threads.ts';
import { findTransactions } from '../study/findTransactions.ts';
import { STUDY_MODELS, type StudyModelName } from '../study/models.ts';
import { onlineRetail } from '../study/onlineRetail.ts';
import { GENERATOR, reportOf } from '../study/report.ts';
import { runStudy } from '../study/study.ts';
import { tableOf } from '../study/table.ts';
import { Interruption, UsageError } from './failure.ts';
import { checkTable } from './loadModel.ts';
import { checkKept, sameFile } from './options.ts';
import { openTerminal, printable } from './terminal.ts';

interface StudyCommand { data?: string; models: StudyModelName[]; all?: boolean; seed: number; json?: string; report: string | false; checkpoints?: string; threads: ThreadsOption; onBadRow: 'error' | 'skip'; quiet?: boolean }

/** study: the command `tightrec study`. */
export async function study({ data, models, all, seed, json, report, checkpoints, threads, onBadRow, quiet }: StudyCommand, signal: AbortSignal): Promise<void> {
  const input = data === 'generated' ? undefined : data;
  for (const [option, path] of [['--json', json], ['--report', report]] as const) if (path && input !== undefined) await checkKept(option, path, input);
  if (json !== undefined && report !== false && await sameFile(json, report)) throw new UsageError(`--json and --report would both write ${json}; name another file for one of them`);
  if (json !== undefined) await checkOutput(json);
  if (report !== false) { await checkOutput(report); await checkReport(report); }
  if (input !== undefined) await checkTable(input);
  if (checkpoints !== undefined) await makeFolder(checkpoints);

  const { progress, paint, result: print, note } = openTerminal({ quiet }), began = performance.now();
  const url = process.env.TIGHTREC_DATA_URL; // for tests: another place for the public download
  const transactions = await findTransactions({ file: data, seed, onBadRow, progress, signal, ...(url !== undefined && { url }) });
  const result = await runStudy(await onlineRetail(transactions), {
    models: all ? STUDY_MODELS : models, seed, threads, progress, signal, ...(checkpoints !== undefined && { checkpoints: (row: string) => checkpointFile(join(checkpoints, fileNameOf(row))) }),
  }).catch((error: unknown) => {
    if (signal.reason instanceof Interruption && checkpoints !== undefined) signal.reason.left = `${checkpoints} has what was learned up to the last whole epoch, and the same command goes on from there`;
    throw error;
  });
  signal.throwIfAborted();
  if (json !== undefined) await writeWhole(json, `${JSON.stringify(result, null, 2)}\n`);
  if (report !== false) await writeWhole(report, await reportOf(result));

  note(`the whole study took ${((performance.now() - began) / 1000).toFixed(1)} s`);
  print(`\n${tableOf(result, paint)}`);
  if (json !== undefined) print(`JSON: ${printable(resolve(json))}\n`);
  if (report !== false) print(`Report: ${printable(resolve(report))}\n`);
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
