import { belongings } from './belongings.ts';
import type { CatalogEntry } from './column-rules.ts';
import { connections } from './connections.ts';
import { relations } from './relations.ts';
import { routines } from './routines.ts';
import { rulesOnRelations } from './rules-on-relations.ts';
import { textSearch } from './text-search.ts';
import { typeCatalogs } from './types.ts';

/**
 * Every catalog of PostgreSQL 15 to 18 that is read, each with all of its columns; left-catalogs.ts has the others. A test
 * holds both against the servers.
 */
export const catalogs: Readonly<Record<string, CatalogEntry>> = {
  ...relations,
  ...rulesOnRelations,
  ...typeCatalogs,
  ...routines,
  ...textSearch,
  ...connections,
  ...belongings,
};
