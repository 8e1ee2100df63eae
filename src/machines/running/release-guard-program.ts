/**
 * The program of the release guard. Each line of its standard input is what there is to take back, or `done`.
 * When the input ends without that, whoever wrote it is gone.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { interventionSchema } from './intervention.ts';
import { releaseMachine } from './release-machine.ts';

const attempts = 5;
const pauseMilliseconds = 1000;

let last = '';
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) last = line;
if (last !== 'done' && last !== '') {
  const intervention = interventionSchema.parse(JSON.parse(last));
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      await releaseMachine(intervention);
      break;
    } catch {
      // The next run on the machine tries it again, and says what is wrong.
      await delay(pauseMilliseconds);
    }
  }
}
