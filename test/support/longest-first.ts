import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes; the others fill the time beside them, so that nobody waits for one of these at the end. */
const longest = [
  'power-cut',
  'server-image',
  'appliance-engine',
  'small-image',
  'machine-generations',
  'strict-power-cut',
].map((name) => `/test/${name}.test.ts`);

/** The order of test files: the longest first, then what Vitest would choose. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's.
    const rest = await super.sort(files);
    const first = longest.flatMap((name) => rest.filter(({ moduleId }) => moduleId.endsWith(name)));
    return [...first, ...rest.filter((file) => !first.includes(file))];
  }
}
