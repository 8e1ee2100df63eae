/** Bytes, of the field Installed-Size (deb-control(5)), which counts in KiB; undefined when it is no such number. */
export function parseInstalledSize(field: string | undefined): number | undefined {
  return field !== undefined && /^\d{1,12}$/.test(field) ? Number(field) * 1024 : undefined;
}
