import { vendorOf, type Gpu } from '../../api/gpu.ts';
import type { Variant } from '../../protocols/runtime.ts';

/** Of each variant, the image as nodes pull it. */
export type RuntimeImages = Readonly<Record<Variant, string>>;

const variantOf = { nvidia: 'cuda', amd: 'vulkan', intel: 'vulkan' } as const;

/** The image that computes on what the server asks for. */
export function runtimeImage(gpu: Gpu, images: RuntimeImages): string {
  const vendor = vendorOf(gpu);
  return images[vendor === undefined ? 'cpu' : variantOf[vendor]];
}
