import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTree } from '../fixtures/memory-filesystem.ts';
import { parseGrubEnvironment } from './parse-grub-environment.ts';
import { parseGrubMenu } from './parse-grub-menu.ts';
import { readKernels } from './read-kernels.ts';

const menuText = `# made by hand, in the manner of grub-mkconfig
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
else
   set default="DEFAULT"
fi
function gfxmode {
	set gfxpayload="\${1}"
}
menuentry 'It'"'"'s Debian' --class debian $menuentry_id_option 'simple-1' {
	gfxmode $linux_gfx_mode
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	insmod part_gpt
	set root='hd0,gpt2'
	if [ x$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 --hint='hd0,gpt2'  1111-2222
	else
	  search --no-floppy --fs-uuid --set=root 1111-2222
	fi
	echo	'Loading } kernel { ...'
	linux	/boot/vmlinuz-6.1.0-50-amd64 root=UUID=1111-2222 ro  quiet
	initrd	/boot/early.img /boot/initrd.img-6.1.0-50-amd64
}
submenu 'Advanced' $menuentry_id_option 'advanced-1' {
	menuentry 'Newer' --id=newer { linux /boot/vmlinuz-6.1.0-50-amd64 root=/dev/vda2 }
	menuentry 'Older' $menuentry_id_option 'older' {
		linux /boot/vmlinuz-6.1.0-9-amd64 root=/dev/vda2
	}
}
menuentry 'System setup' { fwsetup }
if [ -f  \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
fi
`;
const parse = (byDefault: string, environment = '') =>
  parseGrubMenu(menuText.replace('DEFAULT', byDefault), parseGrubEnvironment(environment));

test('entries with all that finds and starts a kernel', () => {
  const { entries, unread } = parse('0');
  expect(entries.map(({ title, submenus, position }) => [title, submenus, position])).toEqual([
    ["It's Debian", [], [0]],
    ['Newer', ['Advanced'], [1, 0]],
    ['Older', ['Advanced'], [1, 1]],
    ['System setup', [], [2]],
  ]);
  const hints = ['--hint-bios=hd0,gpt2', '--hint=hd0,gpt2'];
  expect(entries[0]).toEqual({
    title: "It's Debian",
    id: 'simple-1',
    position: [0],
    submenus: [],
    kernel: '/boot/vmlinuz-6.1.0-50-amd64',
    arguments: ['root=UUID=1111-2222', 'ro', 'quiet'],
    initrds: ['/boot/early.img', '/boot/initrd.img-6.1.0-50-amd64'],
    searches: [
      { by: 'fs-uuid', value: '1111-2222', hints },
      { by: 'fs-uuid', value: '1111-2222', hints: [] },
    ],
    root: 'hd0,gpt2',
    modules: ['xzio', 'lzopio', 'part_gpt'],
  });
  expect(unread).toEqual(['source ${config_directory}/custom.cfg']);
});

describe('the default entry', () => {
  test.each([
    ['0', "It's Debian"],
    ['1', 'Newer'],
    ['1>1', 'Older'],
    ['2', 'System setup'],
    ['advanced-1>older', 'Older'],
    ['Advanced>Newer', 'Newer'],
    ["It's Debian", "It's Debian"],
    ['77', "It's Debian"],
    ['${saved_entry}', "It's Debian"],
  ])('%s is %s', (byDefault, title) => expect(parse(byDefault).defaultEntry?.title).toBe(title));

  test('is the saved one, and once the next one', () => {
    const environment = '# GRUB Environment Block\nsaved_entry=advanced-1>older\n##########';
    expect(parse('${saved_entry}', environment).defaultEntry?.title).toBe('Older');
    expect(parse('0', 'next_entry=1>older\n').defaultEntry?.title).toBe('Older');
  });
});

test('kernels, newest first, without leftovers', () => {
  const tree = memoryTree({
    'boot/vmlinuz-6.1.0-9-amd64': '',
    'boot/vmlinuz-6.1.0-50-amd64': '',
    'boot/initrd.img-6.1.0-50-amd64': '',
    'boot/initrd.img-6.1.0-50-amd64.dpkg-bak': '',
    'boot/vmlinuz-6.1.0-60-amd64.dpkg-new': '',
    'usr/lib/modules/6.1.0-50-amd64/modules.dep': '',
    lib: { link: 'usr/lib' },
  });
  expect(readKernels(tree, parse('0'))).toEqual([
    {
      release: '6.1.0-50-amd64',
      image: '/boot/vmlinuz-6.1.0-50-amd64',
      initramfs: '/boot/initrd.img-6.1.0-50-amd64',
      modules: '/lib/modules/6.1.0-50-amd64',
      inBootMenu: true,
      bootsByDefault: true,
    },
    {
      release: '6.1.0-9-amd64',
      image: '/boot/vmlinuz-6.1.0-9-amd64',
      inBootMenu: true,
      bootsByDefault: false,
    },
  ]);
});

describe('damaged menus', () => {
  test.each([
    ['braces without end', 'submenu x {'.repeat(100_000)],
    ['braces without beginning', '}'.repeat(100_000)],
    ['a quote without end', `menuentry 'x${'y'.repeat(100_000)}`],
    ['entries without end', "menuentry 'x' { linux /vmlinuz-1 }\n".repeat(20_000)],
  ])('%s', (_name, text) => {
    expect(parseGrubMenu(text, new Map()).entries.length).toBeLessThanOrEqual(10_000);
  });

  test('never make it throw', () => {
    const word = fc.constantFrom(
      'menuentry',
      'submenu',
      '{',
      '}',
      "'",
      '"',
      '\\',
      '\n',
      ';',
      ' ',
      '#',
      'linux',
      'set default=1>0',
      '>',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        parseGrubMenu(words.join(' '), new Map([['saved_entry', words.join('')]]));
      }),
    );
  });
});
