/** What a stream said: its beginning and its end, when it is too much for both. */
export interface BoundedLog {
  add(chunk: Uint8Array): void;
  /** Bytes that came. */
  readonly total: number;
  text(): string;
}

/** @param bytes of the beginning, and of the end, that are kept. */
export function createBoundedLog(bytes: number): BoundedLog {
  let head = Buffer.alloc(0);
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let total = 0;
  return {
    add(chunk) {
      total += chunk.length;
      const room = bytes - head.length;
      if (room > 0) head = Buffer.concat([head, chunk.subarray(0, room)]);
      const rest = chunk.subarray(Math.max(room, 0));
      if (rest.length === 0) return;
      tail.push(Buffer.from(rest));
      tailBytes += rest.length;
      if (tailBytes <= 2 * bytes) return;
      tail = [Buffer.concat(tail).subarray(-bytes)];
      tailBytes = bytes;
    },
    get total() {
      return total;
    },
    text() {
      const end = Buffer.concat(tail).subarray(-bytes);
      const left = total - head.length - end.length;
      const mark = left > 0 ? `\n[${left} bytes left out]\n` : '';
      return `${head.toString('utf8')}${mark}${end.toString('utf8')}`;
    },
  };
}
