import type { EngineProgress } from '../types.ts';

export type OutputLine =
  | { readonly kind: 'progress'; readonly progress: EngineProgress }
  | { readonly kind: 'error'; readonly package: string; readonly message: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'status' };

/** Tells apart apt's status lines (APT::Status-Fd, README.progress-reporting of apt) and what it says to people. */
export function readPackageManagerOutput(line: string): OutputLine {
  const [kind, subject, percent, ...message] = line.split(':');
  if (kind === 'pmerror' && subject !== undefined) {
    return { kind: 'error', package: subject, message: message.join(':').trim() };
  }
  if (kind === 'dlstatus') return { kind: 'status' };
  if (kind === 'pmstatus' && percent !== undefined) {
    const fraction = Number.parseFloat(percent) / 100;
    if (Number.isFinite(fraction)) {
      return {
        kind: 'progress',
        progress: { fraction: Math.min(1, Math.max(0, fraction)), detail: message.join(':').trim() },
      };
    }
  }
  if (kind === 'pmconffile') return { kind: 'text', text: `kept: ${message.join(':').trim()}` };
  return { kind: 'text', text: line };
}
