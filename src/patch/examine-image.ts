import type { ImageFormatId } from '../disk/image-formats/types.ts';
import { openImage } from '../disk/open-image.ts';
import type { VolumeManagerId } from '../disk/volume-managers/types.ts';
import type { OpenedImage } from '../disk/types.ts';
import type { FileTree } from '../guest/file-tree.ts';
import { inspectImage } from '../guest/inspect-image.ts';
import type { Inspection } from '../guest/inspection.ts';
import { type DpkgDatabase, readDpkgDatabase } from '../guest/package-managers/dpkg/read-dpkg-database.ts';
import { type GuestReading, readGuest } from '../guest/read-guest.ts';
import type { OperatingSystem } from '../guest/types.ts';
import { ColdpatchError } from '../lib/errors.ts';

/** Which image, and how to read it. */
export interface ImageRequest {
  readonly path: string;
  readonly format?: ImageFormatId | undefined;
  /** Backing files that the operator declares, that of the image first. */
  readonly backing?: readonly string[] | undefined;
}

/** An image of which everything that an upgrade needs was read. It must be closed. */
export interface ExaminedImage {
  readonly opened: OpenedImage;
  readonly reading: GuestReading;
  readonly tree: FileTree;
  readonly database: DpkgDatabase;
  readonly operatingSystem: OperatingSystem;
  readonly inspection: Inspection;
  close(): void;
}

type ClosableImage = ReturnType<typeof openImage>;

/** @throws ColdpatchError `system_unknown`, `image_encrypted`, `package_database_unreadable`, and whatever opening an image throws. */
export function examineImage(request: ImageRequest): ExaminedImage {
  return withOpened(request, (opened) => examineOpened(request, opened, readGuest(opened)));
}

/** Opens an image for `examine`, and closes it when that throws. */
export function withOpened<T>(request: ImageRequest, examine: (opened: ClosableImage) => T): T {
  const opened = openImage({
    path: request.path,
    format: request.format,
    backing: request.backing?.map((path) => ({ path })),
  });
  try {
    return examine(opened);
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** @throws ColdpatchError `system_unknown`, `image_encrypted`, `package_database_unreadable`. */
export function examineOpened(
  { path }: ImageRequest,
  opened: ClosableImage,
  reading: GuestReading,
): ExaminedImage {
  const { guest, tree } = reading;
  if (!tree) assertNotSealed(path, opened);
  if (!guest || !tree || reading.database?.manager !== 'dpkg') throw unknownSystem(path, reading);
  const database = readDpkgDatabase(tree);
  return {
    opened,
    reading,
    tree,
    database,
    operatingSystem: guest.operatingSystem,
    inspection: inspectImage(opened, reading),
    close: () => opened.close(),
  };
}

/** Managers that encrypt. */
const sealing: readonly VolumeManagerId[] = ['luks', 'bitlocker'];

/** Of a system that lies on an encrypted volume nothing is known, and no key is ever taken. */
function assertNotSealed(path: string, { volumes, gaps }: ClosableImage): void {
  const sealed = volumes.filter(({ container }) => container && sealing.includes(container.manager));
  if (sealed.length === 0) return;
  const found = sealed.map(
    ({ name }) => gaps.find(({ where }) => where === name)?.detail ?? `${name} is encrypted.`,
  );
  throw new ColdpatchError(
    'image_encrypted',
    `Expected a system that can be read in ${path}, but there is none beside what is encrypted. ${found.slice(0, 5).join(' ')} ` +
      'coldpatch takes no keys and opens nothing that is encrypted: upgrade this machine while it runs.',
  );
}

function unknownSystem(path: string, { gaps, guest, partial, database }: GuestReading): ColdpatchError {
  const found = partial.operatingSystem?.prettyName;
  if (guest) {
    return new ColdpatchError(
      'system_unknown',
      `Expected Debian or Ubuntu in ${path}, but found ${found}, which can be inspected and not upgraded.`,
    );
  }
  const reasons = gaps.map(({ where, detail }) => `${where}: ${detail}`);
  return new ColdpatchError(
    'system_unknown',
    `Expected Debian or Ubuntu with its package records in ${path}, but ` +
      (found ? `found ${found}${database === undefined ? ' without them' : ''}` : 'found no such system') +
      `${reasons.length > 0 ? ` (${reasons.slice(0, 5).join('; ')})` : ''}. Look at it with "coldpatch inspect".`,
  );
}
