const types =
  /^(?:swap|tmpfs|ramfs|proc|sysfs|devpts|devtmpfs|cgroup2?|debugfs|tracefs|securityfs|hugetlbfs|ignore)$/;

/** Whether a type of fstab(5) is of a filesystem that has nothing of a disk. */
export function isWithoutDisk(type: string): boolean {
  return types.test(type);
}
