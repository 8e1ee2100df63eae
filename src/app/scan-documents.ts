/** `coldpatch scan --format sarif`, `vex` and `html`: by itself, because the libraries take a while to load. */
export { cycloneDxVex } from '../upgrades/scan-documents/cyclonedx-vex.ts';
export { sarif } from '../upgrades/scan-documents/sarif.ts';
export { scanPage } from '../upgrades/scan-documents/html.ts';
