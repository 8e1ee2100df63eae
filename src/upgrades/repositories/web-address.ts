/**
 * The address of a repository that an image names, with a slash at its end, or why it is not used.
 * An image must not choose files of this host, and a password must not end in a report.
 */
export function webAddress(text: string): { readonly uri: string } | { readonly problem: string } {
  if (!URL.canParse(text)) return { problem: `"${text.slice(0, 200)}" is no address` };
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return { problem: 'its address holds a password' };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { problem: `${url.protocol} is not http or https; only the operator may name others` };
  }
  if (url.search !== '' || url.hash !== '') return { problem: 'its address has a query' };
  return { uri: url.href.endsWith('/') ? url.href : `${url.href}/` };
}
