import { describe, expect, it } from 'vitest';
import { limitBandwidth } from './bandwidth.ts';

function limited(bytesPerSecond: number | undefined) {
  const clock = { ms: 0 };
  const sleep = async (ms: number): Promise<void> => {
    clock.ms += ms;
  };
  return { clock, bandwidth: limitBandwidth(bytesPerSecond, () => clock.ms, sleep) };
}

describe('a bandwidth', () => {
  it('is kept by all connections together', async () => {
    const { clock, bandwidth } = limited(1_000_000);
    for (let i = 0; i < 100; i++) await bandwidth.spend(100_000);
    expect(clock.ms).toBeGreaterThan(9_700);
    expect(clock.ms).toBeLessThanOrEqual(10_000);
  });

  it('that was not used for long is not made up for at once', async () => {
    const { clock, bandwidth } = limited(1_000_000);
    clock.ms = 60_000;
    await bandwidth.spend(1_250_000);
    expect(clock.ms).toBe(61_000);
  });

  it('has no limit where none is set', async () => {
    const { clock, bandwidth } = limited(undefined);
    await bandwidth.spend(1e12);
    expect(clock.ms).toBe(0);
  });
});
