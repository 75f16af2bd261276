import type { Variant } from '../../src/protocols/runtime.ts';

/** What images are built for, and how others call it. */
export const architectures = ['x64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

export const debianNames = { x64: 'amd64', arm64: 'arm64' } as const satisfies Record<Architecture, string>;
export const libraryFolders = {
  x64: '/usr/lib/x86_64-linux-gnu',
  arm64: '/usr/lib/aarch64-linux-gnu',
} as const satisfies Record<Architecture, string>;

/** Of a Linux machine; elsewhere of the virtual one that Docker runs. */
export function ownArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'x64';
}

/** Whether this machine runs what is built for Linux on `architecture`. */
export const isOfThisMachine = (architecture: Architecture): boolean =>
  process.platform === 'linux' && process.arch === architecture;

/**
 * The package with node-llama-cpp's build of llama.cpp.
 * @throws Error where there is none
 */
export function binariesOf(variant: Variant, architecture: Architecture): string {
  if (variant !== 'cpu' && architecture !== 'x64') {
    throw new Error(`node-llama-cpp has no build of llama.cpp with ${variant} for linux on ${architecture}`);
  }
  return `@node-llama-cpp/linux-${architecture}${variant === 'cpu' ? '' : `-${variant}`}`;
}

/** Tells whoever waits what takes so long. */
export type Say = (line: string) => void;
