import { z } from 'zod';
import { connectGuestAgent } from './guest-agent.ts';
import { nothing } from './qmp.ts';

/**
 * What became of asking the guest to write everything out and hold still:
 * `frozen`; `no_agent` when none was named or none answers; `refused` when it could not, also within the time limit.
 */
export type Quiescence = 'frozen' | 'no_agent' | 'refused';

const statusSeconds = 15;
/** A guest under load has much to write; but its programs stand still meanwhile. */
const freezeSeconds = 60;
const thawSeconds = 60;

const statusSchema = z.enum(['thawed', 'frozen']);

/** Whether an agent answers behind the socket, and its guest is not frozen by somebody else. */
export async function canFreeze(socket: string): Promise<boolean> {
  using agent = await connectGuestAgent(socket);
  if (!agent) return false;
  const status = await agent
    .execute('guest-fsfreeze-status', statusSchema, statusSeconds)
    .catch(() => undefined);
  return status === 'thawed';
}

/** Freezes the filesystems of the guest. Whatever the answer, `thawGuest` must follow. */
export async function freezeGuest(socket: string): Promise<Quiescence> {
  using agent = await connectGuestAgent(socket);
  if (!agent) return 'no_agent';
  try {
    const frozen = await agent.execute('guest-fsfreeze-freeze', z.number(), freezeSeconds);
    return frozen > 0 ? 'frozen' : 'refused';
  } catch {
    return 'refused';
  }
}

/** @returns false when the guest may still be frozen: its agent does not answer, or could not thaw it. */
export async function thawGuest(socket: string): Promise<boolean> {
  using agent = await connectGuestAgent(socket);
  if (!agent) return false;
  try {
    const status = await agent.execute('guest-fsfreeze-status', statusSchema, statusSeconds);
    if (status === 'frozen') await agent.execute('guest-fsfreeze-thaw', nothing, thawSeconds);
    return true;
  } catch {
    return false;
  }
}
