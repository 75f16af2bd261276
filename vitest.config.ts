import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/** Files of `engine`: what computes with llama.cpp, whose threads take every core and wait for each other. */
const computing = [
  'src/runtime-image/real-*.test.ts',
  'src/runtime-image/memory-facts.test.ts',
  'scripts/images/kept-threads.test.ts',
  'test/{bench,load}/runtime.test.ts',
];

/** Four projects: `unit` and `engine` beside the code, `integration` on a real kube-apiserver, `e2e` on a real node. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          // Of two cores Vitest would use one.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          include: [
            'src/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/hub/**/*.test.ts',
            'test/cluster/**/*.test.ts',
            'test/{bench,clients,load}/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, ...computing],
        },
      },
      {
        test: {
          name: 'engine',
          sequence: { groupOrder: 1 },
          include: computing,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'integration',
          sequence: { groupOrder: 2 },
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
          sequence: { groupOrder: 3 },
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
