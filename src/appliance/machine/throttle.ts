/** How QEMU and its storage daemon are told to be slow: one group for all files of a machine (QEMU, docs/throttle.txt). */
const id = 'io';

/** The group, for the option `-object`. */
export function throttleGroup(bytesPerSecond: number): object {
  return {
    'qom-type': 'throttle-group',
    id,
    limits: { 'bps-total': Math.max(1, Math.floor(bytesPerSecond)) },
  };
}

/** A block node below which the group counts; the node itself where nothing is limited. */
export function throttled(node: object, bytesPerSecond: number | undefined): object {
  if (bytesPerSecond === undefined) return node;
  return { driver: 'throttle', 'throttle-group': id, file: node };
}
