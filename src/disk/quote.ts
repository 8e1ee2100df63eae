const longest = 200;

/** A name out of an image, fit for a message: quoted, escaped and cut. */
export function quote(name: string): string {
  return JSON.stringify(name.length > longest ? `${name.slice(0, longest)}...` : name);
}
