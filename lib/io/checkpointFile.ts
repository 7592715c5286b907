import { TightrecError, describe } from '../errors.ts';
import type { Checkpoints } from '../models/checkpoint.ts';
import { checkpointFromBytes, checkpointToBytes } from './checkpoint.ts';
import { checkOutput, readWhole, writeWhole } from './files.ts';

/**
 * checkpointFile: a file in which a fit is kept after each whole epoch: `model.fit(data, { checkpoints: checkpointFile('run.safetensors') })`. The same
 * call again goes on from there, and gives the finished model at once when there is nothing left to learn. It is written whole or not at all, and stays
 * until somebody deletes it; `load` gives the model in it.
 * Errors: 'bad-input' for what is no path; by fit 'file-missing' for a directory that does not exist; 'file-unreadable', 'file-damaged', 'wrong-checkpoint'. Such a file is left as it is.
 */
export function checkpointFile(path: string): Checkpoints {
  if (typeof path !== 'string') throw new TightrecError('bad-input', `checkpointFile: expected the path of a file, got ${describe(path)}`);
  return {
    name: path,
    async load() {
      await checkOutput(path); // before an epoch has been learned, not after it
      try { return checkpointFromBytes(await readWhole(path), path); } catch (error) {
        if (error instanceof TightrecError && error.code === 'file-missing') return null;
        throw error;
      }
    },
    save: (checkpoint) => writeWhole(path, checkpointToBytes(checkpoint)),
  };
}
