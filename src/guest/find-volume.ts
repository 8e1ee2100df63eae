import type { Volume } from '../disk/types.ts';

/**
 * The volume that the first field of an fstab line names, or undefined when this image has none such.
 * Device names are taken for those of a machine whose only disk is this image.
 */
export function findVolume(volumes: readonly Volume[], spec: string): Volume | undefined {
  const managed = volumes.find((volume) => volume.managed?.devices.includes(spec));
  if (managed !== undefined) return managed;
  const [tag, value] = tagOf(spec);
  switch (tag) {
    case 'UUID':
      return volumes.find(({ content }) => isSame(content?.uuid, value));
    case 'LABEL':
      return volumes.find(({ content }) => content !== undefined && content.label === value);
    case 'PARTUUID':
      return volumes.find(({ partition }) => isSame(partition?.partitionUuid, value));
    case 'PARTLABEL':
      return volumes.find(({ partition }) => partition?.name !== undefined && partition.name === value);
    case 'DEVICE':
      return volumes.find(
        (volume) =>
          volume.managed === undefined &&
          (volume.partition === undefined ? '' : `${volume.partition.number}`) === value,
      );
    default:
      return undefined;
  }
}

const linkTags: Readonly<Record<string, string>> = {
  'by-uuid': 'UUID',
  'by-label': 'LABEL',
  'by-partuuid': 'PARTUUID',
  'by-partlabel': 'PARTLABEL',
};

function tagOf(spec: string): readonly [tag: string, value: string] {
  const [, tag, value] = /^([A-Z]+)=(.+)$/.exec(spec) ?? [];
  if (tag !== undefined && value !== undefined) return [tag, value];
  const [, directory = '', name = ''] = /^\/dev\/disk\/(by-[a-z]+)\/(.+)$/.exec(spec) ?? [];
  const linkTag = linkTags[directory];
  if (linkTag !== undefined) return [linkTag, unescapeHexadecimal(name)];
  const device = /^\/dev\/(?:(?:s|v|xv|h)da([0-9]*)|(?:nvme0n1|mmcblk0)(?:p([0-9]+))?)$/.exec(spec);
  return device === null ? ['', ''] : ['DEVICE', device[1] ?? device[2] ?? ''];
}

/** udev writes odd bytes of a label as `\x20`. */
function unescapeHexadecimal(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function isSame(a: string | undefined, b: string): boolean {
  return a !== undefined && a !== '' && a.toLowerCase() === b.toLowerCase();
}
