import { hasErrorCode } from './has-error-code.ts';

/** Whether a filesystem, or two of them, said by an error that blocks cannot be shared there: ioctl_ficlone(2). */
export function isReflinkUnsupported(error: unknown): boolean {
  return hasErrorCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'ENOTTY', 'EXDEV', 'EINVAL', 'ENOSYS');
}
