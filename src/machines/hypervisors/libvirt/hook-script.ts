/** By which a script of ours is known again. */
const hookMark = '# Made by "coldpatch machine install-hook".';

export interface HookProgram {
  /** Absolute paths of the Node that runs coldpatch, and of its main module. */
  readonly node: string;
  readonly main: string;
  readonly stateDirectory: string;
}

/**
 * A hook of libvirt's QEMU driver: asked with the domain's XML on standard input before a domain is started or taken over,
 * it fails for a machine that is in the middle of a rollback. libvirt then does not start it and reports what the hook said.
 * https://libvirt.org/hooks.html
 */
export function hookScript({ node, main, stateDirectory }: HookProgram): string {
  return `#!/bin/sh
${hookMark} Remove this file to be without it.
# Keeps a domain from starting in the middle of a rollback.
[ "$2" = prepare ] || exit 0
COLDPATCH_STATE_DIRECTORY=${quoted(stateDirectory)}
export COLDPATCH_STATE_DIRECTORY
# Users' own libvirtd asks too: the machines of coldpatch are none of theirs.
[ -x "$COLDPATCH_STATE_DIRECTORY" ] || exit 0
exec ${quoted(node)} --disable-warning=ExperimentalWarning ${quoted(main)} machine may-start
`;
}

export function isHookScript(text: string): boolean {
  return text.includes(hookMark);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
