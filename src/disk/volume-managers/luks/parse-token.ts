import { quote } from '../../quote.ts';
import { bankOf } from './bank-of.ts';
import { type Binding, plainBinding } from '../binding.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { parseClevis, parseRegisters } from './parse-clevis.ts';

const plainKinds: ReadonlySet<string> = new Set([
  'systemd-fido2',
  'systemd-pkcs11',
  'systemd-recovery',
  'luks2-keyring',
]);

/** What a token of LUKS 2 binds the volume to. @throws ColdpatchError `volume_corrupt`. */
export function parseToken(token: JsonObject): readonly Binding[] {
  const { type } = token;
  if (type === 'clevis') {
    const jwe = isJsonObject(token['jwe']) ? token['jwe']['protected'] : token['jwe'];
    return typeof jwe === 'string' ? parseClevis(jwe.split('.', 1)[0] as string) : [];
  }
  if (type === 'systemd-tpm2') {
    const bank = bankOf(token['tpm2-pcr-bank']);
    return [
      {
        kind: type,
        registers: parseRegisters(token['tpm2-pcrs']),
        ...(bank !== undefined && { bank }),
        signedRegisters: parseRegisters(token['tpm2_pubkey_pcrs']),
        isLockedInTpm: token['tpm2_pcrlock'] === true,
        needsPin: token['tpm2-pin'] === true,
      },
    ];
  }
  const kind = typeof type === 'string' ? type : 'a token without a type';
  return [plainBinding(plainKinds.has(kind) ? kind : quote(kind))];
}
