import { type ConfigKey, configKeys } from './schema.ts';

/** `COLDPATCH_CACHE_DIRECTORY` for `cacheDirectory`. */
export function environmentVariableOf(key: ConfigKey): string {
  return `COLDPATCH_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function wholeNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** How the text of a variable becomes a value. What it cannot be stays text, so that the schema says what is wrong. */
const fromText: Readonly<Partial<Record<ConfigKey, (text: string) => unknown>>> = {
  imageDirectories: (text) => text.split(':').filter((path) => path !== ''),
  kvmProbeSeconds: wholeNumber,
  upgradeSeconds: wholeNumber,
  generations: json,
};

/** What the environment says, not validated yet. An empty variable counts as one that is not there. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    configKeys.flatMap((key) => {
      const text = environment[environmentVariableOf(key)];
      return text === undefined || text === '' ? [] : [[key, fromText[key]?.(text) ?? text]];
    }),
  );
}
