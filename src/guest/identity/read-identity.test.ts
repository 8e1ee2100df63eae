import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Gap } from '../../lib/gap.ts';
import { type FixtureFiles, memoryTree } from '../fixtures/memory-filesystem.ts';
import { parseHostKey } from './parse-host-key.ts';
import { readIdentity } from './read-identity.ts';

function read(files: FixtureFiles) {
  const gaps: Gap[] = [];
  return { identity: readIdentity(memoryTree(files), gaps), gaps };
}

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f root@example\n';

test('host name, machine-id and host keys', () => {
  const { identity, gaps } = read({
    'etc/hostname': '# ours\n\n db1.example.org  extra\n',
    'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    'etc/ssh/ssh_host_ed25519_key.pub': key,
    'etc/ssh/ssh_host_ed25519_key': 'PRIVATE',
  });
  expect(identity).toEqual({
    hostName: 'db1.example.org',
    machineId: '0123456789abcdef0123456789abcdef',
    hostKeys: [
      {
        path: '/etc/ssh/ssh_host_ed25519_key.pub',
        type: 'ssh-ed25519',
        fingerprint: 'SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA',
      },
    ],
  });
  expect(gaps).toEqual([]);
});

test.each(['', 'uninitialized\n', '0123', '0123456789ABCDEF0123456789abcdef\n', `${'0'.repeat(32)}\nx\n`])(
  'machine-id %j is none',
  (text) => expect(read({ 'etc/machine-id': text }).identity.machineId).toBeUndefined(),
);

test('a template has no identity, and that is no gap', () => {
  expect(read({})).toEqual({ identity: { hostKeys: [] }, gaps: [] });
});

test('damaged files are gaps', () => {
  const { gaps } = read({
    'etc/hostname': { sparse: 1n << 40n },
    'etc/ssh/ssh_host_rsa_key.pub': 'ssh-rsa AAAA',
    'etc/ssh/ssh_host_dsa_key.pub': { link: 'ssh_host_dsa_key.pub' },
  });
  expect(gaps.map(({ where, reason }) => [where, reason])).toEqual([
    ['/etc/hostname', 'limit'],
    ['/etc/ssh/ssh_host_rsa_key.pub', 'corrupt'],
  ]);
});

test.skipIf(!hasSshKeygen())('fingerprints are those of ssh-keygen', () => {
  const directory = mkdtempSync(join(tmpdir(), 'host-key-'));
  try {
    const path = join(directory, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', path]);
    const printed = execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`], { encoding: 'utf8' });
    expect(parseHostKey(readFileSync(`${path}.pub`, 'utf8'))).toEqual({
      type: 'ecdsa-sha2-nistp256',
      fingerprint: printed.split(' ')[1],
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function hasSshKeygen(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v ssh-keygen']);
    return true;
  } catch {
    return false;
  }
}
