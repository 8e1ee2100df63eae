import { type Frame, readFrames } from '../../appliance/machine/read-frames.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { nameOfProbe } from './parse-probe.ts';
import type { InsideReport, Probe } from './types.ts';

/** What came over the port from inside: hostile, bounded, and believed only as far as any guest's word. */
export type InsideAnswer =
  | { readonly answer: 'report'; readonly report: InsideReport }
  | { readonly answer: 'nothing' }
  | { readonly answer: 'unusable'; readonly detail: string };

const limits = { line: 4096, total: 16 * 1024 * 1024 };
const mostUnits = 200;
const longestWord = 500;

/** Reads until the job inside has ended, or the port has. Never rejects for what the guest says. */
export async function readInsideReport(
  chunks: AsyncIterable<Uint8Array>,
  probes: readonly Probe[],
): Promise<InsideAnswer> {
  const failedUnits: string[] = [];
  const codes = new Map<number, number>();
  const texts = new Map<number, string>();
  const journal: string[] = [];
  let state: string | undefined;
  const take = (frame: Frame): void => {
    if (frame.kind === 'out') journal.push(frame.text);
    if (frame.kind !== 'result') return;
    const [, name, rest = ''] = /^(\S+) (.*)$/.exec(frame.text) ?? [];
    if (name === 'system') state = rest.slice(0, longestWord);
    if (name === 'failed' && failedUnits.length < mostUnits) failedUnits.push(rest.slice(0, longestWord));
    const [, number, words = ''] = /^(\d{1,3}) (.*)$/.exec(rest) ?? [];
    if (number === undefined || Number(number) >= probes.length) return;
    if (name === 'probe') codes.set(Number(number), /^\d{1,3}$/.test(words) ? Number(words) : -1);
    if (name === 'probe-text') texts.set(Number(number), words.slice(0, longestWord));
  };
  try {
    for await (const frame of readFrames(chunks, limits)) {
      take(frame);
      if (frame.kind !== 'end') continue;
      if (state === undefined) return { answer: 'unusable', detail: 'it did not say in which state it is' };
      const packed = Buffer.from(journal.join(''), 'base64');
      return {
        answer: 'report',
        report: {
          state,
          failedUnits,
          probes: probes.map((probe, index) => describeProbe(probe, codes.get(index), texts.get(index))),
          ...(packed.length > 0 && { journal: packed }),
        },
      };
    }
    return { answer: 'nothing' };
  } catch (error) {
    if (isColdpatchError(error, 'appliance_failed')) {
      return { answer: 'unusable', detail: 'it did not keep to the protocol, or said too much' };
    }
    // The machine ended in the middle of a word.
    return { answer: 'nothing' };
  }
}

function describeProbe(
  probe: Probe,
  code: number | undefined,
  text: string | undefined,
): InsideReport['probes'][number] {
  const name = nameOfProbe(probe);
  if (code === 0) return { name, ok: true, detail: name };
  const words = text === undefined || text === '' ? '' : `: ${text}`;
  return {
    name,
    ok: false,
    detail: code === undefined ? `${name} was not tried` : `${name} ended with ${code}${words}`,
  };
}
