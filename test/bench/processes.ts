import { readFile } from 'node:fs/promises';

/** What the kernel says of a process. */
export interface ProcessFigures {
  /** Megabytes (2^20). */
  rssMb: number;
  /** The most that `rssMb` has been. */
  peakMb: number;
  /** User and system together. */
  cpuSeconds: number;
}

/** Linux on every platform that Node runs on: USER_HZ. */
const ticksPerSecond = 100;

export async function figuresOf(pid: number): Promise<ProcessFigures> {
  const [status, cpuSeconds] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    cpuSecondsOf(pid),
  ]);
  const megabytes = (member: string): number =>
    Number(new RegExp(`^${member}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { rssMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM'), cpuSeconds };
}

/** proc_pid_stat(5): utime and stime are the 14th and 15th field; the second may hold spaces and ends at the last `)`. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
