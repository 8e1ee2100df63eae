import type { InspectRequest } from '../../guest/inspect-path.ts';
import type { Inspection } from '../../guest/inspection.ts';
import { printInspection } from '../print-inspection.ts';
import { printJson } from '../print-json.ts';

export interface InspectOptions extends InspectRequest {
  readonly json: boolean;
  /** List every package in place of their number. */
  readonly packages: boolean;
}

/** What the command needs of the world. */
export interface InspectIo {
  inspect(request: InspectRequest): Inspection;
  print(text: string): void;
}

/** `coldpatch inspect IMAGE`. An image that holds no known system is a finding, not a failure. */
export function inspectCommand(io: InspectIo, options: InspectOptions): void {
  const { path, format, backing } = options;
  const inspection = io.inspect({
    path,
    ...(format !== undefined && { format }),
    ...(backing !== undefined && { backing }),
  });
  io.print(options.json ? printJson(inspection) : printInspection(inspection, options));
}
