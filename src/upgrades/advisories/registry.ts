import { ColdpatchError } from '../../lib/errors.ts';
import { alpineSecdb } from './alpine-secdb/index.ts';
import { cisaKev } from './cisa-kev/index.ts';
import { csaf } from './csaf/index.ts';
import { debianTracker } from './debian-tracker/index.ts';
import { epss } from './epss/index.ts';
import { osv } from './osv/index.ts';
import type { AdvisoryFormat } from './types.ts';
import { updateinfo } from './updateinfo/index.ts';

export const advisoryFormats: readonly AdvisoryFormat[] = [
  debianTracker,
  osv,
  csaf,
  updateinfo,
  alpineSecdb,
  cisaKev,
  epss,
];

/** @throws ColdpatchError `usage` for an id that no adapter has. */
export function advisoryFormatOf(id: string): AdvisoryFormat {
  const found = advisoryFormats.find((format) => format.id === id);
  if (found !== undefined) return found;
  const known = advisoryFormats.map((format) => format.id).join(', ');
  throw new ColdpatchError(
    'usage',
    `Expected a format of advisories (${known}), found "${id.slice(0, 80)}".`,
  );
}
