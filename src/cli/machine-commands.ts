/** The commands that work on former states: of single images, and of machines with disks, vTPM and UEFI variables as one. */
import { type Command, Option } from 'commander';
import type { AttestOptions } from './commands/attest.ts';
import type { InstallHookOptions } from './commands/libvirt-hook.ts';
import type { AddOptions, MachineOptions } from './commands/machine.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { addMachineGenerationCommands } from './machine-generation-commands.ts';
import { wholeNumber } from './whole-number.ts';

interface Io {
  print(text: string): void;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Adds `machine`, `generations`, `rollback` and `attest` to the program. */
export function addMachineCommands(program: Command, io: Io): void {
  addDefinitionCommands(program, io);
  addGenerationCommands(program, io);
  addAttestCommands(program, io);
}

function addAttestCommands(program: Command, io: Io): void {
  program
    .command('attest')
    .description('check what was signed when an image was promoted')
    .command('verify <image>')
    .description('show the signed statement about these very bytes; refused when there is none')
    .option('--statement <file>', 'one that came with the image; else those beside it are used')
    .option('--key <file>', "a public key to accept in place of this host's; repeatable", collect)
    .option('--json', 'print JSON', false)
    .addOption(configOption())
    .action(async (image: string, options: AttestOptions) => {
      const { verifyAttestationCommand } = await import('./commands/attest.ts');
      await verifyAttestationCommand(io, image, options);
    });
}

interface RollbackFlags {
  readonly generation?: number;
  readonly json: boolean;
  readonly imageFormat?: 'raw' | 'qcow2';
  readonly backing?: readonly string[];
  readonly config?: string;
}

function configOption(): Option {
  return new Option('--config <file>', 'configuration file').env('COLDPATCH_CONFIG');
}

function addGenerationCommands(program: Command, io: Io): void {
  const generations = program
    .command('generations [image]')
    .description('the former states of an image, listed; or, with a command, of a machine')
    .option('--json', 'print JSON', false)
    .action(async (image: string | undefined, options: { readonly json: boolean }) => {
      if (image === undefined)
        throw new ColdpatchError('usage', 'Expected an image, or a command and a machine.');
      const { generationsCommand } = await import('./commands/generations.ts');
      await generationsCommand(io, { path: image, json: options.json });
    });
  addMachineGenerationCommands(generations, io);

  program
    .command('rollback <image>')
    .description('put a former state of an image back in its place; the present one is kept')
    .option('--generation <number>', 'which one; the newest that an update left unless given', wholeNumber)
    .option('--json', 'print JSON', false)
    .addOption(
      new Option('--image-format <format>', 'what the image is, when you know it').choices(['raw', 'qcow2']),
    )
    .addOption(
      new Option(
        '--backing <file>',
        'a backing file of the image; repeat for a chain, nearest first',
      ).argParser(collect),
    )
    .addOption(configOption())
    .action(async (image: string, { imageFormat, ...options }: RollbackFlags) => {
      const { rollbackCommand } = await import('./commands/rollback.ts');
      await rollbackCommand(io, {
        path: image,
        ...options,
        ...(imageFormat && { format: imageFormat }),
      });
    });
}

function addDefinitionCommands(program: Command, io: Io): void {
  const machine = program
    .command('machine')
    .description('say which disks, vTPM and UEFI variables make one machine');
  const command = (name: string, description: string): Command =>
    machine
      .command(name)
      .description(description)
      .option('--json', 'print JSON', false)
      .addOption(configOption());

  command('add <name>', 'remember a machine; nothing of it is changed')
    .option('--disk <file>', 'a disk of the machine; repeat for each', collect)
    .addOption(
      new Option('--image-format <format>', 'what the disks are, when you know it').choices(['raw', 'qcow2']),
    )
    .option('--tpm <path>', "swtpm's state: its directory, or its one file")
    .option('--tpm-key <file>', 'the file with the key of that state; only its name is remembered')
    .addOption(
      new Option('--tpm-key-kind <kind>', 'what is in that file')
        .choices(['hex', 'binary', 'passphrase'])
        .default('hex'),
    )
    .addOption(
      new Option('--tpm-key-mode <mode>', 'how swtpm encrypts with it')
        .choices(['aes-cbc', 'aes-256-cbc'])
        .default('aes-256-cbc'),
    )
    .option('--uefi-vars <file>', "the file with the machine's UEFI variables")
    .addOption(
      new Option('--machine-type <type>', 'what a boot test starts it as; q35 unless given').choices([
        'q35',
        'pc',
      ]),
    )
    .option('--firmware-code <file>', 'what fits the UEFI variables; chosen by them unless given')
    .addOption(
      new Option('--disk-bus <bus>', 'where its disks are; virtio unless given').choices([
        'virtio',
        'scsi',
        'sata',
        'ide',
      ]),
    )
    .addOption(
      new Option('--tpm-model <model>', 'what its vTPM looks like; tpm-tis unless given').choices([
        'tpm-tis',
        'tpm-crb',
      ]),
    )
    .option(
      '--libvirt <domain>',
      'take disks, vTPM, UEFI variables and how it is started from the definition of a libvirt domain',
    )
    .option('--connect <uri>', 'where libvirt is', 'qemu:///system')
    .option(
      '--qmp <socket>',
      "QEMU's monitor while the machine runs; without --disk, its disks are asked for there",
    )
    .option('--agent <socket>', 'where the guest agent of QEMU is, to quiesce the guest')
    .action(async (name: string, options: AddOptions) => {
      const { addMachineCommand } = await import('./commands/machine.ts');
      await addMachineCommand(io, name, options);
    });

  command('list', 'list the machines').action(async (options: MachineOptions) => {
    const { listMachinesCommand } = await import('./commands/machine.ts');
    await listMachinesCommand(io, options);
  });

  command('show <name>', 'show the parts of a machine').action(
    async (name: string, options: MachineOptions) => {
      const { showMachineCommand } = await import('./commands/machine.ts');
      await showMachineCommand(io, name, options);
    },
  );

  command('lift <name>', 'let a machine be updated again that was rolled back').action(
    async (name: string, options: MachineOptions) => {
      const { liftMachineCommand } = await import('./commands/machine.ts');
      await liftMachineCommand(io, name, options);
    },
  );

  command(
    'install-hook',
    'have libvirt ask coldpatch before it starts a domain, so that none starts in the middle of a rollback',
  )
    .option('--directory <directory>', "where libvirt's hooks are", '/etc/libvirt/hooks')
    .action(async (options: InstallHookOptions) => {
      const { installHookCommand } = await import('./commands/libvirt-hook.ts');
      await installHookCommand(io, options);
    });

  machine
    .command('may-start', { hidden: true })
    .description("what libvirt's hook asks, with the XML of a domain on standard input")
    .addOption(configOption())
    .action(async (options: { readonly config?: string }) => {
      const { mayStartCommand } = await import('./commands/libvirt-hook.ts');
      await mayStartCommand(options);
    });

  command('remove <name>', 'forget a machine of which no generation is kept').action(
    async (name: string, options: MachineOptions) => {
      const { removeMachineCommand } = await import('./commands/machine.ts');
      await removeMachineCommand(io, name, options);
    },
  );
}
