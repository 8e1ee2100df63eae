/** The three answers of every detection: no, yes, or "yes, but it cannot be read". */
export type Detection =
  | { readonly answer: 'no' }
  | { readonly answer: 'yes' }
  | { readonly answer: 'unreadable'; readonly detail: string };
