import { advisoriesInvalid } from './advisories-invalid.ts';
import type { AdvisoryRecord } from './types.ts';

const releaseShape = /^[a-z0-9._-]{1,50}:[A-Za-z0-9._+~-]{1,50}$/;
const nameShape = /^[\x21-\x7e]{1,255}$/;

/**
 * What comes from a feed and is shown or compared later has no blanks and no control characters.
 * @throws ColdpatchError `advisories_invalid`
 */
export function checkRecord(record: AdvisoryRecord): void {
  if (record.kind === 'fact') {
    check('the number of a vulnerability', nameShape, record.fact.vulnerability);
    return;
  }
  const { statement } = record;
  check('a release', releaseShape, statement.release);
  check('the name of a package', nameShape, statement.package);
  check('the number of a vulnerability', nameShape, statement.vulnerability);
  check('the number of an advisory', nameShape, statement.advisory);
  check('a version', nameShape, statement.fixedVersion);
  check('a version', nameShape, statement.introducedVersion);
  check('a version', nameShape, statement.lastAffectedVersion);
}

function check(what: string, shape: RegExp, value: string | undefined): void {
  if (value === undefined || shape.test(value)) return;
  throw advisoriesInvalid(what, `found ${JSON.stringify(value.slice(0, 80))}`);
}
