/** The bank of a TPM that a token names, or undefined when what it names is none. */
export function bankOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^(?:sha1|sha256|sha384|sha512|sm3_256)$/.test(value)
    ? value
    : undefined;
}
