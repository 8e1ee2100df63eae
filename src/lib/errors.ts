/**
 * The one catalogue of coded errors.
 *
 * A code is stable: scripts and the API rely on it, and docs/errors.md lists every one.
 * `exit` is the command line's exit code (1 failed, 2 wrong use, 3 refused).
 * `retry` says whether the same call may succeed later without anybody changing anything.
 */
export const errorCatalogue = {
  usage: { exit: 2, retry: false, title: 'The command was not understood' },
  configuration_invalid: { exit: 2, retry: false, title: 'The configuration is not valid' },
  file_not_found: { exit: 2, retry: false, title: 'A named file does not exist' },
  file_unreadable: { exit: 1, retry: false, title: 'A named file could not be read' },
  file_unwritable: { exit: 1, retry: false, title: 'A named file could not be written' },
  host_tool_missing: { exit: 3, retry: false, title: 'This host lacks a program that the work needs' },
  host_tool_failed: { exit: 1, retry: false, title: 'A program that the work needs ended with an error' },
  host_tool_timeout: { exit: 1, retry: true, title: 'A program that the work needs did not end in time' },
  host_space: { exit: 1, retry: false, title: 'This host has too little free space' },
  host_too_small: { exit: 3, retry: false, title: 'A step needs more than this host may ever give it' },
  root_required: { exit: 3, retry: false, title: 'This engine needs root' },
  interrupted: { exit: 1, retry: true, title: 'The run was ended from outside' },
  internal: { exit: 1, retry: false, title: 'coldpatch itself is at fault' },
  collector_unreachable: { exit: 1, retry: true, title: 'No collector took the traces' },

  image_format_unsupported: { exit: 1, retry: false, title: 'The image format is not supported' },
  image_corrupt: { exit: 1, retry: false, title: 'The image contradicts its own format' },
  image_truncated: { exit: 1, retry: false, title: 'The image ends before its own end' },
  image_encrypted: { exit: 1, retry: false, title: 'The image, or the system in it, is encrypted' },
  backing_file_undeclared: {
    exit: 3,
    retry: false,
    title: 'The image names a backing file that was not declared',
  },
  extent_undeclared: {
    exit: 3,
    retry: false,
    title: 'The image keeps its disk in files that were not declared',
  },
  external_data_file: { exit: 3, retry: false, title: 'The image names an external data file' },
  filesystem_corrupt: { exit: 1, retry: false, title: 'A filesystem contradicts itself' },
  filesystem_unsupported: {
    exit: 1,
    retry: false,
    title: 'A filesystem uses a feature that is not supported',
  },
  volume_corrupt: { exit: 1, retry: false, title: 'A volume manager contradicts itself' },
  volume_unsupported: {
    exit: 1,
    retry: false,
    title: 'A volume manager uses a feature that is not supported',
  },
  volume_missing: { exit: 1, retry: false, title: 'A part of a volume is not in the image' },
  limit_exceeded: { exit: 1, retry: false, title: 'Something read from the image is larger than its limit' },
  path_not_found: { exit: 1, retry: false, title: 'A path does not exist inside the image' },
  registry_corrupt: { exit: 1, retry: false, title: 'A hive of the Windows registry contradicts itself' },
  boot_program_corrupt: {
    exit: 1,
    retry: false,
    title: 'A program that the firmware starts contradicts its own format',
  },
  uefi_variables_invalid: {
    exit: 1,
    retry: false,
    title: 'A file of UEFI variables contradicts its own format',
  },
  version_invalid: { exit: 1, retry: false, title: 'A version does not follow the rules of its family' },

  system_unknown: { exit: 3, retry: false, title: 'No supported operating system was found in the image' },
  package_database_unreadable: { exit: 1, retry: false, title: 'The package database could not be read' },
  package_database_broken: {
    exit: 3,
    retry: false,
    title: 'Packages were half-installed before coldpatch came',
  },
  guest_unclean: { exit: 3, retry: false, title: 'The machine was not shut down cleanly' },
  guest_hibernated: { exit: 3, retry: false, title: 'The machine is hibernated' },
  guest_space: { exit: 3, retry: false, title: 'The image has too little free space' },
  guest_architecture: {
    exit: 3,
    retry: false,
    title: 'The machine is of another architecture than this host',
  },

  sources_missing: { exit: 3, retry: false, title: 'No package repository is configured' },
  sources_invalid: { exit: 3, retry: false, title: 'A package source could not be understood' },
  snapshot_missing: { exit: 1, retry: false, title: 'A former state of a repository is not kept' },
  transfer_invalid: {
    exit: 3,
    retry: false,
    title: 'What was brought from another host is not what it should be',
  },
  pool_busy: { exit: 1, retry: true, title: 'Another run holds the package pool' },
  repository_unreachable: { exit: 1, retry: true, title: 'A repository could not be reached' },
  repository_unsigned: { exit: 3, retry: false, title: 'A repository is not signed' },
  repository_signature: { exit: 3, retry: false, title: 'The signature of a repository is not valid' },
  repository_stale: { exit: 3, retry: false, title: 'The metadata of a repository has expired' },
  repository_corrupt: { exit: 3, retry: false, title: 'A repository delivers other bytes than it signed' },
  repository_too_large: {
    exit: 3,
    retry: false,
    title: 'The metadata of a repository is larger than its limit',
  },
  package_corrupt: {
    exit: 3,
    retry: false,
    title: 'A package has another digest than its repository signed',
  },
  plan_unsolvable: { exit: 1, retry: false, title: "The distribution's solver found no plan" },

  advisories_invalid: { exit: 3, retry: false, title: 'A feed of advisories does not follow its format' },

  trust_required: { exit: 3, retry: false, title: 'The engine needs an image that is declared trusted' },
  engine_failed: { exit: 1, retry: false, title: 'The upgrade of the copy failed' },
  package_script_failed: { exit: 1, retry: false, title: 'A package script failed' },
  appliance_missing: { exit: 3, retry: false, title: 'There is no appliance on this host yet' },
  appliance_failed: { exit: 1, retry: false, title: 'The safe environment did not do what it should' },
  appliance_timeout: { exit: 1, retry: true, title: 'The safe environment did not end in time' },
  start_impossible: { exit: 3, retry: false, title: 'The image cannot be upgraded by starting a copy of it' },
  guest_not_started: { exit: 1, retry: false, title: 'The copy did not come up' },
  guest_ended_early: { exit: 1, retry: false, title: 'The copy ended in the middle of its upgrade' },
  guest_timeout: { exit: 1, retry: true, title: 'The copy did not do its upgrade in time' },
  guest_protocol: { exit: 1, retry: false, title: 'The started copy did not say what it should' },
  verification_failed: { exit: 1, retry: false, title: 'The upgraded copy did not pass verification' },
  probe_impossible: { exit: 3, retry: false, title: 'Probes cannot be asked inside this image' },

  image_in_use: { exit: 3, retry: true, title: 'The image is in use' },
  image_busy: { exit: 3, retry: true, title: 'Another run of coldpatch works on the image' },
  image_changed: {
    exit: 3,
    retry: true,
    title: 'The original was written, or no longer held, while it was worked on',
  },
  image_backs_others: { exit: 3, retry: false, title: 'Other images are built on the image' },
  image_children_unknown: {
    exit: 3,
    retry: false,
    title: 'It could not be seen whether other images are built on the image',
  },
  image_link_unsafe: {
    exit: 3,
    retry: false,
    title: 'The image is reached through a link that others can change',
  },
  image_hard_linked: { exit: 3, retry: false, title: 'The image has other names' },
  image_not_a_file: { exit: 2, retry: false, title: 'The image is not a regular file' },
  generation_unknown: { exit: 2, retry: false, title: 'There is no such generation' },
  generation_altered: { exit: 3, retry: false, title: 'A generation is not as it was taken' },
  generation_log_broken: {
    exit: 3,
    retry: false,
    title: 'The log of generations was cut or changed',
  },
  image_of_machine: {
    exit: 3,
    retry: false,
    title: 'The image is a disk of a machine that has more than it',
  },
  machine_exists: { exit: 2, retry: false, title: 'There is already such a machine' },
  machine_unknown: { exit: 2, retry: false, title: 'There is no such machine' },
  machine_keeps_generations: { exit: 3, retry: false, title: 'Generations of the machine are still kept' },
  machine_put_back: { exit: 3, retry: false, title: 'A part of the machine was put back by hand' },
  generation_budget: {
    exit: 3,
    retry: false,
    title: 'The generations of a machine would take more room than they may',
  },
  machine_rolling_back: { exit: 3, retry: true, title: 'The machine is in the middle of a rollback' },
  machine_unsupported: { exit: 3, retry: false, title: 'A machine has parts that cannot be kept' },
  machine_unreachable: { exit: 3, retry: true, title: 'The monitor of a running machine cannot be used' },
  machine_differs: { exit: 3, retry: false, title: 'A running machine is not the one that was named' },
  hypervisor_failed: { exit: 1, retry: false, title: 'The hypervisor did not do what it should' },
  update_held_back: { exit: 3, retry: false, title: 'The machine was rolled back and may not be updated' },
  vtpm_broken: { exit: 3, retry: false, title: 'The state of a virtual TPM cannot be started' },
  vtpm_key: { exit: 3, retry: false, title: 'The state of a virtual TPM needs another key' },
  signature_invalid: { exit: 3, retry: false, title: 'A signed statement is not what was signed' },

  source_unreachable: { exit: 1, retry: true, title: 'A source of images could not be read' },
  store_unreachable: { exit: 1, retry: true, title: 'The database did not answer' },
  store_newer: { exit: 3, retry: false, title: 'The database was made by a newer coldpatch' },
  backup_invalid: { exit: 3, retry: false, title: 'A backup of the database is not whole' },
  server_running: { exit: 3, retry: false, title: 'Another server works with the database' },
  audit_broken: { exit: 3, retry: false, title: 'The audit log was changed' },
  worker_lost: { exit: 1, retry: false, title: 'The workers that had the run fell silent' },
  run_fenced: { exit: 3, retry: false, title: 'Another worker took the run over' },
  state_conflict: { exit: 3, retry: false, title: 'The object is not in a state in which this can be done' },
  object_unknown: { exit: 2, retry: false, title: 'There is no such object, or it may not be seen' },
  request_invalid: { exit: 2, retry: false, title: 'The request was not understood' },
  not_authenticated: { exit: 3, retry: false, title: 'The request carries no valid token' },
  not_allowed: { exit: 3, retry: false, title: 'The token does not allow this' },
  server_unreachable: { exit: 1, retry: true, title: 'The server could not be reached' },
  rate_limited: { exit: 3, retry: true, title: 'Too many requests came from one place' },
} as const satisfies Record<string, ErrorEntry>;

export interface ErrorEntry {
  readonly exit: 1 | 2 | 3;
  readonly retry: boolean;
  readonly title: string;
}

export type ErrorCode = keyof typeof errorCatalogue;

/** Whether a text, as a server or a table has it, is a code that this version knows. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCatalogue, text);
}

/** An error that the caller may tell apart by its code. The message says what was expected, found, and what to do. */
export class ColdpatchError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ColdpatchError';
    this.code = code;
  }

  get entry(): ErrorEntry {
    return errorCatalogue[this.code];
  }
}

/** True when `error` is ours and, if codes are named, has one of them. */
export function isColdpatchError(error: unknown, ...codes: readonly ErrorCode[]): error is ColdpatchError {
  return error instanceof ColdpatchError && (codes.length === 0 || codes.includes(error.code));
}
