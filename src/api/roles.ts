import type { Role } from '../app/server/application.ts';

/** Every role may do what those before it may. */
export const roles = ['viewer', 'operator', 'approver', 'admin'] as const satisfies readonly Role[];

/** Who may use a route. `public` needs no token. */
export type Access = Role | 'public';

export function mayUse(role: Role, access: Access): boolean {
  return access === 'public' || roles.indexOf(role) >= roles.indexOf(access);
}
