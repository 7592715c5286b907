/** ErrorCode: what kind of thing went wrong, for programs; the message is for people. */
export type ErrorCode =
  | 'bad-setting' // a constructor's or a call's option is out of range, NaN or unknown
  | 'bad-input' // data that cannot be used: empty, NaN, arrays of unequal length
  | 'bad-shape' // arrays whose shapes do not fit each other
  | 'unknown-id' // a raw id or row number that the data or the model does not hold
  | 'not-fitted' // a model was asked before fit
  | 'diverged' // training produced NaN or infinity
  | 'wrong-checkpoint' // of another model, other settings or other data than those at hand
  | 'out-of-memory' // the linear memory cannot grow as far as was asked
  | 'stale' // used after its end: memory of a training step, an array left behind by its memory, a gpu that was given back
  | 'unsupported' // this runtime, or this entry of the package, cannot do what was asked
  | 'not-loaded' // a part of the package that is loaded when it is asked for was not to be had
  | 'thread-lost' // a worker thread ended, or failed, while it was needed
  | 'device-lost' // the graphics device went away while it was in use
  | 'file-missing' // no such file
  | 'file-unreadable' // a directory, no permission, a full disk, an unknown format
  | 'file-damaged' // cut short, edited, not what its name says
  | 'file-too-large' // expands beyond the limit: a zip bomb
  | 'column-missing' // a table lacks a column that was named
  | 'bad-row'; // one row of a table does not parse

/** TightrecError: every error that tightrec throws on purpose; `code` says which kind, `message` what was expected, what came and where. */
export class TightrecError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TightrecError';
    this.code = code;
  }
}

/** describe: a wrong argument as an error shows it. */
export const describe = (value: unknown): string => typeof value === 'string' ? JSON.stringify(value) : typeof value === 'object' && value !== null ? `${Array.isArray(value) ? 'an array' : 'another object'}` : typeof value === 'function' ? 'a function' : typeof value === 'bigint' ? `${value}n (a bigint)` : String(value);

/** checkNames: refuses options nobody reads: a typing mistake would otherwise be silent. */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw new TightrecError('bad-setting', `${where}: options must be an object${names.length > 0 ? ` with some of ${names.join(', ')}` : ' without anything in it'}, got ${describe(options)}`);
  for (const name of Object.keys(options)) if (!names.includes(name)) throw new TightrecError('bad-setting', `${where}: there is no option '${name}'; ${names.length > 0 ? `the options are ${names.join(', ')}` : 'it has none'}`);
}
