import { forecastImage, type ForecastRequest, type ImageForecast } from '../../app/forecast.ts';
import { cleanText } from '../clean-text.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';
import { section } from '../section.ts';

export interface ForecastOptions extends ForecastRequest {
  readonly json: boolean;
}

/** `coldpatch forecast IMAGE`. */
export async function forecastCommand(
  io: { print(text: string): void },
  { json, ...request }: ForecastOptions,
): Promise<void> {
  const forecast = await forecastImage(request);
  io.print(json ? printJson(forecast) : print(forecast));
}

function print({ chain, changes, gaps, secureBoot }: ImageForecast): string {
  const loaders = [
    ...(chain.hasShim ? ['shim'] : []),
    ...(chain.grub === 'none'
      ? []
      : [chain.grub === 'silent' ? 'GRUB without a module for the TPM' : 'GRUB']),
    ...(chain.hasSystemdBoot ? ['systemd-boot'] : []),
    ...(chain.hasUki ? ['unified kernel images'] : []),
  ].join(', ');
  const how = chain.isSure || chain.firmware === 'bios' ? '' : ' (not sure)';
  const rows = changes.map(({ change, registers, asksForRecoveryKey }) => [
    change,
    registers.flatMap(({ register, moves }) => (moves === 'yes' ? [register] : [])).join(', '),
    registers.flatMap(({ register, moves }) => (moves === 'possibly' ? [register] : [])).join(', '),
    asksForRecoveryKey,
  ]);
  const keys = changes[0]?.keys ?? [];
  const lines = [
    `Starts by: ${chain.firmware}${loaders && `, ${loaders}`}${how}`,
    '',
    ...printTable(['when it is replaced', 'PCRs move', 'possibly', 'asks for recovery key'], rows),
    ...section('Keys of encrypted volumes', keys, (key) => {
      const bound =
        key.registers.length > 0
          ? ` (${key.bank ?? 'PCR'} ${key.registers.join(', ')}, mask ${key.mask})`
          : '';
      const signed = key.signedRegisters.length > 0 ? ` (signed: ${key.signedRegisters.join(', ')})` : '';
      return `${key.volume}: ${key.kind}${bound}${signed}`;
    }),
    ...(secureBoot ? printSecureBoot(secureBoot) : []),
    ...section('Not known', gaps, ({ where, detail }) => `${where}: ${detail}`),
  ];
  return `${lines.join('\n')}\n`;
}

function printSecureBoot(secureBoot: NonNullable<ImageForecast['secureBoot']>): readonly string[] {
  const { isEnforced, sbatLevel, forbidden, present, generations } = secureBoot;
  const states = [
    { name: 'the image', ...present },
    ...generations.map((one) => ({ name: `generation ${one.generation}`, ...one })),
  ];
  const answers = { yes: 'is refused', possibly: 'may be refused', no: 'starts' } as const;
  return [
    '',
    `Secure Boot: ${isEnforced ? 'on' : 'off'}, SBAT level ${sbatLevel ?? 'not set'}, ${forbidden} entries in dbx`,
    ...states.flatMap(({ name, isRefused, programs }) => [
      `  ${name} ${answers[isRefused]}`,
      ...programs
        .filter(({ because }) => because.length > 0)
        .map(({ volume, path, because }) => `    ${cleanText(`${volume}:${path}: ${because.join('; ')}`)}`),
    ]),
  ];
}
