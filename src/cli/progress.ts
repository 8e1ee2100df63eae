import { cleanText } from './clean-text.ts';

/** Shows the phases of a run, one at a time. */
export interface Progress {
  /** Begins a phase; one that is still under way is done thereby. */
  phase(name: string, detail?: string): void;
  /** How much of the phase is done, 0 to 1. */
  update(fraction: number, detail?: string): void;
  done(): void;
  fail(): void;
}

export interface ProgressOptions {
  readonly stream: { write(text: string): unknown };
  readonly isTerminal: boolean;
  /** Of the terminal. */
  readonly columns: number;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
  /** Calls `redraw` again and again until the function that it returns is called. Default: every second. */
  readonly repeat?: (redraw: () => void) => () => void;
}

interface Running {
  readonly name: string;
  readonly start: number;
  readonly stop: () => void;
  readonly fraction?: number;
  readonly detail: string;
  readonly drawnAt: number;
}

const barCells = 20;
const betweenDrawings = 50;
const clearLine = '\r\u001b[K';

/**
 * On a terminal: one line that is redrawn, with a bar, and a line that stays for each phase that has ended.
 * Elsewhere: a plain line at the start and at the end of each phase.
 */
export function createProgress(options: ProgressOptions): Progress {
  const { stream, isTerminal, columns, now = () => performance.now(), repeat = everySecond } = options;
  let running: Running | undefined;

  const secondsOf = ({ start }: Running): string => `${((now() - start) / 1000).toFixed(1)} s`;
  const draw = (): void => {
    if (!running || !isTerminal) return;
    running = { ...running, drawnAt: now() };
    stream.write(`${clearLine}${fit(describe(running, secondsOf(running)), columns - 1)}`);
  };
  const end = (mark: string, words: string): void => {
    if (!running) return;
    running.stop();
    const seconds = secondsOf(running);
    const { name } = running;
    running = undefined;
    stream.write(isTerminal ? `${clearLine}${mark} ${name}  ${seconds}\n` : `${name}: ${words} ${seconds}\n`);
  };

  return {
    phase(name, detail = '') {
      end('✓', 'done in');
      const stop = isTerminal ? repeat(draw) : () => undefined;
      running = { name: cleanText(name), start: now(), stop, detail: cleanText(detail), drawnAt: 0 };
      if (!isTerminal) stream.write(`${running.name}${detail === '' ? '' : ` (${running.detail})`} ...\n`);
      draw();
    },
    update(fraction, detail) {
      if (!running) return;
      running = {
        ...running,
        fraction: Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0)),
        ...(detail !== undefined && { detail: cleanText(detail) }),
      };
      if (now() - running.drawnAt >= betweenDrawings) draw();
    },
    done: () => end('✓', 'done in'),
    fail: () => end('✗', 'failed after'),
  };
}

function describe({ name, fraction, detail }: Running, seconds: string): string {
  const amount =
    fraction === undefined ? '' : `  ${bar(fraction)} ${String(Math.floor(fraction * 100)).padStart(3)}%`;
  return `  ${name}${amount}  ${seconds}${detail === '' ? '' : `  ${detail}`}`;
}

function bar(fraction: number): string {
  const full = Math.floor(fraction * barCells);
  return '█'.repeat(full) + '░'.repeat(barCells - full);
}

/** A line that is too long would wrap, and could not be redrawn. */
function fit(line: string, columns: number): string {
  const characters = Array.from(line);
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

function everySecond(redraw: () => void): () => void {
  const timer = setInterval(redraw, 1000);
  timer.unref();
  return () => clearInterval(timer);
}
