import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';

/** How programs become what the images carry; what is bundled and how decides a third of the operator's memory. */
export const bundleOptions = {
  absWorkingDir: join(import.meta.dirname, '..'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Smaller in memory, by 40 MB for the operator. Identifiers stay, so a stack trace can be read without a source map,
  // which would cost 230 MB once loaded; esbuild's keepNames would say them again each time that a function is made.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
  // CommonJS packages inside the bundle ask for Node's own modules with require().
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
} satisfies BuildOptions;
