/** `coldpatch inspect --format cyclonedx` and `spdx`: by itself, because their libraries take a while to load. */
export { cycloneDx } from '../guest/sbom/cyclonedx.ts';
export { spdx } from '../guest/sbom/spdx.ts';
