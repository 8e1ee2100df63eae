import type { Recording } from './types.ts';

/** What an operator wants to tell apart in thousands of changed files. */
export const fileClasses = [
  'kernel and boot',
  'programs and libraries',
  'configuration',
  'package records',
  'documentation',
  'logs and caches',
  'traces of a start',
  'data',
] as const;

export type FileClass = (typeof fileClasses)[number];

const classPatterns: readonly (readonly [RegExp, FileClass])[] = [
  // What a machine writes because it is started, whatever is done on it then.
  [
    /^\/var\/lib\/systemd\/(random-seed$|(timers|timesync|backlight|rfkill|pstore|coredump)(\/|$))|^\/var\/log\/(journal(\/|$)|(wtmp|btmp|lastlog|faillog|boot\.log|dmesg)[^/]*$)/,
    'traces of a start',
  ],
  [
    /^\/(etc|var)\/\.updated$|^\/etc\/(adjtime|machine-id)$|^\/boot\/grub\/grubenv$|^\/var\/lib\/(dhcp|dbus|NetworkManager|chrony|ntpsec|urandom|private|cloud)(\/|$)/,
    'traces of a start',
  ],
  [/^\/(boot|(usr\/)?lib\/modules|var\/lib\/initramfs-tools)(\/|$)/, 'kernel and boot'],
  [
    /^\/var\/lib\/(dpkg|apt|ucf|debconf|systemd\/deb-systemd-helper-\w+)(\/|$)|^\/var\/cache\/debconf\//,
    'package records',
  ],
  [/^\/(usr\/share\/(doc|man|info|locale|lintian|bug)|usr\/local\/share\/man)(\/|$)/, 'documentation'],
  [/^\/var\/(log|cache|tmp|spool)(\/|$)|^\/(tmp|run)(\/|$)|\/__pycache__(\/|$)/, 'logs and caches'],
  [/^\/etc(\/|$)/, 'configuration'],
  [/^\/(usr|bin|sbin|lib|lib32|lib64|libx32|opt)(\/|$)/, 'programs and libraries'],
];

export function classOf(path: string): FileClass {
  return classPatterns.find(([pattern]) => pattern.test(path))?.[1] ?? 'data';
}

export interface ClassCount {
  readonly class: FileClass;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** Counts a recording by class, in the order of `fileClasses`. Paths of which only times moved do not count. */
export function classifyChanges(recording: Recording): readonly ClassCount[] {
  const counts = new Map(fileClasses.map((name) => [name, { added: 0, changed: 0, removed: 0 }]));
  for (const change of recording.changes) {
    if (change.what?.length === 1 && change.what[0] === 'times') continue;
    const count = counts.get(classOf(change.path));
    if (count) count[change.kind] += 1;
  }
  return [...counts].map(([name, count]) => ({ class: name, ...count }));
}
