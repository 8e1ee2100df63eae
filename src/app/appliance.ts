/** `coldpatch appliance`. */
export { buildAppliance } from '../appliance/build/build-appliance.ts';
