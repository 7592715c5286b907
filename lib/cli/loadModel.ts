import { openSource } from '../data/source.ts';
import { TightrecError } from '../errors.ts';
import { readWhole } from '../io/files.ts';
import { fromBytes } from '../io/anyFromBytes.ts';
import type { Recommender } from '../models/recommender.ts';

/** loadModel: the model that `tightrec fit` wrote. */
export async function loadModel(path: string): Promise<Recommender> {
  return modelOf(await readWhole(path), path);
}

/** modelOf: the model in the bytes of a file; of a file of something else, what it looks like. */
export function modelOf(bytes: Uint8Array, path: string): Recommender {
  const other = otherThanModel(bytes);
  if (other !== null) throw new TightrecError('file-damaged', `${path} is not a tightrec model: it ${other}; give a file that tightrec fit --out wrote`);
  return fromBytes(bytes, path);
}

/** checkTable: refuses a model where a table of interactions is expected. */
export async function checkTable(path: string): Promise<void> {
  const source = await openSource(path);
  try {
    if (beginsAsModel(await source.read(0, 9))) throw new TightrecError('file-unreadable', `${path} is a model file, not a table; give the .csv, .csv.gz or .xlsx of interactions`);
  } finally {
    await source.close();
  }
}

/** A safetensors file: the length of its header, at most 100,000,000, in 8 bytes, and the header, which is JSON. */
const beginsAsModel = (bytes: Uint8Array): boolean => bytes.length > 8 && bytes[8] === 0x7b && bytes[3] < 6 && bytes.subarray(4, 8).every((byte) => byte === 0);

function otherThanModel(bytes: Uint8Array): string | null {
  if (beginsAsModel(bytes)) return null;
  if (bytes.length === 0) return 'is empty';
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'looks like a workbook or another zip file';
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'looks like a gzip file';
  const head = bytes.subarray(0, 4096);
  if (head.some((byte) => byte < 9 || (byte > 13 && byte < 32))) return null; // not text; what is wrong with it, fromBytes says
  return /^[^\n]*[,;\t]/.test(new TextDecoder('latin1').decode(head)) ? 'looks like a table' : 'looks like text';
}
