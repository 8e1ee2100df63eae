const prime1 = 0x9e3779b185ebca87n;
const prime2 = 0xc2b2ae3d27d4eb4fn;
const prime3 = 0x165667b19e3779f9n;
const prime4 = 0x85ebca77c2b2ae63n;
const prime5 = 0x27d4eb2f165667c5n;

/** XXH64 of `bytes` with seed 0, as the xxHash specification has it. Some megabytes a second. */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = prime5;
  if (bytes.length >= 32) {
    let a = u64(prime1 + prime2);
    let b = prime2;
    let c = 0n;
    let d = u64(-prime1);
    for (; at + 32 <= bytes.length; at += 32) {
      a = round(a, view.getBigUint64(at, true));
      b = round(b, view.getBigUint64(at + 8, true));
      c = round(c, view.getBigUint64(at + 16, true));
      d = round(d, view.getBigUint64(at + 24, true));
    }
    hash = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n));
    for (const lane of [a, b, c, d]) {
      hash = u64((hash ^ round(0n, lane)) * prime1 + prime4);
    }
  }
  hash = u64(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * prime1 + prime4);
  }
  if (at + 4 <= bytes.length) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * prime1), 23n) * prime2 + prime3);
    at += 4;
  }
  for (; at < bytes.length; at += 1) {
    hash = u64(rotate(hash ^ (BigInt(view.getUint8(at)) * prime5), 11n) * prime1);
  }
  hash = u64((hash ^ (hash >> 33n)) * prime2);
  hash = u64((hash ^ (hash >> 29n)) * prime3);
  return hash ^ (hash >> 32n);
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** The result may have more than 64 bits set only when `value` had. */
function rotate(value: bigint, bits: bigint): bigint {
  const word = u64(value);
  return u64(word << bits) | (word >> (64n - bits));
}

function round(accumulator: bigint, lane: bigint): bigint {
  return u64(rotate(accumulator + lane * prime2, 31n) * prime1);
}
