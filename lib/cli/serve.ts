import { serve } from '../serve/server.ts';
import { failureOf } from './failure.ts';
import { modelOf } from './loadModel.ts';
import { openTerminal, printable } from './terminal.ts';

interface ServeCommand { port: number; host: string; maxBody: number; maxK: number; maxQueue: number; timeout: number; threads: number | 'all'; watch?: boolean; quiet?: boolean }

/** serveCommand: the command `tightrec serve`; it ends when it is interrupted. */
export async function serveCommand(file: string, { quiet, ...options }: ServeCommand, signal: AbortSignal): Promise<void> {
  const { note, result } = openTerminal({ quiet }), token = process.env.TIGHTREC_TOKEN;
  const warn = (error: unknown): void => { process.stderr.write(`tightrec: ${failureOf(error).message}\n`); };
  const server = await serve(file, {
    ...options, token, open: modelOf, onError: warn,
    onReload({ model, version }, error) {
      if (error === undefined) note(`${file}: ${model}, version ${version}, is in service`);
      else process.stderr.write(`tightrec: ${failureOf(error).message}; ${model}, version ${version}, stays in service\n`);
    },
  });
  const { model, version } = server.served, reload = (): void => { void server.reload(); };
  result(`${printable(file)}: ${model}, version ${version}, at ${server.url}${token === undefined ? '' : ', for those who have the token'}\n`);
  if (token === undefined && !/^(?:127\.|localhost$|::1$)/.test(options.host)) note('whoever reaches this machine may ask; TIGHTREC_TOKEN=SECRET lets in those alone who send it');
  process.on('SIGHUP', reload);
  if (!signal.aborted) await new Promise((resolve) => { signal.addEventListener('abort', resolve, { once: true }); });
  note('stopping: what has come is answered');
  await server.close();
  process.off('SIGHUP', reload);
}
