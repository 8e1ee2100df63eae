import { commandRules } from './running-system-commands.ts';

/** A command of a script that asks a running system. */
export interface FoundCommand {
  /** As the script has it, cut. */
  readonly command: string;
  readonly needs: string;
  /** True when the script goes on after it fails: then the upgrade succeeds, and what it would have done is missing. */
  readonly isTolerated: boolean;
}

const mostLines = 20_000;
const longestLine = 4096;
const longestCommand = 160;
/** Of one `if` in another. */
const deepest = 1000;
/** A question that is answered with yes only where a system runs. */
const guard =
  /\/run\/|\/sys\/|\/proc\/|\bpidof\b|\bpgrep\b|\bmountpoint\b|\bsystemctl (?:-\S+ )*is-active\b|\binvoke-rc\.d \S+ status\b/;

/** A question that is answered with yes only where none runs. */
const opposite = /\bischroot\b|\bsystemd-detect-virt (?:-\S+ )*(?:-r|--chroot)\b/;

/**
 * The commands of a shell script that would ask a running system, but for those behind a question whether one runs.
 * This reads lines and not the language: what a function does counts where it is written, and what `eval` or another
 * program makes of a text is not seen.
 */
export function findCommands(script: string): readonly FoundCommand[] {
  if (!/^#! ?\S*\/(?:env )?(?:ba|da)?sh\b/.test(script)) return [];
  const lines = script
    .slice(0, mostLines * longestLine)
    .replaceAll('\\\n', ' ')
    .split('\n')
    .slice(0, mostLines)
    .map((line) => line.slice(0, longestLine));
  const found: FoundCommand[] = [];
  const open: NestedQuestion[] = [];
  let question = '';
  let ending: string | undefined;
  for (const raw of lines) {
    if (ending !== undefined) {
      if (raw.trim() === ending) ending = undefined;
      continue;
    }
    const line = withoutQuotes(raw);
    ending = /<<-?\s*\\?(\w+)/.exec(raw.replaceAll(/["']/g, ''))?.[1];
    const isAsked = /&&|\|\||^\s*(?:if|elif)\b/.test(line) && (guard.test(raw) || opposite.test(raw));
    for (const part of line.replaceAll(/\bthen\b/g, '; then ;').split(/;|&&|\|\||\||\bdo\b|\{/)) {
      const text = part.trim();
      const keyword = /^(if|elif|then|else|fi)\b/.exec(text)?.[1];
      if (keyword === 'if') open.push({ ...unasked, isGuarded: open.at(-1)?.isGuarded === true });
      if (open.length > deepest) return found;
      if (keyword === 'if' || keyword === 'elif') question = raw;
      if (keyword === 'then') replaceLast(open, openQuestion(question));
      if (keyword === 'else') replaceLast(open, elseOf(open.at(-1)));
      if (keyword === 'fi') open.pop();
      const words = text.replace(/^(?:(?:if|elif|else|!|\w+=\S*)\s+)+/, '').replaceAll(/\s+/g, ' ');
      const rule = commandRules.find(({ pattern }) => pattern.test(words));
      if (rule === undefined || isAsked || open.at(-1)?.isGuarded === true) continue;
      found.push({
        command: raw.trim().slice(0, longestCommand),
        needs: rule.needs,
        isTolerated: line.includes('||') || keyword === 'if' || keyword === 'elif',
      });
    }
  }
  return found;
}

/** An `if` that is not closed yet. */
interface OpenQuestion {
  /** What follows runs only in a running system. */
  readonly guards: boolean;
  /** So would what follows an `else`. */
  readonly elseGuards: boolean;
}

interface NestedQuestion extends OpenQuestion {
  /** By itself, or by one around it. */
  readonly isGuarded: boolean;
}

const unasked: OpenQuestion = { guards: false, elseGuards: false };

function replaceLast(open: NestedQuestion[], question: OpenQuestion): void {
  open.splice(-1, 1, { ...question, isGuarded: question.guards || open.at(-2)?.isGuarded === true });
}

function openQuestion(question: string): OpenQuestion {
  const isTurned = /^\s*(?:if|elif)\s+(?:\[\s+)?!/.test(question);
  const [yes, no] = isTurned ? [opposite, guard] : [guard, opposite];
  return { guards: yes.test(question), elseGuards: no.test(question) };
}

function elseOf(question: OpenQuestion | undefined): OpenQuestion {
  return { guards: question?.elseGuards === true, elseGuards: false };
}

/** What is quoted is no command, and neither is a comment. */
function withoutQuotes(line: string): string {
  return line
    .replaceAll(/'[^']*'/g, "''")
    .replaceAll(/"[^"]*"/g, '""')
    .replace(/(?:^|\s)#.*$/s, '');
}
