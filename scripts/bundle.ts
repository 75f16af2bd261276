import { dirname, join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import manifest from '../package.json' with { type: 'json' };

/**
 * What a bundle takes of @kubernetes/client-node: reading a kubeconfig and asking it for credentials. The rest, five
 * megabytes of generated API that would be evaluated at every start and kept in 30 MB of memory, is called by nobody
 * here: requests to the API server are kube/'s own, and k8s-operator, which imports it all, only makes a client that it
 * does not use. Classes of that name stand in for those; what else is asked for is undefined.
 */
const clientNode = (more: string): Record<string, string> => ({
  'dist/index.js': `
    export { KubeConfig } from './config.js';
    ${more}
    export class CoreV1Api {}
    export const [ApiextensionsV1Api, Watch, loadYaml] = [];`,
  'dist/gen/index.js': `
    export { createConfiguration } from './configuration.js';
    export { ServerConfiguration } from './servers.js';
    export const [AppsV1Api, CoreV1Api] = [];`,
});

const withoutGeneratedApi = (more = ''): Plugin => ({
  name: 'client-node without its generated API',
  setup(build) {
    build.onLoad({ filter: /@kubernetes\/client-node\/dist\/(gen\/)?index\.js$/ }, ({ path }) => ({
      contents: clientNode(more)[path.slice(path.indexOf('dist/'))] ?? '',
      resolveDir: dirname(path),
    }));
  },
});

/** How programs become what the images carry; what is bundled and how decides a third of the operator's memory. */
export const bundleOptions = {
  absWorkingDir: join(import.meta.dirname, '..'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  define: { LONGSHORE_VERSION: JSON.stringify(manifest.version) },
  // Smaller in memory, by 40 MB for the operator. Identifiers stay, so a stack trace can be read without a source map,
  // which would cost 230 MB once loaded; esbuild's keepNames would say them again each time that a function is made.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [withoutGeneratedApi()],
  // CommonJS packages inside the bundle ask for Node's own modules with require().
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
} satisfies BuildOptions;

/** The command line: what a verb does not need is not read, so that help is there at once. */
export const cliBundleOptions = {
  ...bundleOptions,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [withoutGeneratedApi("export { PortForward } from './portforward.js';")],
} satisfies BuildOptions;
