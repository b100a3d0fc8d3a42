import type { Fallback } from '../../database/database.ts';
import { countOf, formatCount } from '../../report/quantity.ts';
import type { ProofRecord } from '../../report/report.ts';

/** What the comparison of a restored copy covered, for the report. */
export function proofOf({ fingerprint, told }: Pick<Fallback, 'fingerprint' | 'told'>): ProofRecord {
  const { inventory, tables } = fingerprint;
  return {
    inventoryVersion: inventory?.version ?? null,
    objects: inventory?.counts ?? {},
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    told,
  };
}

/** The line in which the phase ends; `to` is what the copy was compared with. */
export function proofFact(proof: ProofRecord, to: string): string {
  const compared = `${countOf(proof.tables, 'table')}, ${formatCount(proof.rows)} rows`;
  return proof.told.length === 0
    ? `${compared}, all equal to ${to}`
    : `${compared}, equal to ${to}; not proved: ${countOf(proof.told.length, 'thing')}, named in the warnings`;
}
