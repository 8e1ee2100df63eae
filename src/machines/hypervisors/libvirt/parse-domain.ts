import { SaxesParser } from 'saxes';
import { ColdpatchError } from '../../../lib/errors.ts';

/** What of a libvirt domain holds its state. https://libvirt.org/formatdomain.html */
export interface DomainParts {
  readonly name: string;
  readonly uuid: string;
  readonly disks: readonly { readonly path: string; readonly format: string | undefined }[];
  /** The file with the UEFI variables. */
  readonly nvram: string | undefined;
  readonly tpm:
    | { readonly version: string | undefined; readonly path: string | undefined; readonly encrypted: boolean }
    | undefined;
}

/** libvirt's daemon of the system keeps the state of an emulated TPM there. */
export const systemStates = '/var/lib/libvirt/swtpm';

const largestXml = 4 * 1024 * 1024;
const deepest = 64;

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/**
 * Reads the XML of a domain.
 *
 * @throws ColdpatchError `machine_unsupported` for state that is not in a file: network disks, TPMs of the host.
 */
export function parseDomain(xml: string): DomainParts {
  const domain = parseElements(xml);
  if (domain.name !== 'domain') throw unsupported(`its description begins with <${domain.name}>`);
  const devices = childrenOf(domain, 'devices').flatMap(({ children }) => children);
  const tpms = devices.filter(({ name }) => name === 'tpm');
  if (tpms.length > 1) throw unsupported(`it has ${tpms.length} TPMs`);
  const firmware = childrenOf(domain, 'os').flatMap((os) => childrenOf(os, 'nvram'))[0];
  return {
    name: textOf(domain, 'name'),
    uuid: textOf(domain, 'uuid'),
    disks: devices.filter(({ name }) => name === 'disk').flatMap(diskOf),
    nvram: firmware && nvramOf(firmware),
    tpm: tpms[0] && tpmOf(tpms[0]),
  };
}

/**
 * All files that a domain names, whatever for, and where libvirt's system daemon has the state of its TPM.
 *
 * @throws ColdpatchError `machine_unsupported` for what is no domain.
 */
export function filesOfDomain(xml: string): readonly string[] {
  const domain = parseElements(xml);
  if (domain.name !== 'domain') throw unsupported(`its description begins with <${domain.name}>`);
  const files = descendantsOf(domain).flatMap(({ name, attributes, text }) => [
    attributes.file,
    attributes.path,
    name === 'nvram' ? text.trim() : undefined,
  ]);
  return [...files, `${systemStates}/${textOf(domain, 'uuid')}/tpm2`].filter(
    (path) => path?.startsWith('/') === true,
  ) as readonly string[];
}

function descendantsOf(element: Element): readonly Element[] {
  return element.children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function diskOf(disk: Element): DomainParts['disks'] {
  const { type = 'file', device = 'disk' } = disk.attributes;
  const isState = device === 'disk' && childrenOf(disk, 'readonly').length === 0;
  if (!isState) return [];
  const target = childrenOf(disk, 'target')[0]?.attributes.dev ?? '?';
  const path = childrenOf(disk, 'source')[0]?.attributes.file;
  if (type !== 'file' || path === undefined) throw unsupported(`its disk ${target} is of the kind ${type}`);
  if (childrenOf(disk, 'transient').length > 0) throw unsupported(`its disk ${target} is transient`);
  return [{ path, format: childrenOf(disk, 'driver')[0]?.attributes.type }];
}

function nvramOf(nvram: Element): string {
  const path = nvram.text.trim() || childrenOf(nvram, 'source')[0]?.attributes.file;
  if (path === undefined) throw unsupported('its UEFI variables are not in a file');
  return path;
}

function tpmOf(tpm: Element): NonNullable<DomainParts['tpm']> {
  const backend = childrenOf(tpm, 'backend')[0];
  const type = backend?.attributes.type ?? 'none';
  if (!backend || type !== 'emulator') throw unsupported(`its TPM is of the kind ${type}`);
  return {
    version: backend.attributes.version,
    path: childrenOf(backend, 'source')[0]?.attributes.path,
    encrypted: childrenOf(backend, 'encryption').length > 0,
  };
}

function parseElements(xml: string): Element {
  if (xml.length > largestXml) throw unsupported(`its description has ${xml.length} characters`);
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw unsupported(`its description is no XML: ${error.message}`);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
    if (open.length > deepest) throw unsupported(`its description is deeper than ${deepest}`);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element) element.text += text;
  });
  parser.write(xml).close();
  const [first] = root.children;
  if (first) return first;
  throw unsupported('its description is empty');
}

function childrenOf({ children }: Element, name: string): readonly Element[] {
  return children.filter((child) => child.name === name);
}

function textOf(element: Element, name: string): string {
  return childrenOf(element, name)[0]?.text.trim() ?? '';
}

function unsupported(found: string): ColdpatchError {
  return new ColdpatchError(
    'machine_unsupported',
    `Expected a libvirt domain whose state is in files, but ${found}. A generation without that would not be one.`,
  );
}
