import { defineConfig } from 'vitest/config';

/** Three projects: `unit` beside the code, `integration` on a real kube-apiserver, `e2e` on a real node. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: [
            'src/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/hub/**/*.test.ts',
            'test/cluster/**/*.test.ts',
            'test/{bench,clients,load}/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          sequence: { groupOrder: 1 },
          // The tests wait for the API server most of the time.
          maxWorkers: 3,
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/integration/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
