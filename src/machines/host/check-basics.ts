import { accessSync, constants } from 'node:fs';
import type { HostCheck } from './types.ts';

const oldestNode = 24;

/** @param version as `process.versions.node` says it. */
export function checkNode(version: string): HostCheck {
  const check = { check: 'Node', required: true, detail: version };
  if (Number(version.split('.')[0]) >= oldestNode) return { ...check, ok: true };
  return {
    ...check,
    ok: false,
    remedy: `start coldpatch by bin/coldpatch, which finds a Node of at least ${oldestNode}`,
  };
}

export function checkRoot(isRoot: boolean): HostCheck {
  if (isRoot) return { check: 'root', required: false, ok: true, detail: 'runs as root' };
  return {
    check: 'root',
    required: false,
    ok: false,
    detail:
      'not root: on images of your own everything works but the engine namespace and generations of machines that run; several things below were not tried',
    remedy: 'run the command with sudo',
  };
}

/** Whether a device of the kernel, which only the engine `namespace` needs, can be opened for reading and writing. */
export function checkDevice(path: string, module: string): HostCheck {
  const check = { check: path, required: false };
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { ...check, ok: true, detail: 'there' };
  } catch (error) {
    const detail = `${(error as Error).message}: no engine namespace`;
    return { ...check, ok: false, detail, remedy: `modprobe ${module}; in a container, pass the device in` };
  }
}

/** @param filesystems what /proc/filesystems says. A module that is not loaded yet is not there, see proc_filesystems(5). */
export function checkKernelFilesystem(name: string, filesystems: string): HostCheck {
  const check = { check: `kernel: ${name}`, required: false };
  const isKnown = filesystems.split('\n').some((line) => line.split('\t')[1] === name);
  if (isKnown) return { ...check, ok: true, detail: 'the kernel knows it' };
  return {
    ...check,
    ok: false,
    detail: 'not loaded yet, or not part of this kernel',
    remedy: `modprobe ${name}`,
  };
}
