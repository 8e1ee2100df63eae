import { cleanText } from './clean-text.ts';

export interface ProgressOptions {
  readonly stream: { write(text: string): unknown };
  /** Without a terminal there are plain lines, at the beginning and the end of a phase. */
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

export interface Progress {
  phase(name: string): void;
  /** 0 to 1. */
  update(fraction: number, detail?: string): void;
  done(): void;
  fail(): void;
}

const barWidth = 24;
const redrawMilliseconds = 80;

/** Shows the phases of a run as they go: on a terminal a bar that is redrawn, elsewhere plain lines. */
export function createProgress({
  stream,
  isTerminal,
  columns,
  now = () => performance.now(),
}: ProgressOptions): Progress {
  let name = '';
  let startedAt = 0;
  let drawnAt = 0;
  const seconds = () => `${((now() - startedAt) / 1000).toFixed(1)} s`;
  const redraw = (line: string) => stream.write(`\r\u001b[K${line}`);
  const end = (mark: string, word: string) => {
    if (isTerminal) redraw(`${mark} ${name}  ${seconds()}\n`);
    else stream.write(`${name}: ${word}, ${seconds()}\n`);
  };
  return {
    phase(next) {
      name = cleanText(next);
      startedAt = now();
      drawnAt = 0;
      if (isTerminal) redraw(`  ${name}`);
    },
    update(fraction, detail = '') {
      if (!isTerminal || now() - drawnAt < redrawMilliseconds) return;
      drawnAt = now();
      const share = Math.min(1, Math.max(0, fraction));
      const filled = Math.round(share * barWidth);
      const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
      const percent = `${Math.floor(share * 100)}`.padStart(3);
      redraw(`  ${name} ${bar} ${percent} % ${cleanText(detail)}`.slice(0, Math.max(20, columns - 1)));
    },
    done: () => end('✓', 'done'),
    fail: () => end('✗', 'failed'),
  };
}
