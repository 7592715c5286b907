/** The part of cli-progress (which carries no types) that terminal.ts uses. */
declare module 'cli-progress' {
  interface Options {
    format: string; stream: NodeJS.WriteStream; hideCursor: boolean; clearOnComplete: boolean; gracefulExit: boolean; fps: number;
    barsize: number; barCompleteChar: string; barIncompleteChar: string; emptyOnZero: boolean;
  }
  class SingleBar {
    constructor(options: Partial<Options>);
    start(total: number, value: number, payload: Record<string, unknown>): void;
    update(value: number, payload: Record<string, unknown>): void;
    stop(): void;
  }
  const cliProgress: { SingleBar: typeof SingleBar };
  export default cliProgress;
}
