import { ofRelation, standing } from './catalog-entries.ts';
import {
  type CatalogEntry,
  columns,
  expression,
  hidden,
  left,
  named,
  object,
  ownNumber,
  privileges,
  role,
  routine,
  value,
} from './column-rules.ts';

const publicationName = `(SELECT pg_catalog.quote_ident(p.pubname) FROM pg_catalog.pg_publication p WHERE p.oid =`;

const notHeld = left(
  'no copy has a subscription: it would take the slot of the original. That there is one is told, and closes the swap',
);

/** What leads out of the database: foreign data, publications, subscriptions. */
export const connections: Readonly<Record<string, CatalogEntry>> = {
  pg_foreign_data_wrapper: standing('pg_foreign_data_wrapper', {
    kind: `'foreign-data wrapper'`,
    name: 'pg_catalog.quote_ident(r.fdwname)',
    columns: {
      oid: ownNumber,
      fdwname: named,
      fdwowner: role,
      fdwhandler: routine,
      fdwvalidator: routine,
      fdwacl: privileges(`'F'`, 'fdwowner'),
      fdwoptions: hidden,
    },
  }),
  pg_foreign_server: standing('pg_foreign_server', {
    kind: `'server'`,
    name: 'pg_catalog.quote_ident(r.srvname)',
    columns: {
      oid: ownNumber,
      srvname: named,
      srvowner: role,
      srvfdw: object('pg_foreign_data_wrapper'),
      srvtype: value,
      srvversion: value,
      srvacl: privileges(`'S'`, 'srvowner'),
      srvoptions: hidden,
    },
  }),
  pg_user_mapping: {
    // The view: options are null in it for who may not see them, while the catalog cannot be read at all.
    from: 'pg_user_mappings',
    kind: `'user mapping'`,
    name: `CASE r.umuser WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.umuser)) END || ' on ' || pg_catalog.quote_ident(r.srvname)`,
    joins: '',
    rows: 'true',
    extension: 'NULL::text',
    columns: { oid: ownNumber, umuser: named, umserver: named, umoptions: hidden },
    hasSystemRows: false,
  },
  pg_subscription: {
    kind: `'subscription'`,
    name: 'pg_catalog.quote_ident(r.subname)',
    joins: '',
    rows: `r.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`,
    extension: 'NULL::text',
    columns: {
      oid: notHeld,
      subdbid: notHeld,
      subskiplsn: notHeld,
      subname: named,
      subowner: notHeld,
      subenabled: notHeld,
      subbinary: notHeld,
      substream: notHeld,
      subtwophasestate: notHeld,
      subdisableonerr: notHeld,
      subpasswordrequired: notHeld,
      subrunasowner: notHeld,
      subfailover: notHeld,
      subconninfo: notHeld,
      subslotname: notHeld,
      subsynccommit: notHeld,
      subpublications: notHeld,
      suborigin: notHeld,
    },
    hasSystemRows: false,
  },
  pg_publication: standing('pg_publication', {
    kind: `'publication'`,
    name: 'pg_catalog.quote_ident(r.pubname)',
    columns: {
      oid: ownNumber,
      pubname: named,
      pubowner: role,
      puballtables: value,
      pubinsert: value,
      pubupdate: value,
      pubdelete: value,
      pubtruncate: value,
      pubviaroot: value,
      pubgencols: value,
    },
  }),
  pg_publication_namespace: standing('pg_publication_namespace', {
    kind: `'published schema'`,
    name: `${publicationName} r.pnpubid) || ': ' || r.pnnspid::regnamespace`,
    extension: 'NULL::text',
    columns: { oid: ownNumber, pnpubid: named, pnnspid: named },
  }),
  pg_publication_rel: ofRelation('prrelid', {
    kind: `'published table'`,
    name: `${publicationName} r.prpubid) || ': ' || rel.name`,
    columns: {
      oid: ownNumber,
      prpubid: named,
      prrelid: named,
      prqual: expression('pg_catalog.pg_get_expr(r.prqual, r.prrelid)'),
      prattrs: columns('prrelid'),
    },
  }),
};
