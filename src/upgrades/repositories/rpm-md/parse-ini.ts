/** A value of a section, with the line that it begins on. */
export interface IniValue {
  readonly line: number;
  readonly value: string;
}

export interface IniSection {
  readonly name: string;
  readonly line: number;
  /** By lower-case name; of several of one name the last. */
  readonly values: ReadonlyMap<string, IniValue>;
}

/** The sections of a `.repo` file (dnf.conf(5)): `[name]`, `key = value`, and lines that go on with spaces in front. */
export function parseIni(text: string): readonly IniSection[] {
  const sections: IniSection[] = [];
  let values = new Map<string, IniValue>();
  let key: string | undefined;
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (/^\s*(?:[#;]|$)/.test(whole)) continue;
    const [, name] = /^\[([^\]]*)\]\s*$/.exec(whole) ?? [];
    if (name !== undefined) {
      values = new Map();
      key = undefined;
      sections.push({ name: name.trim(), line, values });
      continue;
    }
    const known = key === undefined ? undefined : values.get(key);
    if (/^\s/.test(whole) && key !== undefined && known !== undefined) {
      values.set(key, { line: known.line, value: `${known.value}\n${whole.trim()}` });
      continue;
    }
    const cut = whole.indexOf('=');
    key = cut === -1 ? undefined : whole.slice(0, cut).trim().toLowerCase();
    if (key !== undefined) values.set(key, { line, value: whole.slice(cut + 1).trim() });
  }
  return sections;
}
