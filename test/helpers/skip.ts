/** skip: says that a test did not run and why; test/run.ts repeats the line at the end and counts it. */
export function skip(name: string, reason: string): void {
  process.stdout.write(`SKIPPED ${name}: ${reason}\n`);
}
