import { type Check, judge } from './types.ts';

/** What a program that checks a filesystem found. */
export interface FilesystemVerdict {
  readonly program: string;
  readonly ok: boolean;
  /** Its exit code. */
  readonly code: string;
  /** Lines that it printed. */
  readonly words: readonly string[];
}

export function judgeFilesystem(path: string, { program, ok, code, words }: FilesystemVerdict): Check {
  const problems = ok ? [] : [`${program} ended with ${code}: ${words.join(' / ')}`];
  const summary = (words.at(-1) ?? '').replace(/^.*?: /, '');
  return judge(`filesystem ${path}`, problems, `${program} finds nothing wrong; ${summary}`);
}

/**
 * What `dpkg --audit` found: it says nothing of packages that are whole.
 *
 * @param code its exit code; undefined without an answer.
 */
export function judgeAudit(code: string | undefined, text: string): Check {
  const words = text.trim();
  const ok = code === '0' && words === '';
  const problems = ok ? [] : [`dpkg --audit: ${words || `exit code ${code ?? 'no answer'}`}`];
  return judge('package audit', problems, 'dpkg --audit finds nothing');
}
