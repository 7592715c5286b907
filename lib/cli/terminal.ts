import cliProgress from 'cli-progress';
import type { Progress, Task } from '../study/progress.ts';
import type { Paint } from '../study/table.ts';

/** Terminal: where a command writes: results to stdout, everything else to stderr. */
export interface Terminal {
  /** A result: to stdout, as it is. */
  result(text: string): void;
  /** A line beside the results: to stderr, unless --quiet. */
  note(line: string): void;
  readonly progress: Progress;
  readonly paint: Paint;
}

/** openTerminal: bars where stderr is a terminal, plain lines where it is not, neither with `quiet`. */
export function openTerminal({ quiet = false }: { quiet?: boolean | undefined } = {}): Terminal {
  const bars = process.stderr.isTTY && process.env.TERM !== 'dumb';
  const note = (line: string): void => { if (!quiet) process.stderr.write(`${printable(line)}\n`); };
  const begin = quiet ? () => ({ at() {}, end() {} }) : bars ? beginBar : beginLines;
  return { result: (text) => { process.stdout.write(text); }, note, progress: { say: note, begin }, paint: paintFor(process.stdout) };
}

function beginBar(name: string, total: number): Task {
  const bar = new cliProgress.SingleBar({
    format: '{name} {bar} {percentage}%  {note}', stream: process.stderr, hideCursor: true, clearOnComplete: true, gracefulExit: false, fps: 12,
    barsize: 24, barCompleteChar: '━', barIncompleteChar: ' ',
  });
  const began = performance.now(), shown = printable(name);
  bar.start(total, 0, { name: shown, note: '' });
  running.add(bar);
  return {
    at: (done, note = '') => bar.update(Math.min(done, total), { name: shown, note: printable(note) }),
    end(note) {
      running.delete(bar);
      bar.stop();
      finish(name, note, began);
    },
  };
}

/** Not a terminal: now and then a line, so that a log stays short. */
function beginLines(name: string, total: number): Task {
  const began = performance.now();
  let told = began - 4000; // the first after a second
  return {
    at(done, note) {
      if (performance.now() - told < 5000) return;
      told = performance.now();
      process.stderr.write(`${printable(`${name}: ${Math.floor((100 * done) / total)} %${note ? `, ${note}` : ''}`)}\n`);
    },
    end: (note) => finish(name, note, began),
  };
}

function finish(name: string, note: string | undefined, began: number): void {
  if (note !== undefined) process.stderr.write(`${printable(`${name}: ${note}`)} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`);
}

const running = new Set<{ stop(): void }>();

/** stopBars: takes down what a failed command left on the screen, and brings the cursor back. */
export function stopBars(): void {
  for (const bar of running) bar.stop();
  running.clear();
}

function paintFor(stream: NodeJS.WriteStream): Paint {
  const coloured = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const style = (on: number, off: number) => (text: string) => (coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: style(1, 22), dim: style(2, 22) };
}

/** printable: a text on one line, without what would steer a terminal: ids and names come from other people's files. */
export function printable(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/[\u2028\u2029]/g, ' ').replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
