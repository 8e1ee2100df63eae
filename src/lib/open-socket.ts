import { connect, type Socket } from 'node:net';

/** Connects to a Unix socket. Whoever takes it listens to its errors from then on. */
export function openSocket(path: string, patienceSeconds?: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const patience =
      patienceSeconds === undefined
        ? undefined
        : setTimeout(() => socket.destroy(new Error('nobody answers')), patienceSeconds * 1000);
    socket.once('connect', () => {
      clearTimeout(patience);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(patience);
      reject(error);
    });
  });
}
