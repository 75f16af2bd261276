import { describe, expect, it } from 'vitest';
import { computeThreads } from './threads.ts';

const machine = (files: Record<string, string>) => (path: string) => files[path];

describe('computeThreads', () => {
  it('takes the affinity mask where no cgroup limits the process', () => {
    expect(computeThreads(machine({}), 6)).toBe(6);
  });

  it.each([
    ['200000 100000\n', 2],
    ['150000 100000\n', 1],
    ['50000 100000\n', 1],
    ['max 100000\n', 8],
  ])('reads cpu.max %j of cgroup v2 as %i threads of 8', (cpuMax, threads) => {
    expect(computeThreads(machine({ '/sys/fs/cgroup/cpu.max': cpuMax }), 8)).toBe(threads);
  });

  it.each([
    ['300000', 3],
    ['-1', 8],
  ])('reads the quota %s of cgroup v1 as %i threads of 8', (quota, threads) => {
    const files = {
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': `${quota}\n`,
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    };
    expect(computeThreads(machine(files), 8)).toBe(threads);
  });

  it('never takes more threads than cores', () => {
    expect(computeThreads(machine({ '/sys/fs/cgroup/cpu.max': '1600000 100000' }), 4)).toBe(4);
  });

  it('takes the tightest limit of its own cgroup and the ones above it', () => {
    const files = {
      '/proc/self/cgroup': '0::/kubepods/pod1/main\n',
      '/sys/fs/cgroup/kubepods/pod1/main/cpu.max': '600000 100000',
      '/sys/fs/cgroup/kubepods/pod1/cpu.max': '400000 100000',
      '/sys/fs/cgroup/kubepods/cpu.max': 'max 100000',
    };
    expect(computeThreads(machine(files), 16)).toBe(4);
  });

  it('finds its own cgroup under a shared v1 mount', () => {
    const files = {
      '/proc/self/cgroup': '7:memory:/pod1\n4:cpu,cpuacct:/pod1\n',
      '/sys/fs/cgroup/cpu,cpuacct/pod1/cpu.cfs_quota_us': '200000',
      '/sys/fs/cgroup/cpu,cpuacct/pod1/cpu.cfs_period_us': '100000',
    };
    expect(computeThreads(machine(files), 16)).toBe(2);
  });
});
