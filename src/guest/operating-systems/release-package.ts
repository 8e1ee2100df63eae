/**
 * The names of the packages that say which release a system is: `rocky-release`, `centos-stream-release`.
 * Of a system that is not in `vendors`, whatever vendor's.
 *
 * @param vendors what such names begin with, by the system's id.
 */
export function releasePackage(vendors: ReadonlyMap<string, string>, id: string): RegExp {
  const vendor = vendors.get(id);
  return vendor === undefined ? /(?:^|-)release(?:-|$)/ : new RegExp(`^(?:${vendor})-(?:.*-)?release(?:-|$)`);
}
