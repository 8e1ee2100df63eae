import { expect, test } from 'vitest';
import { createProgress, type Progress } from './progress.ts';

interface Screen {
  readonly progress: Progress;
  readonly written: string[];
  readonly redraws: Set<() => void>;
  wait(milliseconds: number): void;
}

function screen(isTerminal: boolean, columns = 80): Screen {
  const written: string[] = [];
  const redraws = new Set<() => void>();
  let time = 1000;
  const progress = createProgress({
    stream: { write: (text) => written.push(text) },
    isTerminal,
    columns,
    now: () => time,
    repeat(redraw) {
      redraws.add(redraw);
      return () => redraws.delete(redraw);
    },
  });
  return {
    progress,
    written,
    redraws,
    wait(milliseconds) {
      time += milliseconds;
    },
  };
}

/** What a line looks like when all that was written to it is there. */
function lastLine(written: readonly string[]): string {
  return written.join('').split('\r\u001b[K').at(-1) ?? '';
}

test('a terminal shows one line that is redrawn, and keeps one for each phase that ended', () => {
  const { progress, written, wait } = screen(true);
  progress.phase('packages');
  expect(lastLine(written)).toBe('  packages  0.0 s');
  wait(500);
  progress.update(0.5, 'nginx');
  expect(lastLine(written)).toBe('  packages  ██████████░░░░░░░░░░  50%  0.5 s  nginx');
  wait(700);
  progress.done();
  expect(lastLine(written)).toBe('✓ packages  1.2 s\n');
  progress.phase('upgrade');
  wait(60);
  progress.fail();
  expect(lastLine(written)).toBe('✗ upgrade  0.1 s\n');
  expect(written.join('').match(/\n/g)).toHaveLength(2);
});

test('the seconds go on while nothing is reported, and stop with the phase', () => {
  const { progress, written, redraws, wait } = screen(true);
  progress.phase('digest');
  wait(2000);
  for (const redraw of redraws) redraw();
  expect(lastLine(written)).toBe('  digest  2.0 s');
  progress.done();
  expect(redraws.size).toBe(0);
});

test('many reports in a moment are not drawn one by one', () => {
  const { progress, written, wait } = screen(true);
  progress.phase('copy');
  const before = written.length;
  for (let done = 0; done < 100; done += 1) progress.update(done / 100);
  expect(written).toHaveLength(before);
  wait(100);
  progress.update(2);
  expect(lastLine(written)).toContain('100%');
});

test('a line is never wider than the terminal', () => {
  const { progress, written, wait } = screen(true, 30);
  progress.phase('packages', 'x'.repeat(100));
  wait(100);
  progress.update(0.1, 'y'.repeat(100));
  for (const text of written) expect(Array.from(text.replace('\r\u001b[K', '')).length).toBeLessThan(30);
});

test('elsewhere there are plain lines without control characters', () => {
  const { progress, written, wait } = screen(false);
  progress.phase('plan', 'two\nlines\u001b[2J');
  progress.update(0.3, 'ignored');
  wait(1234);
  progress.done();
  progress.phase('upgrade');
  progress.fail();
  expect(written.join('')).toBe(
    'plan (two\\x0alines\\x1b[2J) ...\nplan: done in 1.2 s\nupgrade ...\nupgrade: failed after 0.0 s\n',
  );
});

test('what comes from an image cannot move the cursor', () => {
  const { progress, written, wait } = screen(true);
  progress.phase('up\u001b[Agrade');
  wait(100);
  progress.update(0.5, 'evil\r\u001b[2K');
  expect(lastLine(written)).toContain('up\\x1b[Agrade');
  expect(lastLine(written)).toContain('evil\\x0d\\x1b[2K');
});

test('a new phase ends the one before, and an end without a phase says nothing', () => {
  const { progress, written } = screen(false);
  progress.done();
  progress.fail();
  progress.update(1);
  expect(written).toEqual([]);
  progress.phase('a');
  progress.phase('b');
  expect(written.join('')).toBe('a ...\na: done in 0.0 s\nb ...\n');
});
