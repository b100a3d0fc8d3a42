import { describe, expect, it } from 'vitest';
import { restoreByHandCommands } from '../../../src/report/restore-by-hand.ts';

const backup = {
  id: 'backup_20261122_142500Z_before_x',
  sizeBytes: 1,
  sha256: 'ab',
  restoreProved: 'true' as const,
  encryption: null,
};

describe('restoring by hand', () => {
  it('takes the dump from S3 with nothing but aws, sha256sum and pg_restore', () => {
    const url = "s3://bucket/it's/db/backup_20261122_142500Z_before_x";
    expect(restoreByHandCommands({ ...backup, locations: [{ url, storage: 's3', verified: '' }] })).toEqual([
      `aws s3 cp 's3://bucket/it'\\''s/db/backup_20261122_142500Z_before_x/database.dump' database.dump`,
      `echo 'ab  database.dump' | sha256sum --check`,
      'createdb --template=template0 restored_20261122_142500z',
      'pg_restore --exit-on-error --dbname=restored_20261122_142500z database.dump',
    ]);
  });

  it('copies the dump from a folder', () => {
    const url = 'file:///var/my%20backups/db/backup_20261122_142500Z_before_x';
    const [first] = restoreByHandCommands({ ...backup, locations: [{ url, storage: 'file', verified: '' }] });
    expect(first).toBe(
      "cp '/var/my backups/db/backup_20261122_142500Z_before_x/database.dump' database.dump",
    );
  });

  it.each([
    ['passphrase', 'age --decrypt --output=database.dump database.dump.age'],
    ['recipients', 'age --decrypt --identity=key.txt --output=database.dump database.dump.age'],
  ] as const)('opens a dump that is encrypted with %s by nothing but age', (encryption, decrypt) => {
    const url = 's3://bucket/db/backup_20261122_142500Z_before_x';
    const locations = [{ url, storage: 's3' as const, verified: '' }];
    expect(restoreByHandCommands({ ...backup, encryption, locations })).toEqual([
      `aws s3 cp ${url}/database.dump.age database.dump.age`,
      `echo 'ab  database.dump.age' | sha256sum --check`,
      decrypt,
      'createdb --template=template0 restored_20261122_142500z',
      'pg_restore --exit-on-error --dbname=restored_20261122_142500z database.dump',
    ]);
  });

  it('finds the dump among the artifacts of a repository', () => {
    const url = 'artifact://applizor/erp/db/backup_20261122_142500Z_before_x';
    const [first] = restoreByHandCommands({
      ...backup,
      locations: [{ url, storage: 'artifact', verified: '' }],
    });
    expect(first).toBe(
      `gh api "repos/applizor/erp/actions/artifacts/$(gh api --paginate repos/applizor/erp/actions/artifacts --jq '.artifacts[] | select((.name | endswith("~backup_20261122_142500Z_before_x~database.dump")) and .workflow_run.head_repository_id == .workflow_run.repository_id).id' | head -n 1)/zip" > database.dump`,
    );
  });

  it('says nothing about a backup that is nowhere', () => {
    expect(restoreByHandCommands({ ...backup, locations: [] })).toEqual([]);
  });
});
