import type { Inspection } from '../../guest/inspection.ts';
import type { InstalledPackage } from '../../guest/types.ts';
import type { UpgradePlan } from '../plan.ts';
import type { RecordedChange, Recording } from '../recording/types.ts';
import { type Check, judge } from './types.ts';

/** Holds our own inspection of the copy against the plan: the guest's word proves nothing. */
export function compareWithPlan(
  plan: UpgradePlan,
  before: Inspection,
  after: Inspection,
  recording: Recording,
): readonly Check[] {
  return [
    checkFormat(before, after),
    checkPackages(plan, before.packages, after.packages),
    checkIdentity(before, after),
    checkConffiles(plan, recording),
    checkData(recording),
    checkLeftovers(recording),
  ];
}

function checkFormat(before: Inspection, after: Inspection): Check {
  const describe = ({ image, layout }: Inspection) => ({
    format: image.format,
    'size of the disk': String(image.virtualSize),
    'backing files':
      image.chain
        .slice(1)
        .map(({ path }) => path)
        .join(', ') || 'none',
    partitions: JSON.stringify([
      layout.partitionTable,
      layout.volumes.map(({ name, start, size, type, uuid }) => [name, start, size, type, uuid]),
    ]),
  });
  return judge(
    'disk',
    differences(describe(before), describe(after)),
    'format, size and partitions are as they were',
  );
}

function checkPackages(
  plan: UpgradePlan,
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
): Check {
  const keyOf = ({ name, architecture }: { name: string; architecture: string }) => `${name}:${architecture}`;
  const expected = new Map(before.map((entry) => [keyOf(entry), entry.version]));
  for (const change of plan.changes) {
    if (change.to !== null) expected.set(keyOf(change), change.to);
    else expected.delete(keyOf(change));
    // A new version may be built for "all" where the old one was not, or the other way round: dpkg then replaces it.
    for (const old of change.from === null ? [] : replacedEntries(change, before)) expected.delete(old);
  }
  const found = new Map(after.map((entry) => [keyOf(entry), entry.version]));
  const problems = [...new Set([...expected.keys(), ...found.keys()])]
    .filter((key) => expected.get(key) !== found.get(key))
    .map((key) => `${key}: expected ${expected.get(key) ?? 'nothing'}, found ${found.get(key) ?? 'nothing'}`);
  return judge(
    'packages',
    problems,
    `${found.size} packages, ${plan.changes.length} of them changed as planned`,
  );
}

/** The entry of the same package under another architecture, when it is the one that the change starts from. */
function replacedEntries(
  { name, architecture, from }: UpgradePlan['changes'][number],
  before: readonly InstalledPackage[],
): string[] {
  const own = before.filter((entry) => entry.name === name);
  if (own.some((entry) => entry.architecture === architecture)) return [];
  return own.filter(({ version }) => version === from).map((entry) => `${name}:${entry.architecture}`);
}

function checkIdentity(before: Inspection, after: Inspection): Check {
  const describe = ({ identity }: Inspection) => ({
    'host name': identity?.hostName ?? 'none',
    'machine id': identity?.machineId ?? 'none',
    ...Object.fromEntries((identity?.hostKeys ?? []).map((key) => [key.path, key.fingerprint])),
  });
  return judge(
    'identity',
    differences(describe(before), describe(after)),
    `host name, machine id and ${before.identity?.hostKeys.length ?? 0} host keys are as they were`,
  );
}

function checkConffiles(plan: UpgradePlan, recording: Recording): Check {
  const kept = new Set(plan.changedConffiles.map(({ path }) => path));
  const problems = recording.changes
    .filter((change) => kept.has(change.path) && changedContent(change))
    .map(({ path }) => `${path} is not as the operator left it`);
  return judge('configuration', problems, `${kept.size} changed configuration files were kept`);
}

/** What belongs to people and to the machine's work, and to no package. */
const dataPaths = /^\/(?:home|root|srv|mnt|media|usr\/local)(?:\/|$)/;

function checkData(recording: Recording): Check {
  const problems = recording.changes
    .filter((change) => dataPaths.test(change.path) && isTouched(change))
    .map(({ path, kind }) => `${path} was ${kind}`);
  return judge('data', problems, 'nothing in /home, /root, /srv, /mnt, /media, /usr/local changed');
}

/** Packages make directories there, and give those of /usr/local to a group. */
function isTouched({ path, kind, what, file }: RecordedChange): boolean {
  const isDirectory = file?.type === 'directory';
  if (kind === 'added') return !isDirectory;
  const passed = isDirectory && path.startsWith('/usr/local') ? ['times', 'mode'] : ['times'];
  return kind === 'removed' || (what?.some((part) => !passed.includes(part)) ?? false);
}

function checkLeftovers(recording: Recording): Check {
  const problems = recording.changes
    .filter(
      ({ path, kind }) =>
        kind === 'added' &&
        /^\/(?:usr\/sbin\/policy-rc\.d$|run\/|dev\/|proc\/|sys\/)|\/coldpatch-upgrade(?:[./]|$)/.test(path),
    )
    .map(({ path }) => `${path} was left behind`);
  return judge('leftovers', problems, 'nothing of the run was left in the copy');
}

function changedContent({ kind, what }: RecordedChange): boolean {
  return kind === 'removed' || (what?.some((part) => part === 'content' || part === 'type') ?? false);
}

function differences(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .map((key) => `${key}: was ${before[key] ?? 'nothing'}, is ${after[key] ?? 'nothing'}`);
}
