/** The mount points that `mountinfo` names, outermost first: the fifth field of each line, proc_pid_mountinfo(5). */
export function mountPointsOf(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
}

/** Blanks, tabs, line ends and backslashes are written as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
