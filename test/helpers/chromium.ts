import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** chromiumPath: where this machine's Chromium is; undefined where there is none. */
export const chromiumPath: string | undefined = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name))).find(existsSync);
