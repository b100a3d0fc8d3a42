interface LockedPackages {
  readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
export function whyInstall(wanted: LockedPackages, installed: LockedPackages | null): string | null;
export function installPackages(folder?: string, flags?: readonly string[]): boolean;
