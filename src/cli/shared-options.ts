/** Options that several commands share, and what commander gives for them. */
import { type Command, Option } from 'commander';

export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
export const formatOption = (formats = ['raw', 'qcow2']): Option =>
  new Option('--image-format <format>', 'what the image is, when you know it').choices(formats);
export const backingOption = (): Option =>
  new Option('--backing <file>', 'a backing file of the image; repeat for a chain, nearest first').argParser(
    collect,
  );
export const configOption = (): Option =>
  new Option('--config <file>', 'configuration file').env('COLDPATCH_CONFIG');
export const cacheOption = (): Option =>
  new Option('--cache <directory>', 'where packages and repository lists are kept');

export const engineOption = (): Option =>
  new Option('--engine <engine>', 'auto, namespace, appliance or boot').default('auto');

export const allowUnsignedOption = (): Option =>
  new Option('--allow-unsigned', 'accept repositories of rpm-md and apk that nobody signed').default(false);

export function withSources(command: Command): Command {
  return command
    .addOption(formatOption())
    .addOption(backingOption())
    .option(
      '--repository <line>',
      'a one-line source to use in place of those of the image; repeatable',
      collect,
    )
    .option(
      '--allow-stale',
      'accept repository lists that have expired or are older than those seen before',
      false,
    )
    .option('--offline', 'use the repository lists fetched before', false)
    .option(
      '--snapshot <file>',
      'use the very states of the repositories that a plan, report or scan (JSON) names',
    )
    .addOption(cacheOption())
    .addOption(configOption());
}

/** What commander gives for the options that several commands share. */
export interface ImageFlags {
  readonly imageFormat?: 'raw' | 'qcow2';
  readonly backing?: readonly string[];
  readonly json: boolean;
}

export interface SourceFlags extends ImageFlags {
  readonly repository?: readonly string[];
  readonly allowStale: boolean;
  readonly offline: boolean;
  readonly snapshot?: string;
  readonly cache?: string;
  readonly config?: string;
}

export function imageOptions<Format extends string>(options: {
  readonly imageFormat?: Format;
  readonly backing?: readonly string[];
}) {
  return {
    ...(options.imageFormat && { format: options.imageFormat }),
    ...(options.backing && { backing: options.backing }),
  };
}

export function print(text: string): void {
  process.stdout.write(text);
}

export function printError(text: string): void {
  process.stderr.write(text);
}
