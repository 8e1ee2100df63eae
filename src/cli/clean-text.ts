/**
 * A string of an image, made fit for a terminal: control characters, which could move the cursor or run commands of
 * the terminal, and characters that change the direction of writing are shown as `\x1b` or `\u{202e}`.
 */
export function cleanText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
