/** One assignment of an apt configuration file; `name` in lower case, as apt compares names without case. */
export interface AptSetting {
  readonly name: string;
  readonly value: string;
  /** `Name:: "value"` adds to a list. */
  readonly appends: boolean;
}

type Token = { readonly kind: 'word' | 'text' | 'open' | 'close' | 'end'; readonly value: string };

const tokenPattern =
  /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|#(?!clear\b|include\b)[^\n]*|"([^"\n]*)"?|([{};])|([^\s"{};]+)/g;
const maximumDepth = 32;

/**
 * The assignments of an apt configuration file in their order, by the syntax of apt.conf(5): `A::B "value";` and
 * `A { B "value"; };`. `#clear name;` yields an empty value; `#include` is not followed. Reading ends at braces nested deeper than 32.
 */
export function parseAptSettings(text: string): readonly AptSetting[] {
  const settings: AptSetting[] = [];
  const scopes: string[] = [];
  let statement: Token[] = [];
  for (const token of tokensOf(text)) {
    if (token.kind === 'open') {
      if (scopes.length === maximumDepth) return settings;
      scopes.push(joinNames(scopes.at(-1) ?? '', statement[0]?.value ?? ''));
      statement = [];
      continue;
    }
    if (token.kind === 'end' || token.kind === 'close') {
      const setting = settingOf(statement, scopes.at(-1) ?? '');
      if (setting !== undefined) settings.push(setting);
      statement = [];
      if (token.kind === 'close') scopes.pop();
      continue;
    }
    statement.push(token);
  }
  return settings;
}

function* tokensOf(text: string): Generator<Token> {
  for (const [whole, quoted, mark, word] of text.matchAll(tokenPattern)) {
    if (mark === '{') yield { kind: 'open', value: mark };
    else if (mark === '}') yield { kind: 'close', value: mark };
    else if (mark === ';') yield { kind: 'end', value: mark };
    else if (word !== undefined) yield { kind: 'word', value: word };
    else if (whole.startsWith('"')) yield { kind: 'text', value: quoted ?? '' };
  }
}

function settingOf(statement: readonly Token[], scope: string): AptSetting | undefined {
  const [first, second] = statement;
  if (first === undefined) return undefined;
  if (first.value === '#clear') {
    return second && { name: joinNames(scope, second.value), value: '', appends: false };
  }
  if (first.value === '#include') return undefined;
  // Inside braces a value without a name is an item of the list that the braces belong to.
  if (second === undefined) {
    return first.kind === 'text' && scope !== ''
      ? { name: scope, value: first.value, appends: true }
      : undefined;
  }
  const name = joinNames(scope, first.value);
  if (!name.endsWith('::')) return { name, value: second.value, appends: false };
  return { name: name.slice(0, -2), value: second.value, appends: true };
}

function joinNames(scope: string, name: string): string {
  const lowered = name.toLowerCase();
  return scope === '' ? lowered : `${scope}::${lowered}`;
}
