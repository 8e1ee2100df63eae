import type { InspectedFile, InspectedVolume, Inspection } from '../guest/inspection.ts';
import type { Kernel } from '../guest/types.ts';
import { cleanText } from './clean-text.ts';
import { printBytes } from './print-bytes.ts';
import { mostOf, printTable } from './print-table.ts';

export interface PrintOptions {
  /** List every package in place of their number. */
  readonly packages: boolean;
}

/** An inspection for people. Gaps come first: a report with a gap must not read as clean. */
export function printInspection(inspection: Inspection, options: PrintOptions): string {
  const sections = [
    printImage(inspection),
    ...printGaps(inspection),
    ...printState(inspection),
    printSystem(inspection),
    ...printVolumes(inspection.layout.volumes),
    ...printKernels(inspection.kernels),
    ...printHostKeys(inspection),
    ...printPackages(inspection, options),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function printImage({ image }: Inspection): readonly string[] {
  const sizes = `${formatOf(image)}, ${printBytes(image.virtualSize)} disk in ${printBytes(image.fileSize)}`;
  const backing = image.chain.slice(1).map((file) => `  on ${cleanText(file.path)} (${formatOf(file)})`);
  return [`${cleanText(image.path)}: ${sizes}`, ...backing];
}

function formatOf({ format, compression }: InspectedFile): string {
  return compression === null ? format : `${format} compressed by ${compression}`;
}

function printGaps({ gaps }: Inspection): readonly (readonly string[])[] {
  if (gaps.length === 0) return [];
  const noun = gaps.length === 1 ? 'gap: this part' : 'gaps: these parts';
  const rows = gaps.map(({ where, reason, detail }) => [`  ${where}`, reason, detail]);
  return [
    [`${gaps.length} ${noun} of the image ${gaps.length === 1 ? 'was' : 'were'} not read`, ...body(rows)],
  ];
}

function printState({ state }: Inspection): readonly (readonly string[])[] {
  const warnings = [
    ...(state.clean ? [] : ['The machine was not shut down cleanly.']),
    ...(state.hibernated ? ['The machine is hibernated.'] : []),
    ...(state.pendingOfflineUpdate ? ['An upgrade is prepared that would run at the next start.'] : []),
    ...state.brokenPackages.map(({ name, architecture, state: found }) =>
      cleanText(`Package ${name}:${architecture} is ${found}.`),
    ),
  ];
  return warnings.length === 0 ? [] : [warnings];
}

function printSystem({ operatingSystem, boot, identity, layout, state }: Inspection): readonly string[] {
  const rows: (readonly string[])[] = [
    ['  system', operatingSystem?.prettyName ?? 'none that is known'],
    ...(operatingSystem?.edition ? [['  edition', operatingSystem.edition]] : []),
    ...(operatingSystem?.installedAt ? [['  installed', operatingSystem.installedAt]] : []),
    ...(operatingSystem ? [['  architecture', operatingSystem.architecture || 'unknown']] : []),
    ...(identity ? [['  host name', identity.hostName ?? 'none']] : []),
    ...(identity ? [['  machine-id', identity.machineId ?? 'none']] : []),
    ...(state.lastBootAt === null ? [] : [['  last boot', state.lastBootAt]]),
    ...(state.lastShutdownAt === null ? [] : [['  last shutdown', state.lastShutdownAt]]),
    ...(state.lastPackageChangeAt === null ? [] : [['  packages changed', state.lastPackageChangeAt]]),
    ...(boot ? [['  boot', `${boot.loader}, ${boot.firmware.join(' and ') || 'unknown firmware'}`]] : []),
    ['  partitions', layout.partitionTable ?? 'none'],
  ];
  return ['System', ...body(rows)];
}

function printVolumes(volumes: readonly InspectedVolume[]): readonly (readonly string[])[] {
  if (volumes.length === 0) return [];
  const header = ['  volume', 'size', 'filesystem', 'free', 'label', 'uuid', 'mounted on'];
  const rows = volumes.map((volume) => [
    `  ${volume.name}`,
    printBytes(volume.size),
    volume.filesystem === null
      ? (volume.container ?? '-')
      : `${volume.filesystem}${volume.clean === false ? ' (unclean)' : ''}`,
    volume.free === null ? '-' : printBytes(volume.free),
    volume.label || '-',
    volume.uuid || '-',
    volume.mountPoint ?? '-',
  ]);
  return [['Volumes', ...printTable(header, rows)]];
}

function printKernels(kernels: readonly Kernel[]): readonly (readonly string[])[] {
  if (kernels.length === 0) return [];
  const rows = kernels.map((kernel) => [
    `  ${kernel.release}`,
    yesNo(kernel.image !== undefined),
    yesNo(kernel.initramfs !== undefined),
    yesNo(kernel.modules !== undefined),
    kernel.bootsByDefault ? 'default' : yesNo(kernel.inBootMenu),
  ]);
  return [['Kernels', ...printTable(['  release', 'image', 'initramfs', 'modules', 'boot menu'], rows)]];
}

function printHostKeys({ identity }: Inspection): readonly (readonly string[])[] {
  if (identity === null || identity.hostKeys.length === 0) return [];
  const rows = identity.hostKeys.map(({ type, fingerprint }) => [`  ${type}`, fingerprint]);
  return [['SSH host keys', ...body(rows)]];
}

function printPackages({ packages }: Inspection, options: PrintOptions): readonly (readonly string[])[] {
  if (!options.packages || packages.length === 0) {
    return [
      [`${packages.length} packages installed${packages.length > 0 ? ' (--packages lists them)' : ''}`],
    ];
  }
  const rows = packages.map(({ name, version, architecture }) => [`  ${name}`, version, architecture]);
  return [[`${packages.length} packages`, ...printTable(['  package', 'version', 'architecture'], rows)]];
}

/** A table without a header. */
function body(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = mostOf(rows, (row) => row.length);
  return printTable(
    Array.from({ length: columns }, () => ''),
    rows,
  ).slice(1);
}

function yesNo(value: boolean): string {
  return value ? 'yes' : '-';
}
