import { ColdpatchError } from '../../../lib/errors.ts';
import { childrenOf, parseXml, textOf, type XmlElement } from '../../../lib/parse-xml.ts';

/** What of a libvirt domain holds its state. https://libvirt.org/formatdomain.html */
export interface DomainParts {
  readonly name: string;
  readonly uuid: string;
  readonly disks: readonly { readonly path: string; readonly format: string | undefined }[];
  /** The file with the UEFI variables. */
  readonly nvram: string | undefined;
  /** How it is started. */
  readonly boot: {
    readonly machineType: 'q35' | 'pc';
    /** The code of UEFI. */
    readonly firmwareCode: string | null;
    readonly diskBus: 'virtio' | 'scsi' | 'sata' | 'ide';
    readonly vtpmModel: 'tpm-tis' | 'tpm-crb';
  };
  readonly tpm:
    | { readonly version: string | undefined; readonly path: string | undefined; readonly encrypted: boolean }
    | undefined;
}

/** libvirt's daemon of the system keeps the state of an emulated TPM there. */
export const systemStates = '/var/lib/libvirt/swtpm';

const largestXml = 4 * 1024 * 1024;

/**
 * Reads the XML of a domain.
 *
 * @throws ColdpatchError `machine_unsupported` for state that is not in a file: network disks, TPMs of the host.
 */
export function parseDomain(xml: string): DomainParts {
  const domain = parseXml(xml, { mostCharacters: largestXml, refuse: unsupported });
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
    boot: bootOf(domain, devices),
    tpm: tpms[0] && tpmOf(tpms[0]),
  };
}

/**
 * All files that a domain names, whatever for, and where libvirt's system daemon has the state of its TPM.
 *
 * @throws ColdpatchError `machine_unsupported` for what is no domain.
 */
export function filesOfDomain(xml: string): readonly string[] {
  const domain = parseXml(xml, { mostCharacters: largestXml, refuse: unsupported });
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

function descendantsOf(element: XmlElement): readonly XmlElement[] {
  return element.children.flatMap((child) => [child, ...descendantsOf(child)]);
}

const buses = ['virtio', 'scsi', 'sata', 'ide'] as const;

function bootOf(domain: XmlElement, devices: readonly XmlElement[]): DomainParts['boot'] {
  const os = childrenOf(domain, 'os');
  const type = os.flatMap((one) => childrenOf(one, 'type'))[0]?.attributes.machine ?? '';
  const loader = os.flatMap((one) => childrenOf(one, 'loader'))[0];
  const code = loader?.attributes.type === 'pflash' ? loader.text.trim() : '';
  const disk = devices.find(({ name, attributes }) => name === 'disk' && attributes.device !== 'cdrom');
  const bus = disk && childrenOf(disk, 'target')[0]?.attributes.bus;
  const tpm = devices.find(({ name }) => name === 'tpm');
  return {
    machineType: type.includes('q35') ? 'q35' : 'pc',
    firmwareCode: code.startsWith('/') ? code : null,
    diskBus: buses.find((one) => one === bus) ?? 'virtio',
    vtpmModel: tpm?.attributes.model === 'tpm-crb' ? 'tpm-crb' : 'tpm-tis',
  };
}

function diskOf(disk: XmlElement): DomainParts['disks'] {
  const { type = 'file', device = 'disk' } = disk.attributes;
  const isState = device === 'disk' && childrenOf(disk, 'readonly').length === 0;
  if (!isState) return [];
  const target = childrenOf(disk, 'target')[0]?.attributes.dev ?? '?';
  const path = childrenOf(disk, 'source')[0]?.attributes.file;
  if (type !== 'file' || path === undefined) throw unsupported(`its disk ${target} is of the kind ${type}`);
  if (childrenOf(disk, 'transient').length > 0) throw unsupported(`its disk ${target} is transient`);
  return [{ path, format: childrenOf(disk, 'driver')[0]?.attributes.type }];
}

function nvramOf(nvram: XmlElement): string {
  const path = nvram.text.trim() || childrenOf(nvram, 'source')[0]?.attributes.file;
  if (path === undefined) throw unsupported('its UEFI variables are not in a file');
  return path;
}

function tpmOf(tpm: XmlElement): NonNullable<DomainParts['tpm']> {
  const backend = childrenOf(tpm, 'backend')[0];
  const type = backend?.attributes.type ?? 'none';
  if (!backend || type !== 'emulator') throw unsupported(`its TPM is of the kind ${type}`);
  return {
    version: backend.attributes.version,
    path: childrenOf(backend, 'source')[0]?.attributes.path,
    encrypted: childrenOf(backend, 'encryption').length > 0,
  };
}

function unsupported(found: string): ColdpatchError {
  return new ColdpatchError(
    'machine_unsupported',
    `Expected a libvirt domain whose state is in files, but ${found}. A generation without that would not be one.`,
  );
}
