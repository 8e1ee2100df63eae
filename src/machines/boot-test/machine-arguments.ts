import type { Accelerator } from '../../appliance/types.ts';
import type { Machine } from '../definitions/machine.ts';
import type { Firmware } from './choose-firmware.ts';

/** What a machine is made of, but for its files. */
export interface TestHardware {
  readonly accelerator: Accelerator;
  readonly memoryMebibytes: number;
  readonly firmware: Firmware;
  /** As the definition has it; null for an image by itself. */
  readonly boot: Machine['boot'];
  /** How many disks; their nodes are `disk0` and on, the first is started from. */
  readonly disks: number;
  readonly hasVtpm: boolean;
  /** A disk beside them, of the node `job`, which is only read. */
  readonly hasJobDisk: boolean;
}

/** Descriptors of QEMU for all that is no disk. */
export const descriptors = { port: 3, console: 4, firmware: 5, monitor: 6, screen: 7, vtpm: 8, blocks: 9 };

/** Sets of descriptors that `openBlockNodes` does not number. */
export const screenSet = 1000;

export const portName = 'org.coldpatch.boot-test';
const translatedCodeMebibytes = 256;

/** The machine, without a network, and with no device that is not named here. */
export function machineArguments(hardware: TestHardware): readonly string[] {
  const { accelerator, memoryMebibytes, firmware, boot, hasVtpm, hasJobDisk } = hardware;
  const isKvm = accelerator === 'kvm';
  const isSecure = firmware.kind === 'uefi' && firmware.secureBoot;
  const type = boot?.machineType ?? 'q35';
  return [
    ['-nodefaults', '-no-user-config', '-display', 'none'],
    // A machine that ends is kept, so that its screen can be looked at.
    ['-action', 'reboot=shutdown,shutdown=pause,panic=none'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    [
      '-machine',
      `${machineOf(type, isSecure)}${firmware.kind === 'uefi' ? ',pflash0=code,pflash1=vars' : ''}`,
    ],
    isSecure ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : [],
    ['-accel', isKvm ? 'kvm' : `tcg,tb-size=${translatedCodeMebibytes}`],
    ['-cpu', isKvm ? 'host' : 'max', '-smp', '2', '-m', String(memoryMebibytes)],
    ['-chardev', `socket,id=console,fd=${descriptors.console}`, '-serial', 'chardev:console'],
    // The logs of SeaBIOS and of debug builds of OVMF, whatever the guest does with its screen.
    ['-chardev', `socket,id=firmware,fd=${descriptors.firmware}`],
    ['-device', 'isa-debugcon,iobase=0x402,chardev=firmware'],
    ['-chardev', `socket,id=monitor,fd=${descriptors.monitor}`, '-mon', 'chardev=monitor,mode=control'],
    ['-add-fd', `fd=${descriptors.screen},set=${screenSet}`],
    ['-device', 'VGA'],
    ['-device', 'virtio-serial-pci,max_ports=2', '-chardev', `socket,id=port,fd=${descriptors.port}`],
    ['-device', `virtserialport,chardev=port,name=${portName}`],
    hasVtpm ? vtpmArguments(boot) : [],
    diskArguments(hardware),
    hasJobDisk ? ['-device', 'virtio-blk-pci,drive=job,serial=coldpatch-job'] : [],
  ].flat();
}

function machineOf(type: 'q35' | 'pc', isSecure: boolean): string {
  // Without graphics SeaBIOS shows its screen, and what boot loaders write to it, on the serial line too.
  const common = 'usb=off,vmport=off,dump-guest-core=off,graphics=off';
  return type === 'pc' ? `pc,${common}` : `q35,${common},smm=${isSecure ? 'on' : 'off'}`;
}

function vtpmArguments(boot: Machine['boot']): readonly string[] {
  return [
    ['-chardev', `socket,id=vtpm,fd=${descriptors.vtpm}`, '-tpmdev', 'emulator,id=tpm0,chardev=vtpm'],
    ['-device', `${boot?.vtpmModel ?? 'tpm-tis'},tpmdev=tpm0`],
  ].flat();
}

function diskArguments({ boot, disks }: TestHardware): readonly string[] {
  const bus = boot?.diskBus ?? 'virtio';
  const controllers: Readonly<Record<typeof bus, readonly string[]>> = {
    virtio: [],
    scsi: ['-device', 'virtio-scsi-pci,id=scsi0'],
    sata: ['-device', 'ich9-ahci,id=ahci0'],
    // The machine type has its own.
    ide: [],
  };
  const deviceOf = (index: number): string => {
    const errors = 'werror=report,rerror=report';
    if (bus === 'virtio') return `virtio-blk-pci,${errors}`;
    if (bus === 'scsi') return `scsi-hd,bus=scsi0.0,scsi-id=${index},${errors}`;
    if (bus === 'ide') return `ide-hd,bus=ide.${index >> 1},unit=${index % 2},${errors}`;
    return `ide-hd,bus=ahci0.${index},${errors}`;
  };
  const devices = Array.from({ length: disks }, (_, index) => [
    '-device',
    `${deviceOf(index)},drive=disk${index},bootindex=${index + 1}`,
  ]);
  return [...controllers[bus], ...devices.flat()];
}
