import type { PackageDatabase } from '../guest/package-managers/types.ts';
import type { FileTree } from '../guest/file-tree.ts';
import { inspectImage } from '../guest/inspect-image.ts';
import type { Inspection } from '../guest/inspection.ts';
import { readGuest } from '../guest/read-guest.ts';
import type { OperatingSystem } from '../guest/types.ts';
import { type ExaminedImage, examineOpened, type ImageRequest, withOpened } from './examine-image.ts';

/** An image of a family that can be compared with its repositories, and not upgraded. It must be closed. */
export interface ExaminedSystem {
  readonly tree: FileTree;
  readonly database: PackageDatabase;
  readonly operatingSystem: OperatingSystem;
  readonly inspection: Inspection;
  close(): void;
}

export type ExaminedForScan =
  | { readonly solved: true; readonly image: ExaminedImage }
  | { readonly solved: false; readonly image: ExaminedSystem };

/**
 * Reads what a scan needs of an image: all that an upgrade would where this host has the distribution's solver, else
 * the system and its packages.
 *
 * @throws ColdpatchError `system_unknown`, `package_database_unreadable`, and whatever opening an image throws.
 */
export function examineForScan(request: ImageRequest): ExaminedForScan {
  return withOpened(request, (opened): ExaminedForScan => {
    const reading = readGuest(opened);
    const { guest, tree, database } = reading;
    if (!guest || !tree || !database || database.manager === 'dpkg') {
      return { solved: true, image: examineOpened(request, opened, reading) };
    }
    return {
      solved: false,
      image: {
        tree,
        database,
        operatingSystem: guest.operatingSystem,
        inspection: inspectImage(opened, reading),
        close: () => opened.close(),
      },
    };
  });
}
