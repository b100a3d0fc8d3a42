import { extensionOf, inSchema } from './catalog-entries.ts';
import { type CatalogEntry, named, object, ownNumber, role, routine, value } from './column-rules.ts';

const nameIn = (schemaColumn: string, nameColumn: string): string =>
  `pg_catalog.format('%I.%I', r.${schemaColumn}::regnamespace::text, r.${nameColumn})`;

/** Text search: parsers, templates, dictionaries, configurations. */
export const textSearch: Readonly<Record<string, CatalogEntry>> = {
  pg_ts_config: inSchema('pg_ts_config', 'cfgnamespace', {
    kind: `'text search configuration'`,
    name: nameIn('cfgnamespace', 'cfgname'),
    columns: {
      oid: ownNumber,
      cfgname: named,
      cfgnamespace: named,
      cfgowner: role,
      cfgparser: object('pg_ts_parser'),
    },
  }),
  pg_ts_config_map: {
    kind: `'text search mapping'`,
    name: `pg_catalog.concat_ws(' ', r.mapcfg::regconfig::text, r.maptokentype, r.mapseqno)`,
    joins: '',
    rows: 'r.mapcfg >= 16384',
    extension: extensionOf('pg_ts_config', 'r.mapcfg'),
    columns: { mapcfg: named, maptokentype: named, mapseqno: named, mapdict: object('pg_ts_dict') },
    hasSystemRows: false,
  },
  pg_ts_dict: inSchema('pg_ts_dict', 'dictnamespace', {
    kind: `'text search dictionary'`,
    name: nameIn('dictnamespace', 'dictname'),
    columns: {
      oid: ownNumber,
      dictname: named,
      dictnamespace: named,
      dictowner: role,
      dicttemplate: object('pg_ts_template'),
      dictinitoption: value,
    },
  }),
  pg_ts_parser: inSchema('pg_ts_parser', 'prsnamespace', {
    kind: `'text search parser'`,
    name: nameIn('prsnamespace', 'prsname'),
    columns: {
      oid: ownNumber,
      prsname: named,
      prsnamespace: named,
      prsstart: routine,
      prstoken: routine,
      prsend: routine,
      prsheadline: routine,
      prslextype: routine,
    },
  }),
  pg_ts_template: inSchema('pg_ts_template', 'tmplnamespace', {
    kind: `'text search template'`,
    name: nameIn('tmplnamespace', 'tmplname'),
    columns: {
      oid: ownNumber,
      tmplname: named,
      tmplnamespace: named,
      tmplinit: routine,
      tmpllexize: routine,
    },
  }),
};
