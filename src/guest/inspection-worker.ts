/** The module of a thread that inspects images: hostile bytes are parsed here, and nowhere else. */
import { answerInWorker } from '../lib/worker-pool.ts';
import { inspectPath } from './inspect-path.ts';

await answerInWorker(inspectPath);
