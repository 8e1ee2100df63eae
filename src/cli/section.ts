import { cleanText } from './clean-text.ts';

/** A titled list, or nothing when it is empty. */
export function section<T>(
  title: string,
  items: readonly T[],
  print: (item: T) => string,
): readonly string[] {
  if (items.length === 0) return [];
  return ['', `${title}:`, ...items.map((item) => `  ${cleanText(print(item))}`)];
}
