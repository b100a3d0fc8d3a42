export type SystemPart = 'postgresql' | 'postgis' | 'ceph' | 'age' | 'byHand' | 'clientTools' | 'docker';
export const parts: Readonly<
  Record<SystemPart, { readonly purpose: string; readonly present: () => boolean }>
>;
export function setUpSystem(names: readonly SystemPart[]): Promise<SystemPart[]>;
export function announceMissing(missing: readonly SystemPart[], platform?: NodeJS.Platform): void;
export function howToInstall(missing: readonly SystemPart[], platform: NodeJS.Platform): string[];
