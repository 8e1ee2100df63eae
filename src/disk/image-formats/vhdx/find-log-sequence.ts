import { ColdpatchError } from '../../../lib/errors.ts';
import { corrupt } from './corrupt.ts';
import { logEntry } from './layout.ts';
import { type LogEntry, logEntryLength, parseLogEntry } from './parse-log-entry.ts';

const mostSteps = 1_000_000;

/** The entries to replay, oldest first: the sequence that ends with the greatest sequence number (section 2.3.2). */
export function findLogSequence(log: Buffer, logGuid: string): readonly LogEntry[] {
  const entries = soundEntries(log, logGuid);
  const budget = { steps: mostSteps };
  const heads = [...entries.values()].toSorted((a, b) => (a.sequence < b.sequence ? 1 : -1));
  for (const head of heads) {
    const sequence = sequenceTo(head, entries, log.length, budget);
    if (sequence !== undefined) return sequence;
  }
  throw corrupt('its header asks for the log to be replayed, but no sequence of entries in it is whole');
}

function soundEntries(log: Buffer, logGuid: string): ReadonlyMap<number, LogEntry> {
  const entries = new Map<number, LogEntry>();
  // Entries that overlap are left from earlier rounds; a log made of nothing else is an attack on our time.
  let bytesLeft = log.length * 4;
  for (let position = 0; position < log.length; position += logEntry.sectorBytes) {
    const length = logEntryLength(log, position, logGuid);
    if (length === undefined) continue;
    bytesLeft -= length;
    if (bytesLeft < 0) throw tooMuch('entries that overlap');
    const entry = parseLogEntry(log, position, length);
    if (entry !== undefined) entries.set(position, entry);
  }
  return entries;
}

/** From the tail that `head` names up to `head`; each entry has the number after that of the one before it. */
function sequenceTo(
  head: LogEntry,
  entries: ReadonlyMap<number, LogEntry>,
  logBytes: number,
  budget: { steps: number },
): readonly LogEntry[] | undefined {
  const sequence: LogEntry[] = [];
  for (let entry = entries.get(head.tail); entry !== undefined; ) {
    budget.steps -= 1;
    if (budget.steps < 0) throw tooMuch('sequences');
    sequence.push(entry);
    if (entry === head) return sequence;
    const next = entries.get((entry.position + entry.length) % logBytes);
    entry = next?.sequence === entry.sequence + 1n ? next : undefined;
  }
  return undefined;
}

function tooMuch(what: string): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected a VHDX log that can be searched, but it has too many ${what}. Take the image from its source again.`,
  );
}
