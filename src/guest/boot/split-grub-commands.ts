/** The words of one command of a GRUB script, without their quotes. */
export type GrubCommand = readonly string[];

const maximumCommands = 200_000;

/**
 * Splits a GRUB script into its commands: by line ends, semicolons and braces. A brace that stands alone is a command
 * of its own. Variables stay as they are written.
 * Reading ends quietly after 200,000 commands.
 */
export function splitGrubCommands(text: string): readonly GrubCommand[] {
  const commands: GrubCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < text.length && commands.length < maximumCommands; at += 1) {
    const character = text.charAt(at);
    if (character === "'" || character === '"') {
      const [quoted, end] = readQuoted(text, at);
      word = (word ?? '') + quoted;
      at = end;
    } else if (character === '\\') {
      at += 1;
      if (text.charAt(at) !== '\n') word = (word ?? '') + text.charAt(at);
    } else if (character === '#' && word === undefined) {
      const end = text.indexOf('\n', at);
      at = (end === -1 ? text.length : end) - 1;
    } else if (character === '\n' || character === ';') {
      endCommand();
    } else if (character === ' ' || character === '\t') {
      endWord();
    } else if ((character === '{' || character === '}') && word === undefined) {
      endCommand();
      commands.push([character]);
    } else {
      word = (word ?? '') + character;
    }
  }
  endCommand();
  return commands;
}

/** The text between the quote at `start` and its end, and where that is. */
function readQuoted(text: string, start: number): readonly [quoted: string, end: number] {
  const quote = text.charAt(start);
  if (quote === "'") {
    const end = text.indexOf(quote, start + 1);
    const stop = end === -1 ? text.length : end;
    return [text.slice(start + 1, stop), stop];
  }
  let quoted = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === quote) return [quoted, at];
    if (character === '\\' && '"\\$'.includes(text.charAt(at + 1))) at += 1;
    quoted += text.charAt(at);
  }
  return [quoted, text.length];
}
