import type { PersistentVolumeClaim } from '../../kube/builtin.ts';
import { contentOf } from '../model/source/content.ts';
import { claimName } from '../model/storage/claim.ts';
import { aClaim, aModel, commit } from './objects.ts';

/** What the inspection of a Model's source has found. */
export const resolved = {
  source: 'hf:owner/name@main',
  request: '0123456789abcdef',
  revision: commit,
  sizeBytes: 4_700_000_000,
  size: '4.7GB',
  fileCount: 1,
};
/** Of the claim for it, and what is said to be in there. */
export const name = claimName(aModel(), resolved);
export const content = contentOf(aModel(), resolved);

/** A claim that asks for so much. */
export const ofSize = (storage: string) => ({
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
});

/** One for what is resolved, made for the Model. */
export const ofModel = (more: Partial<PersistentVolumeClaim> = {}, metadata: object = {}) =>
  aClaim(name, { ...more, metadata: { labels: { 'longshore.dev/content': content }, ...metadata } });

/** One that asks for so much and has a volume of so much. */
export const boundTo = (asks: string, has = asks, more: Partial<PersistentVolumeClaim['status']> = {}) =>
  ofModel({
    spec: { ...ofSize(asks).spec, storageClassName: 'fast', volumeName: 'pv-1' },
    status: { phase: 'Bound', capacity: { storage: has }, ...more },
  });
