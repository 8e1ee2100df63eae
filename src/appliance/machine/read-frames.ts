import { ColdpatchError } from '../../lib/errors.ts';

/** What the inside says. Nobody has checked it: code that is root in there can write whatever it likes. */
export type Frame =
  | { readonly kind: 'ready'; readonly text: string }
  | { readonly kind: 'out'; readonly text: string }
  | { readonly kind: 'result'; readonly text: string }
  | { readonly kind: 'end'; readonly exitCode: number };

export interface FrameLimits {
  /** Bytes of one line. */
  readonly line: number;
  /** Bytes of all lines together. */
  readonly total: number;
}

export const frameLimits: FrameLimits = { line: 4096, total: 32 * 1024 * 1024 };

/**
 * Lines of the form `KIND TEXT`, as they come.
 *
 * @throws ColdpatchError `appliance_failed` for a line or a sum of lines over the limits, or a line of another form.
 */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  limits: FrameLimits = frameLimits,
): AsyncGenerator<Frame, undefined> {
  let rest = Buffer.alloc(0);
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > limits.total) throw tooMuch(`more than ${limits.total} bytes`);
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      if (end > limits.line) break;
      yield parseFrame(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > limits.line) throw tooMuch(`a line of more than ${limits.line} bytes`);
  }
}

function parseFrame(line: string): Frame {
  const [, kind, text = ''] = /^(ready|out|result|end)(?: (.*))?$/s.exec(line) ?? [];
  if (kind === 'ready' || kind === 'out' || kind === 'result') return { kind, text };
  if (kind === 'end' && /^\d{1,3}$/.test(text)) return { kind, exitCode: Number(text) };
  throw new ColdpatchError(
    'appliance_failed',
    `Expected the safe environment to keep to its protocol, but it said ${JSON.stringify(line.slice(0, 80))}. ` +
      'Something inside the image took it over, or broke it. The original is as it was.',
  );
}

function tooMuch(found: string): ColdpatchError {
  return new ColdpatchError(
    'appliance_failed',
    `Expected the safe environment to say little, but it said ${found}: something inside the image floods it. The original is as it was.`,
  );
}
