import { type ErrorCode, TightrecError } from '../errors.ts';

const LONGEST = 1000; // of a sentence that repeats what came

/** Refusal: a request that is not answered as it was meant: a status, a code for programs and one sentence for people. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message.length > LONGEST ? `${message.slice(0, LONGEST)}...` : message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** What of the library's errors a request can be blamed for. */
const statuses: Partial<Record<ErrorCode, number>> = {
  'bad-setting': 400, 'bad-input': 400, 'bad-shape': 400, 'bad-row': 400, 'column-missing': 400, unsupported: 400, 'unknown-id': 404, 'out-of-memory': 503,
};

/** refusalOf: an error as an answer; null where the fault is ours, which a client learns nothing of. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  const status = error instanceof TightrecError ? statuses[error.code] : undefined;
  return status === undefined ? null : new Refusal(status, (error as TightrecError).code, (error as TightrecError).message, status === 503 ? { 'retry-after': '1' } : {});
}
