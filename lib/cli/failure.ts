import { TightrecError } from '../errors.ts';
import { printable } from './terminal.ts';

/** Exit codes of the command. */
export const FAILURE = 1, USAGE = 2, INTERRUPTED = 130;

/** UsageError: the command line itself is wrong. */
export class UsageError extends Error {}

/** Interruption: the reason of the signal that Ctrl-C aborts. */
export class Interruption extends Error {
  readonly code: number;
  /** What is left of the work: a command that keeps some says so here. */
  left = 'no file was written';
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('interrupted');
    this.code = signal === 'SIGINT' ? INTERRUPTED : 143;
  }
}

/** failureOf: an error as one sentence and an exit code. */
export function failureOf(error: unknown): { message: string; code: number } {
  if (error instanceof Interruption) return { message: printable(`interrupted; ${error.left}`), code: error.code };
  if (error instanceof UsageError) return { message: printable(error.message), code: USAGE };
  if (error instanceof TightrecError) return { message: printable(forCommandLine(error)), code: error.code === 'bad-setting' ? USAGE : FAILURE };
  const { message = String(error), code } = error as NodeJS.ErrnoException;
  return { message: printable(code === undefined ? `an error that should not happen: ${message}; TIGHTREC_DEBUG=1 shows where` : message), code: FAILURE };
}

/** The library says what to do in terms of its options: here they have other names. */
const translations: [RegExp, string][] = [
  [/^recommendHandler: token must/, 'TIGHTREC_TOKEN must'],
  [/^recommendHandler: maxK must/, '--max-k must'],
  [/^serve: (port|host|timeout) must/, '--$1 must'],
  [/^serve: /, ''],
  [/^(?:readTable|interactions|evaluate|\w+\.(?:fit|recommendFor|recommend|similarTo|explain)): /, ''],
  [/; (?:name the column in optional|correct it, read the column as 'string'), or leave/, '; correct it, or leave'],
  [/onBadRow: 'skip'/g, '--on-bad-row skip'],
  [/\{ fallback: 'popularity' \}/g, '--fallback popularity'],
  [/give times, or halfLife: null/g, 'give --time COLUMN, or leave --half-life out'],
  [/give interactions\(\) values, or readInteractions\(\) a value column/, 'give --value COLUMN'],
  [/leave returns out, or give no values/, 'leave returns out, or leave --value out'],
  [/pass encoding: '([^']+)'/g, 'give --encoding $1'],
  [/pass the encoding it was written in|if it is text, pass its encoding/g, 'give its --encoding'],
  [/fit with what it was made with, or keep this fit elsewhere$/, 'give the data and the options it was made with, or another place for checkpoints'],
  [/raise maxBytes if the file is to be trusted/g, 'unpack it yourself if it is to be trusted'],
];

/** optionOf: the options that are settings of a model, by the setting's name. */
export const optionOf: Record<string, string> = { factors: '--factors', epochs: '--epochs', learningRate: '--learning-rate', l2: '--l2', halfLife: '--half-life', seed: '--seed' };
const asOption = (name: string): string => (Object.hasOwn(optionOf, name) ? optionOf[name] : `--set ${name}`);
const modelNames: Record<string, string> = {
  AlternatingLeastSquares: 'als', AutoRec: 'auto-rec', BiasOnly: 'bias-only', BPR: 'bpr', CDAE: 'cdae', EASE: 'ease', HistoryToNext: 'history-to-next', HybridMF: 'hybrid-mf', ItemKNN: 'item-knn', LogisticMF: 'logistic-mf', LogisticMatrixFactorization: 'logistic-adagrad', NextItemLSTM: 'lstm', Popularity: 'popularity',
  PurchaseHistory: 'purchase-history', RatingMF: 'rating-mf', SVDPlusPlus: 'svd-plus-plus',
};

/** What is said of settings and models, which no word from a file is part of. */
const inOptions = (message: string): string => message
  .replace(new RegExp(`^(${Object.keys(modelNames).join('|')}): `), (_, name: string) => `${modelNames[name]}: `)
  .replace(/there is no setting '(\w+)'/, (same, name: string) => (Object.hasOwn(optionOf, name) ? `there is no ${optionOf[name]}` : same))
  .replace(/the settings are ([\w, ]+)$/, (_, names: string) => `the settings are ${names.split(', ').map(asOption).join(', ')}`)
  .replace(/^([\w-]+: )(\w+) must be/, (_, model: string, name: string) => `${model}${asOption(name)} must be`)
  .replace(/\blower learningRate/, 'lower --learning-rate')
  .replace('use fewer factors, or free() models that are no longer needed', 'give a smaller --factors')
  .replace('halfLife is', '--half-life is')
  .replace('use fewer factors, a smaller batch, or free() models that are no longer needed', 'give a smaller --factors or --set batchSize')
  .replace('use BPR or LogisticMF', 'fit one with --model bpr or --model logistic-mf');

function forCommandLine({ code, message }: TightrecError): string {
  const text = translations.reduce((text, [from, to]) => text.replace(from, to), message);
  return code === 'file-damaged' || code === 'bad-row' || code === 'column-missing' || code === 'wrong-checkpoint' ? text : inOptions(text);
}
