/** Progress: how long work says how far it is. The command line draws it; `silent` says nothing. */
export interface Progress {
  /** A line for the reader. */
  say(line: string): void;
  /** Begins a task of `total` steps. */
  begin(name: string, total: number): Task;
}

export interface Task {
  /** So many steps are done; `note` says what came out so far. */
  at(done: number, note?: string): void;
  /** It is over; `note` says what came of it. */
  end(note?: string): void;
}

export const silent: Progress = { say() {}, begin: () => ({ at() {}, end() {} }) };
