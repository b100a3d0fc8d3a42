import { join } from 'node:path';
import { bytesOf } from '../prisma/capture/list-migrations.ts';
import type { CheckedProject } from '../prisma/checked-project.ts';
import { checksumsOf } from '../prisma/migrations.ts';
import { flawOf, type ScriptFlaw } from '../prisma/script-flaw.ts';
import type { Finding } from '../report/check-report.ts';
import { badName } from './migration-names.ts';

/** A migration as it lies on the disk, sound or not. */
export interface MigrationFolder {
  readonly name: string;
  /** Its migration.sql, relative to the repository's root. */
  readonly file: string;
  /** null when there is no readable migration.sql. */
  readonly script: string | null;
  readonly flaw?: ScriptFlaw;
  /** Digests under which Prisma may have noted the script; empty without one. */
  readonly checksums: readonly string[];
}

/** Reads the migrations named `names`; `fileOf` makes a path relative to the repository's root. */
export function readFolders(
  { checkout, migrationsDirectory }: Pick<CheckedProject, 'checkout' | 'migrationsDirectory'>,
  names: readonly string[],
  fileOf: (path: string) => string,
): readonly MigrationFolder[] {
  return names.map((name) => {
    const path = join(migrationsDirectory, name, 'migration.sql');
    // Missing and unreadable are the same to Prisma, and a finding to us.
    const bytes = bytesOf(checkout, path);
    if (bytes === null) return { name, file: fileOf(path), script: null, checksums: [] };
    const script = bytes.toString('utf8');
    const flaw = flawOf(bytes);
    return {
      name,
      file: fileOf(path),
      script,
      checksums: checksumsOf(script),
      ...(flaw === null ? {} : { flaw }),
    };
  });
}

/** What is wrong with the folders themselves; names are judged only where `isNew` says so, old ones cannot change. */
export function folderFindings(
  folders: readonly MigrationFolder[],
  isNew: (name: string) => boolean,
): readonly Finding[] {
  return folders.flatMap((folder) => {
    const findings: Finding[] = [];
    if (folder.script === null || folder.script.trim() === '') {
      findings.push({
        severity: 'error',
        code: 'SM_MIGRATION_UNREADABLE',
        message:
          folder.script === null
            ? `migration ${folder.name} has no migration.sql`
            : `the migration.sql of ${folder.name} is empty`,
        hint: 'Restore the file from version control; when nothing is meant to happen, write a comment into it.',
        file: folder.file,
        line: 1,
      });
    }
    // One that is applied cannot be changed any more.
    if (folder.flaw !== undefined && isNew(folder.name)) {
      findings.push({
        severity: 'error',
        code: 'SM_MIGRATION_UNREADABLE',
        message: `the migration.sql of ${folder.name} ${folder.flaw.message}`,
        hint: folder.flaw.hint,
        file: folder.file,
        line: 1,
      });
    }
    const wrong = isNew(folder.name) ? badName(folder.name) : null;
    if (wrong !== null) {
      findings.push({
        severity: 'warning',
        code: 'SM_MIGRATION_NAME',
        message: `migration ${folder.name} ${wrong}`,
        hint: 'Make it with npx prisma migrate dev --name and words that say what it does, e.g. add_quotation_templates.',
        file: folder.file,
        line: 1,
      });
    }
    return findings;
  });
}
