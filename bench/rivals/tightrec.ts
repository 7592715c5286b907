import { createRequire } from 'node:module';
import { kernels } from '../../kernels/index.ts';
import { allocate, scope } from '../../kernels/memory.ts';
import { distinct } from '../../lib/autodiff/distinct.ts';
