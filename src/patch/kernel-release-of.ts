/**
 * The release of the kernel that a package holds (`6.1.0-40-amd64`), as Debian and Ubuntu name them, signed or not.
 * Undefined for every other package: those that only depend on a kernel, and its symbols.
 */
export function kernelReleaseOf(packageName: string): string | undefined {
  if (/-dbg(?:sym)?$/.test(packageName)) return undefined;
  return /^linux-image-(?:unsigned-)?(\d.*?)(?:-unsigned)?$/.exec(packageName)?.[1];
}
