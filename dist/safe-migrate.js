import { o as __toESM } from "./rolldown-runtime.js";
import { _ as union, a as base64, c as int, d as number, f as object$1, g as tuple, h as string, i as array, l as literal$1, m as strictObject, n as datetime, o as boolean, p as record, r as _enum, s as discriminatedUnion, u as looseObject, v as unknown, y as NEVER } from "./zod.js";
import { c as setSecret, i as getState, l as warning$1, m as getExecOutput, o as saveState, r as error, s as setOutput, u as summary } from "./actions-core.js";
import { n as bech32 } from "./scure-base.js";
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { crc32, gunzipSync, gzipSync } from "node:zlib";
import { createHash, createHmac, randomBytes, randomInt, scrypt, timingSafeEqual } from "node:crypto";
import { text } from "node:stream/consumers";
import { finished, pipeline } from "node:stream/promises";
import { PassThrough, Readable, Transform, Writable, addAbortSignal } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { closeSync, constants, createReadStream, existsSync, fstatSync, lstatSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { spawn } from "node:child_process";
import { access, chmod, constants as constants$1, link, mkdir, mkdtemp, open, readFile, readdir, realpath, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { setTimeout as setTimeout$1 } from "node:timers/promises";
import { inspect, isDeepStrictEqual, stripVTControlCharacters } from "node:util";
import { lookup } from "node:dns/promises";
import { createServer, isIP } from "node:net";
import { setFlagsFromString } from "node:v8";
import { createInterface } from "node:readline";
import { hostname, tmpdir } from "node:os";
import { isUtf8 } from "node:buffer";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";

// src/system/errors.ts
/**
* The one error type that stories see. The code is stable, the hint is for people, the cause is kept.
* What is thrown by libraries is wrapped where it enters (`cause`), never shown raw.
*/
var SafeMigrateError = class extends Error {
	name = "SafeMigrateError";
	code;
	hint;
	docs;
	phase;
	constructor(details) {
		super(details.message, details.cause === void 0 ? void 0 : { cause: details.cause });
		this.code = details.code;
		this.hint = details.hint;
		this.docs = details.docs ?? "errors.md";
		this.phase = details.phase;
	}
};
/** Several problems found together; nothing was touched. Thrown by input parsing and by preflight. */
var RefusedError = class extends SafeMigrateError {
	name = "RefusedError";
	problems;
	constructor(problems, details = {}) {
		const [first] = problems;
		if (first === void 0) throw new TypeError("RefusedError needs at least one problem");
		super({
			...details,
			code: first.code,
			message: problems.map((problem) => problem.message).join("; "),
			hint: first.hint,
			docs: first.docs ?? details.docs ?? "errors.md"
		});
		this.problems = problems.map((problem) => problem.docs !== void 0 || details.docs === void 0 ? problem : {
			code: problem.code,
			message: problem.message,
			hint: problem.hint,
			docs: details.docs
		});
	}
};
/** What a thrown value says, whatever it is. */
function messageOf(error) {
	return error instanceof Error ? error.message : String(error);
}
/** The problems an error stands for: its own list, or itself as the only one. */
function problemsOf(error) {
	if (error instanceof RefusedError) return error.problems;
	if (error instanceof SafeMigrateError) return [error];
	return [{
		code: "SM_UNEXPECTED",
		message: messageOf(error),
		hint: "This is a defect of safe-migrate or of the machine: please report it with the log of this job."
	}];
}

// src/database/sql-text.ts
/** PostgreSQL cuts longer names silently, and a cut name may be another database's. */
const nameLimitBytes$1 = 63;
/** A name as a quoted identifier. Throws on names that PostgreSQL could not hold as they are. */
function identifier(name) {
	const sizeBytes = Buffer.byteLength(name);
	if (sizeBytes === 0 || sizeBytes > nameLimitBytes$1) throw new RangeError(`a PostgreSQL name has 1 to ${nameLimitBytes$1} bytes, this one has ${sizeBytes}`);
	return `"${checked(name).replaceAll("\"", "\"\"")}"`;
}
/** `"schema"."name"`. */
function qualified(schema, name) {
	return `${identifier(schema)}.${identifier(name)}`;
}
/** A text as a literal that means the same whatever `standard_conforming_strings` says. */
function literal(text) {
	const quoted = checked(text).replaceAll("'", "''");
	return quoted.includes("\\") ? ` E'${quoted.replaceAll("\\", "\\\\")}'` : `'${quoted}'`;
}
function checked(text) {
	if (text.includes("\0")) throw new RangeError("PostgreSQL text cannot hold a NUL character");
	if (!text.isWellFormed()) throw new RangeError("text with a lone surrogate has no UTF-8 form");
	return text;
}

// src/database/postgres/server/tool-failure.ts
/**
* Reads the first error out of what pg_dump, pg_restore or psql wrote to stderr. Only the lines that carry the
* error itself are taken: DETAIL, CONTEXT, HINT, QUERY and `Command was` may hold values of the user's rows.
*/
function describeToolFailure(tool, exit) {
	const lines = exit.stderr.split("\n");
	const errorAt = lines.findIndex((line) => errorLine.test(line));
	const object = restoredObject(lines, errorAt) ?? tableOf(lines) ?? commandObject(lines);
	if (errorAt === -1) return {
		message: `${tool} ended with ${describeEnd(exit)} and said nothing`,
		object
	};
	const first = textOf$3(lines[errorAt]);
	const reported = serverMessage(lines.slice(errorAt + 1));
	return {
		message: (first.includes("ERROR: ") || reported === null ? first : `${first} ${reported}`).trim(),
		object
	};
}
/** Whether a tool failed because the server went away or was not back yet: the same may work in a moment. */
function isConnectionLoss({ stderr }) {
	return /server closed the connection|terminating connection|Connection (refused|reset)|the database system is (starting up|shutting down|in recovery mode|not yet accepting connections)/.test(stderr);
}
/** `exit code 3` or `signal SIGKILL`. */
function describeEnd(exit) {
	return exit.signal === null ? `exit code ${exit.exitCode ?? "unknown"}` : `signal ${exit.signal}`;
}
const errorLine = /^(pg_dump|pg_restore|psql): (error|fatal): |^psql:[^ ]*: (ERROR|FATAL|error): |^(ERROR|FATAL): /;
function textOf$3(line) {
	return (line ?? "").replace(/^(pg_dump|pg_restore|psql): (error|fatal): /, "").replace(/^psql:[^ ]*: /, "");
}
/** pg_dump gives the server's own words on a line of detail. */
function serverMessage(lines) {
	for (const line of lines) {
		const match = /(?:pg_dump|pg_restore): (?:detail|error): Error message from server: (.+)$/.exec(line);
		if (match?.[1] !== void 0) return match[1].trim();
	}
	return null;
}
/**
* pg_restore names the entry just before its error: `from TOC entry 3316; 0 16387 TABLE DATA bad owner`
* (dump id; catalog and object id; type, name, owner).
*/
function restoredObject(lines, errorAt) {
	const before = errorAt === -1 ? lines : lines.slice(0, errorAt + 1);
	for (const line of before.toReversed()) {
		const match = /from TOC entry \d+; \d+ \d+ (.+)$/.exec(line);
		if (match?.[1] !== void 0) return match[1].replace(/ \S*$/, "");
	}
	return null;
}
/** Both name the table whose rows they were copying; the parallel workers of pg_restore name no entry. */
function tableOf(lines) {
	for (const line of lines) {
		const match = /(?:Dumping the contents of|COPY failed for) table "(.+?)"(?: failed)?:/.exec(line);
		if (match?.[1] !== void 0) return `TABLE DATA ${match[1]}`;
	}
	return null;
}
const name$4 = String.raw`(?:"(?:[^"]|"")*"|[^\s."();]+)`;
const commandHead = new RegExp(String.raw`^Command was: (?:CREATE|ALTER|REFRESH|COMMENT ON)((?: [A-Z]+)+) (${name$4}(?:\.${name$4})?)`);
/** The type and name in the head of the refused statement; the rest of it is not shown. */
function commandObject(lines) {
	for (const line of lines) {
		const [, words, object] = commandHead.exec(line) ?? [];
		if (words !== void 0) return `${words.replace(/ (OR REPLACE|UNIQUE|ONLY)\b/g, "").trim()} ${object}`;
	}
	return null;
}

// src/database/postgres/archive/read-archive.ts
/**
* Lets pg_restore read an archive from its first to its last byte and throw the SQL away. Finds truncation and
* damaged gzip data; not every flipped bit, zstd has no checksum of its own: the SHA-256 is what guards the bytes
* (compared before this is called). Rejects with SM_DUMP_DAMAGED, or with the signal's reason.
*/
async function readArchive(server, dumpPath, signal) {
	const exit = await server.tools.readArchive({
		archivePath: dumpPath,
		args: ["--file=/dev/null"],
		database: null,
		entries: null,
		jobs: 1,
		signal
	});
	signal.throwIfAborted();
	if (exit.exitCode === 0) return;
	throw new SafeMigrateError({
		code: "SM_DUMP_DAMAGED",
		message: `The dump cannot be read to its end: ${describeToolFailure("pg_restore", exit).message}`,
		hint: "Check the disk of the machine that runs the job, then run again; the server's data is not at fault.",
		docs: "postgresql.md",
		phase: "prove"
	});
}

// src/database/postgres/fingerprint/counters.ts
const counterRow = object$1({
	table: string(),
	counter: string()
});
/**
* How many rows each table has seen inserted, updated and deleted, by `schema.table` quoted as needed. Counters lag
* behind by a second or two while sessions stay open, and a crash of the server sets them to zero: they say where to
* look, never that there is nothing to see.
*/
async function readCounters(session) {
	const rows = await session.query(`SELECT format('%I.%I', s.schemaname, s.relname) AS "table",
            concat_ws(':', s.n_tup_ins, s.n_tup_upd, s.n_tup_del) AS "counter"
       FROM (SELECT pg_catalog.pg_stat_clear_snapshot()) AS cleared, pg_catalog.pg_stat_user_tables s
      ORDER BY 1`, counterRow);
	return Object.fromEntries(rows.map(({ table, counter }) => [table, counter]));
}
/**
* SQL: how many rows of all tables of a database, its catalogs too, were ever written. Sessions add their part when they end
* at the latest, so once all have ended an unchanged number proves that nothing was written (PostgreSQL 15 and later).
*/
function writtenRowsSql(databaseOid) {
	return `(SELECT s.tup_inserted + s.tup_updated + s.tup_deleted
             FROM (SELECT pg_catalog.pg_stat_clear_snapshot()) AS cleared, pg_catalog.pg_stat_database s
            WHERE s.datid = ${databaseOid})`;
}

// src/database/postgres/inventory/inventory.ts
/** Grows whenever more is compared, or otherwise: a later version then knows what an older proof covered. */
const inventoryVersion = 1;
/** Far more than 100 000 tables need. */
const maximumBytes$1 = 1024 ** 3;
const lineSchema = tuple([
	string(),
	string(),
	string().nullable(),
	record(string(), string())
]);
function inventoryOf(objects) {
	const counts = {};
	for (const { kind } of objects) counts[kind] = (counts[kind] ?? 0) + 1;
	const lines = objects.map(({ kind, name, extension, facts }) => JSON.stringify([
		kind,
		name,
		extension,
		facts
	]));
	return {
		version: inventoryVersion,
		counts: Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => a < b ? -1 : 1)),
		packed: gzipSync(lines.toSorted().join("\n"), { level: 6 }).toString("base64")
	};
}
/** Throws when it is not what `inventoryOf` made. */
function objectsOf(inventory) {
	const text = gunzipSync(Buffer.from(inventory.packed, "base64"), { maxOutputLength: maximumBytes$1 }).toString("utf8");
	if (text === "") return [];
	return text.split("\n").map((line) => {
		const [kind, name, extension, facts] = lineSchema.parse(JSON.parse(line));
		return {
			kind,
			name,
			extension,
			facts
		};
	});
}

// src/database/postgres/inventory/catalog-entries.ts
/** OIDs below belong to what initdb made. */
const firstUserOid$2 = 16384;
const ofUsers = `r.oid >= ${firstUserOid$2}`;
/** SQL (text): the extension that an object of this catalog belongs to, by default row `r` itself, by the CTE `members`. */
const extensionOf$1 = (catalog, oid = "r.oid") => `(SELECT m.extension FROM members m WHERE m.class = 'pg_catalog.${catalog}'::regclass AND m.object = ${oid})`;
/** A catalog whose rows stand in a schema, which may be a session's temporary one. */
function inSchema(catalog, schemaColumn, entry) {
	return {
		joins: "",
		rows: `${ofUsers} AND r.${schemaColumn} NOT IN (SELECT oid FROM temp_schemas)`,
		extension: extensionOf$1(catalog),
		hasSystemRows: true,
		...entry
	};
}
/** A catalog whose rows stand for themselves. */
function standing$1(catalog, entry) {
	return {
		joins: "",
		rows: ofUsers,
		extension: extensionOf$1(catalog),
		hasSystemRows: true,
		...entry
	};
}
/** A catalog whose rows belong to a relation, named by `relationColumn`; the CTE `relations` holds those that count. */
function ofRelation(relationColumn, entry) {
	return {
		joins: `JOIN relations rel ON rel.oid = r.${relationColumn}`,
		rows: "true",
		extension: "rel.extension",
		hasSystemRows: false,
		...entry
	};
}

// src/database/postgres/inventory/column-rules.ts
const compared$1 = (sql) => ({
	rule: "compared",
	sql
});
const named$2 = { rule: "named" };
const left = (because) => ({
	rule: "left",
	because
});
const ownNumber = left("an OID: objects are compared by name");
/** The value as it is. */
const value = compared$1((column) => `r.${column}::text`);
/** A list in which order means nothing: options. */
const unordered = compared$1((column) => listOf(column, "item"));
/** The digest of a list that may hold passwords. */
const hidden$2 = compared$1((column) => `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${listOf(column, "item")}, 'UTF8')), 'hex')`);
const role = compared$1((column) => `pg_catalog.pg_get_userbyid(r.${column})::text`);
/** 0 is PUBLIC; somebody who is named twice is named. */
const roles = compared$1((column) => `(SELECT pg_catalog.string_agg(DISTINCT ${roleOrPublic("item")}, ', ' ORDER BY ${roleOrPublic("item")}) FROM pg_catalog.unnest(r.${column}) AS item)`);
const relation = byOid("regclass");
const collation = byOid("regcollation");
const operator = byOid("regoperator");
const type = compared$1((column) => typeName(`r.${column}`));
const types$1 = compared$1((column) => inOrder$1(column, typeName("part.item")));
const routine$1 = compared$1((column) => `CASE WHEN r.${column}::oid <> 0 THEN r.${column}::oid::regprocedure::text END`);
/** Rows of another catalog, as PostgreSQL itself identifies them. */
const object = (catalog) => compared$1((column) => identity$2(catalog, `r.${column}`));
const objects = (catalog) => compared$1((column) => inOrder$1(column, identity$2(catalog, "part.item")));
const collations = compared$1((column) => inOrder$1(column, named0("part.item", "regcollation")));
const numbers = compared$1((column) => inOrder$1(column, "part.item::text"));
/** Numbers of columns of the relation in `of`, as names. */
const columns$1 = (of) => compared$1((column) => {
	return inOrder$1(column, `CASE part.item WHEN 0 THEN '(expression)' ELSE (SELECT pg_catalog.quote_ident(a.attname)
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.${of} AND a.attnum = part.item) END`, "int2[]");
});
/** Privileges, those that hold by default included: a restore writes some of them out and leaves others to the default. */
const privileges = (objectKind, owner) => compared$1((column) => aclText$1(`coalesce(r.${column}, pg_catalog.acldefault(${objectKind}, r.${owner}))`));
const grants = compared$1((column) => aclText$1(`r.${column}`));
/**
* An expression, `text` is its SQL. PostgreSQL prints some expressions differently after one restore, so those of users
* are compared in the schema's text, which is a fixpoint. What an extension has made comes from the same script.
*/
const expression = (text) => compared$1((column, extension) => `CASE WHEN r.${column} IS NOT NULL THEN CASE WHEN ${extension} IS NULL THEN '(in the schema text)' ELSE ${text} END END`);
function byOid(alias) {
	return compared$1((column) => named0(`r.${column}`, alias));
}
function named0(oid, alias) {
	return `CASE WHEN ${oid} <> 0 THEN ${oid}::${alias}::text END`;
}
function typeName(oid) {
	return `CASE WHEN ${oid} <> 0 THEN pg_catalog.format_type(${oid}, NULL) END`;
}
function roleOrPublic(oid) {
	return `CASE ${oid} WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(${oid})) END`;
}
/** SQL: how PostgreSQL identifies a row of a catalog, by names. */
function identity$2(catalog, oid) {
	return `CASE WHEN ${oid} <> 0 THEN (pg_catalog.pg_identify_object('pg_catalog.${catalog}'::regclass, ${oid}, 0)).identity END`;
}
function listOf(column, item) {
	return `(SELECT pg_catalog.string_agg(${item}, ', ' ORDER BY ${item} COLLATE "C") FROM pg_catalog.unnest(r.${column}) AS item)`;
}
function inOrder$1(column, item, array = "oid[]") {
	return `(SELECT pg_catalog.string_agg(coalesce(${item}, '-'), ', ' ORDER BY part.place)
     FROM pg_catalog.unnest(r.${column}::${array}) WITH ORDINALITY AS part(item, place))`;
}
function aclText$1(acl) {
	return `(SELECT pg_catalog.string_agg(item::text, ' ' ORDER BY item::text COLLATE "C") FROM pg_catalog.unnest(${acl}) AS item)`;
}

// src/database/postgres/inventory/belongings.ts
/** SQL: the object of a row with classoid, objoid and objsubid, as PostgreSQL identifies it. */
const identified = (classId, objectId, subId) => `(SELECT o.type || ' ' || o.identity FROM pg_catalog.pg_identify_object(r.${classId}, r.${objectId}, r.${subId}) AS o)`;
/** Objects of other sessions' temporary schemas come and go. */
const isLasting$1 = (name) => `coalesce(${name} !~ 'pg_(toast_)?temp_[0-9]+[.]', false)`;
const described = identified("objoid", "classoid", "objsubid").replace("r.objoid, r.classoid", "r.classoid, r.objoid");
const member = identified("classid", "objid", "objsubid");
const labelled = described;
const compared = (sql) => ({
	rule: "compared",
	sql: () => sql
});
/** What is said of objects from outside: extensions and their members, comments, labels, default privileges. */
const belongings = {
	pg_extension: standing$1("pg_extension", {
		kind: `'extension'`,
		name: "pg_catalog.quote_ident(r.extname)",
		rows: "true",
		extension: "NULL::text",
		columns: {
			oid: ownNumber,
			extname: named$2,
			extowner: left("compared with the extensions of the fingerprint, which are made by their owners"),
			extnamespace: left("compared with the extensions of the fingerprint"),
			extrelocatable: value,
			extversion: left("compared with the extensions of the fingerprint"),
			extconfig: compared(`(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', t.item::regclass::text, r.extcondition[t.place]), '; ' ORDER BY t.item::regclass::text COLLATE "C")
        FROM pg_catalog.unnest(r.extconfig) WITH ORDINALITY AS t(item, place))`),
			extcondition: left("printed with the tables")
		},
		hasSystemRows: false
	}),
	pg_depend: {
		kind: `CASE r.deptype WHEN 'e' THEN 'member of extension' ELSE 'dependency on extension' END`,
		name: `(SELECT pg_catalog.quote_ident(e.extname) FROM pg_catalog.pg_extension e WHERE e.oid = r.refobjid) || ': ' || ${member}`,
		joins: "",
		rows: `r.deptype IN ('e', 'x') AND r.refclassid = 'pg_catalog.pg_extension'::regclass`,
		extension: "NULL::text",
		columns: {
			classid: named$2,
			objid: named$2,
			objsubid: named$2,
			refclassid: named$2,
			refobjid: named$2,
			refobjsubid: left("extensions have no parts"),
			deptype: named$2
		},
		hasSystemRows: false
	},
	pg_description: {
		kind: `'comment'`,
		name: described,
		joins: "",
		rows: `(r.objoid >= 16384 OR r.objoid = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public') OR r.classoid = 'pg_catalog.pg_extension'::regclass) AND ${isLasting$1(described)}`,
		extension: "NULL::text",
		columns: {
			objoid: named$2,
			classoid: named$2,
			objsubid: named$2,
			description: value
		},
		hasSystemRows: true
	},
	pg_seclabel: {
		kind: `'security label'`,
		name: `r.provider || ': ' || ${labelled}`,
		joins: "",
		rows: isLasting$1(labelled),
		extension: "NULL::text",
		columns: {
			objoid: named$2,
			classoid: named$2,
			objsubid: named$2,
			provider: named$2,
			label: value
		},
		hasSystemRows: false
	},
	pg_default_acl: standing$1("pg_default_acl", {
		kind: `'default privileges'`,
		name: `pg_catalog.concat_ws(' ', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.defaclrole)), r.defaclobjtype, CASE WHEN r.defaclnamespace <> 0 THEN r.defaclnamespace::regnamespace::text END)`,
		extension: "NULL::text",
		columns: {
			oid: ownNumber,
			defaclrole: named$2,
			defaclnamespace: named$2,
			defaclobjtype: named$2,
			defaclacl: grants
		},
		hasSystemRows: false
	}),
	pg_init_privs: {
		kind: `'initial privileges'`,
		name: `''`,
		joins: "",
		rows: "false",
		extension: "NULL::text",
		columns: {
			objoid: left("what a script of an extension has granted at first; the privileges themselves are compared"),
			classoid: left("as objoid"),
			objsubid: left("as objoid"),
			privtype: left("as objoid"),
			initprivs: left("as objoid")
		},
		hasSystemRows: false
	}
};

// src/database/postgres/inventory/connections.ts
const publicationName = `(SELECT pg_catalog.quote_ident(p.pubname) FROM pg_catalog.pg_publication p WHERE p.oid =`;
const notHeld = left("no copy has a subscription: it would take the slot of the original. That there is one is told, and closes the swap");
/** What leads out of the database: foreign data, publications, subscriptions. */
const connections = {
	pg_foreign_data_wrapper: standing$1("pg_foreign_data_wrapper", {
		kind: `'foreign-data wrapper'`,
		name: "pg_catalog.quote_ident(r.fdwname)",
		columns: {
			oid: ownNumber,
			fdwname: named$2,
			fdwowner: role,
			fdwhandler: routine$1,
			fdwvalidator: routine$1,
			fdwacl: privileges(`'F'`, "fdwowner"),
			fdwoptions: hidden$2
		}
	}),
	pg_foreign_server: standing$1("pg_foreign_server", {
		kind: `'server'`,
		name: "pg_catalog.quote_ident(r.srvname)",
		columns: {
			oid: ownNumber,
			srvname: named$2,
			srvowner: role,
			srvfdw: object("pg_foreign_data_wrapper"),
			srvtype: value,
			srvversion: value,
			srvacl: privileges(`'S'`, "srvowner"),
			srvoptions: hidden$2
		}
	}),
	pg_user_mapping: {
		from: "pg_user_mappings",
		kind: `'user mapping'`,
		name: `CASE r.umuser WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.umuser)) END || ' on ' || pg_catalog.quote_ident(r.srvname)`,
		joins: "",
		rows: "true",
		extension: "NULL::text",
		columns: {
			oid: ownNumber,
			umuser: named$2,
			umserver: named$2,
			umoptions: hidden$2
		},
		hasSystemRows: false
	},
	pg_subscription: {
		kind: `'subscription'`,
		name: "pg_catalog.quote_ident(r.subname)",
		joins: "",
		rows: `r.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`,
		extension: "NULL::text",
		columns: {
			oid: notHeld,
			subdbid: notHeld,
			subskiplsn: notHeld,
			subname: named$2,
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
			suborigin: notHeld
		},
		hasSystemRows: false
	},
	pg_publication: standing$1("pg_publication", {
		kind: `'publication'`,
		name: "pg_catalog.quote_ident(r.pubname)",
		columns: {
			oid: ownNumber,
			pubname: named$2,
			pubowner: role,
			puballtables: value,
			pubinsert: value,
			pubupdate: value,
			pubdelete: value,
			pubtruncate: value,
			pubviaroot: value,
			pubgencols: value
		}
	}),
	pg_publication_namespace: standing$1("pg_publication_namespace", {
		kind: `'published schema'`,
		name: `${publicationName} r.pnpubid) || ': ' || r.pnnspid::regnamespace`,
		extension: "NULL::text",
		columns: {
			oid: ownNumber,
			pnpubid: named$2,
			pnnspid: named$2
		}
	}),
	pg_publication_rel: ofRelation("prrelid", {
		kind: `'published table'`,
		name: `${publicationName} r.prpubid) || ': ' || rel.name`,
		columns: {
			oid: ownNumber,
			prpubid: named$2,
			prrelid: named$2,
			prqual: expression("pg_catalog.pg_get_expr(r.prqual, r.prrelid)"),
			prattrs: columns$1("prrelid")
		}
	})
};

// src/database/postgres/inventory/relations.ts
const statistics = left("an estimate or a hint that PostgreSQL keeps for itself; the copy is analyzed");
const follows = left("follows from other rows that are compared");
/** An index has what its column had when it was built. */
const ofTables = (column) => ({
	rule: "compared",
	sql: () => `CASE WHEN rel.kind NOT IN ('i', 'I') THEN r.${column} END`
});
const physical = left("where and how the rows lie on disk");
/** What holds rows, and what hangs on it: columns, defaults, indexes, partitions, inheritance. */
const relations = {
	pg_class: inSchema("pg_class", "relnamespace", {
		kind: `CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
      WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END`,
		name: "rel.name",
		joins: "JOIN relations rel ON rel.oid = r.oid",
		rows: "true",
		extension: "rel.extension",
		columns: {
			oid: ownNumber,
			relname: named$2,
			relnamespace: named$2,
			relkind: named$2,
			reltype: follows,
			reloftype: type,
			relowner: role,
			relam: object("pg_am"),
			relfilenode: physical,
			reltablespace: object("pg_tablespace"),
			relpages: statistics,
			reltuples: statistics,
			relallvisible: statistics,
			relallfrozen: statistics,
			reltoastrelid: follows,
			relhasindex: statistics,
			relisshared: left("shared relations belong to the server"),
			relpersistence: value,
			relnatts: follows,
			relchecks: follows,
			relhasrules: statistics,
			relhastriggers: statistics,
			relhassubclass: statistics,
			relrowsecurity: value,
			relforcerowsecurity: value,
			relispopulated: left("compared with the materialized views of the fingerprint"),
			relreplident: value,
			relispartition: value,
			relrewrite: physical,
			relfrozenxid: physical,
			relminmxid: physical,
			relacl: privileges(`(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char"`, "relowner"),
			reloptions: unordered,
			relpartbound: {
				rule: "compared",
				sql: () => "pg_catalog.pg_get_expr(r.relpartbound, r.oid)"
			}
		},
		more: {
			toastOptions: `(SELECT pg_catalog.array_to_string(t.reloptions, ', ') FROM pg_catalog.pg_class t WHERE t.oid = r.reltoastrelid)`,
			ownedBy: `(SELECT d.refobjid::regclass::text || '.' || a.attname FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE r.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0)`
		}
	}),
	pg_attribute: ofRelation("attrelid", {
		kind: `CASE WHEN rel.kind IN ('i', 'I') THEN 'index column' ELSE 'column' END`,
		name: `CASE WHEN rel.kind IN ('i', 'I') THEN rel.name || ' ' || r.attnum ELSE rel.name || '.' || pg_catalog.quote_ident(r.attname) END`,
		rows: `r.attnum > 0 AND NOT r.attisdropped AND rel.kind <> 'S'`,
		columns: {
			attrelid: named$2,
			attname: named$2,
			attnum: left("dropped columns leave gaps; the position among the others is compared"),
			atttypid: {
				rule: "compared",
				sql: () => "pg_catalog.format_type(r.atttypid, r.atttypmod)"
			},
			atttypmod: follows,
			attstattarget: value,
			attlen: follows,
			attndims: left("what was written between the brackets of an array; PostgreSQL does not use it and no dump has it"),
			attcacheoff: physical,
			attbyval: follows,
			attalign: follows,
			attstorage: ofTables("attstorage"),
			attcompression: ofTables("attcompression"),
			attnotnull: value,
			atthasdef: value,
			atthasmissing: physical,
			attidentity: value,
			attgenerated: value,
			attisdropped: left("dropped columns are gone"),
			attislocal: value,
			attinhcount: value,
			attcollation: collation,
			attacl: grants,
			attoptions: {
				rule: "compared",
				sql: () => `(SELECT pg_catalog.string_agg(item, ', ' ORDER BY item COLLATE "C") FROM pg_catalog.unnest(r.attoptions) AS item WHERE item NOT LIKE 'pg\\_attver=%')`
			},
			attfdwoptions: unordered,
			attmissingval: physical
		},
		more: { position: `(SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.attrelid AND a.attnum BETWEEN 1 AND r.attnum AND NOT a.attisdropped)` }
	}),
	pg_attrdef: ofRelation("adrelid", {
		kind: `'default'`,
		name: `rel.name || '.' || (SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.adrelid AND a.attnum = r.adnum)`,
		columns: {
			oid: ownNumber,
			adrelid: named$2,
			adnum: named$2,
			adbin: expression("pg_catalog.pg_get_expr(r.adbin, r.adrelid)")
		}
	}),
	pg_index: ofRelation("indexrelid", {
		kind: `'index definition'`,
		name: "rel.name",
		columns: {
			indexrelid: named$2,
			indrelid: relation,
			indnatts: follows,
			indnkeyatts: value,
			indisunique: value,
			indnullsnotdistinct: value,
			indisprimary: value,
			indisexclusion: value,
			indimmediate: value,
			indisclustered: value,
			indisvalid: value,
			indcheckxmin: physical,
			indisready: value,
			indislive: value,
			indisreplident: value,
			indkey: columns$1("indrelid"),
			indcollation: collations,
			indclass: objects("pg_opclass"),
			indoption: numbers,
			indexprs: expression("pg_catalog.pg_get_expr(r.indexprs, r.indrelid)"),
			indpred: expression("pg_catalog.pg_get_expr(r.indpred, r.indrelid)")
		}
	}),
	pg_inherits: ofRelation("inhrelid", {
		kind: `'inheritance'`,
		name: `rel.name || ' of ' || r.inhparent::regclass`,
		columns: {
			inhrelid: named$2,
			inhparent: named$2,
			inhseqno: value,
			inhdetachpending: value
		}
	}),
	pg_partitioned_table: ofRelation("partrelid", {
		kind: `'partition key'`,
		name: "rel.name",
		columns: {
			partrelid: named$2,
			partstrat: value,
			partnatts: follows,
			partdefid: relation,
			partattrs: columns$1("partrelid"),
			partclass: objects("pg_opclass"),
			partcollation: collations,
			partexprs: expression("pg_catalog.pg_get_expr(r.partexprs, r.partrelid)")
		}
	}),
	pg_sequence: ofRelation("seqrelid", {
		kind: `'sequence definition'`,
		name: "rel.name",
		columns: {
			seqrelid: named$2,
			seqtypid: type,
			seqstart: value,
			seqincrement: value,
			seqmax: value,
			seqmin: value,
			seqcache: value,
			seqcycle: value
		}
	}),
	pg_foreign_table: ofRelation("ftrelid", {
		kind: `'foreign table definition'`,
		name: "rel.name",
		columns: {
			ftrelid: named$2,
			ftserver: object("pg_foreign_server"),
			ftoptions: unordered
		}
	}),
	pg_namespace: inSchema("pg_namespace", "oid", {
		kind: `'schema'`,
		name: "pg_catalog.quote_ident(r.nspname)",
		rows: `(r.oid >= ${firstUserOid$2} OR r.nspname = 'public') AND r.oid NOT IN (SELECT oid FROM temp_schemas)`,
		columns: {
			oid: ownNumber,
			nspname: named$2,
			nspowner: role,
			nspacl: privileges(`'n'`, "nspowner")
		}
	}),
	pg_statistic_ext: inSchema("pg_statistic_ext", "stxnamespace", {
		kind: `'statistics object'`,
		name: `pg_catalog.format('%I.%I', r.stxnamespace::regnamespace::text, r.stxname)`,
		columns: {
			oid: ownNumber,
			stxrelid: relation,
			stxname: named$2,
			stxnamespace: named$2,
			stxowner: role,
			stxstattarget: value,
			stxkeys: columns$1("stxrelid"),
			stxkind: value,
			stxexprs: expression("pg_catalog.pg_get_expr(r.stxexprs, r.stxrelid)")
		}
	})
};

// src/database/postgres/inventory/routines.ts
const ofRoutine = left("follows from the name, which holds the types of the arguments");
const family = identity$2("pg_opfamily", "r.amopfamily");
const procedureFamily = identity$2("pg_opfamily", "r.amprocfamily");
/** What can be called: functions, aggregates, operators and the families in which indexes find them. */
const routines = {
	pg_proc: inSchema("pg_proc", "pronamespace", {
		kind: `CASE r.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END`,
		name: "r.oid::regprocedure::text",
		columns: {
			oid: ownNumber,
			proname: named$2,
			pronamespace: named$2,
			proowner: role,
			prolang: object("pg_language"),
			procost: value,
			prorows: value,
			provariadic: type,
			prosupport: routine$1,
			prokind: value,
			prosecdef: value,
			proleakproof: value,
			proisstrict: value,
			proretset: value,
			provolatile: value,
			proparallel: value,
			pronargs: ofRoutine,
			pronargdefaults: value,
			prorettype: type,
			proargtypes: ofRoutine,
			proallargtypes: types$1,
			proargmodes: value,
			proargnames: value,
			proargdefaults: expression("pg_catalog.pg_get_expr(r.proargdefaults, 0)"),
			protrftypes: types$1,
			prosrc: value,
			probin: value,
			prosqlbody: expression("pg_catalog.pg_get_function_sqlbody(r.oid)"),
			proconfig: value,
			proacl: privileges(`'f'`, "proowner")
		}
	}),
	pg_aggregate: {
		kind: `'aggregate definition'`,
		name: "r.aggfnoid::oid::regprocedure::text",
		joins: "JOIN pg_catalog.pg_proc p ON p.oid = r.aggfnoid",
		rows: "r.aggfnoid::oid >= 16384 AND p.pronamespace NOT IN (SELECT oid FROM temp_schemas)",
		extension: extensionOf$1("pg_proc", "p.oid"),
		columns: {
			aggfnoid: named$2,
			aggkind: value,
			aggnumdirectargs: value,
			aggtransfn: routine$1,
			aggfinalfn: routine$1,
			aggcombinefn: routine$1,
			aggserialfn: routine$1,
			aggdeserialfn: routine$1,
			aggmtransfn: routine$1,
			aggminvtransfn: routine$1,
			aggmfinalfn: routine$1,
			aggfinalextra: value,
			aggmfinalextra: value,
			aggfinalmodify: value,
			aggmfinalmodify: value,
			aggsortop: operator,
			aggtranstype: type,
			aggtransspace: value,
			aggmtranstype: type,
			aggmtransspace: value,
			agginitval: value,
			aggminitval: value
		},
		hasSystemRows: false
	},
	pg_language: standing$1("pg_language", {
		kind: `'language'`,
		name: "pg_catalog.quote_ident(r.lanname)",
		columns: {
			oid: ownNumber,
			lanname: named$2,
			lanowner: role,
			lanispl: value,
			lanpltrusted: value,
			lanplcallfoid: routine$1,
			laninline: routine$1,
			lanvalidator: routine$1,
			lanacl: privileges(`'l'`, "lanowner")
		}
	}),
	pg_operator: inSchema("pg_operator", "oprnamespace", {
		kind: `'operator'`,
		name: "r.oid::regoperator::text",
		columns: {
			oid: ownNumber,
			oprname: named$2,
			oprnamespace: named$2,
			oprowner: role,
			oprkind: value,
			oprcanmerge: value,
			oprcanhash: value,
			oprleft: named$2,
			oprright: named$2,
			oprresult: type,
			oprcom: operator,
			oprnegate: operator,
			oprcode: routine$1,
			oprrest: routine$1,
			oprjoin: routine$1
		}
	}),
	pg_opclass: inSchema("pg_opclass", "opcnamespace", {
		kind: `'operator class'`,
		name: identity$2("pg_opclass", "r.oid"),
		columns: {
			oid: ownNumber,
			opcmethod: named$2,
			opcname: named$2,
			opcnamespace: named$2,
			opcowner: role,
			opcfamily: object("pg_opfamily"),
			opcintype: type,
			opcdefault: value,
			opckeytype: type
		}
	}),
	pg_opfamily: inSchema("pg_opfamily", "opfnamespace", {
		kind: `'operator family'`,
		name: identity$2("pg_opfamily", "r.oid"),
		columns: {
			oid: ownNumber,
			opfmethod: named$2,
			opfname: named$2,
			opfnamespace: named$2,
			opfowner: role
		}
	}),
	pg_amop: standing$1("pg_amop", {
		kind: `'operator of family'`,
		name: `pg_catalog.concat_ws(' ', ${family}, pg_catalog.format_type(r.amoplefttype, NULL), pg_catalog.format_type(r.amoprighttype, NULL), r.amopstrategy, r.amoppurpose)`,
		extension: extensionOf$1("pg_opfamily", "r.amopfamily"),
		columns: {
			oid: ownNumber,
			amopfamily: named$2,
			amoplefttype: named$2,
			amoprighttype: named$2,
			amopstrategy: named$2,
			amoppurpose: named$2,
			amopopr: operator,
			amopmethod: left("the method of the family"),
			amopsortfamily: object("pg_opfamily")
		}
	}),
	pg_amproc: standing$1("pg_amproc", {
		kind: `'support function of family'`,
		name: `pg_catalog.concat_ws(' ', ${procedureFamily}, pg_catalog.format_type(r.amproclefttype, NULL), pg_catalog.format_type(r.amprocrighttype, NULL), r.amprocnum)`,
		extension: extensionOf$1("pg_opfamily", "r.amprocfamily"),
		columns: {
			oid: ownNumber,
			amprocfamily: named$2,
			amproclefttype: named$2,
			amprocrighttype: named$2,
			amprocnum: named$2,
			amproc: routine$1
		}
	}),
	pg_am: standing$1("pg_am", {
		kind: `'access method'`,
		name: "pg_catalog.quote_ident(r.amname)",
		columns: {
			oid: ownNumber,
			amname: named$2,
			amhandler: routine$1,
			amtype: value
		}
	})
};

// src/database/postgres/inventory/rules-on-relations.ts
const operators = left("PostgreSQL derives the operators from types and index");
/**
* Name and place of a constraint, `c` being its row; of a table or of a domain. What partitions inherit is named anew by
* PostgreSQL at each restore, so it is known by its columns.
*/
const constraintName = (c) => `CASE WHEN ${c}.conparentid <> 0 AND ${c}.contype = 'f'
  THEN pg_catalog.format('inherited by %s (%s) from %s', ${c}.conrelid::regclass, ${columnNames(c)}, ${c}.confrelid::regclass)
  ELSE pg_catalog.quote_ident(${c}.conname) || ' of '
    || CASE WHEN ${c}.conrelid <> 0 THEN ${c}.conrelid::regclass::text ELSE pg_catalog.format_type(${c}.contypid, NULL) END END`;
const columnNames = (c) => `(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place) FROM pg_catalog.unnest(${c}.conkey) WITH ORDINALITY AS k(number, place)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = ${c}.conrelid AND a.attnum = k.number)`;
/** Triggers of constraints have an OID in their name. */
const triggerName = `CASE WHEN r.tgisinternal AND r.tgconstraint <> 0
  THEN (SELECT pg_catalog.format('of constraint %s: %s, %s', ${constraintName("c")}, r.tgfoid::regproc, r.tgtype)
          FROM pg_catalog.pg_constraint c WHERE c.oid = r.tgconstraint)
  ELSE pg_catalog.quote_ident(r.tgname) END`;
/** What guards rows or reacts to them: constraints, triggers, rules, policies. */
const rulesOnRelations = {
	pg_constraint: inSchema("pg_constraint", "connamespace", {
		kind: `'constraint'`,
		name: constraintName("r"),
		joins: "LEFT JOIN relations rel ON rel.oid = r.conrelid",
		rows: `r.oid >= 16384 AND r.connamespace NOT IN (SELECT oid FROM temp_schemas) AND r.contype <> 't' AND (r.conrelid = 0 OR rel.oid IS NOT NULL)`,
		extension: `coalesce(rel.extension, (SELECT m.extension FROM members m WHERE m.class = 'pg_catalog.pg_type'::regclass AND m.object = r.contypid))`,
		columns: {
			oid: ownNumber,
			conname: named$2,
			connamespace: left("a constraint lives where its table or domain lives"),
			contype: value,
			condeferrable: value,
			condeferred: value,
			conenforced: value,
			convalidated: {
				rule: "compared",
				sql: () => `CASE WHEN r.contype <> 'f' OR r.conparentid = 0 THEN r.convalidated END`
			},
			conrelid: named$2,
			contypid: named$2,
			conindid: {
				rule: "compared",
				sql: () => `CASE WHEN r.contype <> 'f' AND r.conindid <> 0 THEN r.conindid::regclass END`
			},
			conparentid: left("follows from partitions and their constraints"),
			confrelid: relation,
			confupdtype: value,
			confdeltype: value,
			confmatchtype: value,
			conislocal: value,
			coninhcount: value,
			connoinherit: {
				rule: "compared",
				sql: () => `CASE WHEN r.contype IN ('c', 'n') THEN r.connoinherit END`
			},
			conperiod: value,
			conkey: columns$1("conrelid"),
			confkey: columns$1("confrelid"),
			conpfeqop: operators,
			conppeqop: operators,
			conffeqop: operators,
			confdelsetcols: columns$1("conrelid"),
			conexclop: operators,
			conbin: expression("pg_catalog.pg_get_expr(r.conbin, r.conrelid)")
		},
		more: { inheritedAs: `CASE WHEN r.conparentid <> 0 AND r.contype = 'f' THEN pg_catalog.quote_ident(r.conname) END` }
	}),
	pg_trigger: ofRelation("tgrelid", {
		kind: `'trigger'`,
		name: `(${triggerName}) || ' on ' || rel.name`,
		columns: {
			oid: ownNumber,
			tgrelid: named$2,
			tgparentid: left("follows from partitions and their triggers"),
			tgname: named$2,
			tgfoid: routine$1,
			tgtype: value,
			tgenabled: value,
			tgisinternal: value,
			tgconstrrelid: relation,
			tgconstrindid: left("the index of the constraint"),
			tgconstraint: named$2,
			tgdeferrable: value,
			tginitdeferred: value,
			tgnargs: value,
			tgattr: columns$1("tgrelid"),
			tgargs: value,
			tgqual: expression(`pg_catalog.pg_get_triggerdef(r.oid)`),
			tgoldtable: value,
			tgnewtable: value
		}
	}),
	pg_rewrite: ofRelation("ev_class", {
		kind: `'rule'`,
		name: `pg_catalog.quote_ident(r.rulename) || ' on ' || rel.name`,
		columns: {
			oid: ownNumber,
			rulename: named$2,
			ev_class: named$2,
			ev_type: value,
			ev_enabled: value,
			is_instead: value,
			ev_qual: left("printed together with the action"),
			ev_action: expression("pg_catalog.pg_get_ruledef(r.oid)")
		}
	}),
	pg_policy: ofRelation("polrelid", {
		kind: `'policy'`,
		name: `pg_catalog.quote_ident(r.polname) || ' on ' || rel.name`,
		columns: {
			oid: ownNumber,
			polname: named$2,
			polrelid: named$2,
			polcmd: value,
			polpermissive: value,
			polroles: roles,
			polqual: expression("pg_catalog.pg_get_expr(r.polqual, r.polrelid)"),
			polwithcheck: expression("pg_catalog.pg_get_expr(r.polwithcheck, r.polrelid)")
		}
	}),
	pg_event_trigger: standing$1("pg_event_trigger", {
		kind: `'event trigger'`,
		name: "pg_catalog.quote_ident(r.evtname)",
		columns: {
			oid: ownNumber,
			evtname: named$2,
			evtevent: value,
			evtowner: role,
			evtfoid: routine$1,
			evtenabled: value,
			evttags: value
		}
	})
};

// src/database/postgres/inventory/text-search.ts
const nameIn = (schemaColumn, nameColumn) => `pg_catalog.format('%I.%I', r.${schemaColumn}::regnamespace::text, r.${nameColumn})`;
/** Text search: parsers, templates, dictionaries, configurations. */
const textSearch = {
	pg_ts_config: inSchema("pg_ts_config", "cfgnamespace", {
		kind: `'text search configuration'`,
		name: nameIn("cfgnamespace", "cfgname"),
		columns: {
			oid: ownNumber,
			cfgname: named$2,
			cfgnamespace: named$2,
			cfgowner: role,
			cfgparser: object("pg_ts_parser")
		}
	}),
	pg_ts_config_map: {
		kind: `'text search mapping'`,
		name: `pg_catalog.concat_ws(' ', r.mapcfg::regconfig::text, r.maptokentype, r.mapseqno)`,
		joins: "",
		rows: "r.mapcfg >= 16384",
		extension: extensionOf$1("pg_ts_config", "r.mapcfg"),
		columns: {
			mapcfg: named$2,
			maptokentype: named$2,
			mapseqno: named$2,
			mapdict: object("pg_ts_dict")
		},
		hasSystemRows: false
	},
	pg_ts_dict: inSchema("pg_ts_dict", "dictnamespace", {
		kind: `'text search dictionary'`,
		name: nameIn("dictnamespace", "dictname"),
		columns: {
			oid: ownNumber,
			dictname: named$2,
			dictnamespace: named$2,
			dictowner: role,
			dicttemplate: object("pg_ts_template"),
			dictinitoption: value
		}
	}),
	pg_ts_parser: inSchema("pg_ts_parser", "prsnamespace", {
		kind: `'text search parser'`,
		name: nameIn("prsnamespace", "prsname"),
		columns: {
			oid: ownNumber,
			prsname: named$2,
			prsnamespace: named$2,
			prsstart: routine$1,
			prstoken: routine$1,
			prsend: routine$1,
			prsheadline: routine$1,
			prslextype: routine$1
		}
	}),
	pg_ts_template: inSchema("pg_ts_template", "tmplnamespace", {
		kind: `'text search template'`,
		name: nameIn("tmplnamespace", "tmplname"),
		columns: {
			oid: ownNumber,
			tmplname: named$2,
			tmplnamespace: named$2,
			tmplinit: routine$1,
			tmpllexize: routine$1
		}
	})
};

// src/database/postgres/inventory/types.ts
/** Rows of tables and arrays have types of their own, which follow them but for their privileges. */
const ownTypes = `(r.typacl IS NOT NULL
    OR NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = r.oid)
       AND (r.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.typrelid AND c.relkind = 'c')))`;
/** A type that is not a session's own. */
const isLasting = (type) => `NOT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN temp_schemas s ON s.oid = t.typnamespace WHERE t.oid = ${type})`;
/** Types and what converts between them. */
const typeCatalogs = {
	pg_type: inSchema("pg_type", "typnamespace", {
		kind: `CASE r.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' ELSE 'type' END`,
		name: "pg_catalog.format_type(r.oid, NULL)",
		rows: `r.oid >= ${firstUserOid$2} AND r.typnamespace NOT IN (SELECT oid FROM temp_schemas) AND r.typnamespace <> 'pg_toast'::regnamespace AND ${ownTypes}`,
		columns: {
			oid: ownNumber,
			typname: named$2,
			typnamespace: named$2,
			typowner: role,
			typlen: value,
			typbyval: value,
			typtype: value,
			typcategory: value,
			typispreferred: value,
			typisdefined: value,
			typdelim: value,
			typrelid: relation,
			typsubscript: routine$1,
			typelem: type,
			typarray: type,
			typinput: routine$1,
			typoutput: routine$1,
			typreceive: routine$1,
			typsend: routine$1,
			typmodin: routine$1,
			typmodout: routine$1,
			typanalyze: routine$1,
			typalign: value,
			typstorage: value,
			typnotnull: value,
			typbasetype: {
				rule: "compared",
				sql: () => "CASE WHEN r.typbasetype <> 0 THEN pg_catalog.format_type(r.typbasetype, r.typtypmod) END"
			},
			typtypmod: value,
			typndims: left("what was written between the brackets of an array; PostgreSQL does not use it and no dump has it"),
			typcollation: collation,
			typdefaultbin: expression("pg_catalog.pg_get_expr(r.typdefaultbin, 0)"),
			typdefault: expression("r.typdefault"),
			typacl: privileges(`'T'`, "typowner")
		}
	}),
	pg_enum: standing$1("pg_enum", {
		kind: `'enum value'`,
		name: `pg_catalog.format_type(r.enumtypid, NULL) || ' ' || pg_catalog.quote_literal(r.enumlabel)`,
		rows: `r.oid >= ${firstUserOid$2} AND ${isLasting("r.enumtypid")}`,
		extension: extensionOf$1("pg_type", "r.enumtypid"),
		columns: {
			oid: ownNumber,
			enumtypid: named$2,
			enumlabel: named$2,
			enumsortorder: {
				rule: "compared",
				sql: () => `(SELECT count(*) FROM pg_catalog.pg_enum o WHERE o.enumtypid = r.enumtypid AND o.enumsortorder <= r.enumsortorder)::text`
			}
		},
		hasSystemRows: false
	}),
	pg_range: {
		kind: `'range definition'`,
		name: "pg_catalog.format_type(r.rngtypid, NULL)",
		joins: "",
		rows: `r.rngtypid >= ${firstUserOid$2} AND ${isLasting("r.rngtypid")}`,
		extension: extensionOf$1("pg_type", "r.rngtypid"),
		columns: {
			rngtypid: named$2,
			rngsubtype: type,
			rngmultitypid: type,
			rngcollation: collation,
			rngsubopc: object("pg_opclass"),
			rngcanonical: routine$1,
			rngsubdiff: routine$1
		},
		hasSystemRows: false
	},
	pg_collation: inSchema("pg_collation", "collnamespace", {
		kind: `'collation'`,
		name: "r.oid::regcollation::text",
		columns: {
			oid: ownNumber,
			collname: named$2,
			collnamespace: named$2,
			collowner: role,
			collprovider: value,
			collisdeterministic: value,
			collencoding: left("which encoding it is for; all of a database have one, and a copied one is made for any"),
			collcollate: value,
			collctype: value,
			colliculocale: value,
			colllocale: value,
			collicurules: value,
			collversion: left("a copy records the version that the server has now; the recorded and the actual one of the target are compared with each other")
		}
	}),
	pg_conversion: inSchema("pg_conversion", "connamespace", {
		kind: `'conversion'`,
		name: `pg_catalog.format('%I.%I', r.connamespace::regnamespace::text, r.conname)`,
		columns: {
			oid: ownNumber,
			conname: named$2,
			connamespace: named$2,
			conowner: role,
			conforencoding: value,
			contoencoding: value,
			conproc: routine$1,
			condefault: value
		}
	}),
	pg_cast: standing$1("pg_cast", {
		kind: `'cast'`,
		name: `pg_catalog.format_type(r.castsource, NULL) || ' AS ' || pg_catalog.format_type(r.casttarget, NULL)`,
		columns: {
			oid: ownNumber,
			castsource: named$2,
			casttarget: named$2,
			castfunc: routine$1,
			castcontext: value,
			castmethod: value
		}
	}),
	pg_transform: standing$1("pg_transform", {
		kind: `'transform'`,
		name: `pg_catalog.format_type(r.trftype, NULL) || ' for ' || (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = r.trflang)`,
		columns: {
			oid: ownNumber,
			trftype: named$2,
			trflang: named$2,
			trffromsql: routine$1,
			trftosql: routine$1
		}
	})
};

// src/database/postgres/inventory/catalogs.ts
/**
* Every catalog of PostgreSQL 15 to 18 that is read, each with all of its columns; left-catalogs.ts has the others. A test
* holds both against the servers.
*/
const catalogs = {
	...relations,
	...rulesOnRelations,
	...typeCatalogs,
	...routines,
	...textSearch,
	...connections,
	...belongings
};

// src/database/postgres/inventory/inventory-sql.ts
/** SQL that tells the columns of every catalog: rows `catalog`, `columns`. */
const catalogColumnsSql = `
  SELECT c.relname::text AS "catalog", pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) AS "columns"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' GROUP BY c.relname`;
/**
* SQL that lists every object of the database: rows `kind`, `name`, `extension`, `facts` (a JSON object, by the name of the column).
* Facts that are empty, false or 0 are left out. A fact of the system's own rows, which are many, is their digest.
*/
function inventorySql(existing) {
	const parts = Object.entries(catalogs).flatMap(([catalog, entry]) => {
		const columns = existing.get(catalog);
		if (columns === void 0) return [];
		const selects = [objectsSql(catalog, entry, columns)];
		if (entry.hasSystemRows) selects.push(systemRowsSql(catalog, entry, columns));
		return selects;
	});
	return `WITH ${commonTables} ${[...parts, invalidIndexes].join("\nUNION ALL\n")}`;
}
/**
* `members`: what belongs to an extension itself. `relations`: those whose rows and facts count, with the extension that
* they, or the table of an index, belong to. Not TOAST tables, which have an OID in their name, nor indexes that are not
* valid: a dump leaves those out, and they answer nothing.
*/
const commonTables = `
  temp_schemas AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_[0-9]+$'),
  members AS MATERIALIZED (
    SELECT d.classid AS class, d.objid AS object, e.extname::text AS extension FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'),
  relations AS MATERIALIZED (
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind AS kind, m.extension
      FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
      LEFT JOIN members m ON m.class = 'pg_catalog.pg_class'::regclass AND m.object = coalesce(i.indrelid, c.oid)
     WHERE c.oid >= ${firstUserOid$2} AND c.relkind <> 't' AND c.relpersistence <> 't'
       AND c.relnamespace NOT IN (SELECT oid FROM temp_schemas UNION ALL SELECT 'pg_toast'::regnamespace)
       AND (i.indexrelid IS NULL OR i.indisvalid OR c.relkind = 'I'))`;
/** A dump leaves them out: what CREATE INDEX CONCURRENTLY left behind, for one. */
const invalidIndexes = `
  SELECT 'invalid index', i.indexrelid::regclass::text, NULL::text, '{}'::jsonb
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN relations rel ON rel.oid = i.indrelid WHERE NOT i.indisvalid AND c.relkind = 'i'`;
function objectsSql(catalog, entry, existing) {
	const facts = [];
	for (const [column, rule] of Object.entries(entry.columns)) {
		if (rule.rule !== "compared" || !existing.has(column)) continue;
		facts.push(factSql(column, rule.sql(column, entry.extension)));
	}
	for (const [fact, sql] of Object.entries(entry.more ?? {})) facts.push(factSql(fact, sql));
	return `SELECT ${entry.kind} AS "kind", (${entry.name})::text AS "name", ${entry.extension} AS "extension",
       pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(${facts.join(", ")})) AS "facts"
  FROM pg_catalog.${entry.from ?? catalog} r ${entry.joins} WHERE ${entry.rows}`;
}
function factSql(name, sql) {
	return `${literal(name)}, nullif(nullif(nullif((${sql})::text, ''), 'false'), '0')`;
}
/** One row for all that initdb made. Their privileges are left out: a dump restores those that were changed. */
function systemRowsSql(catalog, entry, existing) {
	const oid = existing.has("oid") ? "oid" : "objoid";
	const row = `pg_catalog.hashtextextended(ROW(r.${oid}, ${Object.entries(entry.columns).filter(([column, rule]) => rule.rule !== "left" && existing.has(column) && !/acl$/.test(column)).map(([column]) => `r.${column}`).join(", ")})::text, 0)::numeric`;
	return `SELECT 'system rows', ${literal(catalog)}, NULL::text,
       pg_catalog.jsonb_build_object('digest', coalesce(pg_catalog.sum(${row}), 0)::text)
  FROM pg_catalog.${catalog} r WHERE r.${oid} < ${firstUserOid$2}${catalog === "pg_namespace" ? ` AND r.nspname <> 'public'` : ""}`;
}

// src/database/postgres/inventory/read-inventory.ts
const columnsRow = object$1({
	catalog: string(),
	columns: array(string())
});
const objectRow = object$1({
	kind: string(),
	name: string(),
	extension: string().nullable(),
	facts: record(string(), string())
});
/**
* Reads what the session's database holds from its catalogs, in the session's snapshot: nothing is asked of pg_dump, so
* that what a dump leaves out is seen. Any role may read all of it. Takes about a second for 2 000 tables.
*/
async function readInventory(session) {
	await session.execute("SET jit = off");
	const rows = await session.query(catalogColumnsSql, columnsRow);
	const columns = new Map(rows.map((row) => [row.catalog, new Set(row.columns)]));
	const objects = await session.query(inventorySql(columns), objectRow);
	await session.execute("RESET jit");
	return inventoryOf(objects);
}

// src/database/postgres/session/end-sessions.ts
/**
* Asks the server to end every session in a database of ours. Those that the role may not end are passed over:
* what is done next (DROP, RENAME) then fails and says that somebody is there.
*/
async function endSessionsIn(admin, database) {
	await endSessionsWhere(admin, `datname = ${literal(database)} AND pid <> pg_catalog.pg_backend_pid()`);
}
/** The same for the sessions of pg_stat_activity that `condition` picks, an expression of SQL. */
async function endSessionsWhere(admin, condition) {
	await admin.execute(`DO $sm$
    DECLARE
      session record;
    BEGIN
      FOR session IN SELECT pid FROM pg_catalog.pg_stat_activity WHERE ${condition}
      LOOP
        BEGIN
          PERFORM pg_catalog.pg_terminate_backend(session.pid);
        EXCEPTION WHEN insufficient_privilege THEN
          NULL;
        END;
      END LOOP;
    END
    $sm$`);
}

// src/database/postgres/session/reading-sessions.ts
/**
* `application_name` of the sessions that read the target while a run holds its lock. They keep transactions open, and
* with them locks on what they have read.
*/
const readingSession = {
	snapshot: "safe-migrate snapshot",
	fingerprint: "safe-migrate fingerprint",
	dump: "safe-migrate dump",
	compare: "safe-migrate compare"
};
/**
* Ends what a frozen machine's run still reads in this session's database; for whoever has just taken the lock, when no
* reader can be a living run's. A migration would otherwise wait for it without end: a process that is only stopped keeps its
* connection. Those that this role may not end are passed over.
*/
async function endLeftoverReaders(inTarget) {
	const names = Object.values(readingSession).map(literal).join(", ");
	await endSessionsWhere(inTarget, `datname = pg_catalog.current_database() AND application_name IN (${names})`);
}

// src/database/postgres/session/sql-errors.ts
/** A statement that the server refused. Holds the primary message only: DETAIL and CONTEXT carry row values. */
var SqlError = class extends SafeMigrateError {
	name = "SqlError";
	/** Five characters, e.g. `42P01`; see appendix A of PostgreSQL's manual. */
	sqlState;
	/** The server's own words, without our introduction. */
	primaryMessage;
	constructor(details) {
		super({
			code: "SM_SQL",
			message: `PostgreSQL refused a statement in ${details.database}: ${details.message} (SQLSTATE ${details.sqlState})`,
			hint: hintFor(details.sqlState),
			docs: "postgresql.md"
		});
		this.sqlState = details.sqlState;
		this.primaryMessage = details.message;
	}
};
function hintFor(sqlState) {
	if (sqlState === "42501") return "Give the role of the database URL the missing privilege.";
	if (sqlState.startsWith("53")) return "The server is out of disk, memory or connections: make room and run again.";
	if (sqlState.startsWith("57")) return "Somebody cancelled the statement or stopped the server: run again when it is quiet.";
	return "The server's log holds the statement and its details.";
}
/** The session is gone; what it was doing may or may not have happened. */
function connectionLost(database, sqlState, cause) {
	const reason = sqlState === null ? "" : ` (SQLSTATE ${sqlState})`;
	return new SafeMigrateError({
		code: "SM_CONNECTION_LOST",
		message: `The connection to database ${database} was lost${reason}.`,
		hint: "See whether the server was restarted, the session terminated or the network interrupted, then run again.",
		docs: "postgresql.md",
		cause
	});
}
/**
* What libpq and the server say when a connection does not come about (libpq's own texts are English under LC_ALL=C).
* Looked at in this order: with several addresses of one host, the server that answered matters most.
*/
const connectionProblems = [
	[/database ".*" does not exist/, {
		code: "SM_NO_DATABASE",
		what: "has no such database",
		hint: "Check the name in the database URL; safe-migrate never creates the target."
	}],
	[/password authentication failed|no password supplied|authentication failed|role ".*" does not exist|is not permitted to log in|no pg_hba\.conf entry|pg_hba\.conf rejects|SASL authentication|authentication method|permission denied for database/, {
		code: "SM_AUTH",
		what: "did not let the user in",
		hint: "Check user and password in the database URL (percent-encode special characters) and the server's pg_hba.conf."
	}],
	[/SSL|certificate|\bTLS\b/i, {
		code: "SM_TLS",
		what: "could not be reached over TLS as the URL asks",
		hint: "Check sslmode, sslaccept and sslcert in the database URL against what the server offers."
	}],
	[/FATAL/, {
		code: "SM_CONNECTION",
		what: "refused the connection",
		hint: "Read the message of the server; when it is starting, stopping or full, run again later."
	}],
	[/Connection refused|could not translate host name|timeout expired|timed out|No such file or directory|unreachable|No route to host|Connection reset|server closed the connection|Network is down|Permission denied/i, {
		code: "SM_UNREACHABLE",
		what: "cannot be reached",
		hint: "Check host and port in the database URL, that the server runs, and that this machine may connect to it (firewall, private network, IPv6-only host)."
	}]
];
const otherConnectionProblem = {
	code: "SM_CONNECTION",
	what: "could not be connected to",
	hint: "Check the database URL with psql from the same machine."
};
/**
* The error for a psql that ended before its session was open, from what it wrote to stderr. `serverName` is what the
* server is called when it is not the address of the URL that was connected to.
*/
function connectionError(address, database, stderr, serverName = null) {
	const problem = connectionProblems.find(([pattern]) => pattern.test(stderr))?.[1] ?? otherConnectionProblem;
	const host = address.host.includes(":") ? `[${address.host}]` : address.host;
	const said = saidBy(stderr);
	return new SafeMigrateError({
		code: problem.code,
		message: `The PostgreSQL server ${serverName ?? `at ${host}:${address.port}`} ${problem.what} (database ${database}, user ${address.user})${said === "" ? "." : `: ${said}`}`,
		hint: problem.hint,
		docs: "postgresql.md"
	});
}
/** The telling line of a connection error: the last FATAL if there is one, else the last line that is no advice. */
function saidBy(stderr) {
	const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !/^\s/.test(line) && !/^(DETAIL|HINT|CONTEXT|LINE|STATEMENT):/.test(line)).map((line) => line.replace(/^psql: (error: )?/, "").trim());
	return (lines.findLast((line) => line.includes("FATAL")) ?? lines.at(-1) ?? "").replace(/^(connection to server|could not connect to server)[^:]*(?:"[^"]*"[^:]*)*(?:: |$)/, "").replace(/^failed: /, "").replace(/^FATAL: +/, "");
}
/** The session is gone, or the server with it. */
function isConnectionLost(error) {
	return error instanceof SafeMigrateError && error.code === "SM_CONNECTION_LOST";
}

// src/database/postgres/schema/schema-text.ts
/**
* Text of `pg_dump --schema-only` of a database, in an exported snapshot when one is given, otherwise as it is now.
* Subscriptions are left out: a restored one would carry the replication slot of the original. `applicationName` is for
* whoever reads without the run's lock, and must not be ended by the next one who takes it.
* Rejects with SM_DUMP_FAILED, or with SM_CONNECTION_LOST when the server went away.
*/
async function readSchemaText(server, source, signal) {
	signal.throwIfAborted();
	const args = [
		"--schema-only",
		"--no-subscriptions",
		"--encoding=UTF8"
	];
	if (source.snapshotId !== void 0) args.push(`--snapshot=${source.snapshotId}`);
	const process = server.tools.start("pg_dump", args, {
		database: source.database,
		env: { PGAPPNAME: source.applicationName ?? readingSession.dump },
		signal
	});
	const [output, exit] = await Promise.all([text(process.stdout), process.exited]);
	signal.throwIfAborted();
	if (exit.exitCode !== 0) {
		if (isConnectionLoss(exit)) throw connectionLost(source.database, null);
		const { message } = describeToolFailure("pg_dump", exit);
		throw new SafeMigrateError({
			code: "SM_DUMP_FAILED",
			message: `the schema of ${source.database} could not be dumped: ${message}`,
			hint: "The role of database-url must be able to read every object of the database.",
			docs: "postgresql.md"
		});
	}
	return output;
}
/**
* Splits the text into entries. What depends on the run or on the client only (versions, `\restrict` tokens, SET
* lines of the preamble) is left out; so are extensions and their comments, which are compared with their
* versions instead and cannot be replayed by an ordinary role.
*/
function parseSchemaText(schemaText) {
	const entries = [];
	let accessMethod = "heap";
	for (const { header, body } of splitEntries(schemaText)) {
		const { name = "", type = "", schema = "-" } = headerFields.exec(header ?? "")?.groups ?? {};
		const { statements, nextAccessMethod } = withoutTrailingSettings(body);
		const isOfExtension = type === "EXTENSION" || type === "COMMENT" && name.startsWith("EXTENSION ");
		if (header !== null && !isOfExtension) entries.push({
			object: `${type} ${schema === "-" ? "" : `${schema}.`}${name}`,
			type,
			header,
			body: hasAccessMethod(type, statements) ? `${statements}\nUSING ${accessMethod}` : statements
		});
		accessMethod = nextAccessMethod ?? accessMethod;
	}
	return entries;
}
/** SHA-256 (hex) over the entries in a fixed order: pg_dump orders equal schemas differently at times. */
function schemaDigest(schemaText) {
	const hash = createHash("sha256");
	for (const entry of parseSchemaText(schemaText).map(entryText).toSorted()) hash.update(entry).update("\0");
	return hash.digest("hex");
}
/**
* The objects that differ between two schema texts, each as a sentence that starts with the object's name.
* Empty when the texts mean the same schema.
*/
function diffSchemaTexts(expected, actual) {
	const [before, after] = [byObject(expected), byObject(actual)];
	const differences = [];
	for (const [object, entries] of before) {
		const others = after.get(object);
		if (others === void 0) differences.push(`${object} is missing`);
		else if (entries.toSorted().join("\0") !== others.toSorted().join("\0")) differences.push(`${object} is defined differently`);
	}
	for (const object of after.keys()) if (!before.has(object)) differences.push(`${object} is there and should not be`);
	return differences;
}
const headerFields = /^Name: (?<name>.*?); Type: (?<type>[^;]*); Schema: (?<schema>.*?)(?:; Owner: .*)?$/;
const headerLine = /^-- (Name: .*; Type: [^;]*; Schema: .*)$/;
/** Cuts the text at every `--`, `-- Name: …`, `--` header. The preamble comes first, with null as its header. */
function* splitEntries(schemaText) {
	const lines = schemaText.split("\n");
	let header = null;
	let body = [];
	for (let index = 0; index < lines.length; index += 1) {
		const line = lines[index] ?? "";
		const found = headerLine.exec(line)?.[1];
		if (found !== void 0 && lines[index - 1] === "--" && lines[index + 1] === "--") {
			body.pop();
			yield {
				header,
				body: body.join("\n")
			};
			header = found;
			body = [];
			index += 1;
		} else body.push(line);
	}
	yield {
		header,
		body: body.join("\n")
	};
}
/**
* pg_dump prints these between entries, only where their value changes: below an entry they belong to the next
* ones. The tablespace also stands in the header; the access method stands nowhere else.
*/
const trailingLine = /^(|--|-- PostgreSQL database dump complete|SET \w+ = .*;|\\(un)?restrict .*)$/;
function withoutTrailingSettings(body) {
	const lines = body.split("\n");
	let nextAccessMethod = null;
	for (let last = lines.at(-1); last !== void 0 && trailingLine.test(last); last = lines.at(-1)) {
		nextAccessMethod ??= /^SET default_table_access_method = (.*);$/.exec(last)?.[1] ?? null;
		lines.pop();
	}
	return {
		statements: lines.join("\n").trim(),
		nextAccessMethod
	};
}
/** Partitioned tables are stored nowhere; pg_dump sets no access method for them. */
function hasAccessMethod(type, statements) {
	if (type === "MATERIALIZED VIEW") return true;
	return type === "TABLE" && !/^PARTITION BY /m.test(statements);
}
function entryText(entry) {
	return `${entry.header}\n${entry.body}`;
}
function byObject(schemaText) {
	const groups = /* @__PURE__ */ new Map();
	for (const entry of parseSchemaText(schemaText)) groups.set(entry.object, [...groups.get(entry.object) ?? [], entryText(entry)]);
	return groups;
}

// src/database/postgres/fingerprint/extensions.ts
const extensionRow$1 = object$1({
	name: string(),
	version: string(),
	schema: string(),
	owner: string().nullable()
});
/** Installed extensions in the order in which they were created, so that each comes after those it requires. */
async function readExtensions(session) {
	return session.query(`SELECT e.extname AS "name", e.extversion AS "version", n.nspname AS "schema",
            -- initdb's superuser, who owns plpgsql, is called otherwise on every server.
            CASE WHEN e.extowner <> 10 THEN pg_catalog.pg_get_userbyid(e.extowner) END AS "owner"
       FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
      ORDER BY e.oid`, extensionRow$1);
}

// src/database/postgres/fingerprint/large-objects.ts
/** Bytes that one lo_get reads; the server never holds more of an object in memory at once. */
const chunkBytes$1 = 1048576;
const sumRow = object$1({
	count: number(),
	sum: string()
});
/**
* Counts and digests the large objects of one slice (oid modulo `slices`): content in chunks, number, owner and
* ACL. pg_largeobject itself is readable by superusers only, hence lo_get.
*/
async function readLargeObjects(session, slice, slices) {
	const [row] = await session.query(`SELECT count(*) FILTER (WHERE content.n = 0) AS "count",
            coalesce(sum(pg_catalog.hashtextextended(
              pg_catalog.concat_ws(':', m.oid, content.n, content.hash,
                CASE WHEN content.n = 0 THEN pg_catalog.concat_ws(':', m.lomowner::regrole,
                  (SELECT string_agg(item::text, ',' ORDER BY item::text COLLATE "C")
                     FROM unnest(coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) AS item)) END
              ) COLLATE "C", 0)::numeric), 0)::text AS "sum"
       FROM pg_catalog.pg_largeobject_metadata m
      CROSS JOIN LATERAL (
        WITH RECURSIVE chunk(n, hash, length) AS (
          SELECT 0, pg_catalog.sha256(data), pg_catalog.length(data)
            FROM pg_catalog.lo_get(m.oid, 0, ${chunkBytes$1}) AS data
          UNION ALL
          SELECT chunk.n + 1, pg_catalog.sha256(data), pg_catalog.length(data)
            FROM chunk CROSS JOIN LATERAL pg_catalog.lo_get(m.oid, (chunk.n + 1)::bigint * ${chunkBytes$1}, ${chunkBytes$1}) AS data
           WHERE chunk.length = ${chunkBytes$1})
        SELECT n, hash FROM chunk) AS content
      WHERE m.oid::bigint % ${slices} = ${slice}`, sumRow);
	if (row === void 0) throw new TypeError("an aggregate returned no row");
	return {
		count: row.count,
		sum: BigInt(row.sum)
	};
}

// src/database/row-digest.ts
/** Stands before the digests of the form `columns`; one without a mark is of the form `row`. */
const mark = "2:";
function markedDigest(form, sum) {
	return form === "columns" ? `${mark}${sum}` : sum;
}
function formOfDigest(digest) {
	return digest.startsWith(mark) ? "columns" : "row";
}
/** The number that a digest is, to be added to others of its form. */
function sumOfDigest(digest) {
	return BigInt(formOfDigest(digest) === "columns" ? digest.slice(2) : digest);
}
/** The form in which a database has to be read to be compared with what this fingerprint holds. */
function formOfFingerprint(fingerprint) {
	return [...fingerprint.tables, ...fingerprint.materializedViews].map(({ digest }) => digest).some((digest) => digest !== null && formOfDigest(digest) === "row") ? "row" : "columns";
}

// src/database/postgres/fingerprint/table-content.ts
const shapeRow = object$1({
	schema: string(),
	table: string(),
	columns: array(string()),
	sizeBytes: number(),
	extension: string().nullable()
});
/**
* Every ordinary table (partitions too; partitioned parents hold nothing) outside the system's schemas, sorted by
* schema and name. Those of extensions as well: CREATE EXTENSION fills them, a dump holds them in part at most, and
* whatever else is in them would be lost without a word. Left out: temporary tables, and of extensions those that are unlogged
* (queues, caches) or that the role may not read.
*/
function listTables(session) {
	return listShapes(session, `c.relkind = 'r'`);
}
/** Materialized views that hold rows and can be read. */
function listFilledViews(session) {
	return listShapes(session, `c.relkind = 'm' AND c.relispopulated AND ${isReadable}`);
}
const isReadable = `(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))`;
function listShapes(session, condition) {
	return session.query(`SELECT n.nspname AS "schema", c.relname AS "table",
            ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   ORDER BY a.attname::text COLLATE "C") AS "columns",
            coalesce(pg_catalog.pg_table_size(c.oid), 0) AS "sizeBytes", e.extname::text AS "extension"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${extensionOf("c")}
      WHERE ${condition} AND c.relpersistence <> 't' AND ${isUserSchema("n")}
        AND (e.oid IS NULL OR c.relpersistence <> 'u' AND ${isReadable})
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`, shapeRow);
}
const contentRow = object$1({
	schema: string(),
	table: string(),
	rows: number(),
	digest: string(),
	extension: string().nullable()
});
/** Counts and digests one table's own rows. */
async function readTableContent(session, shape, form) {
	const [content] = await readTableContents(session, [shape], form);
	if (content === void 0) throw new TypeError("an aggregate returned no row");
	return content;
}
/** The same for several tables in one statement, in their order: one way to the server instead of many. */
async function readTableContents(session, shapes, form) {
	const selects = shapes.map((shape, place) => contentSql(shape, place, form));
	return (await session.query(`${selects.join("\nUNION ALL ")}\nORDER BY "place"`, contentRow)).map((content) => ({
		...content,
		digest: markedDigest(form, content.digest)
	}));
}
/** concat() takes a hundred arguments, and a column gives it two. */
const columnsInConcat = 50;
/**
* SQL: a number for the row under the alias `q`, made of what the output functions of its types write, and never of a cast,
* which a user may have defined. By columns: the hash of each value, and `t` or `f` for whether it is NULL, so that no two
* rows are written alike; no long text is copied or searched for quotes on the way. By row: `ROW(q."a", …)::text` instead of
* `q::text`, because the latter reads a column named `q` where there is one.
*/
function rowHash(columns, form) {
	const values = columns.map((column) => `q.${identifier(column)}`);
	if (form === "row") return textHash(`ROW(${values.join(", ")})::text`);
	const marked = values.map((value) => `${textHash(`pg_catalog.concat(${value})`)}, ${value} IS NULL`);
	const parts = [];
	for (let at = 0; at < marked.length; at += columnsInConcat) parts.push(`pg_catalog.concat(${marked.slice(at, at + columnsInConcat).join(", ")})`);
	return textHash(parts.length === 0 ? "''" : parts.join(" || "));
}
function textHash(text) {
	return `pg_catalog.hashtextextended((${text}) COLLATE "C", 0)`;
}
/** ONLY: what inherits is read by itself. The digest is a sum over rows, so their order does not matter. */
function contentSql({ schema, table, columns, extension }, place, form) {
	return `SELECT ${place} AS "place", ${literal(schema)} AS "schema", ${literal(table)} AS "table",
            ${extension === null ? "NULL" : literal(extension)}::text AS "extension", count(*) AS "rows",
            coalesce(sum(${rowHash(columns, form)}::numeric), 0)::text AS "digest"
       FROM ONLY ${qualified(schema, table)} AS q`;
}
/** Unambiguous key of a table in a Map. */
function tableKey(table) {
	return JSON.stringify([table.schema, table.table]);
}
/** SQL: the namespace under this alias is not one of the system's (`pg_…` is reserved for them). */
function isUserSchema(alias) {
	return `(${alias}.nspname !~ '^pg_' AND ${alias}.nspname <> 'information_schema')`;
}
/** SQL that joins the extension, as `e`, to which the relation under this alias belongs. */
function extensionOf(alias) {
	return `LEFT JOIN pg_catalog.pg_depend member ON member.classid = 'pg_catalog.pg_class'::regclass AND member.objid = ${alias}.oid
         AND member.deptype = 'e' AND member.refclassid = 'pg_catalog.pg_extension'::regclass
       LEFT JOIN pg_catalog.pg_extension e ON e.oid = member.refobjid`;
}
/** SQL: the object under this alias, a row of `catalog`, does not belong to an extension. */
function isNoMember(catalog, alias) {
	return `NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
            WHERE d.classid = ${literal(`pg_catalog.${catalog}`)}::regclass AND d.objid = ${alias}.oid AND d.deptype = 'e')`;
}

// src/database/postgres/fingerprint/materialized-views.ts
const viewRow = object$1({
	schema: string(),
	name: string(),
	populated: boolean()
});
/** Materialized views and whether they hold data. */
async function readMaterializedViews(session) {
	return session.query(`SELECT n.nspname AS "schema", c.relname AS "name", c.relispopulated AS "populated"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'm' AND ${isUserSchema("n")}
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`, viewRow);
}

// src/database/postgres/fingerprint/read-failed.ts
/** SQLSTATEs of a name that was not found: a function that leaves schemas out does not find what it names. */
const unknownNames = /* @__PURE__ */ new Set([
	"42883",
	"42P01",
	"42704",
	"42703"
]);
/** Says what was being read when it failed: SM_READ_FAILED. */
async function namingWhatFailed(what, reading) {
	try {
		return await reading;
	} catch (cause) {
		if (!(cause instanceof SqlError)) throw cause;
		throw new SafeMigrateError({
			code: "SM_READ_FAILED",
			message: `${what} could not be read: ${cause.message}`,
			hint: unknownNames.has(cause.sqlState) ? "A function in one of its indexes or policies names other objects without their schema, and a restore would not find them either: give the function SET search_path, or qualify the names." : "The role of database-url must be able to read every row of every table (row-level security included).",
			docs: "postgresql.md",
			cause
		});
	}
}

// src/database/postgres/fingerprint/sequences.ts
/** How many sequences one statement reads; keeps statements below some 50 kB. */
const batchSize = 300;
const nameRow$5 = object$1({
	schema: string(),
	name: string(),
	extension: string().nullable()
});
const valueRow = object$1({
	schema: string(),
	name: string(),
	lastValue: string(),
	isCalled: boolean(),
	extension: string().nullable()
});
/**
* Where every sequence stands (those of serial and identity columns too, and those of extensions that the role may read), sorted by schema and name. Read from the
* sequences themselves: pg_sequences hides those that the role cannot read. Sequences know no snapshot: what is
* read is their state at this moment.
*/
async function readSequences(session) {
	const names = await session.query(`SELECT n.nspname AS "schema", c.relname AS "name", e.extname::text AS "extension"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${extensionOf("c")}
      WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND ${isUserSchema("n")}
        AND (e.oid IS NULL OR pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT'))
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`, nameRow$5);
	const values = [];
	for (let start = 0; start < names.length; start += batchSize) {
		const statement = names.slice(start, start + batchSize).map(({ schema, name, extension }, index) => {
			const owner = extension === null ? "NULL" : literal(extension);
			return `SELECT ${`${literal(schema)} AS "schema", ${literal(name)} AS "name", ${owner}::text AS "extension", ${index} AS "index"`}, last_value::text AS "lastValue", is_called AS "isCalled" FROM ${qualified(schema, name)}`;
		});
		values.push(...await session.query(`${statement.join("\nUNION ALL ")}\nORDER BY "index"`, valueRow));
	}
	return values;
}
const directionRow = object$1({
	schema: string(),
	name: string(),
	direction: _enum([
		"ascending",
		"descending",
		"cycling"
	])
});
/** Which way each sequence moves, by `sequenceKey`. */
async function readSequenceDirections(session) {
	const rows = await session.query(`SELECT n.nspname AS "schema", c.relname AS "name",
            CASE WHEN s.seqcycle THEN 'cycling' WHEN s.seqincrement < 0 THEN 'descending' ELSE 'ascending' END AS "direction"
       FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${isUserSchema("n")}`, directionRow);
	return new Map(rows.map((row) => [sequenceKey(row), row.direction]));
}
/** Unambiguous key of a sequence in a Map. */
function sequenceKey(sequence) {
	return JSON.stringify([sequence.schema, sequence.name]);
}
/**
* Whether a sequence in state `now` could still hand out a value that it had already handed out in state `before`.
* A cycling sequence does so by design and is never behind.
*/
function isBehind(now, before, direction) {
	if (direction === "cycling") return false;
	const step = BigInt(now.lastValue) - BigInt(before.lastValue);
	if (step === 0n) return before.isCalled && !now.isCalled;
	return direction === "ascending" ? step < 0n : step > 0n;
}

// src/database/postgres/fingerprint/session-values.ts
/**
* Parameters that change what expressions compute or how values are written and read. Whatever else a database can
* set decides how fast or by whom something is computed; `search_path` and `xmloption` are set by every archive.
*/
const decisiveParameters = [
	"DateStyle",
	"IntervalStyle",
	"TimeZone",
	"bytea_output",
	"default_text_search_config",
	"extra_float_digits",
	"lc_monetary",
	"lc_numeric",
	"lc_time",
	"timezone_abbreviations",
	"xmlbinary"
];
/**
* Their values as a new session of this role gets them in this database, wherever they come from: the database, the
* role, postgresql.conf. What sessions of ours set for themselves does not count.
*/
async function readSessionValues(session) {
	const rows = await session.query(`SELECT name, reset_val AS "value" FROM pg_catalog.pg_settings
      WHERE name IN (${decisiveParameters.map(literal).join(", ")}) ORDER BY name COLLATE "C"`, object$1({
		name: string(),
		value: string()
	}));
	return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

// src/database/postgres/fingerprint/snapshot-readers.ts
/** SQL that starts a transaction that reads in one snapshot, which is taken by its first query. */
const beginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
/**
* Does `work` with `session`, which is ended as soon as the signal is aborted: even a list of tables waits for
* whoever holds one of them (their sizes need a lock). Rejects with the signal's reason then.
*/
async function endingOnAbort(session, signal, work) {
	signal.throwIfAborted();
	const end = () => session.kill();
	signal.addEventListener("abort", end, { once: true });
	try {
		return await work();
	} catch (error) {
		throw signal.aborted ? signal.reason : error;
	} finally {
		signal.removeEventListener("abort", end);
	}
}
/** SQL that keeps a session from waiting for a lock longer than that. */
function lockTimeout({ lockTimeoutSeconds = 0 }) {
	return `SET lock_timeout = '${lockTimeoutSeconds}s'`;
}
/**
* Works off `tasks`, in their order, with up to `jobs` sessions that all read in the exported snapshot.
* When a task fails or the signal is aborted, every session is ended at once; rejects with the first error or
* the signal's reason.
*/
async function readInSnapshot(server, source, tasks, options) {
	const failure = new AbortController();
	const stop = AbortSignal.any([options.signal, failure.signal]);
	const queue = tasks.values();
	const work = async () => {
		stop.throwIfAborted();
		await using session = await server.connect(source.database, { applicationName: readingSession.fingerprint });
		const end = () => session.kill();
		stop.addEventListener("abort", end, { once: true });
		try {
			await session.execute(lockTimeout(options));
			for (const task of queue) {
				stop.throwIfAborted();
				await session.execute(`${beginReading}; SET TRANSACTION SNAPSHOT '${source.snapshotId}'`);
				await task(session);
				await session.execute("COMMIT");
			}
		} catch (error) {
			failure.abort(error);
		} finally {
			stop.removeEventListener("abort", end);
		}
	};
	const workers = Math.min(Math.max(1, options.jobs), tasks.length);
	await Promise.allSettled(Array.from({ length: workers }, work)).then((results) => {
		for (const result of results) if (result.status === "rejected") failure.abort(result.reason);
	});
	options.signal.throwIfAborted();
	failure.signal.throwIfAborted();
}

// src/database/postgres/fingerprint/table-batches.ts
/** A larger table is read alone, and a batch ends here: all sessions have work to the end, and progress is seen. */
const mostBytes = 4194304;
const mostTables = 100;
/** Keeps statements below some 200 kB. */
const mostColumns = 1500;
/**
* Puts small tables together: with thousands of them, and a server some milliseconds away, one question for each
* would take longer than reading them all.
*/
function tableBatches(shapes) {
	const batches = [];
	let tables = [];
	let columns = 0;
	let bytes = 0;
	const finish = () => {
		if (tables.length > 0) batches.push(batchOf(tables));
		tables = [];
		columns = 0;
		bytes = 0;
	};
	for (const shape of shapes) {
		if (shape.sizeBytes > mostBytes) {
			batches.push(batchOf([shape]));
			continue;
		}
		if (tables.length === mostTables || columns + shape.columns.length > mostColumns || bytes + shape.sizeBytes > mostBytes) finish();
		tables.push(shape);
		columns += shape.columns.length;
		bytes += shape.sizeBytes;
	}
	finish();
	return batches;
}
function batchOf(tables) {
	return {
		tables,
		sizeBytes: tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
	};
}
/**
* Reads a batch in the session's open transaction. Rejects with SM_READ_FAILED and the name of the table: when the
* statement for all of them fails, they are read one by one.
*/
async function readBatch(session, tables, form) {
	if (tables.length > 1) {
		await session.execute("SAVEPOINT batch");
		try {
			return await readTableContents(session, tables, form);
		} catch (error) {
			if (!(error instanceof SqlError)) throw error;
			await session.execute("ROLLBACK TO SAVEPOINT batch");
		}
	}
	const contents = [];
	for (const shape of tables) contents.push(await namingWhatFailed(`table ${shape.schema}.${shape.table}`, readTableContent(session, shape, form)));
	return contents;
}
/** The contents of these tables, in their order, whichever was read first. */
function inOrder(shapes, contents) {
	const place = new Map(shapes.map((shape, index) => [tableKey(shape), index]));
	return contents.filter((content) => place.has(tableKey(content))).toSorted((a, b) => (place.get(tableKey(a)) ?? 0) - (place.get(tableKey(b)) ?? 0));
}

// src/database/postgres/fingerprint/fingerprint.ts
/**
* Reads what a database holds in the snapshot that `exporter`'s transaction has exported.
* Rejects with SM_READ_FAILED, naming the table that could not be read, or with the signal's reason; the exporter is
* ended then.
*/
async function readFingerprint(server, exporter, snapshotId, known, options) {
	return endingOnAbort(exporter, options.signal, () => readParts(server, exporter, snapshotId, known, options));
}
async function readParts(server, exporter, snapshotId, known, options) {
	const extensions = await readExtensions(exporter);
	const views = await readMaterializedViews(exporter);
	const inventory = await readInventory(exporter);
	const tables = await listTables(exporter);
	const filledViews = await listFilledViews(exporter);
	const { contents, largeObjects } = await readContents(server, exporter, {
		database: exporter.database,
		snapshotId
	}, options, [...tables, ...filledViews]);
	return {
		serverMajor: server.version.major,
		schemaDigest: schemaDigest(await known.schemaText),
		extensions,
		tables: inOrder(tables, contents),
		materializedViews: withContents(views, inOrder(filledViews, contents)),
		sequences: known.sequences,
		largeObjects,
		inventory,
		sessionValues: await readSessionValues(exporter)
	};
}
/** The fingerprint of a database as it is now, and the schema text that its digest was made of. */
async function fingerprintDatabase(server, database, options) {
	await using exporter = await server.connect(database, { applicationName: "safe-migrate snapshot" });
	const snapshotId = await exportSnapshot(exporter);
	const sequences = await readSequences(exporter);
	const schemaText = readSchemaText(server, {
		database,
		snapshotId
	}, options.signal);
	schemaText.catch(() => {});
	return {
		fingerprint: await readFingerprint(server, exporter, snapshotId, {
			schemaText,
			sequences
		}, options),
		schemaText: await schemaText
	};
}
/** Begins the reading transaction that holds a snapshot and returns the id under which others can adopt it. */
async function exportSnapshot(exporter) {
	await exporter.execute(beginReading);
	const [row] = await exporter.query("SELECT pg_catalog.pg_export_snapshot() AS \"snapshotId\"", object$1({ snapshotId: string().regex(/^[0-9A-F-]+$/) }));
	if (row === void 0) throw new TypeError("pg_export_snapshot() returned no row");
	return row.snapshotId;
}
const largeObjectFacts = object$1({
	count: number(),
	sizeBytes: number()
});
function withContents(views, contents) {
	return views.map((view) => {
		const content = contents.find(({ schema, table }) => schema === view.schema && table === view.name);
		return {
			...view,
			rows: content?.rows ?? null,
			digest: content?.digest ?? null
		};
	});
}
/** Tables and large objects, biggest first: the last session to finish then has little left to do. */
async function readContents(server, exporter, source, options, shapes) {
	const [objects] = await exporter.query(`SELECT (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata) AS "count",
            pg_catalog.pg_table_size('pg_catalog.pg_largeobject') AS "sizeBytes"`, largeObjectFacts);
	const slices = Math.min(Math.max(1, options.jobs), objects?.count ?? 0);
	const contents = [];
	let done = 0;
	let largeObjectCount = 0;
	let largeObjectSum = 0n;
	const tasks = tableBatches(shapes).map((batch) => ({
		sizeBytes: batch.sizeBytes,
		read: async (session) => {
			contents.push(...await readBatch(session, batch.tables, options.form ?? "columns"));
			done += batch.tables.length;
			options.onTable?.(done, shapes.length);
		}
	}));
	for (let slice = 0; slice < slices; slice += 1) tasks.push({
		sizeBytes: (objects?.sizeBytes ?? 0) / slices,
		read: async (session) => {
			const part = await namingWhatFailed("a large object", readLargeObjects(session, slice, slices));
			largeObjectCount += part.count;
			largeObjectSum += part.sum;
		}
	});
	const bigFirst = tasks.toSorted((a, b) => b.sizeBytes - a.sizeBytes).map((task) => task.read);
	await readInSnapshot(server, source, bigFirst, options);
	return {
		contents,
		largeObjects: {
			count: largeObjectCount,
			digest: largeObjectSum.toString()
		}
	};
}

// src/database/postgres/fingerprint/witness.ts
/**
* Catalogs that change without any DDL: what ANALYZE writes, the contents of large objects, the state of
* replication. Some of them ordinary roles could not read anyway.
*/
const notDefinitions = [
	"pg_statistic",
	"pg_statistic_ext_data",
	"pg_subscription_rel",
	"pg_largeobject",
	"pg_largeobject_metadata",
	"pg_depend",
	"pg_subscription",
	"pg_user_mapping"
];
/** SQL conditions that keep rows of temporary objects out, per catalog: applications make and drop those all day. */
const lasting = {
	pg_namespace: "oid NOT IN (SELECT oid FROM temp_schemas)",
	pg_class: "relnamespace NOT IN (SELECT oid FROM temp_schemas)",
	pg_type: "typnamespace NOT IN (SELECT oid FROM temp_schemas)",
	pg_proc: "pronamespace NOT IN (SELECT oid FROM temp_schemas)",
	pg_constraint: "connamespace NOT IN (SELECT oid FROM temp_schemas)",
	pg_operator: "oprnamespace NOT IN (SELECT oid FROM temp_schemas)",
	pg_collation: "collnamespace NOT IN (SELECT oid FROM temp_schemas)",
	pg_attribute: "attrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_attrdef: "adrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_index: "indexrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_inherits: "inhrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_partitioned_table: "partrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_policy: "polrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_rewrite: "ev_class NOT IN (SELECT oid FROM temp_relations)",
	pg_sequence: "seqrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_statistic_ext: "stxrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_trigger: "tgrelid NOT IN (SELECT oid FROM temp_relations)",
	pg_cast: "castsource NOT IN (SELECT oid FROM temp_types)",
	pg_enum: "enumtypid NOT IN (SELECT oid FROM temp_types)",
	pg_range: "rngtypid NOT IN (SELECT oid FROM temp_types)",
	pg_description: "NOT EXISTS (SELECT FROM temp_objects t WHERE t.classid = classoid AND t.oid = objoid)"
};
/**
* What hangs on the target but is not a row of a local catalog that everybody can read, as `SELECT text`.
* The properties of the database come back with a swap, so a change to them has to be noticed. Without
* default_transaction_read_only: that is the write fence, which this run itself may raise.
*/
const byValue = [
	`SELECT format('database %s %s %s %s', d.datdba, d.dattablespace, d.datconnlimit, d.datacl)
     FROM pg_catalog.pg_database d WHERE d.oid = (SELECT oid FROM this_database)`,
	`SELECT 'database comment ' || pg_catalog.shobj_description(oid, 'pg_database') FROM this_database`,
	`SELECT format('setting %s %L', s.setrole, item.setting)
     FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS item(setting)
    WHERE s.setdatabase = (SELECT oid FROM this_database)
      AND item.setting NOT LIKE 'default\\_transaction\\_read\\_only=%'`,
	`SELECT format('subscription %L %s %s %L %s', subname, subowner, subenabled, subslotname, subpublications)
     FROM pg_catalog.pg_subscription WHERE subdbid = (SELECT oid FROM this_database)`,
	`SELECT format('user mapping %s %s %s %L', umid, srvid, umuser, umoptions) FROM pg_catalog.pg_user_mappings`,
	`SELECT format('membership %s %s %s %s %s', classid, objid, refobjid, deptype, xmin)
     FROM pg_catalog.pg_depend WHERE deptype IN ('e', 'x')`,
	`SELECT format('large objects %s %s', owner, acl) FROM usual_large_object
    WHERE acl <> '' OR owner <> (SELECT datdba FROM pg_catalog.pg_database WHERE oid = (SELECT oid FROM this_database))`,
	`SELECT format('large object %s %s %s', o.oid, o.lomowner, o.lomacl) FROM pg_catalog.pg_largeobject_metadata o, usual_large_object u
    WHERE o.lomowner <> u.owner OR coalesce(o.lomacl::text, '') <> u.acl`
];
const catalogRow = object$1({ name: string() });
const witnessRow = object$1({ witness: string() });
/**
* A digest that any lasting DDL, TRUNCATE, GRANT or COMMENT in the session's database changes and nothing else does,
* as of the session's snapshot. `catalog ` and 64 hex digits; compare for equality only.
*
* It is made of the `xmin` of every row in every definition catalog, counted (of columns, of their contents). A row that DDL inserts or updates
* carries the id of its transaction, which no row had before; a row that it deletes is missing. So contents need
* not be read. Not changed by: DML, ANALYZE and VACUUM (they update pg_class in place, and freezing leaves xmin as it
* was), sequences moving on (setval included), large objects coming and going, temporary objects, scripts that were
* rolled back, the write fence, roles and whatever else belongs to the whole server.
*
* Changed although no definition is: by whatever writes a table anew (VACUUM FULL, CLUSTER, REINDEX, REFRESH
* MATERIALIZED VIEW), which the catalogs show as they show TRUNCATE. That errs on the safe side: what looks changed
* is restored. Not seen: what belongs to the whole server (role memberships, privileges on parameters and tablespaces).
*/
async function readWitness(session) {
	const catalogs = await session.query(`SELECT relname AS "name" FROM pg_catalog.pg_class
      WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
        AND relname NOT IN (${notDefinitions.map(literal).join(", ")})
        AND pg_catalog.has_table_privilege(oid, 'SELECT')
      ORDER BY relname::text COLLATE "C"`, catalogRow);
	const [row] = await session.query(witnessSql(catalogs.map(({ name }) => name)), witnessRow);
	if (row === void 0) throw new TypeError("an aggregate returned no row");
	return row.witness;
}
/**
* Since 17.12 ANALYZE writes a version of its own into the options of columns, so that here the contents count. Of the
* columns that come with PostgreSQL itself nothing but privileges can be changed; there are thousands of them, and to
* hash them all takes as long as everything else.
*/
const columnsSql = `SELECT format('pg_attribute %s %s', count(*), sum(hashtextextended(concat_ws(':',
      (to_jsonb(a) - 'attoptions' - 'attcacheoff' - 'attmissingval')::text,
      (SELECT string_agg(item, ',' ORDER BY item) FROM unnest(a.attoptions) AS item WHERE item NOT LIKE 'pg\\_attver=%')), 0)::numeric)
      FILTER (WHERE a.attrelid >= 16384 OR a.attacl IS NOT NULL))
   FROM pg_catalog.pg_attribute a WHERE ${lasting.pg_attribute}`;
function witnessSql(catalogs) {
	return `WITH
    usual_large_object AS (
      SELECT lomowner AS owner, coalesce(lomacl::text, '') AS acl FROM pg_catalog.pg_largeobject_metadata
       GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1),
    this_database AS (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
    temp_schemas AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_[0-9]+$'),
    temp_relations AS (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM temp_schemas)),
    temp_types AS (SELECT oid FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM temp_schemas)),
    temp_objects AS (
      SELECT 'pg_catalog.pg_class'::regclass AS classid, oid FROM temp_relations
      UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid FROM temp_types
      UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid FROM pg_catalog.pg_proc
                 WHERE pronamespace IN (SELECT oid FROM temp_schemas)
      UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, oid FROM pg_catalog.pg_constraint
                 WHERE connamespace IN (SELECT oid FROM temp_schemas)
      UNION ALL SELECT 'pg_catalog.pg_trigger'::regclass, oid FROM pg_catalog.pg_trigger
                 WHERE tgrelid IN (SELECT oid FROM temp_relations))
  SELECT 'catalog ' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
           pg_catalog.string_agg(part, E'\\n' ORDER BY part COLLATE "C"), 'UTF8')), 'hex') AS "witness"
    FROM (${[...catalogs.map((name) => name === "pg_attribute" ? columnsSql : `SELECT format('${name} %s %s', xmin::text, count(*)) FROM pg_catalog.${name} WHERE ${lasting[name] ?? "true"} GROUP BY xmin::text`), ...byValue].join("\n UNION ALL ")}) AS parts(part)`;
}

// src/database/postgres/archive/dump.ts
/**
* zstd at its lowest level is several times faster than any gzip level; it exists from 16 on, in builds that have it.
* gzip 1 is twice as fast as pg_dump's default for a few per cent more bytes.
*/
const fastCompression = "--compress=zstd:1";
const plainCompression = "--compress=1";
/**
* Streams `pg_dump -Fc` of an exported snapshot into `sink`. A pipe ends when pg_dump ends, for whatever reason:
* so `sink` is ended only after exit code 0, and destroyed with the error in every other case.
* Rejects with SM_DUMP_FAILED (pg_dump's own error; the object where it names one) or the signal's reason.
*/
async function dumpSnapshot(server, source, sink, signal) {
	sink.on("error", () => {});
	try {
		signal.throwIfAborted();
		const mayHaveZstd = server.tools.version.major >= 16;
		let attempt = await runDump(server, source, mayHaveZstd ? fastCompression : plainCompression, sink, signal);
		if (mayHaveZstd && lacksZstd(attempt)) attempt = await runDump(server, source, plainCompression, sink, signal);
		if (attempt.exit.exitCode !== 0) throw dumpFailed(attempt.exit);
		sink.end();
		await finished(sink, { readable: false });
	} catch (error) {
		const reason = signal.aborted ? signal.reason : sinkError(sink, error);
		sink.destroy(reason instanceof Error ? reason : new Error(String(reason)));
		throw reason;
	}
}
async function runDump(server, source, compression, sink, signal) {
	const args = [
		"--format=custom",
		compression,
		`--snapshot=${source.snapshotId}`,
		`--encoding=${source.encoding}`
	];
	const process = server.tools.start("pg_dump", args, {
		database: source.database,
		env: { PGAPPNAME: readingSession.dump },
		signal
	});
	let writtenBytes = 0;
	process.stdout.on("data", (chunk) => {
		writtenBytes += chunk.length;
	});
	try {
		await pipeline(process.stdout, sink, {
			end: false,
			signal
		});
	} catch (error) {
		process.kill();
		await process.exited;
		throw error;
	}
	return {
		exit: await process.exited,
		writtenBytes
	};
}
/** A client that was built without zstd says so before it connects or writes anything. */
function lacksZstd(attempt) {
	const { exit, writtenBytes } = attempt;
	return exit.exitCode !== 0 && writtenBytes === 0 && /does not support compression/i.test(exit.stderr);
}
function dumpFailed(exit) {
	const { message, object } = describeToolFailure("pg_dump", exit);
	return new SafeMigrateError({
		code: "SM_DUMP_FAILED",
		message: `pg_dump failed${object === null ? "" : ` at ${object}`}: ${message}`,
		hint: "The role of database-url must be able to read every object of the database.",
		docs: "postgresql.md",
		phase: "dump"
	});
}
/** What the sink's owner destroyed it with (disk full, upload refused) tells more than the broken pipe. */
function sinkError(sink, error) {
	const cause = sink.errored ?? error;
	if (cause instanceof SafeMigrateError) return cause;
	return new SafeMigrateError({
		code: "SM_DUMP_FAILED",
		message: `the dump could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
		hint: "Check the free space of the disk that holds the dump, and the storages that take it.",
		docs: "storage.md",
		phase: "dump",
		cause
	});
}

// src/database/postgres/archive/snapshot.ts
const timeRow = object$1({
	takenAt: string(),
	hasPublicSchema: boolean(),
	encoding: string()
});
/**
* Opens a transaction in the target that keeps one snapshot for the dump, the fingerprint and the schema text.
* Sequences know no snapshot and only move on: they are read at once, so that the values known for the snapshot
* never lie after those that pg_dump finds later.
*/
async function openSnapshot(server) {
	const exporter = await server.connect(server.address.database, { applicationName: readingSession.snapshot });
	try {
		const snapshotId = await exportSnapshot(exporter);
		const sequences = await readSequences(exporter);
		const [time] = await exporter.query(`SELECT pg_catalog.to_char(pg_catalog.transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "takenAt",
              pg_catalog.current_setting('server_encoding') AS "encoding",
              EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public') AS "hasPublicSchema"`, timeRow);
		if (time === void 0) throw new TypeError("transaction_timestamp() returned no row");
		const witness = await readWitness(exporter);
		const counters = await readCounters(exporter);
		const source = {
			database: server.address.database,
			snapshotId
		};
		let schemaText;
		const readSchemaOnce = (signal) => {
			schemaText ??= readSchemaText(server, source, signal);
			schemaText.catch(() => {
				schemaText = void 0;
			});
			return schemaText;
		};
		return {
			witness,
			counters,
			takenAt: time.takenAt,
			hasPublicSchema: time.hasPublicSchema,
			dump: (sink, signal) => dumpSnapshot(server, {
				...source,
				encoding: time.encoding
			}, sink, signal),
			fingerprint: (jobs, signal, onTable) => readFingerprint(server, exporter, snapshotId, {
				schemaText: readSchemaOnce(signal),
				sequences
			}, {
				jobs,
				signal,
				onTable
			}),
			schemaText: readSchemaOnce,
			[Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose]()
		};
	} catch (error) {
		await exporter[Symbol.asyncDispose]();
		throw error;
	}
}

// src/database/postgres/copy/copy-name.ts
/** Kinds of databases that runs make beside a target. */
const copyKinds = [
	"fallback",
	"rehearsal",
	"failed",
	"scratch"
];
/** PostgreSQL cuts longer names silently (NAMEDATALEN - 1). */
const nameLimitBytes = 63;
/**
* Name of a copy beside `target`: `<target>__<kind>_<run>`. Always fits PostgreSQL's 63 bytes: the stem is cut
* where it must be and a short hash of it added, so that two long targets never share a copy's name.
*/
function copyName(target, kind, run) {
	return withSuffix(target, `__${kind}_${run}`);
}
/** Name of the coordination database of `target`: `<target>__safe_migrate`. */
function coordinationName(target) {
	return withSuffix(target, "__safe_migrate");
}
function withSuffix(target, suffix) {
	const whole = target + suffix;
	if (Buffer.byteLength(whole) <= nameLimitBytes) return whole;
	const hash = createHash("sha256").update(target).digest("hex").slice(0, 8);
	const stemBytes = nameLimitBytes - Buffer.byteLength(suffix) - hash.length - 1;
	if (stemBytes < 1) throw new RangeError(`no database name fits before ${suffix}`);
	return `${cutToBytes$1(target, stemBytes)}_${hash}${suffix}`;
}
/** The longest prefix of whole characters that fits. */
function cutToBytes$1(text, limitBytes) {
	let cut = "";
	let sizeBytes = 0;
	for (const character of text) {
		sizeBytes += Buffer.byteLength(character);
		if (sizeBytes > limitBytes) break;
		cut += character;
	}
	return cut;
}

// src/database/postgres/copy/copy-mark.ts
const prefix$1 = "safe-migrate ";
/** Longer ones are none of ours, and anybody who may create databases can write one of a gigabyte. */
const markLimitBytes = 1e3;
const markContent = strictObject({
	format: literal$1(1),
	kind: _enum(copyKinds),
	target: string().min(1),
	run: string().min(1),
	at: datetime().optional(),
	replacedBy: int().positive().optional()
});
/**
* The comment that a copy carries from its first moment: `safe-migrate {"format":1,"kind":…,"target":…,"run":…}`.
* Without it no database is ever dropped. Comments on databases are cluster-wide and need no connection to it.
*/
function copyMark({ kind, target, run, at, replacedBy }) {
	return prefix$1 + JSON.stringify({
		format: 1,
		kind,
		target,
		run,
		at,
		replacedBy
	});
}
/** Reads a comment back; null when it is not a mark of ours (or none at all). */
function parseCopyMark(comment) {
	if (comment === null || !comment.startsWith(prefix$1)) return null;
	let content;
	try {
		content = JSON.parse(comment.slice(13));
	} catch {
		return null;
	}
	const parsed = markContent.safeParse(content);
	if (!parsed.success) return null;
	const { format: _, ...mark } = parsed.data;
	return mark;
}
/**
* The mark of database `name` when comment and name agree that a run of safe-migrate made it for `target`;
* null otherwise. Both are needed: a comment alone travels with renames, a name alone anybody can choose. Neither says
* who wrote it: see isTrustedOwner.
*/
function provenCopy(target, name, comment) {
	const mark = parseCopyMark(comment);
	if (mark === null || mark.target !== target || name === target) return null;
	try {
		return copyName(mark.target, mark.kind, mark.run) === name ? mark : null;
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		return null;
	}
}

// src/database/postgres/compare/comparable-tables.ts
const tableRow = object$1({
	schema: string(),
	table: string(),
	columns: array(object$1({
		name: string(),
		type: string(),
		isGenerated: boolean()
	})),
	keys: array(array(string())),
	sizeBytes: number()
});
/**
* The tables of the session's database that `listTables` lists, without Prisma's history: that one differs by
* nature. Keys are unique indexes over not-null columns that always hold (no condition, no expression, not deferred).
*/
function listComparableTables(session) {
	return session.query(`SELECT n.nspname AS "schema", c.relname AS "table",
            coalesce(pg_catalog.pg_table_size(c.oid), 0) AS "sizeBytes",
            coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname,
                               'type', pg_catalog.format_type(a.atttypid, NULL), 'isGenerated', a.attgenerated <> '')
                             ORDER BY a.attname::text COLLATE "C")
                        FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS "columns",
            coalesce((SELECT pg_catalog.jsonb_agg(k.columns ORDER BY k.indisprimary DESC, k.size, k.indexrelid)
                        FROM (SELECT i.indexrelid, i.indisprimary, count(*) AS size,
                                     pg_catalog.jsonb_agg(a.attname ORDER BY p.place) AS columns
                                FROM pg_catalog.pg_index i,
                                     pg_catalog.unnest(i.indkey) WITH ORDINALITY AS p(attnum, place)
                                LEFT JOIN pg_catalog.pg_attribute a
                                  ON a.attrelid = c.oid AND a.attnum = p.attnum AND p.attnum > 0
                               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                                 AND i.indpred IS NULL AND i.indexprs IS NULL AND p.place <= i.indnkeyatts
                               GROUP BY i.indexrelid, i.indisprimary
                              HAVING bool_and(a.attnotnull)) AS k), '[]') AS "keys"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.relname <> '_prisma_migrations'
        AND ${isUserSchema("n")} AND ${isNoMember("pg_class", "c")}
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`, tableRow);
}
/** Columns that both tables have, by name and type, so that their values can be compared as text. */
function commonColumns(a, b) {
	const others = new Map(b.columns.map((column) => [column.name, column]));
	return a.columns.flatMap((column) => {
		const other = others.get(column.name);
		if (other === void 0 || other.type !== column.type || other.isGenerated || column.isGenerated) return [];
		return [column.name];
	});
}
/** Whether both tables have the very same columns. */
function sameColumns(a, b) {
	return JSON.stringify(a.columns) === JSON.stringify(b.columns);
}
/** A key that identifies rows in both tables and is made of `columns` alone; empty when there is none. */
function commonKey(a, b, columns) {
	const inB = new Set(b.keys.map(keyName));
	return a.keys.find((key) => inB.has(keyName(key)) && key.every((name) => columns.includes(name))) ?? [];
}
function keyName(key) {
	return JSON.stringify(key.toSorted());
}

// src/database/postgres/session/session-settings.ts
/** What makes the same value have the same text; whoever wants to compute as the application does takes it back. */
const comparableValues = {
	TimeZone: "UTC",
	DateStyle: "ISO, MDY",
	IntervalStyle: "postgres",
	extra_float_digits: "1",
	bytea_output: "hex",
	lc_monetary: "C",
	xmlbinary: "base64",
	quote_all_identifiers: "off",
	standard_conforming_strings: "on"
};
/**
* What every session of ours sets first. Two aims: nothing that a database or role was given by ALTER … SET may end
* a long read (timeouts), and the same value must always have the same text (comparisons hash text).
* Names that a server does not know are passed over: idle_session_timeout came with 14, transaction_timeout with 17.
*/
const settings = {
	lock_timeout: "0",
	idle_in_transaction_session_timeout: "0",
	idle_session_timeout: "0",
	transaction_timeout: "0",
	tcp_keepalives_idle: "60",
	tcp_keepalives_interval: "15",
	...comparableValues,
	force_parallel_mode: "off",
	debug_parallel_query: "off",
	row_security: "off",
	client_min_messages: "warning",
	default_transaction_read_only: "off",
	default_transaction_isolation: "read committed",
	default_transaction_deferrable: "off"
};
/**
* The statements that set up a session, to be run one by one and in this order. The timeout goes first, or a short one
* ends what follows; then the search path: until it is empty, the database's own functions and operators could stand
* before PostgreSQL's.
*/
function sessionSettings() {
	return [
		"set statement_timeout = 0",
		"set search_path = ''",
		`select set_config(w.name, w.value, false) from (values ${Object.entries(settings).map(([name, value]) => `(${literal(name)}, ${literal(value)})`).join(", ")}) as w(name, value) where exists (select from pg_settings s where s.name = w.name)`
	];
}
/**
* The server looks whether we are still there while it works for us (14 and later): a killed run then leaves no
* query behind. Some systems cannot do that and refuse the setting, which is no reason to stop.
*/
const disconnectCheck = "select set_config('client_connection_check_interval', '2s', false) from pg_settings where name = 'client_connection_check_interval'";

// src/database/postgres/compare/hash-stream.ts
/**
* Lines of a query that may have any number of them, as they come. A session hands over an answer as a whole, and
* psql collects it first; COPY is what psql passes on at once. Disposing ends the psql.
*/
var HashStream = class {
	#process;
	/** Handled from the start: it settles while nobody may be waiting. */
	#exit;
	#chunks;
	#unfinished = "";
	/** `sql` selects two numbers a row; it is read in the snapshot. */
	constructor(server, source, sql) {
		this.#process = server.tools.start("psql", [
			"-X",
			"-q",
			"-A",
			"-t",
			"--set=ON_ERROR_STOP=1",
			"--file=-"
		], {
			database: source.database,
			stdin: "pipe",
			env: {
				PGCLIENTENCODING: "UTF8",
				PGAPPNAME: readingSession.compare
			}
		});
		this.#exit = this.#process.exited.catch((error) => error instanceof Error ? error : new Error(String(error)));
		this.#chunks = this.#process.stdout.pipe(new PassThrough())[Symbol.asyncIterator]();
		if (this.#process.stdin === null) throw new TypeError("psql was started without stdin");
		this.#process.stdin.end([
			"\\o /dev/null",
			...sessionSettings().map((statement) => `${statement};`),
			"\\o",
			`${beginReading};`,
			`SET TRANSACTION SNAPSHOT '${source.snapshotId}';`,
			`COPY (${sql}) TO STDOUT;`,
			""
		].join("\n"));
	}
	/** Up to the end of what has arrived; empty when there is no more. Rejects when the query failed. */
	async nextLines() {
		for (;;) {
			const { done, value } = await this.#chunks.next();
			if (done === true) {
				await this.#assertComplete();
				return [];
			}
			const [first, ...more] = value.toString("latin1").split("\n");
			const lines = [this.#unfinished + (first ?? ""), ...more];
			this.#unfinished = lines.pop() ?? "";
			if (lines.length > 0) return lines.map(parseLine);
		}
	}
	async [Symbol.asyncDispose]() {
		this.#process.kill();
		this.#process.stdout.destroy();
		await this.#exit;
	}
	async #assertComplete() {
		const exit = await this.#exit;
		if (exit instanceof Error) throw exit;
		if (exit.exitCode === 0 && this.#unfinished === "") return;
		throw new SafeMigrateError({
			code: "SM_READ_FAILED",
			message: `rows could not be compared: ${describeToolFailure("psql", exit).message}`,
			hint: "The role of database-url must be able to read every row of every table (row-level security included).",
			docs: "postgresql.md"
		});
	}
};
function parseLine(line) {
	const tab = line.indexOf("	");
	return {
		key: line.slice(0, tab),
		value: line.slice(tab + 1)
	};
}

// src/database/postgres/compare/merge-hashes.ts
/**
* Walks two sorted streams side by side and hands over, for every key, the values that each side has for it.
* Holds no more than one portion of each and the values of one key.
*/
async function mergeHashes(left, right, onKey) {
	const [a, b] = [new Reader(left), new Reader(right)];
	for (;;) {
		const [keyA, keyB] = [await a.key(), await b.key()];
		if (keyA === null && keyB === null) return;
		const order = keyA === null ? 1 : keyB === null ? -1 : compare(keyA, keyB);
		const key = order <= 0 ? keyA : keyB;
		if (key === null) return;
		onKey(key, order <= 0 ? await a.take(key) : [], order >= 0 ? await b.take(key) : []);
	}
}
/** BigInt only where it decides: most keys are the same on both sides, and parsing twenty million of them takes its time. */
function compare(a, b) {
	if (a === b) return 0;
	return BigInt(a) < BigInt(b) ? -1 : 1;
}
var Reader = class {
	#source;
	#lines = [];
	#position = 0;
	#isOver = false;
	constructor(source) {
		this.#source = source;
	}
	/** The key that comes next; null at the end. */
	async key() {
		while (this.#position === this.#lines.length && !this.#isOver) {
			this.#lines = await this.#source.nextLines();
			this.#position = 0;
			this.#isOver = this.#lines.length === 0;
		}
		return this.#lines[this.#position]?.key ?? null;
	}
	/** The values of all lines with this key, which comes next. */
	async take(key) {
		const values = [];
		while (await this.key() === key) {
			values.push(this.#lines[this.#position]?.value ?? "");
			this.#position += 1;
		}
		return values;
	}
};

// src/database/postgres/compare/row-hashes.ts
const rowsPerBucket = 500;
const mostBits = 14;
const hashBits = 64;
/** How many bits make buckets of some hundred rows; at most 16 384 buckets. */
function bucketBits(rows) {
	return Math.min(mostBits, Math.max(1, Math.ceil(Math.log2(Math.max(1, rows) / rowsPerBucket))));
}
const bucketRow = object$1({
	bucket: string(),
	rows: number(),
	digest: string()
});
/** Counts and digests the rows bucket by bucket, in one pass over the table. */
function readBuckets(session, rows, bits) {
	return session.query(`SELECT (h.key >> ${hashBits - bits})::text AS "bucket", count(*) AS "rows", sum(h.row::numeric)::text AS "digest"
       FROM (${hashesSql(rows)}) AS h GROUP BY 1`, bucketRow);
}
/**
* SQL that lists the rows of the named buckets (all of them when null), ordered by the key's hash: key hash and row
* hash, or row hash and number of equal rows when there is no key.
*/
function sortedHashesSql(rows, bits, buckets) {
	const chosen = buckets === null ? "" : `WHERE h.key >> ${hashBits - bits} IN (SELECT pg_catalog.unnest('{${buckets.join(",")}}'::bigint[]))`;
	const list = `FROM (${hashesSql(rows)}) AS h ${chosen}`;
	return rows.key.length === 0 ? `SELECT h.key, count(*) ${list} GROUP BY h.key ORDER BY h.key` : `SELECT h.key, h.row ${list} ORDER BY h.key, h.row`;
}
const keyRow = object$1({ key: array(string()) });
/** The keys behind these hashes (any rows' when null), each as a JSON array of text; `limit` of them, in key order. */
async function readKeys(session, rows, hashes, limit) {
	if (rows.key.length === 0 || hashes?.length === 0) return [];
	const texts = rows.key.map((name) => `pg_catalog.format('%s', q.${identifier(name)})`).join(", ");
	const chosen = hashes === null ? "true" : `${hashOf(rows.key)} = ANY ('{${hashes.join(",")}}'::bigint[])`;
	return (await session.query(`SELECT ARRAY[${texts}] AS "key" FROM ${from(rows)} AND ${chosen}
      ORDER BY ${rows.key.map((name) => `q.${identifier(name)}`).join(", ")} LIMIT ${limit}`, keyRow)).map(({ key }) => JSON.stringify(key));
}
/** Number of the rows that count. */
async function countRows(session, rows) {
	const [row] = await session.query(`SELECT count(*) AS "rows" FROM ${from(rows)}`, object$1({ rows: number() }));
	return row?.rows ?? 0;
}
function hashesSql(rows) {
	return `SELECT ${hashOf(rows.key.length === 0 ? rows.columns : rows.key)} AS key, ${hashOf(rows.columns)} AS row FROM ${from(rows)}`;
}
function from(rows) {
	return `ONLY ${qualified(rows.schema, rows.table)} AS q WHERE ${rows.only ?? "true"}`;
}
/** ROW(…)::text and not q::text: that would read a column named `q` in a table that has one. */
function hashOf(columns) {
	return `pg_catalog.hashtextextended(ROW(${columns.map((name) => `q.${identifier(name)}`).join(", ")})::text COLLATE "C", 0)`;
}

// src/database/postgres/compare/compare-rows.ts
/** Keys that are shown of what only the failed database holds. */
const sampleLimit = 20;
/**
* Compares the rows of one table in two databases. First bucket by bucket, which the server does in one pass over
* each; then, row by row, only what is in differing buckets, as two sorted streams of hashes. So neither side's rows
* come here, and node holds some kilobytes however large the table is.
*/
async function compareRows(comparison) {
	const { failed, target, failedRows, targetRows } = comparison;
	const bits = bucketBits(comparison.expectedRows);
	const [failedBuckets, targetBuckets] = await Promise.all([readBuckets(failed.session, failedRows, bits), readBuckets(target.session, targetRows, bits)]);
	const targetRowCount = targetBuckets.reduce((sum, { rows }) => sum + rows, 0);
	const differing = differingBuckets(failedBuckets, targetBuckets);
	if (differing.length === 0) return {
		onlyInFailed: 0,
		changed: 0,
		onlyInTarget: 0,
		sampleKeys: [],
		targetRowCount
	};
	const counted = await countDifferences(comparison, bits, differing.length > 2 ** bits / 2 ? null : differing);
	const sampleKeys = await readKeys(failed.session, failedRows, counted.sampleHashes, 20);
	const { onlyInFailed, changed, onlyInTarget } = counted;
	return {
		onlyInFailed,
		changed,
		onlyInTarget,
		sampleKeys,
		targetRowCount
	};
}
function differingBuckets(a, b) {
	const text = ({ rows, digest }) => `${rows} ${digest}`;
	const inA = new Map(a.map((bucket) => [bucket.bucket, text(bucket)]));
	const inB = new Map(b.map((bucket) => [bucket.bucket, text(bucket)]));
	return [.../* @__PURE__ */ new Set([...inA.keys(), ...inB.keys()])].filter((bucket) => inA.get(bucket) !== inB.get(bucket));
}
async function countDifferences({ server, failed, target, failedRows, targetRows }, bits, buckets) {
	const counted = {
		onlyInFailed: 0,
		changed: 0,
		onlyInTarget: 0,
		sampleHashes: []
	};
	const hasKey = failedRows.key.length > 0;
	await using failedStream = new HashStream(server, failed.source, sortedHashesSql(failedRows, bits, buckets));
	await using targetStream = new HashStream(server, target.source, sortedHashesSql(targetRows, bits, buckets));
	await mergeHashes(failedStream, targetStream, (key, inFailed, inTarget) => {
		const { onlyFailed, onlyTarget, both } = hasKey ? differentValues(inFailed, inTarget) : differentCounts(inFailed, inTarget);
		counted.onlyInFailed += onlyFailed;
		counted.onlyInTarget += onlyTarget;
		counted.changed += both;
		if (onlyFailed > 0 && counted.sampleHashes.length < 20) counted.sampleHashes.push(key);
	});
	return counted;
}
const same = {
	onlyFailed: 0,
	onlyTarget: 0,
	both: 0
};
/** Row hashes of one key: at most one a side, unless two keys share a hash. */
function differentValues(inFailed, inTarget) {
	if (inFailed.length === 1 && inTarget.length === 1 && inFailed[0] === inTarget[0]) return same;
	const failed = inFailed.filter((hash) => !inTarget.includes(hash)).length;
	const target = inTarget.filter((hash) => !inFailed.includes(hash)).length;
	const both = Math.min(failed, target);
	return {
		onlyFailed: failed - both,
		onlyTarget: target - both,
		both
	};
}
/** How many equal rows each side has of one kind: one number a side, or none. */
function differentCounts(inFailed, inTarget) {
	const more = Number(inFailed[0] ?? 0) - Number(inTarget[0] ?? 0);
	return {
		onlyFailed: Math.max(0, more),
		onlyTarget: Math.max(0, -more),
		both: 0
	};
}

// src/database/postgres/compare/compare-table.ts
/** Compares one table after the other in one pair of sessions. */
var TableComparer = class {
	#server;
	#failed;
	#target;
	#olderThanSwap;
	#log;
	constructor(server, failed, target, xidAtSwap, log) {
		this.#server = server;
		this.#failed = failed;
		this.#target = target;
		this.#olderThanSwap = olderThan(xidAtSwap);
		this.#log = log;
	}
	/** null when the table holds the same in both. */
	async compare(pair, before) {
		if (pair.failed === void 0) return pair.target === void 0 ? null : this.#onlyInTarget(pair.target);
		if (pair.target === void 0) return this.#onlyInFailed(pair.failed);
		return this.#inBoth(pair.failed, pair.target, before);
	}
	async #onlyInTarget(table) {
		const rows = this.#rows(table, [], [], this.#olderThanSwap);
		const onlyInTarget = await countRows(this.#target.session, rows);
		if (onlyInTarget === 0) return null;
		return {
			...nameOf$2(table),
			onlyInFailed: 0,
			changed: 0,
			onlyInTarget,
			key: [],
			sampleKeys: []
		};
	}
	async #onlyInFailed(table) {
		const key = table.keys[0] ?? [];
		const rows = this.#rows(table, key, [], null);
		const onlyInFailed = await countRows(this.#failed.session, rows);
		if (onlyInFailed === 0) return null;
		const sampleKeys = await readKeys(this.#failed.session, rows, null, 20);
		return {
			...nameOf$2(table),
			onlyInFailed,
			changed: 0,
			onlyInTarget: 0,
			key,
			sampleKeys
		};
	}
	async #inBoth(failed, target, before) {
		if (before !== void 0 && sameColumns(failed, target)) {
			const columns = failed.columns.map(({ name }) => name);
			const shape = {
				...nameOf$2(failed),
				columns,
				extension: null
			};
			const now = await readTableContent(this.#failed.session, shape, formOfDigest(before.digest));
			if (now.rows === before.rows && now.digest === before.digest) return null;
		}
		const columns = commonColumns(failed, target);
		const key = commonKey(target, failed, columns);
		const { targetRowCount, ...found } = await compareRows({
			server: this.#server,
			failed: this.#failed,
			target: this.#target,
			failedRows: this.#rows(failed, key, columns, null),
			targetRows: this.#rows(target, key, columns, this.#olderThanSwap),
			expectedRows: before?.rows ?? 0
		});
		if (found.onlyInFailed + found.changed + found.onlyInTarget === 0) return null;
		const touched = (before?.rows ?? targetRowCount) - targetRowCount;
		if (touched > 0) this.#log.detail(`${failed.schema}.${failed.table}: the application has changed or deleted ${touched} rows since the swap; they are counted as only in the failed database`);
		return {
			...nameOf$2(failed),
			...found,
			key
		};
	}
	#rows(table, key, columns, only) {
		return {
			...nameOf$2(table),
			key,
			columns,
			only
		};
	}
};
function nameOf$2({ schema, table }) {
	return {
		schema,
		table
	};
}
/**
* SQL condition: the row's inserting transaction precedes `xid`. Ids count round after 2^32; as the server does, the
* half of them behind `xid` is taken for older. Below 3 stand the special ids of what was always there. A row that
* was frozen since shows its xmin as before.
*/
function olderThan(xid) {
	const xmin = "q.xmin::text::bigint";
	return `(${xmin} < 3 OR ((${xmin} - ${xid}) & 4294967295) >= 2147483648)`;
}

// src/database/postgres/compare/compare-with-failed.ts
/**
* What differs, table by table, between the failed database and what came out of the backup. The failed database is
* open for as long as it takes, under its own name, and closed again whatever happens. `admin` is a session in
* another database of the server.
*
* The application is writing into the recovered target again, and its sequences hand out the same numbers again.
* So of the target only rows count that are older than the swap, by their `xmin`: a database that was closed until
* the swap's commit holds no younger ones but the application's. Everything is read in one snapshot, taken at once.
*
* For what was inserted into the failed database the numbers are exact. A row of the backup that the application has
* changed or deleted between the swap and this snapshot is counted as one that only the failed database holds; the
* log says for which tables that can be.
*/
async function compareWithFailed(server, admin, request, log) {
	const target = server.address.database;
	await using snapshotOfTarget = await openExporter(server, target);
	await assertFailedDatabase(admin, target, request.failedName);
	await allowConnections(admin, request.failedName, true);
	try {
		await using snapshotOfFailed = await openExporter(server, request.failedName);
		return await compareAll(server, snapshotOfFailed, snapshotOfTarget, request, log);
	} finally {
		await closeAgain(server, request.failedName, log);
	}
}
async function allowConnections(session, name, isAllowed) {
	await session.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS ${isAllowed}`);
}
/** In a session of its own, and without hiding how the comparison ended. */
async function closeAgain(server, name, log) {
	try {
		await using session = await server.connect(server.address.database);
		await allowConnections(session, name, false);
	} catch (error) {
		const reason = messageOf(error);
		log.warn(`${name} is still open to connections: ${reason} Close it by hand: ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false;`);
	}
}
async function openExporter(server, database) {
	const session = await server.connect(database, { applicationName: readingSession.compare });
	try {
		return {
			session,
			source: {
				database,
				snapshotId: await exportSnapshot(session)
			},
			[Symbol.asyncDispose]: () => session[Symbol.asyncDispose]()
		};
	} catch (error) {
		await session[Symbol.asyncDispose]();
		throw error;
	}
}
async function assertFailedDatabase(admin, target, name) {
	const [row] = await admin.query(`SELECT pg_catalog.left(pg_catalog.shobj_description(oid, 'pg_database'), ${markLimitBytes}) AS "comment"
       FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`, object$1({ comment: string().nullable() }));
	if (provenCopy(target, name, row?.comment ?? null)?.kind === "failed") return;
	throw new SafeMigrateError({
		code: "SM_NOT_A_COPY",
		message: `${name} is not a failed database that safe-migrate kept of ${target}; it was not opened`,
		hint: "Somebody has renamed, dropped or re-commented it since the swap.",
		docs: "recovery.md"
	});
}
async function compareAll(server, failed, target, request, log) {
	const pairs = /* @__PURE__ */ new Map();
	for (const table of await listComparableTables(failed.session)) pairs.set(tableKey(table), {
		failed: table,
		target: void 0
	});
	for (const table of await listComparableTables(target.session)) pairs.set(tableKey(table), {
		failed: pairs.get(tableKey(table))?.failed,
		target: table
	});
	const before = new Map(request.before.tables.map((content) => [tableKey(content), content]));
	const queue = [...pairs].toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a)).values();
	const differences = [];
	let done = 0;
	log.progress(() => `${done} of ${pairs.size} tables compared`);
	const work = async () => {
		await using failedSide = await joinSnapshot(server, failed);
		await using targetSide = await joinSnapshot(server, target);
		const comparer = new TableComparer(server, failedSide, targetSide, request.xidAtSwap, log);
		for (const [key, pair] of queue) {
			const difference = await comparer.compare(pair, before.get(key));
			if (difference !== null) differences.push(difference);
			done += 1;
		}
	};
	const workers = Math.min(Math.max(1, request.jobs), pairs.size);
	const results = await Promise.allSettled(Array.from({ length: workers }, work));
	for (const result of results) if (result.status === "rejected") throw result.reason;
	return differences.toSorted((a, b) => tableKey(a) < tableKey(b) ? -1 : 1);
}
function sizeOf({ failed, target }) {
	return (failed?.sizeBytes ?? 0) + (target?.sizeBytes ?? 0);
}
async function joinSnapshot(server, { source }) {
	const session = await server.connect(source.database, { applicationName: readingSession.compare });
	await session.execute(`${beginReading}; SET TRANSACTION SNAPSHOT '${source.snapshotId}'`);
	return {
		session,
		source,
		[Symbol.asyncDispose]: () => session[Symbol.asyncDispose]()
	};
}

// src/database/postgres/session/psql-channel.ts
/** How long an ending psql may take before it is killed. */
const closeTimeoutMs = 5e3;
/** How long a psql whose statement was cancelled may take before it is killed. */
const cancelTimeoutMs = 2e3;
/** psql waits at most PGCONNECT_TIMEOUT for each address of the host; this ends whatever does not. */
const openTimeoutMs = 12e4;
/**
* A conversation with one psql over its stdin and stdout. Each request is answered by its rows, a line
* `<token> <error> <sqlstate>`, the message of the last error, and `<token> end`. The token is random,
* so that no value in a row can be taken for it.
*/
var PsqlChannel = class PsqlChannel {
	database;
	/** Settles (never rejects) when psql has ended. */
	ended;
	#process;
	#stdin;
	#address;
	#serverName;
	#token = `sm_${randomBytes(16).toString("hex")}`;
	#decoder = new StringDecoder("utf8");
	#unfinishedLine = [];
	#current = null;
	/** The tail of the queue of requests; never rejects. */
	#queue = Promise.resolve();
	#isOpen = false;
	#isClosing = false;
	/** Why no request can be answered any more. */
	#gone = null;
	static start(tools, address, database, env) {
		const process = tools.start("psql", [
			"-X",
			"-q",
			"-A",
			"-t"
		], {
			database,
			stdin: "pipe",
			env: {
				PGCLIENTENCODING: "UTF8",
				...env
			}
		});
		if (process.stdin === null) throw new TypeError("psql without stdin");
		return new PsqlChannel(process, process.stdin, address, database, tools.serverName);
	}
	constructor(process, stdin, address, database, serverName) {
		this.#serverName = serverName;
		this.database = database;
		this.#process = process;
		this.#stdin = stdin;
		this.#address = address;
		process.stdout.on("data", (chunk) => this.#read(this.#decoder.write(chunk)));
		stdin.write("\\set VERBOSITY sqlstate\n\\set SHOW_CONTEXT never\n");
		const openTimer = setTimeout(() => {
			if (!this.#isOpen) this.kill();
		}, openTimeoutMs);
		this.ended = process.exited.then(({ stderr }) => this.#end(this.#endedBecause(stderr)), (error) => this.#end(error instanceof Error ? error : new Error(String(error)))).finally(() => clearTimeout(openTimer));
	}
	/**
	* Sends statements (from splitStatements) as one query and returns the lines of the rows. Several statements are
	* one message of the simple protocol: the server stops at the first error and, unless they hold transaction
	* control, they happen together or not at all.
	*/
	run(statements) {
		if (statements.length === 0) return Promise.resolve([]);
		const answer = this.#queue.then(() => this.#send(statements));
		this.#queue = answer.catch(() => {});
		return answer;
	}
	/** Whether an answer is awaited. */
	get isBusy() {
		return this.#current !== null;
	}
	/** Cancels what is running and ends psql. */
	kill() {
		if (this.#isClosing) return;
		this.#isClosing = true;
		this.#process.kill("SIGINT");
		this.#stdin.end();
		this.#killAfter(cancelTimeoutMs);
	}
	/** Ends psql as soon as it is idle, or at once when a statement is still running. */
	async close() {
		if (this.#current !== null) this.kill();
		if (!this.#isClosing) {
			this.#isClosing = true;
			this.#stdin.end();
			this.#killAfter(closeTimeoutMs);
		}
		await this.ended;
	}
	#killAfter(timeoutMs) {
		const timer = setTimeout(() => this.#process.kill("SIGKILL"), timeoutMs);
		this.ended.finally(() => clearTimeout(timer));
	}
	#send(statements) {
		if (this.#gone !== null) return Promise.reject(this.#gone);
		if (this.#isClosing) return Promise.reject(connectionLost(this.database, null));
		return new Promise((resolve, reject) => {
			this.#current = {
				lines: [],
				failure: null,
				resolve,
				reject
			};
			const token = this.#token;
			this.#stdin.write(`${statements.join("\n\\;\n")}\n\\g\n\\echo ${token} :ERROR :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo ${token} end\n`);
		});
	}
	#read(text) {
		const [first, ...others] = text.split("\n");
		this.#unfinishedLine.push(first ?? "");
		for (const next of others) {
			const line = this.#unfinishedLine.join("");
			this.#unfinishedLine = [next];
			this.#readLine(line);
		}
	}
	#readLine(line) {
		const request = this.#current;
		if (request === null) return;
		if (request.failure === null) {
			if (!line.startsWith(this.#token)) {
				if (line !== "") request.lines.push(line);
				return;
			}
			const [, isError, sqlState] = line.split(" ");
			request.failure = {
				isError: isError === "true",
				sqlState: sqlState ?? "XX000",
				message: []
			};
			return;
		}
		if (line !== `${this.#token} end`) {
			request.failure.message.push(line);
			return;
		}
		this.#isOpen = true;
		this.#current = null;
		const { isError, sqlState, message } = request.failure;
		if (isError) request.reject(new SqlError({
			sqlState,
			message: message.join("\n").trim(),
			database: this.database
		}));
		else request.resolve(request.lines);
	}
	#endedBecause(stderr) {
		if (!this.#isOpen) {
			const said = this.#isClosing && stderr === "" ? "timeout expired" : stderr;
			return connectionError(this.#address, this.database, said, this.#serverName);
		}
		const sqlState = /FATAL:\s+([0-9A-Z]{5})\b/.exec(stderr)?.[1] ?? null;
		return connectionLost(this.database, sqlState);
	}
	#end(error) {
		this.#gone = error;
		const request = this.#current;
		this.#current = null;
		request?.reject(error);
	}
};

// src/database/postgres/session/sql-split.ts
const identifierStart = /[A-Za-z_\u0080-\uffff]/;
const identifierPart = /[A-Za-z0-9_$\u0080-\uffff]/;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
/** What may stand between two pieces of one string constant: white space with a line break in it. */
const stringContinues = /[ \t\f\v]*[\n\r]\s*'/y;
/**
* Splits SQL at its semicolons, as PostgreSQL's lexer reads them (with `standard_conforming_strings` on): those in
* strings, quoted names, dollar quotes and comments do not count. Pieces that hold nothing but white space and
* comments are left out. Bodies written as `BEGIN ATOMIC … END` are split too: joined again they are whole.
*
* Throws SyntaxError when a quote or comment is left open, and on a backslash outside of quotes: psql, which reads
* this text, would wait for the rest for ever or run a command of its own.
*/
function splitStatements(sql) {
	const pieces = [];
	let start = 0;
	let hasContent = false;
	let position = 0;
	const cut = (end) => {
		if (hasContent) pieces.push(sql.slice(start, end).trim());
		hasContent = false;
	};
	while (position < sql.length) {
		const end = skipComment(sql, position);
		if (end !== null) {
			position = end;
			continue;
		}
		const character = sql.charAt(position);
		if (character === ";") {
			cut(position);
			position += 1;
			start = position;
			continue;
		}
		if (character === "\\") throw new SyntaxError("a backslash outside of quotes");
		if (character === "\0") throw new SyntaxError("a NUL character");
		if (/\S/.test(character)) hasContent = true;
		position = skipToken(sql, position);
	}
	cut(sql.length);
	return pieces;
}
/** The end of the comment that begins at `position`, or null when none does. */
function skipComment(sql, position) {
	if (sql.startsWith("--", position)) {
		const newline = sql.slice(position).search(/[\n\r]/);
		return newline < 0 ? sql.length : position + newline;
	}
	if (!sql.startsWith("/*", position)) return null;
	let depth = 1;
	let end = position + 2;
	while (depth > 0) {
		if (end >= sql.length) throw new SyntaxError("a comment that does not end");
		if (sql.startsWith("/*", end)) {
			depth += 1;
			end += 2;
		} else if (sql.startsWith("*/", end)) {
			depth -= 1;
			end += 2;
		} else end += 1;
	}
	return end;
}
/** The end of the token (or single character) that begins at `position`. */
function skipToken(sql, position) {
	const character = sql.charAt(position);
	if (character === "'") return skipString(sql, position, false);
	if (character === "\"") return skipQuoted(sql, position, "\"", false);
	if (character === "$") {
		dollarTag.lastIndex = position;
		const tag = dollarTag.exec(sql)?.[0];
		if (tag === void 0) return position + 1;
		const end = sql.indexOf(tag, position + tag.length);
		if (end < 0) throw new SyntaxError("a dollar quote that does not end");
		return end + tag.length;
	}
	if (!identifierStart.test(character)) return position + 1;
	let end = position + 1;
	while (end < sql.length && identifierPart.test(sql.charAt(end))) end += 1;
	return end === position + 1 && /[eE]/.test(character) && sql.charAt(end) === "'" ? skipString(sql, end, true) : end;
}
function skipString(sql, position, hasEscapes) {
	const end = skipQuoted(sql, position, "'", hasEscapes);
	stringContinues.lastIndex = end;
	const gap = stringContinues.exec(sql)?.[0];
	return gap === void 0 ? end : skipString(sql, end + gap.length - 1, hasEscapes);
}
function skipQuoted(sql, position, quote, hasEscapes) {
	let end = position + 1;
	while (end < sql.length) {
		const character = sql.charAt(end);
		if (hasEscapes && character === "\\") end += 2;
		else if (character !== quote) end += 1;
		else if (sql.charAt(end + 1) === quote) end += 2;
		else return end + 1;
	}
	throw new SyntaxError(quote === "\"" ? "a quoted name that does not end" : "a string that does not end");
}

// src/database/postgres/session/session.ts
const defaultApplicationName = "safe-migrate";
const applicationNameLimitBytes = 63;
const sessionRow$1 = object$1({
	pid: number().int(),
	number: number().int()
});
/**
* Opens a session in `database` through a psql of `tools`. Rejects with SM_UNREACHABLE, SM_AUTH, SM_NO_DATABASE,
* SM_TLS or SM_CONNECTION; a database that is not there is never created.
*/
async function openSession(tools, address, database, options = {}) {
	const channel = PsqlChannel.start(tools, address, database, { PGAPPNAME: cutToBytes(options.applicationName ?? defaultApplicationName, applicationNameLimitBytes) });
	try {
		for (const statement of sessionSettings()) await channel.run([statement]);
		await channel.run([disconnectCheck]).catch((error) => {
			if (!(error instanceof SqlError)) throw error;
		});
		const [row] = await readRows(channel, "select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('server_version_num')::int as number", sessionRow$1);
		if (row === void 0) throw new TypeError("a session without a backend");
		return {
			session: new PsqlSession(channel, row.pid),
			serverVersionNumber: row.number
		};
	} catch (error) {
		channel.kill();
		await channel.ended;
		throw error;
	}
}
var PsqlSession = class {
	database;
	backendPid;
	#channel;
	constructor(channel, backendPid) {
		this.database = channel.database;
		this.backendPid = backendPid;
		this.#channel = channel;
	}
	query(sql, row) {
		return readRows(this.#channel, sql, row);
	}
	async execute(sql) {
		await this.#channel.run(splitStatements(sql));
	}
	get isBusy() {
		return this.#channel.isBusy;
	}
	kill() {
		this.#channel.kill();
	}
	[Symbol.asyncDispose]() {
		return this.#channel.close();
	}
};
async function readRows(channel, sql, row) {
	const [statement, ...more] = splitStatements(sql);
	if (statement === void 0 || more.length > 0) throw new TypeError("a query is exactly one statement");
	return (await channel.run([asJsonRows(statement)])).map((line) => {
		const parsed = row.safeParse(JSON.parse(line));
		if (parsed.success) return parsed.data;
		const places = parsed.error.issues.map((issue) => `${issue.path.join(".") || "row"}: ${issue.code}`);
		throw new SafeMigrateError({
			code: "SM_UNEXPECTED_ANSWER",
			message: `PostgreSQL answered a question of safe-migrate in another form than expected (${places.join(", ")}).`,
			hint: "This is a defect of safe-migrate or an unknown server version: please report it with the log of this job."
		});
	});
}
/**
* Wraps a statement so that every row comes as one line of JSON (JSON holds no raw line break).
* A statement that changes rows must stand in a WITH, which only there may do so.
*/
function asJsonRows(statement) {
	return /^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*(insert|update|delete|merge)\b/is.test(statement) ? `with q as (${statement}\n) select pg_catalog.to_jsonb(q) from q` : `select pg_catalog.to_jsonb(q) from (${statement}\n) q`;
}
function cutToBytes(text, limitBytes) {
	let cut = text;
	while (Buffer.byteLength(cut) > limitBytes) cut = cut.slice(0, -1);
	return cut.toWellFormed();
}

// src/docker/container-scripts.ts
/**
* What runs inside of a container: POSIX sh, for images with dash, bash or busybox. Nothing is written there.
*
* A signal to `docker exec` does not reach the process inside, and that process outlives its client. So every process
* tells its id before it begins, and one watchman in the container, fed through its stdin, signals them for us. When
* that stdin ends, because we have ended however we ended, the watchman ends what is left.
*/
/** `started <pid>`: field 22 of /proc/<pid>/stat, by which a process is told from a later one with the same id. */
const started = `started() {
  { read -r line < "/proc/$1/stat"; } 2>/dev/null || return 1
  set -- \${line##*) }
  echo "\${20}"
}`;
/** What the watchman and every process say first, to stdout and stderr. */
const readyLine = "safe-migrate: ready";
const startedPattern = /^safe-migrate: started (\d+) (\d+)\n/m;
/** Lines on stdin: `watch <pid> <start>`, `signal <pid> <start> <name>`. */
const watchmanScript = `${started}
watched=
echo '${readyLine}'
while read -r verb pid start signal; do
  case $verb in
    watch) watched="$watched $pid:$start" ;;
    signal) [ "$(started "$pid")" = "$start" ] && kill -s "$signal" "$pid" ;;
  esac
done 2>/dev/null
for signal in TERM KILL; do
  found=
  for each in $watched; do
    [ "$(started "\${each%%:*}")" = "\${each#*:}" ] && kill -s "$signal" "\${each%%:*}" && found=yes
  done
  [ -n "$found" ] && [ "$signal" = TERM ] && sleep 2
done 2>/dev/null
exit 0`;
/**
* Arguments: the names of all PG* variables that were given, then the command. Variables of the image itself
* (PGHOSTADDR, PGOPTIONS, …) would lead the tool elsewhere and are taken away. Begins only when told to.
*/
const processScript = `${started}
for name in $(env | sed -n 's/^\\(PG[A-Z0-9_]*\\)=.*/\\1/p'); do
  case " $1 " in *" $name "*) ;; *) unset "$name" ;; esac
done
shift
echo "safe-migrate: started $$ $(started $$)" >&2
read -r word && [ "$word" = go ] || exit 125
exec "$@"`;
/**
* Arguments: the script above, the names, then pg_restore's command. The first line of stdin holds the ids of the
* entries to restore; pg_restore reads them from a pipe as its list, and the archive from what remains of stdin.
*/
const selectionScript = `IFS= read -r entries || exit 125
exec 4<&0
script=$1
shift
printf '%s\\n' "$entries" | tr ' ' '\\n' | sh -c "$script" sh "$@" --use-list=/dev/fd/3 3<&0 0<&4 4<&-`;

// src/system/child-environment.ts
/**
* What the runner gives to actions and to nobody else. A migration, a hook or a database tool that could read
* these could mint cloud credentials or write the workflow's cache and artifacts.
*/
const runnerSecrets = /* @__PURE__ */ new Set([
	"ACTIONS_RUNTIME_TOKEN",
	"ACTIONS_RUNTIME_URL",
	"ACTIONS_RESULTS_URL",
	"ACTIONS_CACHE_URL",
	"ACTIONS_ID_TOKEN_REQUEST_TOKEN",
	"ACTIONS_ID_TOKEN_REQUEST_URL",
	"GITHUB_STATE"
]);
/** Files by which a step speaks to the runner: what is written there, later steps of the job believe. */
const runnerFiles = /* @__PURE__ */ new Set([
	"GITHUB_OUTPUT",
	"GITHUB_ENV",
	"GITHUB_PATH",
	"GITHUB_STEP_SUMMARY"
]);
/**
* The environment for what the checkout brings (Prisma and its config, the migrator) and for git: ours, without the action's
* inputs and state, the runner's tokens and its files. `GITHUB_TOKEN` stays: it is only there when the workflow put it there.
*/
function childEnvironment(extra = {}, own = process.env) {
	return {
		...keep(own, (name) => !isOfTheAction(name) && !runnerFiles.has(name.toUpperCase())),
		...extra
	};
}
/** The same for a hook, which the workflow itself wrote: like a step's `run:` it may write to the runner's files. */
function hookEnvironment(extra = {}, own = process.env) {
	return {
		...keep(own, (name) => !isOfTheAction(name)),
		...extra
	};
}
/**
* The environment for psql, pg_dump and pg_restore. Where they connect is said by `extra` alone: an inherited
* PGSERVICE, PGHOSTADDR or PGOPTIONS would send them elsewhere than Prisma goes, so no PG* variable is inherited.
*/
function databaseToolEnvironment(extra = {}, own = process.env) {
	return {
		...keep(own, (name) => !isOfTheAction(name) && !runnerFiles.has(name) && !/^(PG|PSQL)/.test(name) && !/^(LC_.*|LANGUAGE|LANG)$/.test(name)),
		LC_ALL: "C",
		...extra
	};
}
function isOfTheAction(name) {
	const upper = name.toUpperCase();
	return upper.startsWith("INPUT_") || upper.startsWith("STATE_") || runnerSecrets.has(upper);
}
function keep(own, wanted) {
	const kept = {};
	for (const [name, value] of Object.entries(own)) if (value !== void 0 && wanted(name)) kept[name] = value;
	return kept;
}

// src/system/process-group.ts
const pollMs$2 = 50;
/** How long a group that got SIGKILL is waited for. */
const killedGraceMs = 5e3;
/**
* Sends a signal to every process of the group that `pid` leads.
* Returns false when there is no such group (any more).
*/
function signalGroup(pid, signal) {
	if (!Number.isInteger(pid) || pid <= 1) throw new RangeError(`not the id of a process group: ${pid}`);
	try {
		process.kill(-pid, signal);
		return true;
	} catch (error) {
		if (error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "EPERM")) return false;
		throw error;
	}
}
/**
* Ends a process group: SIGTERM, and SIGKILL after `graceMs` milliseconds (0: at once).
* Returns whether nothing of it runs any more.
*/
async function endGroup(pid, graceMs = 5e3) {
	if (graceMs > 0) {
		if (!signalGroup(pid, "SIGTERM")) return true;
		if (await groupEnds(pid, graceMs)) return true;
	}
	if (!signalGroup(pid, "SIGKILL")) return true;
	return groupEnds(pid, killedGraceMs);
}
async function groupEnds(pid, timeoutMs) {
	const deadlineMs = Date.now() + timeoutMs;
	while (await groupRuns(pid)) {
		if (Date.now() >= deadlineMs) return false;
		await setTimeout$1(pollMs$2);
	}
	return true;
}
async function groupRuns(pid) {
	if (!signalGroup(pid, 0)) return false;
	if (process.platform !== "linux") return true;
	const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
	return (await Promise.all(ids.map((id) => isRunningMember(id, pid)))).includes(true);
}
async function isRunningMember(id, group) {
	let stat;
	try {
		stat = await readFile(`/proc/${id}/stat`, "utf8");
	} catch {
		return false;
	}
	const { state, groupId } = parseStat(stat);
	return groupId === group && state !== "Z" && state !== "X";
}
/** What `/proc/<id>/stat` says: `pid (name) state ppid pgrp …`; the name may hold spaces and parentheses. */
function parseStat(stat) {
	const [state = "", , groupId] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return {
		state,
		groupId: Number(groupId)
	};
}

// src/system/process.ts
/** How much of the end of stderr is kept, in bytes. */
const stderrTailBytes$1 = 65536;
/**
* Starts `command` with `args` (no shell). Throws the signal's reason when it was aborted already.
* Secrets belong into `env` or stdin, never into `args`: arguments are visible to everyone on the machine.
*/
function startProcess(command, args, options) {
	options.signal?.throwIfAborted();
	const child = spawnOrThrow(command, args, options);
	const { stdout, stderr, stdin } = child;
	if (stdout === null || stderr === null) throw cannotStart(command, /* @__PURE__ */ new Error("no pipes"));
	stdin?.on("error", () => {});
	const tail = new ByteTail(stderrTailBytes$1);
	stderr.on("data", (chunk) => {
		tail.add(chunk);
		options.onStderr?.(chunk);
	});
	let hasClosed = false;
	const kill = (signal = "SIGTERM") => {
		if (hasClosed || child.pid === void 0) return;
		if (options.ownGroup === true) signalGroup(child.pid, signal);
		else child.kill(signal);
	};
	let killTimer;
	const abort = () => {
		kill("SIGTERM");
		killTimer = setTimeout(() => {
			kill("SIGKILL");
			killTimer = setTimeout(() => {
				stdout.destroy();
				stderr.destroy();
			}, 1e3);
		}, options.graceMs ?? 5e3);
	};
	options.signal?.addEventListener("abort", abort, { once: true });
	const exited = new Promise((resolve, reject) => {
		child.once("error", (cause) => {
			if (child.pid === void 0) reject(cannotStart(command, cause));
		});
		child.once("close", (exitCode, signal) => {
			hasClosed = true;
			clearTimeout(killTimer);
			options.signal?.removeEventListener("abort", abort);
			resolve({
				exitCode,
				signal,
				stderr: tail.text()
			});
		});
	});
	exited.catch(() => {});
	return {
		pid: child.pid ?? null,
		stdin,
		stdout,
		exited,
		kill
	};
}
/**
* Runs a command to its end and returns what it wrote to stdout (UTF-8). For questions that may never be
* answered (by Docker's engine, git's remote, whatever program bears a tool's name): small outputs, a time limit in
* milliseconds after which the child is ended. What needs none goes by short-command.ts.
*/
async function readOutput(command, args, options) {
	const child = startProcess(command, args, {
		env: options.env,
		...options.cwd === void 0 ? {} : { cwd: options.cwd },
		signal: AbortSignal.timeout(options.timeoutMs),
		graceMs: 500
	});
	const chunks = [];
	child.stdout.on("data", (chunk) => chunks.push(chunk));
	return {
		...await child.exited,
		stdout: Buffer.concat(chunks).toString("utf8")
	};
}
function spawnOrThrow(command, args, options) {
	try {
		return spawn(command, args, {
			env: { ...options.env },
			...options.cwd === void 0 ? {} : { cwd: options.cwd },
			stdio: [
				options.stdin ?? "ignore",
				"pipe",
				"pipe"
			],
			detached: options.ownGroup === true,
			windowsHide: true
		});
	} catch (cause) {
		throw cannotStart(command, cause);
	}
}
function cannotStart(command, cause) {
	const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
	return new SafeMigrateError({
		code: "SM_PROCESS_NOT_STARTED",
		message: `${command} could not be started (${reason})`,
		hint: reason === "ENOENT" ? "Check that the program is installed and that the working directory exists." : "Check that the program may be executed and that the machine has memory and file handles left.",
		cause
	});
}
/** Keeps the last bytes of a stream. */
var ByteTail = class {
	#limitBytes;
	#chunks = [];
	#sizeBytes = 0;
	constructor(limitBytes) {
		this.#limitBytes = limitBytes;
	}
	add(chunk) {
		this.#chunks.push(chunk);
		this.#sizeBytes += chunk.length;
		if (this.#sizeBytes > 2 * this.#limitBytes) this.#trim();
	}
	text() {
		this.#trim();
		return Buffer.concat(this.#chunks).toString("utf8");
	}
	#trim() {
		const all = Buffer.concat(this.#chunks);
		const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#limitBytes)));
		this.#chunks = [kept];
		this.#sizeBytes = kept.length;
	}
};

// src/docker/docker-client.ts
const answerTimeoutMs$1 = 15e3;
/** The environment for a docker client: its own (`DOCKER_HOST`, `HOME`), without what belongs to the action. */
function dockerEnvironment(extra = {}) {
	return databaseToolEnvironment(extra);
}
/**
* Runs a short docker command to its end; its exit code is the caller's to judge.
* Rejects with SM_DOCKER_MISSING where there is no docker client.
*/
async function docker(args, options = {}) {
	try {
		return await readOutput("docker", args, {
			env: dockerEnvironment(),
			timeoutMs: options.timeoutMs ?? answerTimeoutMs$1
		});
	} catch (cause) {
		if (!(cause instanceof SafeMigrateError) || cause.code !== "SM_PROCESS_NOT_STARTED") throw cause;
		throw new SafeMigrateError({
			code: "SM_DOCKER_MISSING",
			message: "There is no docker client on this machine.",
			hint: "Install Docker where the job runs, or let the tools of PostgreSQL run on the machine itself (without container and client-image).",
			docs: "docker.md",
			cause
		});
	}
}
/** Why Docker cannot be used here, or null when its engine answers. */
async function dockerProblem() {
	try {
		const exit = await docker([
			"version",
			"--format",
			"{{.Server.Version}}"
		]);
		return exit.exitCode === 0 && exit.stdout.trim() !== "" ? null : unreachable(exit);
	} catch (error) {
		if (error instanceof SafeMigrateError && error.code === "SM_DOCKER_MISSING") return error;
		throw error;
	}
}
function unreachable(exit) {
	return new SafeMigrateError({
		code: "SM_DOCKER_UNREACHABLE",
		message: `The Docker engine does not answer: ${saidByDocker(exit)}`,
		hint: "Start it, or give the user of the job access to its socket (group docker); DOCKER_HOST says where another one is.",
		docs: "docker.md"
	});
}
/** Docker's own last words, on one line. */
function saidByDocker({ exitCode, stderr }) {
	return (stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("See '")).at(-1) ?? `exit code ${exitCode ?? "unknown"}`).slice(0, 300);
}

// src/docker/watchman.ts
const startTimeoutMs = 6e4;
/**
* Starts it in a running container, and again when that was restarted. Rejects with SM_CONTAINER_SHELL.
*/
async function watchContainer(container, name) {
	const post = () => standWatch([
		"exec",
		"--interactive",
		container,
		"sh",
		"-c",
		watchmanScript
	], (said) => new SafeMigrateError({
		code: "SM_CONTAINER_SHELL",
		message: `Nothing can be run in the container ${name}: ${said}`,
		hint: "It needs sh, sed, env and tr beside the tools of PostgreSQL, as the images of PostgreSQL have them.",
		docs: "docker.md"
	}));
	return watchmanOf(await post(), post);
}
/**
* Runs docker with `args`, which begin the watchman's script in a container of its own that ends with it. `failure` makes
* the error from what docker said.
*/
async function startWatchman(args, failure) {
	return watchmanOf(await standWatch(args, failure), () => Promise.reject(/* @__PURE__ */ new Error("the container has ended")));
}
/** `again` takes the place of a watch that has ended. */
function watchmanOf(first, again) {
	let current = first;
	return {
		async watch(pid, start) {
			if (current.hasEnded) current = await again();
			current.say(`watch ${pid} ${start}`);
		},
		signal: (pid, start, signal) => current.say(`signal ${pid} ${start} ${signal.replace(/^SIG/, "")}`),
		[Symbol.asyncDispose]: () => current[Symbol.asyncDispose]()
	};
}
async function standWatch(args, failure) {
	const client = startProcess("docker", args, {
		env: dockerEnvironment(),
		stdin: "pipe",
		ownGroup: true
	});
	let hasEnded = false;
	client.exited.catch(() => {}).finally(() => {
		hasEnded = true;
	});
	await ready(client).catch(async (error) => {
		client.kill("SIGKILL");
		const exit = await client.exited.catch(() => null);
		throw error instanceof SafeMigrateError ? error : failure(exit === null ? String(error) : saidByDocker(exit));
	});
	return {
		get hasEnded() {
			return hasEnded;
		},
		say: (line) => void client.stdin?.write(`${line}\n`),
		async [Symbol.asyncDispose]() {
			client.stdin?.end();
			const timer = setTimeout(() => client.kill("SIGKILL"), 1e4);
			await client.exited.catch(() => {});
			clearTimeout(timer);
		}
	};
}
async function ready(client) {
	let text = "";
	await new Promise((resolve, reject) => {
		client.stdout.on("data", (chunk) => {
			text += chunk.toString("latin1");
			if (text.includes("safe-migrate: ready")) resolve();
		});
		client.exited.then(() => reject(/* @__PURE__ */ new Error("it ended")), reject);
		setTimeout(() => reject(/* @__PURE__ */ new Error("it did not answer in time")), startTimeoutMs).unref();
	});
}

// src/database/postgres/connect/tool-installations.ts
const toolNames = [
	"psql",
	"pg_dump",
	"pg_restore"
];
/** What is found on PATH may be a wrapper of somebody's that waits for a network. */
const probeTimeoutMs$2 = 1e4;
/** Where packages put the tools of one major: the parent folder, and the path below each version's folder. */
const versionedFolders = [
	[
		"/usr/lib/postgresql",
		/^\d+$/,
		"bin"
	],
	[
		"/usr",
		/^pgsql-\d+$/,
		"bin"
	],
	[
		"/opt/homebrew/opt",
		/^(postgresql(@\d+)?|libpq)$/,
		"bin"
	],
	[
		"/usr/local/opt",
		/^(postgresql(@\d+)?|libpq)$/,
		"bin"
	],
	[
		"/home/linuxbrew/.linuxbrew/opt",
		/^(postgresql(@\d+)?|libpq)$/,
		"bin"
	],
	[
		"/Library/PostgreSQL",
		/^\d+$/,
		"bin"
	],
	[
		"/Applications/Postgres.app/Contents/Versions",
		/^\d+$/,
		"bin"
	]
];
/** The folders of this machine that may hold the tools, those of packages first, then `path`. */
async function searchFolders(path = process.env.PATH ?? "") {
	return [...(await Promise.all(versionedFolders.map(async ([parent, name, below]) => {
		return (await readdir(parent).catch(() => [])).filter((entry) => name.test(entry)).map((entry) => join(parent, entry, below));
	}))).flat(), ...path.split(delimiter).filter((folder) => folder !== "")];
}
/** All complete sets of tools in `folders`, newest first. A set whose tools differ in version is left out. */
async function findInstallations(folders) {
	const seen = /* @__PURE__ */ new Set();
	const found = [];
	for (const directory of folders) {
		const psql = await realpath(join(directory, "psql")).catch(() => null);
		if (psql === null || seen.has(psql) || basename(psql) === "pg_wrapper") continue;
		seen.add(psql);
		const version = await versionOf(directory);
		if (version !== null) found.push({
			directory,
			version
		});
	}
	return found.sort((a, b) => b.version.number - a.version.number);
}
async function versionOf(directory) {
	const versions = await Promise.all(toolNames.map((tool) => probe(join(directory, tool))));
	const [first] = versions;
	if (first === void 0 || first === null) return null;
	return versions.every((version) => version?.number === first.number) ? first : null;
}
async function probe(tool) {
	try {
		await access(tool, constants$1.X_OK);
		const { exitCode, stdout } = await readOutput(tool, ["--version"], {
			env: childEnvironment({ LC_ALL: "C" }),
			timeoutMs: probeTimeoutMs$2
		});
		return exitCode === 0 ? parseToolVersion(stdout) : null;
	} catch {
		return null;
	}
}
/** The version in the output of `psql --version`, e.g. `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`. */
function parseToolVersion(output) {
	const match = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(output);
	if (match === null) return null;
	return versionFromNumber(Number(match[1]) * 1e4 + Number(match[2] ?? 0));
}
/** A version from PostgreSQL's own number (`server_version_num`, 10 and later), e.g. 150018. */
function versionFromNumber(number) {
	const major = Math.floor(number / 1e4);
	return {
		number,
		major,
		text: `${major}.${number % 1e4}`
	};
}

// src/database/postgres/connect/container-installations.ts
const probeTimeoutMs$1 = 3e4;
/**
* Prints, for every folder of the container that has all three tools, its path and what each says of its version.
* /usr/bin/psql of Debian is a wrapper that picks a version by rules of its own; the real ones come first.
*/
const probeScript$1 = `IFS=:
for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/bitnami/postgresql/bin 2>/dev/null | tr '\\n' ':')$PATH; do
  [ -x "$folder/psql" ] && [ -x "$folder/pg_dump" ] && [ -x "$folder/pg_restore" ] || continue
  case $(readlink -f "$folder/psql") in */pg_wrapper) continue ;; esac
  echo "folder $folder"
  for tool in psql pg_dump pg_restore; do LC_ALL=C "$folder/$tool" --version; done
done 2>/dev/null`;
/** All complete sets of PostgreSQL's tools in a running container, newest first; none when it has no shell either. */
async function findInstallationsIn(container) {
	const { stdout } = await docker([
		"exec",
		container,
		"sh",
		"-c",
		probeScript$1
	], { timeoutMs: probeTimeoutMs$1 });
	const found = [];
	for (const [directory, ...lines] of stdout.split("folder ").slice(1).map((part) => part.trim().split("\n"))) {
		const versions = lines.map(parseToolVersion);
		const [first] = versions;
		if (directory === void 0 || first === void 0 || first === null || versions.length !== 3) continue;
		if (found.some((other) => other.directory === directory)) continue;
		if (versions.every((version) => version?.number === first.number)) found.push({
			directory,
			version: first
		});
	}
	return found.sort((a, b) => b.version.number - a.version.number);
}

// src/docker/container-processes.ts
/** Between SIGTERM and SIGKILL inside, and from there to the end of the docker client. */
const graceMs$2 = 5e3;
/**
* Starts a program in a container by `docker exec`. It begins only when the watchman knows it, so that nothing of ours
* goes on in the container after us. Throws the signal's reason when it was aborted already.
*/
function startInContainer(container, watchman, command, options) {
	options.signal?.throwIfAborted();
	const given = Object.keys(options.env);
	const names = given.filter((name) => name.startsWith("PG")).join(" ");
	const script = options.entries === void 0 ? [
		processScript,
		"sh",
		names
	] : [
		selectionScript,
		"sh",
		processScript,
		names
	];
	const variables = [...given, "LC_ALL"].map((name) => `--env=${name}`);
	let begun = () => {};
	const place = new Promise((resolve) => {
		begun = resolve;
	});
	const announced = new Announcement(begun);
	const client = startProcess("docker", [
		"exec",
		"--interactive",
		...variables,
		container,
		"sh",
		"-c",
		...script,
		...command
	], {
		env: dockerEnvironment(options.env),
		stdin: "pipe",
		ownGroup: true,
		onStderr: (chunk) => announced.read(chunk)
	});
	const stdin = inputOf(client, options);
	const stop = signaller(client, watchman, place);
	place.then(async ({ pid, start }) => {
		await watchman.watch(pid, start);
		client.stdin?.write("go\n");
		stdin.open();
	}).catch(() => client.kill("SIGKILL"));
	const end = onAbort(stop, options.signal);
	return {
		stdin: options.stdin === "pipe" ? stdin.stream : null,
		stdout: client.stdout,
		exited: client.exited.then((exit) => ({
			...exit,
			stderr: exit.stderr.replace(startedPattern, "")
		})).finally(end),
		kill: stop
	};
}
/** Finds the line by which a process tells its id; a docker client may have said something of its own before it. */
var Announcement = class {
	#found;
	#text = "";
	#isDone = false;
	constructor(found) {
		this.#found = found;
	}
	read(chunk) {
		if (this.#isDone) return;
		this.#text += chunk.toString("latin1");
		const match = startedPattern.exec(this.#text);
		const [, pid, start] = match ?? [];
		if (pid !== void 0 && start !== void 0) this.#found({
			pid,
			start
		});
		this.#isDone = match !== null;
	}
};
/** What is written before the process may begin waits; after `go` it follows on the same stream. */
function inputOf(client, options) {
	const stream = new PassThrough();
	stream.on("error", () => {});
	if (options.entries !== void 0) client.stdin?.write(`${options.entries.join(" ")}\n`);
	if (options.stdin !== "pipe") stream.end();
	return {
		stream,
		open: () => {
			if (client.stdin !== null) stream.pipe(client.stdin);
			client.exited.catch(() => {}).finally(() => stream.destroy());
		}
	};
}
function signaller(client, watchman, place) {
	let isThere = null;
	place.then((found) => {
		isThere = found;
	});
	return (signal = "SIGTERM") => {
		if (isThere === null) return client.kill("SIGKILL");
		watchman.signal(isThere.pid, isThere.start, signal);
		if (signal === "SIGKILL") setTimeout(() => client.kill("SIGKILL"), graceMs$2).unref();
	};
}
function onAbort(stop, signal) {
	let timer;
	const abort = () => {
		stop("SIGTERM");
		timer = setTimeout(() => {
			stop("SIGKILL");
		}, graceMs$2);
	};
	signal?.addEventListener("abort", abort, { once: true });
	return () => {
		clearTimeout(timer);
		signal?.removeEventListener("abort", abort);
	};
}

// src/database/postgres/connect/tool-arguments.ts
/**
* The arguments that make psql, pg_dump or pg_restore connect to `database`: the same for all three, and free of
* secrets. Host, user and password come by environment; the name goes as a connection string because a bare name
* that holds `=` or begins with `postgresql://` would be read as one (and pg_restore connects only when told -d).
* Keepalives find out within about a minute that a silent server is gone. `tcp_user_timeout` would be wrong here:
* Linux also counts the time in which a live but busy server does not read (a restore waiting for a lock).
*/
function connectionArguments(database) {
	return ["--no-password", `--dbname=dbname='${database.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}' keepalives=1 keepalives_idle=30 keepalives_interval=10 keepalives_count=3`];
}

// src/database/postgres/connect/container-tools.ts
/**
* The database's tools in a container, started by `docker exec`. Dumps come out and archives go in as streams: the
* container has no file of ours, and pg_restore reads from a stream with one job.
*/
var ContainerTools = class {
	version;
	fact;
	warnings;
	serverName;
	/** Even in the machine's own network: where Docker runs in a machine of its own, that is not ours. */
	goesByUrl = false;
	#directory;
	#container;
	constructor(choice, container) {
		const { directory, version } = choice.installation;
		this.version = version;
		this.fact = `tools ${version.text} in ${container.place}`;
		this.warnings = choice.warnings;
		this.serverName = container.serverName;
		this.#directory = directory;
		this.#container = container;
	}
	start(tool, args, options) {
		return this.#start(tool, args, options);
	}
	async readArchive(reading) {
		const { database, signal, entries } = reading;
		const process = this.#start("pg_restore", reading.args, {
			database,
			signal,
			stdin: "pipe",
			...entries === null ? {} : { entries: entries.map((line) => line.split(";", 1)[0] ?? "") }
		});
		if (process.stdin === null) throw new TypeError("pg_restore was started without stdin");
		const sent = pipeline(createReadStream(reading.archivePath), process.stdin).catch(() => {});
		const [stdout, exit] = await Promise.all([
			text(process.stdout),
			process.exited,
			sent
		]);
		return {
			...exit,
			stdout
		};
	}
	async [Symbol.asyncDispose]() {
		await this.#container.watchman[Symbol.asyncDispose]();
	}
	#start(tool, args, options) {
		const { database, entries, signal, stdin } = options;
		const connection = database === null ? [] : connectionArguments(database);
		const variables = database === null ? {} : this.#container.environment(database);
		return startInContainer(this.#container.id, this.#container.watchman, [
			`${this.#directory}/${tool}`,
			...connection,
			...args
		], {
			env: {
				...variables,
				...options.env
			},
			...entries === void 0 ? {} : { entries },
			...stdin === void 0 ? {} : { stdin },
			...signal === void 0 ? {} : { signal }
		});
	}
};

// src/database/postgres/server/choose-home.ts
/** What a server says about one database, or about one role in it; with any other error no database would do. */
const ofOneDatabase = /* @__PURE__ */ new Set([
	"SM_NO_DATABASE",
	"SM_CONNECTION",
	"SM_AUTH"
]);
/**
* The target; or, for a rollback of one that is gone, closed or broken, another database that the role may connect
* to: `postgres`, or the one named after the role. Not `template1`, where a session keeps others from creating
* databases, and not the coordination database, which is to be dropped from here. Rejects with what is wrong with the target.
*/
async function chooseHome(target, evenWithoutTarget, connect) {
	const { database, user } = target.address;
	try {
		return {
			database,
			unreachable: null,
			value: await connect(database)
		};
	} catch (error) {
		if (!evenWithoutTarget || !(error instanceof SafeMigrateError) || !ofOneDatabase.has(error.code)) throw error;
		const others = ["postgres", user].filter((name) => name !== database);
		for (const other of others) {
			const value = await connect(other).catch((reason) => {
				if (reason instanceof SafeMigrateError) return null;
				throw reason;
			});
			if (value === null) continue;
			return {
				database: other,
				unreachable: {
					isMissing: error.code === "SM_NO_DATABASE",
					because: error.message
				},
				value
			};
		}
		throw error;
	}
}

// src/database/postgres/connect/probe-server.ts
/** What `choose` gives for a probed server; where it throws, the session is ended first. */
async function orEnd({ session }, choose) {
	try {
		return await choose();
	} catch (error) {
		await session[Symbol.asyncDispose]();
		throw error;
	}
}
/** Connects once, through `tools`; the session stays open. Rejects as openSession and chooseHome do. */
async function probeServer(tools, target, evenWithoutTarget) {
	const { database, unreachable, value } = await chooseHome(target, evenWithoutTarget, async (name) => {
		const { session, serverVersionNumber } = await openSession(tools, target.address, name);
		return {
			session,
			version: versionFromNumber(serverVersionNumber)
		};
	});
	return {
		...value,
		home: database,
		unreachable
	};
}

// src/database/postgres/connect/tool-choice.ts
/** First minor release of each maintained major without CVE-2026-116314 (a crafted archive runs code in pg_restore). */
const firstSafeMinor = {
	14: 25,
	15: 20,
	16: 16,
	17: 12,
	18: 7
};
/**
* Chooses the tools for a server: those of its own major, otherwise the nearest newer ones (pg_dump refuses a
* server that is newer than itself). `noImage`: why tools of an image are no way out; null when that was no question.
* `place`: where the tools are, when not on this machine. Throws SM_CLIENT_MISSING or SM_CLIENT_TOO_OLD.
*/
function chooseTools(installations, server, noImage = null, place = null) {
	const [installation] = installations.filter((installation) => installation.version.major >= server.major).sort((a, b) => a.version.major - b.version.major || b.version.number - a.version.number);
	if (installation !== void 0) return {
		installation,
		warnings: warningsFor(installation, server)
	};
	const [newest] = [...installations].sort((a, b) => b.version.number - a.version.number);
	if (newest === void 0) throw noTools(server.major, noImage);
	if (place !== null) throw new SafeMigrateError({
		code: "SM_CLIENT_TOO_OLD",
		message: `The PostgreSQL tools in ${place} (${newest.version.text}) are older than the server (${server.text}) and cannot dump it.`,
		hint: `Use an image of PostgreSQL ${server.major} or later, e.g. postgres:${server.major}. An older client cannot be used.`,
		docs: "docker.md"
	});
	throw new SafeMigrateError({
		code: "SM_CLIENT_TOO_OLD",
		message: `The PostgreSQL tools of this machine (${newest.version.text} in ${newest.directory}) are older than the server (${server.text}) and cannot dump it.`,
		hint: `Either: ${installHint(server.major)} ${imageHint(server.major, noImage)} An older client cannot be used.`,
		docs: "postgresql.md"
	});
}
/** SM_CLIENT_MISSING; `major` is the server's when it is known. */
function noTools(major, noImage = null) {
	return new SafeMigrateError({
		code: "SM_CLIENT_MISSING",
		message: "psql, pg_dump and pg_restore were not found on this machine (neither in /usr/lib/postgresql nor on PATH).",
		hint: `Either: ${installHint(major)} ${imageHint(major, noImage)}`,
		docs: "postgresql.md"
	});
}
function imageHint(major, noImage) {
	return `Or: let Docker run them from ${`postgres:${major ?? "<server major>"}`} (client-image names another image)${noImage === null ? "." : `; now it does not: ${noImage}`}`;
}
function installHint(major) {
	return `Install them in a step before this one: sudo apt-get install -y postgresql-common && sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && sudo apt-get install -y ${`postgresql-client-${major ?? "<server major>"}`}.`;
}
function warningsFor({ version }, server) {
	const warnings = [];
	if (version.major > server.major) warnings.push(`The tools are of PostgreSQL ${version.text}, the server of ${server.text}: a newer pg_restore may emit settings that the server rejects; postgresql-client-${server.major} fits exactly.`);
	const safeMinor = firstSafeMinor[version.major];
	if (safeMinor !== void 0 && version.number % 1e4 < safeMinor) warnings.push(`The tools are of PostgreSQL ${version.text}, which has CVE-2026-116314 (a crafted archive runs code in pg_restore); it is fixed in ${version.major}.${safeMinor}. Update the client packages.`);
	else if (version.major < 14) warnings.push(`The tools are of PostgreSQL ${version.text}, which gets no security fixes any more.`);
	return warnings;
}

// src/database/postgres/connect/client-image.ts
/** Asked for the server's version when the machine has no tools at all. */
const newestMajor = 18;
const pullTimeoutMs = 6e5;
/**
* Starts the tools of an image, in a container in the machine's network that ends with us: of `image`, or of
* PostgreSQL's own with the server's major. `known` is null where nothing on the machine could ask the server for its
* version. `opened` is null where that is not possible, and `because` then says why. An `image` that was asked for by
* name and cannot be used is an error: SM_CLIENT_IMAGE. Rejects as openSession does when the server does not answer.
*/
async function chooseClientImage(target, known, options) {
	const { image } = options;
	const open = (name) => openImage(target, name, options.evenWithoutTarget);
	const problem = await dockerProblem();
	if (problem !== null) {
		if (image !== null) throw cannotUse(image, problem.message);
		return {
			opened: null,
			because: problem.message
		};
	}
	try {
		const first = await open(image ?? officialImage(known?.version.major ?? newestMajor));
		if (image !== null || known !== null || first.version.major === newestMajor) return {
			opened: first,
			because: null
		};
		try {
			const exact = await open(officialImage(first.version.major));
			await first.session[Symbol.asyncDispose]();
			await first.tools[Symbol.asyncDispose]();
			return {
				opened: exact,
				because: null
			};
		} catch (error) {
			if (!(error instanceof SafeMigrateError)) throw error;
			return {
				opened: first,
				because: null
			};
		}
	} catch (error) {
		const isWayOut = isImageProblem(error) || known !== null && error instanceof SafeMigrateError;
		if (image !== null || !isWayOut) throw error;
		return {
			opened: null,
			because: messageOf(error)
		};
	}
}
function officialImage(major) {
	return `postgres:${major}`;
}
function isImageProblem(error) {
	return error instanceof SafeMigrateError && error.code === "SM_CLIENT_IMAGE";
}
async function openImage(target, image, evenWithoutTarget) {
	await ensureImage(image);
	const id = `safe-migrate-clients-${randomBytes(6).toString("hex")}`;
	const watchman = await startWatchman([
		"run",
		"--rm",
		"--interactive",
		"--network=host",
		`--name=${id}`,
		...mountsFor(target).map((path) => `--volume=${path}:${path}:ro`),
		"--entrypoint=sh",
		image,
		"-c",
		watchmanScript
	], (said) => cannotUse(image, said));
	try {
		const container = {
			id,
			place: `image ${image}`,
			watchman,
			serverName: null,
			environment: (database) => target.environment(database)
		};
		const installations = await findInstallationsIn(id);
		const [newest] = installations;
		if (newest === void 0) throw cannotUse(image, "it has no psql, pg_dump and pg_restore");
		const asking = new ContainerTools({
			installation: newest,
			warnings: []
		}, container);
		const probed = await probeServer(asking, target, evenWithoutTarget);
		const choice = await orEnd(probed, () => chooseTools(installations, probed.version, null, container.place));
		return {
			...probed,
			tools: new ContainerTools(choice, container)
		};
	} catch (error) {
		await watchman[Symbol.asyncDispose]();
		throw error;
	}
}
async function ensureImage(image) {
	if ((await docker([
		"image",
		"inspect",
		"--format",
		"{{.Id}}",
		image
	])).exitCode === 0) return;
	const pulled = await docker([
		"pull",
		"--quiet",
		image
	], { timeoutMs: pullTimeoutMs });
	if (pulled.exitCode !== 0) throw cannotUse(image, `it cannot be pulled: ${saidByDocker(pulled)}`);
}
/** The socket's folder and the certificate, where the URL names them: the same paths inside. */
function mountsFor(target) {
	const { PGHOST, PGSSLROOTCERT } = target.environment(target.address.database);
	return [PGHOST, PGSSLROOTCERT].filter((path) => path?.startsWith("/") === true && existsSync(path));
}
function cannotUse(image, because) {
	return new SafeMigrateError({
		code: "SM_CLIENT_IMAGE",
		message: `The tools of PostgreSQL cannot be run from the image ${image}: ${because}`,
		hint: "Let the machine reach the registry (or docker pull, docker load the image before), or name one that it has as client-image: with sh, psql, pg_dump and pg_restore, not older than the server.",
		docs: "docker.md"
	});
}

// src/docker/find-container.ts
const listed = object$1({
	ID: string(),
	Names: string(),
	State: string(),
	Labels: string()
});
/**
* Finds a running container by name, id (at least 12 digits of it), or the name of its service in a compose file. Where
* several compose projects have such a service, the one whose folder holds `directory` is meant.
* Rejects with SM_CONTAINER_NOT_FOUND, SM_CONTAINER_STOPPED, SM_CONTAINER_AMBIGUOUS, and where Docker cannot be used.
*/
async function findContainer(wanted, directory) {
	const problem = await dockerProblem();
	if (problem !== null) throw problem;
	const exit = await docker([
		"ps",
		"--all",
		"--no-trunc",
		"--format",
		"{{json .}}"
	]);
	if (exit.exitCode !== 0) throw refusal("SM_CONTAINER_NOT_FOUND", `${wanted}: ${saidByDocker(exit)}`, "");
	const all = exit.stdout.split("\n").filter((line) => line.trim() !== "").map((line) => listed.parse(JSON.parse(line)));
	const named = all.filter((each) => namesOf$1(each).includes(wanted) || isIdOf(each, wanted));
	const candidates = named.length > 0 ? named : serviceContainers(all, wanted, directory);
	const running = candidates.filter((each) => each.State === "running");
	const [first, ...more] = running;
	if (first === void 0) throw candidates.length > 0 ? stopped(candidates, wanted) : notFound$1(all, wanted);
	if (more.length > 0) throw ambiguous$1(running, wanted);
	return {
		id: first.ID,
		name: namesOf$1(first)[0] ?? wanted
	};
}
function serviceContainers(all, service, directory) {
	const labelled = all.filter((each) => labelOf$1(each, "com.docker.compose.service") === service && labelOf$1(each, "com.docker.compose.oneoff") !== "True");
	const [nearest] = labelled.map((each) => labelOf$1(each, "com.docker.compose.project.working_dir") ?? "").filter((folder) => folder !== "" && `${directory}${sep}`.startsWith(`${folder}${sep}`)).sort((a, b) => b.length - a.length);
	if (nearest === void 0) return labelled;
	return labelled.filter((each) => labelOf$1(each, "com.docker.compose.project.working_dir") === nearest);
}
function namesOf$1({ Names }) {
	return Names.split(",").filter((name) => !name.includes("/"));
}
function isIdOf({ ID }, wanted) {
	return /^[0-9a-f]{12,64}$/.test(wanted) && ID.startsWith(wanted);
}
/** Labels come as `name=value,name=value`; the values of compose's own labels that are read here may hold a comma. */
function labelOf$1({ Labels }, name) {
	return new RegExp(`(?:^|,)${name.replaceAll(".", "\\.")}=(.*?)(?:,[A-Za-z0-9_.-]+=|$)`).exec(Labels)?.[1] ?? null;
}
function notFound$1(all, wanted) {
	const running = all.filter(({ State }) => State === "running").flatMap(namesOf$1);
	return refusal("SM_CONTAINER_NOT_FOUND", `There is no container ${wanted}, neither by name nor as a service of a compose file.`, `${running.length === 0 ? "No container is running" : `Running are ${running.sort().join(", ")}`}; container names the one in which PostgreSQL runs.`);
}
function stopped(candidates, wanted) {
	return refusal("SM_CONTAINER_STOPPED", `The container ${wanted} does not run (${candidates.map((each) => `${namesOf$1(each)[0] ?? each.ID}: ${each.State}`).join(", ")}).`, "Start it (docker start, docker compose up -d) and wait until PostgreSQL in it answers.");
}
function ambiguous$1(running, wanted) {
	return refusal("SM_CONTAINER_AMBIGUOUS", `${wanted} is the service of several running containers: ${running.map((each) => namesOf$1(each)[0] ?? each.ID).join(", ")}.`, "Give the name of one of them as container.");
}
function refusal(code, message, hint) {
	return new SafeMigrateError({
		code,
		message,
		hint,
		docs: "docker.md"
	});
}

// src/database/postgres/connect/connect-container.ts
/** The port on which PostgreSQL listens in a container, whatever port it is published on. */
const insidePort = 5432;
/** Parameters of the URL that speak of the way from this machine, not of the one inside of the container. */
const outsideOnly = /^PG(HOST|PORT|SSL.*|CHANNELBINDING|GSSENCMODE|KRBSRVNAME)$/;
/**
* Reaches the server from inside of its own container, with the URL's user, password and database: by the socket or on
* the container's loopback, on the URL's port (a container in the machine's network has it too) or on 5432.
* Rejects as findContainer does; with SM_CLIENT_MISSING when the container has no tools; with the most telling error of
* all routes when none leads to the database.
*/
async function openContainer(target, wanted, options) {
	const found = await findContainer(wanted, options.directory);
	const place = `container ${found.name}`;
	const installations = await findInstallationsIn(found.id);
	const [newest] = installations;
	if (newest === void 0) throw noToolsIn(found);
	const watchman = await watchContainer(found.id, found.name);
	try {
		const { container, probed } = await findRoute(target, found, newest, watchman, options.evenWithoutTarget);
		const choice = await orEnd(probed, () => chooseTools(installations, probed.version, null, place));
		return {
			...probed,
			tools: new ContainerTools(choice, container)
		};
	} catch (error) {
		await watchman[Symbol.asyncDispose]();
		throw error;
	}
}
async function findRoute(target, found, installation, watchman, evenWithoutTarget) {
	const failures = [];
	for (const route of routesTo(target)) {
		const container = {
			id: found.id,
			place: `container ${found.name}`,
			watchman,
			serverName: `in container ${found.name} (${route.name})`,
			environment: (database) => ({
				...insideVariables(target.environment(database)),
				...route.variables
			})
		};
		const tools = new ContainerTools({
			installation,
			warnings: []
		}, container);
		try {
			return {
				container,
				probed: await probeServer(tools, target, evenWithoutTarget)
			};
		} catch (error) {
			if (!(error instanceof SafeMigrateError)) throw error;
			failures.push({
				route,
				error
			});
		}
	}
	throw mostTelling(found, failures);
}
function routesTo(target) {
	return [.../* @__PURE__ */ new Set([target.address.port, insidePort])].map(String).flatMap((port) => [{
		name: `socket, port ${port}`,
		variables: { PGPORT: port }
	}, {
		name: `127.0.0.1:${port}`,
		variables: {
			PGHOST: "127.0.0.1",
			PGPORT: port
		}
	}]);
}
function insideVariables(variables) {
	return Object.fromEntries(Object.entries(variables).filter(([name]) => !outsideOnly.test(name)));
}
/** Where a server answered, its answer says more than a door that is not there. */
const tellingOrder = [
	"SM_NO_DATABASE",
	"SM_AUTH",
	"SM_CONNECTION",
	"SM_UNREACHABLE"
];
function mostTelling(found, failures) {
	const rank = ({ code }) => {
		const at = tellingOrder.indexOf(code);
		return at === -1 ? tellingOrder.length : at;
	};
	const [first] = failures.map(({ error }) => error).sort((a, b) => rank(a) - rank(b));
	if (first === void 0) throw new TypeError("a container without a route");
	if (first.code !== "SM_UNREACHABLE") return first;
	return new SafeMigrateError({
		code: "SM_UNREACHABLE",
		message: `No PostgreSQL server answers in container ${found.name}, neither on its socket nor on its loopback.`,
		hint: `Is it the container in which the server itself runs? \`docker logs ${found.name}\` says what it does.`,
		docs: "docker.md",
		cause: first
	});
}
function noToolsIn(found) {
	return new SafeMigrateError({
		code: "SM_CLIENT_MISSING",
		message: `psql, pg_dump and pg_restore were not found in container ${found.name}.`,
		hint: "Name the container in which PostgreSQL runs; without container the tools of the machine, or of an image, reach the server by the URL.",
		docs: "docker.md"
	});
}

// src/database/postgres/connect/machine-tools.ts
/** The database's tools as they are installed on this machine. */
var MachineTools = class {
	version;
	fact;
	warnings;
	goesByUrl = true;
	serverName = null;
	#directory;
	#target;
	constructor(choice, target) {
		const { directory, version } = choice.installation;
		this.version = version;
		this.fact = `tools ${version.text} in ${directory}`;
		this.warnings = choice.warnings;
		this.#directory = directory;
		this.#target = target;
	}
	start(tool, args, options) {
		const { database } = options;
		const connection = database === null ? [] : connectionArguments(database);
		const variables = database === null ? {} : this.#target.environment(database);
		return startProcess(join(this.#directory, tool), [...connection, ...args], {
			env: databaseToolEnvironment({
				...variables,
				...options.env
			}),
			stdin: options.stdin ?? "ignore",
			ownGroup: true,
			...options.signal === void 0 ? {} : { signal: options.signal }
		});
	}
	async readArchive(reading) {
		const { archivePath, database, entries, jobs, signal } = reading;
		const args = [...reading.args, ...jobs > 1 ? [`--jobs=${jobs}`] : []];
		const listPath = `${archivePath}.${randomBytes(4).toString("hex")}.list`;
		try {
			if (entries !== null) {
				await writeFile(listPath, `${entries.join("\n")}\n`, { mode: 384 }).catch((error) => {
					throw listNotWritten(listPath, error);
				});
				args.push(`--use-list=${listPath}`);
			}
			const process = this.start("pg_restore", [...args, archivePath], {
				database,
				signal
			});
			const [stdout, exit] = await Promise.all([text(process.stdout), process.exited]);
			return {
				...exit,
				stdout
			};
		} finally {
			await rm(listPath, { force: true });
		}
	}
	async [Symbol.asyncDispose]() {}
};
/** Beside the dump, on the runner's disk. */
function listNotWritten(path, error) {
	const code = error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
	const isFull = code === "ENOSPC" || code === "EDQUOT";
	return new SafeMigrateError({
		code: isFull ? "SM_DISK_FULL" : "SM_DISK",
		message: isFull ? `the disk is full: ${path}, which names what is to be restored, could not be written` : `${path}, which names what is to be restored, could not be written (${code})`,
		hint: "Look at the disk where the runner keeps its temporary files (RUNNER_TEMP): free space there, or use a larger one.",
		cause: error
	});
}

// src/database/postgres/connect/connect.ts
/** Oldest server whose catalogs and settings this code was written for. */
const oldestMajor = 13;
/**
* Finds the server of `target` and tools that fit it: in `container` where it is given, otherwise those of this
* machine with the server's own major, those of an image where Docker answers, or the nearest newer ones.
* Rejects when the server does not answer (see openSession), when no fitting tools can be had (SM_CLIENT_MISSING,
* SM_CLIENT_TOO_OLD), when the container cannot be used (see findContainer) and when the server is too old
* (SM_SERVER_TOO_OLD).
*/
async function connectServer(target, options = {}) {
	const chosen = typeof options.container === "string" ? await openContainer(target, options.container, {
		directory: options.directory ?? process.cwd(),
		evenWithoutTarget: options.evenWithoutTarget === true
	}) : await openTools(target, options);
	try {
		await orEnd(chosen, () => refuseOldServer(chosen.version));
		if (options.keepsFirstSession === true) return new ReachedServer(target.address, chosen, chosen.session);
		await chosen.session[Symbol.asyncDispose]();
	} catch (error) {
		await chosen.tools[Symbol.asyncDispose]();
		throw error;
	}
	return new ReachedServer(target.address, chosen, null);
}
async function openTools(target, options) {
	const evenWithoutTarget = options.evenWithoutTarget === true;
	const installations = await findInstallations(options.folders ?? await searchFolders());
	const [newest] = installations;
	const probed = newest === void 0 ? null : await probeServer(new MachineTools({
		installation: newest,
		warnings: []
	}, target), target, evenWithoutTarget);
	if (probed !== null && installations.some(({ version }) => version.major === probed.version.major)) {
		const choice = await orEnd(probed, () => chooseTools(installations, probed.version));
		return {
			...probed,
			tools: new MachineTools(choice, target)
		};
	}
	const askImage = () => chooseClientImage(target, probed, {
		image: options.clientImage ?? null,
		evenWithoutTarget
	});
	const image = await (probed === null ? askImage() : orEnd(probed, askImage));
	if (image.opened !== null) {
		await probed?.session[Symbol.asyncDispose]();
		return image.opened;
	}
	if (probed === null) throw noTools(null, image.because);
	const choice = await orEnd(probed, () => chooseTools(installations, probed.version, image.because));
	return {
		...probed,
		tools: new MachineTools(choice, target)
	};
}
function refuseOldServer(version) {
	if (version.major >= oldestMajor) return;
	throw new SafeMigrateError({
		code: "SM_SERVER_TOO_OLD",
		message: `The server is PostgreSQL ${version.text}; safe-migrate works with PostgreSQL ${oldestMajor} and later.`,
		hint: `Upgrade the server; PostgreSQL ${version.major} gets no security fixes any more.`,
		docs: "postgresql.md"
	});
}
var ReachedServer = class {
	address;
	version;
	tools;
	home;
	unreachable;
	/** Not given to anybody yet. */
	#first;
	constructor(address, chosen, first) {
		this.address = address;
		this.version = chosen.version;
		this.tools = chosen.tools;
		this.home = chosen.home;
		this.unreachable = chosen.unreachable;
		this.#first = first;
	}
	async connect(database, options = {}) {
		const first = this.#first;
		if (first !== null && database === first.database && options.applicationName === void 0) {
			this.#first = null;
			return first;
		}
		const { session } = await openSession(this.tools, this.address, database, options);
		return session;
	}
	async [Symbol.asyncDispose]() {
		await this.#first?.[Symbol.asyncDispose]();
		await this.tools[Symbol.asyncDispose]();
	}
};

// src/database/postgres/session/trusted-owner.ts
/**
* What `pg_has_role` calls the right to SET ROLE: told apart from mere membership since 16. Asked of the server, so that
* the same statement serves all of them.
*/
const rightToBecomeSql = `CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END`;
/**
* SQL: whoever owns this database (`owner`, an expression for an OID) could himself do to the target whatever the
* database makes a run do. A name anybody can choose who may create databases, and its owner can write any comment on it;
* who owns it, nobody can forge. Such owners are the target's own, whoever ran, a role that may become him (a member's
* run of an earlier version made the coordination database its own), a superuser, and whoever may become this very role.
*
* Of a target that is not there the owner is not known: then it also is one whom this role may become, unless this
* role is a superuser, who may become everybody.
*/
function isTrustedOwner(owner, target) {
	const isPlace = typeof target === "string" ? `p.datname = ${literal(target)}` : `p.oid = ${target.oid}`;
	return `(SELECT ${mayBecome(owner, "sm_me")} OR coalesce(${mayBecome(owner, "sm_owner")},
                    NOT sm_is_superuser AND ${mayBecome("sm_me", owner)})
             FROM (SELECT r.oid AS sm_me, r.rolsuper AS sm_is_superuser FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS sm_role
             LEFT JOIN (SELECT p.datdba AS sm_owner FROM pg_catalog.pg_database p WHERE ${isPlace}) AS sm_place ON true)`;
}
/** SQL: `role` may do all that `other` may (both OIDs): he is it, a superuser, or a member who may take its place. */
function mayBecome(role, other) {
	return `pg_catalog.pg_has_role(${role}, ${other}, ${rightToBecomeSql})`;
}

// src/database/postgres/copy/close-database.ts
const pauseMs$4 = 50;
const patienceMs$1 = 5e3;
const countRow$1 = object$1({ sessions: number() });
/**
* Closes a copy of ours to connections and waits until those who were in it have gone: our own sessions' backends
* outlive their psql by a moment, and a session that stays would block the renames of a swap. Whoever cannot be
* ended is left there; the swap deals with sessions once more.
*/
async function closeDatabase(admin, name) {
	await admin.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false`);
	await endSessionsIn(admin, name);
	for (let waitedMs = 0; waitedMs < patienceMs$1; waitedMs += pauseMs$4) {
		const [row] = await admin.query(`SELECT count(*) AS "sessions" FROM pg_catalog.pg_stat_activity
        WHERE datname = ${literal(name)} AND usesysid IS NOT NULL`, countRow$1);
		if (row?.sessions === 0) return;
		await setTimeout$1(pauseMs$4);
	}
}

// src/database/postgres/copy/private-database.ts
/**
* Opens a database that was created closed (`ALLOW_CONNECTIONS false`) to this role alone. A new database is open to
* everybody, and while a copy is filled, the privileges that keep people out of the target's schemas and functions are not
* there yet. Neither may its owner come in, where he is somebody else: he has to grant himself the right first.
*/
async function openPrivately(admin, name, owner) {
	const [role] = await admin.query("SELECT current_user::text AS \"name\"", object$1({ name: string() }));
	const me = role?.name ?? "";
	const database = identifier(name);
	await admin.execute(`
    GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${database} TO ${identifier(me)};
    REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC;
    ${me === owner ? "" : `REVOKE CONNECT ON DATABASE ${database} FROM ${identifier(owner)};`}
    ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
}
/** Opens one that was created closed to its owner alone (and to his members, and superusers). */
async function openToOwner(admin, name) {
	await admin.execute(`
    REVOKE ALL ON DATABASE ${identifier(name)} FROM PUBLIC;
    ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS true`);
}
async function readMaker(session, target) {
	const [maker] = await session.query(`SELECT o.rolname::text AS "owner", me.rolcreatedb OR me.rolsuper AS "mayCreate",
            pg_catalog.pg_has_role(o.oid, 'USAGE') AND pg_catalog.pg_has_role(o.oid,
              ${rightToBecomeSql})
              AS "actsForOwner"
       FROM pg_catalog.pg_roles me LEFT JOIN pg_catalog.pg_database t ON t.datname = ${literal(target)},
            pg_catalog.pg_roles o
      WHERE me.rolname = current_user AND o.oid = coalesce(t.datdba, me.oid)`, object$1({
		owner: string(),
		mayCreate: boolean(),
		actsForOwner: boolean()
	}));
	if (maker === void 0) throw new TypeError("this session has no role");
	return maker;
}

// src/database/postgres/copy/claim-copy.ts
/**
* CREATE DATABASE and the mark on it are two statements, and a run can die between them. Marks the copy that such a run
* left: it bears the name that nobody else gives, belongs to whom runs give it, nobody has commented on it, and it
* is empty. Anything else stays as it is. `admin` is a session in another database.
*/
async function claimCopy(server, admin, mark) {
	const name = copyName(mark.target, mark.kind, mark.run);
	const [found] = await admin.query(`SELECT pg_catalog.pg_has_role(datdba, 'USAGE') AND ${isTrustedOwner("datdba", mark.target)} AS "isOurs",
            datallowconn AS "isOpen", pg_catalog.pg_get_userbyid(datdba)::text AS "owner",
            pg_catalog.shobj_description(oid, 'pg_database') AS "comment"
       FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`, object$1({
		isOurs: boolean(),
		isOpen: boolean(),
		owner: string(),
		comment: string().nullable()
	}));
	if (found === void 0 || !found.isOurs || found.comment !== null) return;
	if (!found.isOpen) await openPrivately(admin, name, found.owner);
	if (!await isEmpty(server, name)) {
		if (!found.isOpen) await closeDatabase(admin, name);
		return;
	}
	await admin.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(copyMark(mark))}`);
}
async function isEmpty(server, name) {
	try {
		await using session = await server.connect(name);
		const [content] = await session.query(`SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) AS "isUsed"`, object$1({ isUsed: boolean() }));
		return content?.isUsed === false;
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		return false;
	}
}

// src/database/postgres/copy/drop-copy.ts
const attempts$2 = 3;
const pauseMs$3 = 500;
const copyRow = object$1({
	comment: string().nullable(),
	owner: string(),
	isTrusted: boolean(),
	isInvalid: boolean()
});
/**
* Drops one database that its mark, its name and its owner prove to be a copy that safe-migrate made for `target`; does
* nothing when there is no such database. Ends the sessions in it first, and never uses FORCE. `admin` is a session
* in another database. `madeFor`: the owner whom this very run has given it, where he is not the target's (a backup may be
* older than he). Rejects with SM_NOT_A_COPY (nothing was touched) or SM_DROP_FAILED.
*/
async function dropCopy(admin, target, name, madeFor = null) {
	const [database] = await admin.query(`SELECT pg_catalog.left(pg_catalog.shobj_description(d.oid, 'pg_database'), ${markLimitBytes}) AS "comment",
            d.datconnlimit = -2 AS "isInvalid", pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner",
            ${isTrustedOwner("d.datdba", target)}
              -- Without a target nobody knows whose they are; what bears its name and mark is nobody else's.
              OR NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(target)}) AS "isTrusted"
       FROM pg_catalog.pg_database d WHERE d.datname = ${literal(name)}`, copyRow);
	if (database === void 0) return;
	const isMarked = provenCopy(target, name, database.comment) !== null;
	if (isMarked && !database.isTrusted && database.owner !== madeFor) throw new SafeMigrateError({
		code: "SM_NOT_A_COPY",
		message: `the database ${name} is marked as a copy that safe-migrate made of ${target}, but belongs to ${database.owner}, to whom no run would have given it; it was not dropped`,
		hint: `If nobody needs it, as a superuser or as ${database.owner}: DROP DATABASE ${identifier(name)};`,
		docs: "security.md"
	});
	if (!isMarked) throw new SafeMigrateError({
		code: "SM_NOT_A_COPY",
		message: `the database ${name} is not marked as a copy that safe-migrate made of ${target}; it was not dropped`,
		hint: "If you are sure that nobody needs it, drop it by hand.",
		docs: "recovery.md"
	});
	await dropWithRetries(admin, name, database.isInvalid);
}
async function dropWithRetries(admin, name, isInvalid) {
	try {
		if (!isInvalid) await admin.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false`);
		for (let attempt = 1;; attempt += 1) {
			await endSessionsIn(admin, name);
			try {
				await admin.execute(`DROP DATABASE ${identifier(name)}`);
				return;
			} catch (error) {
				if (!(error instanceof SqlError && error.sqlState === "55006") || attempt === attempts$2) throw error;
				await setTimeout$1(pauseMs$3);
			}
		}
	} catch (cause) {
		if (!(cause instanceof SqlError)) throw cause;
		throw new SafeMigrateError({
			code: "SM_DROP_FAILED",
			message: `the database ${name} could not be dropped: ${cause.primaryMessage}`,
			hint: `Drop it by hand once nobody is connected to it: DROP DATABASE ${identifier(name)};`,
			docs: "recovery.md",
			cause
		});
	}
}

// src/database/postgres/copy/kept-databases.ts
const databaseRow = object$1({
	name: string(),
	oid: number(),
	owner: string(),
	isTrusted: boolean(),
	sizeBytes: number(),
	comment: string(),
	targetOid: number().nullable()
});
/**
* Databases on the server that name, mark and owner prove to be copies of `target`, of the given kinds. Kept failed
* ones newest first, by the server's own facts: ids of runs carry the clocks of their machines. The one whose place the
* target of today took is the first of all.
*/
async function copiesOf(session, target, kinds) {
	return newestFirst((await markedDatabases(session, target, kinds)).filter(({ isTrusted }) => isTrusted)).map(({ name, sizeBytes }) => ({
		name,
		sizeBytes
	}));
}
/** Databases whose name and comment say that they are ours, and whose owner says that they are not. */
async function foreignDatabases(session, target) {
	const marked = await markedDatabases(session, target, copyKinds);
	const [coordination] = await session.query(`SELECT d.datname::text AS "name", pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner"
       FROM pg_catalog.pg_database d
      WHERE d.datname = ${literal(coordinationName(target))} AND NOT ${isTrustedOwner("d.datdba", target)}`, object$1({
		name: string(),
		owner: string()
	}));
	return [...coordination === void 0 ? [] : [coordination], ...marked.filter(({ isTrusted }) => !isTrusted)].map(({ name, owner }) => ({
		name,
		owner,
		removal: `DROP DATABASE ${identifier(name)};`
	}));
}
async function markedDatabases(session, target, kinds) {
	return (await session.query(`WITH marked AS MATERIALIZED (
       SELECT d.oid, d.datname, d.datdba, s.description AS comment
         FROM pg_catalog.pg_database d JOIN pg_catalog.pg_shdescription s
           ON s.objoid = d.oid AND s.classoid = 'pg_catalog.pg_database'::regclass
        WHERE pg_catalog.octet_length(s.description) <= ${markLimitBytes} AND s.description LIKE 'safe-migrate {%')
     SELECT d.datname::text AS "name", d.oid::bigint AS "oid", d.comment AS "comment",
            pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner",
            ${isTrustedOwner("d.datdba", target)} AS "isTrusted",
            (SELECT t.oid::bigint FROM pg_catalog.pg_database t WHERE t.datname = ${literal(target)}) AS "targetOid",
            -- The server tells the size only to those who may connect; 0 where it does not.
            -- The size is null when the run of another target drops its copy at this very moment.
            coalesce(CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                            OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
                          THEN pg_catalog.pg_database_size(d.oid) END, 0) AS "sizeBytes"
       FROM marked d ORDER BY d.datname`, databaseRow)).flatMap((row) => {
		const mark = provenCopy(target, row.name, row.comment);
		return mark !== null && kinds.includes(mark.kind) ? [{
			...row,
			mark
		}] : [];
	});
}
/**
* The time that the swap wrote where there is one; those that earlier versions marked have none, and stand among the
* others by OID: a server gives out ever higher ones, and each recovery replaces the target by a younger database.
*/
function newestFirst(copies) {
	const isLast = ({ mark, targetOid }) => targetOid !== null && mark.replacedBy === targetOid;
	const timed = copies.filter(({ mark }) => mark.at !== void 0).toSorted((a, b) => Date.parse(b.mark.at ?? "") - Date.parse(a.mark.at ?? "") || b.oid - a.oid);
	const untimed = copies.filter(({ mark }) => mark.at === void 0).toSorted((a, b) => b.oid - a.oid);
	const merged = [];
	for (const copy of timed) {
		while ((untimed[0]?.oid ?? 0) > copy.oid) merged.push(...untimed.splice(0, 1));
		merged.push(copy);
	}
	return [...merged, ...untimed].toSorted((a, b) => Number(isLast(b)) - Number(isLast(a)));
}

// src/database/postgres/copy/properties.ts
const propertiesRow = object$1({
	owner: string(),
	encoding: string(),
	collate: string(),
	ctype: string(),
	localeProvider: string(),
	icuLocale: string().nullable(),
	icuRules: string().nullable(),
	tablespace: string(),
	connectionLimit: number().int(),
	comment: string().nullable(),
	acl: array(string()).nullable()
});
const settingsRow = object$1({
	role: string().nullable(),
	config: array(string())
});
/**
* Reads what belongs to database `name` itself; any role may read all of it, from any database of the server.
* pg_database is read through JSON because its columns differ: datlocprovider and daticulocale came with 15,
* daticurules with 16, and 17 renamed daticulocale to datlocale (which the builtin provider uses, too).
* Rejects with SM_NO_DATABASE.
*/
async function readProperties(session, name) {
	const [properties] = await session.query(`select pg_get_userbyid(d.datdba) as "owner",
            pg_encoding_to_char(d.encoding) as "encoding",
            d.datcollate::text as "collate",
            d.datctype::text as "ctype",
            coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as "localeProvider",
            coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as "icuLocale",
            to_jsonb(d) ->> 'daticurules' as "icuRules",
            t.spcname::text as "tablespace",
            d.datconnlimit as "connectionLimit",
            shobj_description(d.oid, 'pg_database') as "comment",
            -- An empty ACL (everything revoked) is not the default one, which is null, also where it is written out.
            nullif(case when d.datacl is not null then
              array(select item::text from unnest(d.datacl) as item order by item::text collate "C") end,
              array(select item::text from unnest(acldefault('d', d.datdba)) as item order by item::text collate "C")) as "acl"
       from pg_database d join pg_tablespace t on t.oid = d.dattablespace
      where d.datname = ${literal(name)}`, propertiesRow);
	if (properties === void 0) throw new SafeMigrateError({
		code: "SM_NO_DATABASE",
		message: `The server has no database ${name}.`,
		hint: "Check the name; somebody may have renamed or dropped the database during the run.",
		docs: "postgresql.md"
	});
	const settings = await session.query(`select case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end as "role",
            -- In the order in which a session takes them: search_path decides which configuration a later name means.
            s.setconfig as "config"
       from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
      where d.datname = ${literal(name)} and s.setconfig is not null
      order by s.setrole <> 0, 1`, settingsRow);
	return {
		...properties,
		settings
	};
}

// src/system/secret.ts
/**
* A value that must not reach a log, an output, a file or an argument list.
* It prints as `***` however it is formatted; only `reveal()` gives it, at the one place that needs it.
*/
var Secret = class {
	#value;
	constructor(value) {
		this.#value = value;
	}
	reveal() {
		return this.#value;
	}
	toString() {
		return "***";
	}
	toJSON() {
		return "***";
	}
	[inspect.custom]() {
		return "***";
	}
};

// src/database/postgres/copy/lazy-commits.ts
/**
* Sessions that start in a copy of ours from now on do not wait until each of their commits is on disk. A restore
* commits several times for each table: on a server with ordinary disks most of its time would go there. `admin`
* is a session in another database.
*/
async function commitLazily(admin, copy) {
	await admin.execute(`ALTER DATABASE ${identifier(copy)} SET synchronous_commit = off`);
}
/**
* Ends that. This statement's own commit waits for the disk, and with it all that was committed before: afterwards
* the copy's contents survive a crash of the server like any other.
*/
async function commitSafely(admin, copy) {
	await admin.execute(`ALTER DATABASE ${identifier(copy)} RESET synchronous_commit`);
}

// src/database/postgres/session/server-identity.ts
const identityRow = object$1({ systemIdentifier: string() });
/** May be asked by every role. */
async function readServerIdentity(session) {
	const [row] = await session.query("SELECT system_identifier::text AS \"systemIdentifier\" FROM pg_catalog.pg_control_system()", identityRow);
	if (row === void 0) throw new TypeError("pg_control_system() returned no row");
	return row;
}

// src/database/postgres/drift/comparable-entries.ts
/** The objects of a schema. Owners and the migration history itself are no part of what migrations say. */
function comparableEntries(side) {
	const parsed = parseSchemaText(side.text);
	const migrator = migratorOf(side, parsed);
	const entries = /* @__PURE__ */ new Map();
	const add = (entry) => {
		const owner = ownerOf(entry);
		const body = isOfGrants(entry) ? withoutRole(withoutOwner(entry.body), entry.type === "ACL" ? owner ?? side.owner : migrator) : withoutOwner(entry.body);
		const twin = entries.get(entry.object);
		const whole = twin === void 0 ? body : [twin.body, body].toSorted().join("\n");
		if (whole !== "") entries.set(entry.object, {
			...entry,
			owner,
			body: whole,
			key: keyOf$1(entry, whole)
		});
	};
	const schemas = parsed.filter((entry) => entry.type === "SCHEMA");
	for (const entry of schemas) if (nameOf$1(entry) !== "public") add(entry);
	for (const extension of side.extensions) add(extensionEntry(extension));
	for (const entry of parsed) if (entry.type !== "SCHEMA" && !isOfHistory(entry)) add(entry);
	return entries;
}
/** The role that runs the migrations: it owns their history. */
function migratorOf(side, entries = parseSchemaText(side.text)) {
	const history = entries.find((entry) => entry.type === "TABLE" && nameOf$1(entry) === "_prisma_migrations");
	return (history === void 0 ? null : ownerOf(history)) ?? side.owner;
}
function isOfGrants(entry) {
	return entry.type === "ACL" || entry.type === "DEFAULT ACL";
}
/** pg_dump's name of it, which is not quoted, and that of a routine ends in the types of its arguments. */
function nameOf$1(entry) {
	return /^Name: (.*?); Type: /.exec(entry.header)?.[1] ?? "";
}
function ownerOf(entry) {
	const owner = /; Owner: (.*?)(?:; Tablespace: .*)?$/.exec(entry.header)?.[1];
	return owner === void 0 || owner === "-" ? null : owner;
}
function isOfHistory(entry) {
	return /^(?:(?:TABLE|COLUMN) )?_prisma_migrations\b/.test(nameOf$1(entry));
}
function extensionEntry({ name, schema }) {
	const body = `CREATE EXTENSION ${identifier(name)} WITH SCHEMA ${identifier(schema)};`;
	return {
		object: `EXTENSION ${name}`,
		type: "EXTENSION",
		header: `Name: ${name}; Type: EXTENSION; `,
		body
	};
}
/** pg_dump prints it below the definition; a line like that inside of a function's body belongs to the function. */
function withoutOwner(body) {
	return body.replace(/(?:^|\n\n+)ALTER [A-Z ]+ .+ OWNER TO .+;(?=(?:\nUSING \S+)?$)/, "").trim();
}
function withoutRole(body, role) {
	const names = [role, `"${role.replaceAll("\"", "\"\"")}"`].map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
	return body.replaceAll(new RegExp(`\\b(FROM|TO|FOR ROLE) (?:${names.join("|")})(?=[ ;])`, "g"), "$1 CURRENT_USER");
}
function keyOf$1(entry, body) {
	if (entry.type !== "TABLE" && entry.type !== "FOREIGN TABLE") return body;
	return linesOfTable(body).toSorted().join("\n");
}
/** Without the commas at their ends: the last line has none, whichever that is. */
function linesOfTable(body) {
	return body.split("\n").filter((line) => line.trim() !== "").map((line) => line.replace(/,$/, ""));
}

// src/database/postgres/drift/differences.ts
/**
* How `actual` differs from `expected`, object by object. Some expressions are printed differently after one restore;
* `again` is `expected` after a restore, and equal to either is equal.
*/
function differencesBetween(actual, expected, again) {
	const is = comparableEntries(actual);
	const should = comparableEntries(expected);
	const alternative = again === null ? should : comparableEntries(again);
	const differences = [];
	for (const [object, entry] of is) {
		const wanted = should.get(object) ?? null;
		if (entry.key !== wanted?.key && entry.key !== alternative.get(object)?.key) differences.push({
			object,
			is: entry,
			wanted
		});
	}
	for (const [object, wanted] of should) if (!is.has(object)) differences.push({
		object,
		is: null,
		wanted
	});
	return differences;
}
/** The difference for people; begins with the object. */
function sentenceOf({ object, is, wanted }) {
	if (wanted === null) return `${object} is not in the migrations`;
	if (is === null) return `${object} is in the migrations and missing in the database`;
	return `${object} is not as the migrations made it`;
}

// src/database/postgres/drift/grant-statements.ts
/**
* From the GRANT and REVOKE statements that pg_dump prints for an object as it is (`is`) to those that it prints for
* it as it should be: what only `is` has is turned round, what only `should` has is run.
*/
function reconcileGrants(is, should) {
	const [before, after] = [statementsIn(is), statementsIn(should)];
	const others = [];
	return {
		statements: [...before.filter((statement) => !after.includes(statement)).flatMap((statement) => {
			const opposite = oppositeOf(statement);
			if (opposite === null) others.push(statement);
			return opposite ?? [];
		}).toReversed(), ...after.filter((each) => !before.includes(each))],
		others
	};
}
function statementsIn(body) {
	return body.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}
const grant = /^(ALTER DEFAULT PRIVILEGES .*)?GRANT (.*) TO (.*?)( WITH GRANT OPTION)?;$/;
const revoke = /^(ALTER DEFAULT PRIVILEGES .*)?REVOKE (.*) FROM (.*);$/;
function oppositeOf(statement) {
	const granted = grant.exec(statement);
	if (granted !== null) return `${granted[1] ?? ""}REVOKE ${granted[2]} FROM ${granted[3]};`;
	const revoked = revoke.exec(statement);
	if (revoked !== null) return `${revoked[1] ?? ""}GRANT ${revoked[2]} TO ${revoked[3]};`;
	return null;
}

// src/database/postgres/drift/prisma-pieces.ts
/**
* The pieces of Prisma's script that can be run one by one, each with the comments above it; what Prisma puts between
* BEGIN and COMMIT is one piece, without these two.
*/
function prismaPieces(script) {
	const pieces = [];
	let open = null;
	for (const statement of statementsOf$1(script)) {
		const words = withoutComments(statement);
		if (/^BEGIN$/i.test(words)) open = [];
		else if (/^COMMIT$/i.test(words)) {
			if (open !== null) pieces.push(open);
			open = null;
		} else (open ?? newPiece(pieces)).push(`${statement};`);
	}
	if (open !== null) pieces.push(open);
	return pieces.filter((piece) => piece.length > 0);
}
/** `DROP TABLE "x"` of `-- DropTable\nDROP TABLE "x";`. */
function withoutComments(statement) {
	return statement.replaceAll(/^\s*(?:--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)/gm, "").trim();
}
function newPiece(pieces) {
	const piece = [];
	pieces.push(piece);
	return piece;
}
/** A script that cannot be split is one statement. */
function statementsOf$1(script) {
	try {
		return splitStatements(script);
	} catch {
		return [script.trim().replace(/;$/, "")];
	}
}

// src/database/postgres/drift/keeps-what-belongs.ts
const name$3 = "\"(?:[^\"]|\"\")+\"";
const table$1 = new RegExp(`^(?:DROP|ALTER) TABLE (${name$3}(?:\\.${name$3})?)`);
const droppedColumn = new RegExp(`\\bDROP COLUMN (${name$3})`, "g");
/**
* Whether a piece of Prisma's script leaves alone what the migrations have as well. Prisma changes some types by
* dropping the column and making it again, and knows nothing of schemas that its datasource does not name: the rows would
* be gone. Tables and columns like that are left to ways that keep them.
*/
function keepsWhatBelongs(piece, expected, schema) {
	return piece.every((statement) => {
		const words = withoutComments(statement);
		const [, named] = table$1.exec(words) ?? [];
		if (named === void 0) return true;
		const parts = [...named.matchAll(new RegExp(name$3, "g"))].map(([quoted]) => unquoted(quoted));
		const belonging = expected.get(`TABLE ${parts.length === 1 ? `${schema}.` : ""}${parts.join(".")}`);
		if (belonging === void 0) return true;
		if (words.startsWith("DROP ")) return false;
		const lines = linesOfTable(belonging.body);
		return [...words.matchAll(droppedColumn)].every(([, column = ""]) => !lines.some((line) => line.startsWith(`    ${column} `) || line.startsWith(`    ${unquoted(column)} `)));
	});
}
function unquoted(quoted) {
	return quoted.slice(1, -1).replaceAll("\"\"", "\"");
}

// src/database/postgres/drift/object-statements.ts
const name$2 = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)`;
const qualifiedName = `${name$2}(?:\\.${name$2})*`;
const created = (kind, dropped = kind) => ({
	pattern: new RegExp(`^CREATE ${kind} (${qualifiedName})`),
	drop: ([object]) => `DROP ${dropped} ${object};`
});
/** pg_dump's own name of it ends in the types of the arguments, which is what DROP wants. */
const routine = (kind) => ({
	pattern: new RegExp(`^CREATE ${kind} (${qualifiedName})\\(`),
	drop: ([object], { header }) => `DROP ${kind} ${object}${/^Name: [^(]*(\(.*?\)); Type: /.exec(header)?.[1] ?? "()"};`
});
const onTable = (kind, pattern) => ({
	pattern,
	drop: ([object, table]) => `DROP ${kind} ${object} ON ${table};`
});
const shapes = {
	VIEW: created("VIEW"),
	"MATERIALIZED VIEW": created("MATERIALIZED VIEW"),
	TABLE: {
		...created("TABLE"),
		pattern: new RegExp(`^CREATE (?:UNLOGGED )?TABLE (${qualifiedName})`)
	},
	SEQUENCE: created("SEQUENCE"),
	"SEQUENCE OWNED BY": {
		pattern: new RegExp(`^ALTER SEQUENCE (${qualifiedName}) OWNED BY `),
		drop: ([sequence]) => `ALTER SEQUENCE ${sequence} OWNED BY NONE;`
	},
	EXTENSION: created("EXTENSION"),
	TYPE: created("TYPE"),
	DOMAIN: created("DOMAIN"),
	SCHEMA: created("SCHEMA"),
	STATISTICS: created("STATISTICS"),
	COLLATION: created("COLLATION"),
	PUBLICATION: created("PUBLICATION"),
	"PUBLICATION TABLE": {
		pattern: new RegExp(`^ALTER PUBLICATION (${name$2}) ADD TABLE ONLY (${qualifiedName})`),
		drop: ([publication, table]) => `ALTER PUBLICATION ${publication} DROP TABLE ONLY ${table};`
	},
	"EVENT TRIGGER": created("EVENT TRIGGER"),
	FUNCTION: routine("FUNCTION"),
	PROCEDURE: routine("PROCEDURE"),
	AGGREGATE: routine("AGGREGATE"),
	TRIGGER: onTable("TRIGGER", new RegExp(`^CREATE (?:CONSTRAINT )?TRIGGER (${name$2}) [^;]*? ON (${qualifiedName})[ \\n]`)),
	POLICY: onTable("POLICY", new RegExp(`^CREATE POLICY (${name$2}) ON (${qualifiedName})`)),
	RULE: onTable("RULE", new RegExp(`^CREATE RULE (${name$2}) AS\\s+ON \\w+ TO (${qualifiedName})`)),
	INDEX: {
		pattern: new RegExp(`^CREATE (?:UNIQUE )?INDEX (${name$2}) ON (?:ONLY )?(${qualifiedName})`),
		drop: ([index, table = ""]) => `DROP INDEX ${schemaOf$1(table)}${index};`
	},
	CONSTRAINT: constraint(),
	"FK CONSTRAINT": constraint(),
	"CHECK CONSTRAINT": constraint(),
	"ROW SECURITY": {
		pattern: new RegExp(`^ALTER TABLE (${qualifiedName}) ENABLE ROW LEVEL SECURITY`),
		drop: ([table]) => `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;`
	},
	COMMENT: {
		pattern: /^COMMENT ON ([\s\S]*?) IS '/,
		drop: ([object]) => `COMMENT ON ${object} IS NULL;`
	},
	DEFAULT: {
		pattern: new RegExp(`^ALTER TABLE (?:ONLY )?(${qualifiedName}) ALTER COLUMN (${name$2}) SET DEFAULT`),
		drop: ([table, column]) => `ALTER TABLE ${table} ALTER COLUMN ${column} DROP DEFAULT;`
	}
};
function constraint() {
	return {
		pattern: new RegExp(`^ALTER TABLE (?:ONLY )?(${qualifiedName})\\s+ADD CONSTRAINT (${name$2})`),
		drop: ([table, object]) => `ALTER TABLE ${table} DROP CONSTRAINT ${object};`
	};
}
/** An identity's sequence goes with the column's identity. */
const identity$1 = new RegExp(`^ALTER TABLE (${qualifiedName}) ALTER COLUMN (${name$2}) ADD GENERATED `);
/** What drops the object, without CASCADE; null for a type that is not known here. */
function dropStatement(entry) {
	const [, table, column] = entry.type === "SEQUENCE" ? identity$1.exec(entry.body) ?? [] : [];
	if (table !== void 0) return `ALTER TABLE ${table} ALTER COLUMN ${column} DROP IDENTITY;`;
	const shape = shapes[entry.type];
	const found = shape?.pattern.exec(entry.body);
	return shape === void 0 || !found ? null : shape.drop(found.slice(1), entry);
}
/** What makes it: the statements of the dump. */
function createStatement$1(entry) {
	return withoutAccessMethod(entry.body);
}
/**
* The ways to put `wanted` into the place of `is`, the gentlest first: each is a list of statements. What is replaced
* where it stands keeps its grants, its comment and what depends on it. Never drops what holds data.
*/
function replaceStatements(is, wanted) {
	const create = createStatement$1(wanted);
	const drop = dropStatement(is);
	const anew = drop === null ? [] : [[drop, create]];
	switch (wanted.type) {
		case "FUNCTION":
		case "PROCEDURE":
		case "VIEW": return [[create.replace(/^CREATE /, "CREATE OR REPLACE ")], ...anew];
		case "SEQUENCE": return /^CREATE SEQUENCE /.test(create) ? [[create.replace(/^CREATE /, "ALTER ")]] : [];
		case "EXTENSION": return [[create.replace(/^CREATE EXTENSION (.*) WITH SCHEMA/, "ALTER EXTENSION $1 SET SCHEMA")]];
		case "COMMENT":
		case "DEFAULT":
		case "SEQUENCE OWNED BY": return [[create]];
		case "TABLE":
		case "FOREIGN TABLE":
		case "SCHEMA": return [];
		default: return anew;
	}
}
/** The line that parseSchemaText adds to tables and materialized views for comparison. */
function withoutAccessMethod(body) {
	return body.replace(/\nUSING \S+$/, "");
}
function schemaOf$1(qualified) {
	return new RegExp(`^(${name$2}\\.)${name$2}$`).exec(qualified)?.[1] ?? "";
}

// src/database/postgres/drift/load-entries.ts
/**
* Runs statements whole or not at all, as texts that only the server reads: what they say comes out of a database, and
* psql would run what stands behind a backslash on this machine.
*/
async function runStatements(session, statements) {
	const block = statements.map((statement) => `EXECUTE ${literal(statement)};`).join(" ");
	await session.execute(`DO ${literal(`BEGIN ${block} END`)}`);
}
/** runStatements; the server's refusal is returned. */
async function tryStatements(session, statements) {
	try {
		await runStatements(session, statements);
		return null;
	} catch (error) {
		if (error instanceof SqlError) return error;
		throw error;
	}
}
/**
* Makes the objects of `entries` in an empty database that this run made, without rows and owned by its own role.
* What cannot be made there (it needs a role or an extension that this server lacks) is returned, of grants each
* statement for itself.
*/
async function loadEntries(session, entries) {
	await session.execute("SET search_path = ''; SET check_function_bodies = off");
	await tryStatements(session, ["SET session_replication_role = replica"]);
	let waiting = [...entries].flatMap(piecesOf);
	for (;;) {
		const lost = [];
		for (const entry of waiting) {
			const refusal = await tryStatements(session, [createStatement$1(entry)]);
			if (refusal !== null) lost.push({
				entry,
				reason: refusal.primaryMessage
			});
		}
		if (lost.length === 0 || lost.length === waiting.length) return lost;
		waiting = lost.map(({ entry }) => entry);
	}
}
function piecesOf(entry) {
	if (!isOfGrants(entry)) return [entry];
	return entry.body.split("\n").filter((line) => line.trim() !== "").map((body) => ({
		...entry,
		body
	}));
}

// src/database/postgres/drift/dependents.ts
const name$1 = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)`;
const changed$1 = new RegExp(`^(?:DROP|ALTER) (TABLE|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|SEQUENCE|INDEX|FUNCTION|PROCEDURE|AGGREGATE|TYPE|DOMAIN) (?:IF EXISTS )?(?:ONLY )?(${name$1}(?:\\.${name$1})*(?:\\([^;]*\\))?)`);
/** dependent_objects_still_exist, and what ALTER … TYPE says of a view that uses the column. */
const blocked = /* @__PURE__ */ new Set(["2BP01", "0A000"]);
/** Views on views on views; also ends what depends on itself. */
const maximumDepth = 30;
/**
* The statements that drop what keeps `statement` from being run, as far as it holds no data: views, policies,
* triggers, functions, constraints and indexes that use the object which the statement names, and what uses those.
* What else uses the object (columns, defaults) is not touched. Those that use others come first. Empty for other
* refusals.
*/
async function dropsOfDependents(session, statement, refusal) {
	if (!blocked.has(refusal.sqlState)) return [];
	const [, kind, object] = changed$1.exec(withoutComments(statement)) ?? [];
	if (kind === void 0 || object === void 0) return [];
	try {
		return (await session.query(question(rootOf(kind, object), columnsIn$1(statement)), object$1({ drop: string().nullable() }))).flatMap((row) => row.drop ?? []);
	} catch (error) {
		if (error instanceof SqlError) return [];
		throw error;
	}
}
/** The columns that an ALTER TABLE changes or drops; when it names some, only what uses them is in its way. */
function columnsIn$1(statement) {
	return [...statement.matchAll(new RegExp(`\\b(?:ALTER|DROP) COLUMN (?:IF EXISTS )?(${name$1})`, "g"))].map(([, column = ""]) => column.startsWith("\"") ? column.slice(1, -1).replaceAll("\"\"", "\"") : column.toLowerCase());
}
function rootOf(kind, object) {
	const found = (catalog, type) => `SELECT 'pg_catalog.${catalog}'::pg_catalog.regclass::oid, pg_catalog.to_${type}(${literal(object)})::oid`;
	if (/^(?:FUNCTION|PROCEDURE|AGGREGATE)$/.test(kind)) return found("pg_proc", "regprocedure");
	return /^(?:TYPE|DOMAIN)$/.test(kind) ? found("pg_type", "regtype") : found("pg_class", "regclass");
}
/** A view is used by way of its rule, a table's or view's row also by way of its type. */
function question(root, columns) {
	return `WITH RECURSIVE root(class, id) AS (${root}),
    used(class, id, depth) AS (
      SELECT class, id, 0 FROM root
    UNION
      SELECT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END,
             COALESCE(r.ev_class, d.objid), u.depth + 1
        FROM used u
        JOIN pg_depend d ON d.refclassid = u.class AND d.refobjid = u.id
        LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
       WHERE (d.deptype = 'n' OR (d.deptype = 'i' AND d.classid = 'pg_type'::regclass)) AND ${columns.length === 0 ? "true" : `(u.depth > 0 OR d.refobjsubid IN (SELECT a.attnum FROM pg_attribute a
           WHERE a.attrelid = u.id AND a.attname IN (${columns.map(literal).join(", ")})))`}
         AND u.depth < ${maximumDepth}),
    once AS (SELECT class, id, max(depth) AS depth FROM used GROUP BY class, id HAVING min(depth) > 0)
    SELECT CASE u.class
        WHEN 'pg_class'::regclass THEN (SELECT format('DROP %s %s;', k.word, c.oid::regclass)
          FROM pg_class c JOIN (VALUES ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW'), ('i', 'INDEX')) k(kind, word)
            ON k.kind = c.relkind WHERE c.oid = u.id)
        WHEN 'pg_proc'::regclass THEN (SELECT format('DROP %s %s;',
            CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, p.oid::regprocedure)
          FROM pg_proc p WHERE p.oid = u.id)
        WHEN 'pg_policy'::regclass THEN (SELECT format('DROP POLICY %I ON %s;', p.polname, p.polrelid::regclass)
          FROM pg_policy p WHERE p.oid = u.id)
        WHEN 'pg_trigger'::regclass THEN (SELECT format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass)
          FROM pg_trigger t WHERE t.oid = u.id AND NOT t.tgisinternal)
        WHEN 'pg_rewrite'::regclass THEN (SELECT format('DROP RULE %I ON %s;', r.rulename, r.ev_class::regclass)
          FROM pg_rewrite r WHERE r.oid = u.id)
        WHEN 'pg_constraint'::regclass THEN (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', c.conrelid::regclass, c.conname)
          FROM pg_constraint c WHERE c.oid = u.id AND c.conrelid <> 0)
      END AS "drop"
      FROM once u ORDER BY u.depth DESC`;
}

// src/database/postgres/drift/table-statements.ts
const name = String.raw`(?:"(?:[^"]|"")+"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const tableName = new RegExp(`^CREATE (?:UNLOGGED |FOREIGN )?TABLE (${name}(?:\\.${name})?)`);
/** `    CONSTRAINT amount_positive CHECK ((amount > 0))` inside of a CREATE TABLE. */
const constraintLine = new RegExp(`^ {4}CONSTRAINT (${name}) (.*)$`);
const columnLine = new RegExp(`^ {4}(?!CONSTRAINT )(${name}) (.*)$`);
const statementLine = /^ALTER TABLE .*;$/;
/** What ends a setting that pg_dump prints as a statement below the table. */
const resets = [
	[/^(ALTER TABLE .*) FORCE ROW LEVEL SECURITY;$/, "$1 NO FORCE ROW LEVEL SECURITY;"],
	[/^(ALTER TABLE .* SET STATISTICS) -?\d+;$/, "$1 -1;"],
	[/^(ALTER TABLE .* REPLICA IDENTITY) .*;$/, "$1 DEFAULT;"]
];
/**
* What takes a table to what it should be, each to be done for itself, from the definitions that pg_dump prints:
* columns, constraints and settings. What is found nowhere here (partitions, storage parameters, inheritance) is not.
*/
function tableStatements(is, should) {
	const table = tableName.exec(is)?.[1];
	if (table === void 0) return [];
	const [before, after] = [linesOfTable(is), linesOfTable(should)];
	const gone = before.filter((line) => !after.includes(line));
	const come = after.filter((line) => !before.includes(line));
	const alter = (action) => `ALTER TABLE ${table} ${action};`;
	return [
		...gone.flatMap((line) => named$1(constraintLine, line, ([constraint]) => [alter(`DROP CONSTRAINT ${constraint}`)])),
		...columns(gone, come, alter),
		...come.flatMap((line) => named$1(constraintLine, line, ([constraint, rest]) => [alter(`ADD CONSTRAINT ${constraint} ${rest}`)])),
		...gone.filter((line) => statementLine.test(line)).flatMap(reset),
		...come.filter((line) => statementLine.test(line)).map((line) => [line])
	];
}
/** The lines in which two definitions of a table differ, for people. */
function tableLines(is, should) {
	const [before, after] = [is, should].map((body) => linesOfTable(body).filter((line) => !/^\);?$/.test(line)));
	if (before === void 0 || after === void 0) return [];
	return [...before.filter((line) => !after.includes(line)).map((line) => `only in the database: ${line.trim()}`), ...after.filter((line) => !before.includes(line)).map((line) => `only in the migrations: ${line.trim()}`)];
}
function named$1(pattern, line, make) {
	const found = pattern.exec(line);
	return found === null ? [] : [make(found.slice(1))];
}
function reset(line) {
	const found = resets.find(([pattern]) => pattern.test(line));
	return found === void 0 ? [] : [[line.replace(found[0], found[1])]];
}
function columns(gone, come, alter) {
	const [before, after] = [columnsIn(gone), columnsIn(come)];
	return [...[...before].flatMap(([column, rest]) => {
		const wanted = after.get(column);
		return wanted === void 0 ? [[alter(`DROP COLUMN ${column}`)]] : changed(column, rest, wanted).map((ways) => ways.map(alter));
	}), ...[...after].filter(([column]) => !before.has(column)).map(([column, rest]) => [alter(`ADD COLUMN ${column} ${rest}`)])];
}
function columnsIn(lines) {
	return new Map(lines.flatMap((line) => {
		const [, column, rest] = columnLine.exec(line) ?? [];
		return column === void 0 || rest === void 0 ? [] : [[column, rest]];
	}));
}
function changed(column, is, should) {
	const [before, after] = [partsOf(is), partsOf(should)];
	if (before.generated !== after.generated) return before.generated === null ? [] : [[`DROP COLUMN ${column}, ADD COLUMN ${column} ${should}`]];
	const found = [];
	const alter = (action) => `ALTER COLUMN ${column} ${action}`;
	const withDefault = after.default === null ? "DROP DEFAULT" : `SET DEFAULT ${after.default}`;
	if (before.type !== after.type) {
		const converted = alter(`TYPE ${after.type} USING ${column}::${after.type}`);
		const around = [
			alter("DROP DEFAULT"),
			converted,
			...after.default === null ? [] : [alter(withDefault)]
		];
		found.push([
			alter(`TYPE ${after.type}`),
			converted,
			around.join(", ")
		]);
	}
	if (before.default !== after.default) found.push([alter(withDefault)]);
	if (before.isRequired !== after.isRequired) found.push([alter(after.isRequired ? "SET NOT NULL" : "DROP NOT NULL")]);
	return found;
}
/** From 18 on it may have a name. */
const required = new RegExp(`(?: CONSTRAINT ${name})? NOT NULL$`);
/** `integer DEFAULT 0 NOT NULL`. */
function partsOf(definition) {
	const isRequired = required.test(definition);
	const [, type = "", , expression] = /^(.*?)(?: (DEFAULT|GENERATED ALWAYS AS) (.*))?$/.exec(definition.replace(required, "")) ?? [];
	const isGenerated = / GENERATED ALWAYS AS /.test(definition);
	return {
		isRequired,
		type,
		default: isGenerated ? null : expression ?? null,
		generated: isGenerated ? expression ?? null : null
	};
}

// src/database/postgres/drift/tasks.ts
/** With one of these, what belongs to it goes as well. */
const containers = /* @__PURE__ */ new Set([
	"TABLE",
	"FOREIGN TABLE",
	"VIEW",
	"MATERIALIZED VIEW"
]);
const comesFirst = ({ wanted }) => wanted?.type === "EXTENSION" || wanted?.type === "SCHEMA";
const goesFirst = ({ is }) => containers.has(is?.type ?? "");
const goesLast = ({ is }) => is?.type === "EXTENSION" || is?.type === "SCHEMA";
/**
* What could be done about what is too much (backwards) and about what is different, and before it about what both may
* need. Nothing here knows what depends on what; whoever runs it tries again.
*/
function changes(differences) {
	const superfluous = differences.filter(({ wanted }) => wanted === null).toReversed();
	return tasksFor([
		...differences.filter(({ is }) => is === null).filter(comesFirst),
		...superfluous.filter(goesFirst),
		...superfluous.filter((each) => !goesFirst(each) && !goesLast(each)),
		...differences.filter(({ is, wanted }) => is !== null && wanted !== null),
		...superfluous.filter(goesLast)
	]);
}
/** What makes what is missing, in pg_dump's order. */
function additions(differences) {
	return tasksFor(differences.filter((each) => each.is === null && !comesFirst(each)));
}
function tasksFor(differences) {
	return differences.flatMap(tasksOf).filter(({ ways }) => ways.length > 0);
}
function tasksOf({ object, is, wanted }) {
	const entry = wanted ?? is;
	if (entry === null) return [];
	const task = (ways) => ({
		object,
		type: entry.type,
		ways
	});
	if (isOfGrants(entry)) {
		const { statements } = reconcileGrants(is?.body ?? "", wanted?.body ?? "");
		return statements.length === 0 ? [] : [task([statements])];
	}
	if (is === null) return wanted === null ? [] : [task([[createStatement$1(wanted)]])];
	if (wanted === null) {
		const statement = dropStatement(is);
		return statement === null ? [] : [task([[statement]])];
	}
	if (entry.type === "TABLE") return tableStatements(is.body, wanted.body).map((ways) => task(ways.map((way) => [way])));
	return [task(replaceStatements(is, wanted))];
}

// src/database/postgres/drift/reconcile.ts
/** More than any order of dependencies needs; each round has to have done something. */
const maximumRounds = 25;
/** A statement that has to be run oftener than this has no lasting effect. */
const maximumRuns = 2;
/**
* Takes a copy of the target's schema to what the migrations made, by trying: first what Prisma proposes, then what the
* differences that are left ask for, again and again until nothing differs or nothing helps. So the order in which
* objects depend on each other is found out by PostgreSQL itself, and what is returned is known to work.
* `look` compares the copy as it is now.
*/
async function reconcile(session, proposed, look) {
	const attempt = new Attempt(session);
	let waiting = proposed;
	let seen = {
		differences: await look(),
		steps: 0
	};
	const current = async () => {
		if (seen.steps !== attempt.steps.length) seen = {
			differences: await look(),
			steps: attempt.steps.length
		};
		return seen.differences;
	};
	const change = async () => {
		waiting = await attempt.tryProposed(waiting);
		await attempt.tryTasks(changes(await current()));
	};
	for (let round = 0; round < maximumRounds && (await current()).length > 0; round += 1) {
		const before = attempt.steps.length;
		attempt.beginRound();
		await change();
		if (await attempt.clearTheWay()) await change();
		await attempt.tryTasks(additions(await current()));
		if (attempt.steps.length === before) break;
	}
	const differences = await current();
	return {
		steps: attempt.steps,
		left: differences.map((difference) => ({
			difference,
			reason: attempt.reasons.get(difference.object) ?? null
		}))
	};
}
var Attempt = class {
	steps = [];
	/** The last refusal by object. */
	reasons = /* @__PURE__ */ new Map();
	#session;
	/** Of this round, by the text of the statements. */
	#refused = /* @__PURE__ */ new Map();
	#runs = /* @__PURE__ */ new Map();
	constructor(session) {
		this.#session = session;
	}
	beginRound() {
		this.#refused.clear();
	}
	/** Returns what could not be run yet. */
	async tryProposed(pieces) {
		const waiting = pieces.filter((piece) => !this.#runs.has(textOf$2(piece)));
		return await this.#untilNothingHelps(waiting, (piece) => this.#run(piece, null));
	}
	async tryTasks(tasks) {
		await this.#untilNothingHelps(tasks, async ({ object, type, ways }) => {
			for (const statements of ways) if (await this.#run(statements, {
				object,
				type
			})) return true;
			return false;
		});
	}
	/**
	* Runs what was refused together with drops of what keeps it from being run, which is made again later: both or
	* neither. Returns whether anything helped.
	*/
	async clearTheWay() {
		const before = this.steps.length;
		for (const { statements, about, refusal } of [...this.#refused.values()]) {
			const drops = /* @__PURE__ */ new Set();
			for (const statement of statements) for (const drop of await dropsOfDependents(this.#session, statement, refusal)) drops.add(drop);
			if (drops.size > 0 && await this.#run([...drops, ...statements], about)) this.#count(textOf$2(statements));
		}
		return this.steps.length > before;
	}
	async #untilNothingHelps(things, act) {
		let waiting = things;
		for (;;) {
			const failed = [];
			for (const thing of waiting) if (!await act(thing)) failed.push(thing);
			if (failed.length === 0 || failed.length === waiting.length) return failed;
			waiting = failed;
		}
	}
	async #run(statements, about) {
		const text = textOf$2(statements);
		if ((this.#runs.get(text) ?? 0) >= maximumRuns) return false;
		const refusal = await tryStatements(this.#session, statements);
		if (refusal !== null) {
			this.#refused.set(text, {
				statements,
				about,
				refusal
			});
			if (about !== null) this.reasons.set(about.object, refusal.primaryMessage);
			return false;
		}
		this.#refused.delete(text);
		this.#count(text);
		this.steps.push({
			statements,
			about
		});
		return true;
	}
	#count(text) {
		this.#runs.set(text, (this.#runs.get(text) ?? 0) + 1);
	}
};
function textOf$2(statements) {
	return statements.join("\n");
}

// src/database/postgres/drift/reconcile-script.ts
/** The steps as a script for the target; empty when there are none. */
function reconcileScript(parts) {
	const { untriedGrants, steps, schema, migrator, ownerOf } = parts;
	if (steps.length === 0 && untriedGrants.length === 0) return "";
	const untried = untriedGrants.map((step) => textOf$1(step, ownerOf));
	return [
		`-- Takes the database back to what its migrations made. Back it up first, and run this as ${identifier(migrator)}, which runs the migrations.
-- It was tried on a copy of the schema without rows: rows can still refuse a constraint.
SET search_path TO ${identifier(schema)};
SET check_function_bodies = off;`,
		...untried.length === 0 ? [] : [`-- Not tried, because the roles of the server of shadow-database-url are others:\n${untried.join("\n")}`],
		...steps.map((step) => textOf$1(step, ownerOf))
	].join("\n\n");
}
function textOf$1({ statements, about }, ownerOf) {
	if (about?.type === "ACL" || about?.type === "DEFAULT ACL") {
		const owner = identifier(ownerOf(about.object));
		return statements.join("\n").replaceAll(/\b(FROM|TO|FOR ROLE) CURRENT_USER(?=[ ;])/g, (_, word) => `${word} ${owner}`);
	}
	const text = about?.type === "MATERIALIZED VIEW" ? statements.map((statement) => statement.replace(/\n\s*WITH NO DATA;$/, ";")).join("\n") : statements.join("\n");
	return statements.length < 2 ? text : `BEGIN;\n${text}\nCOMMIT;`;
}

// src/database/postgres/drift/compare-with-migrations.ts
/**
* How the target differs from what its migrations made, and the SQL that takes it back. That SQL is not guessed: it is
* found by working on a copy of the target's schema until nothing differs, so what stays by hand is known as well.
* `makeCopy` makes an empty database on the scratch server.
*/
async function compareWithMigrations(request) {
	const { actual, expected, makeCopy } = request;
	const none = {
		differences: [],
		reconcileSql: "",
		byHand: []
	};
	if (differencesBetween(actual, expected, null).length === 0) return none;
	const restored = await makeCopy();
	await loadEntries(restored.session, comparableEntries(expected).values());
	const again = await restored.read();
	const differences = differencesBetween(actual, expected, again);
	if (differences.length === 0) return none;
	const copy = await makeCopy();
	const is = comparableEntries(actual);
	const lost = (await loadEntries(copy.session, is.values())).filter(({ entry }) => !isOfGrants(entry));
	const given = new Set(lost.map(({ entry }) => entry.object));
	const should = comparableEntries(expected);
	await standIn(copy.session, should, given);
	const untriedGrants = await settleGrants(copy, differences);
	await copy.session.execute(`SET search_path TO ${identifier(request.schema)}`);
	const proposed = prismaPieces(request.prismaScript).filter((piece) => keepsWhatBelongs(piece, should, request.schema));
	const { steps, left } = await reconcile(copy.session, proposed, async () => differencesBetween(await copy.read(), expected, again).filter(({ object }) => !given.has(object)));
	const migrator = migratorOf(actual);
	return {
		differences: differences.map(sentenceOf),
		reconcileSql: reconcileScript({
			untriedGrants,
			steps,
			schema: request.schema,
			migrator,
			ownerOf(object) {
				const entry = is.get(object);
				return entry?.type === "ACL" ? entry.owner ?? migrator : migrator;
			}
		}),
		byHand: [...left.map(remaining), ...untried(lost, differences)]
	};
}
/**
* Differences in grants that the copy cannot show, because their role is not on this server or owns the copy. They are
* taken back statement by statement, and the copy is brought to where the target is afterwards.
*/
async function settleGrants(copy, differences) {
	const grants = differences.filter(({ is, wanted }) => [is, wanted].some((each) => each !== null && isOfGrants(each)));
	if (grants.length === 0) return [];
	const held = comparableEntries(await copy.read());
	const steps = [];
	for (const { object, is, wanted } of grants) {
		const shown = held.get(object)?.body ?? "";
		if (shown === (is?.body ?? "")) continue;
		const type = (is ?? wanted)?.type ?? "ACL";
		const { statements } = reconcileGrants(is?.body ?? "", wanted?.body ?? "");
		steps.push({
			statements,
			about: {
				object,
				type
			}
		});
		const onCopy = reconcileGrants(shown, wanted?.body ?? "").statements;
		if (onCopy.length > 0) await tryStatements(copy.session, onCopy);
	}
	return steps;
}
/** What the copy could not be given is there in the target: what is built on it has to find something. */
async function standIn(session, expected, objects) {
	await loadEntries(session, [...objects].flatMap((object) => expected.get(object) ?? []));
}
function remaining({ difference, reason }) {
	const said = reason === null ? "" : ` (${reason})`;
	return `${sentenceOf(difference)}${said}${adviceOn(difference)}`;
}
function adviceOn({ is, wanted }) {
	if (wanted === null) return ": drop it, or put it into a migration";
	if (is !== null && wanted.type === "TABLE") return `: ${tableLines(is.body, wanted.body).join("; ")}`;
	return `; by the migrations it is:\n${createStatement$1(wanted)}`;
}
/** Differences in what the copy could not be given, so no SQL for them was tried. */
function untried(lost, differences) {
	return lost.flatMap(({ entry, reason }) => {
		const difference = differences.find(({ object }) => object === entry.object);
		if (difference === void 0) return [];
		const because = `not tried, because the shadow server could not hold it (${reason})`;
		const drop = difference.wanted === null ? dropStatement(entry) : null;
		return [`${sentenceOf(difference)}, ${because}${drop === null ? adviceOn(difference) : `: ${drop}`}`];
	});
}

// src/database/postgres/drift/scratch-server.ts
/**
* Connects to the server that `target` names. The database in the URL is only where CREATE DATABASE is run from.
* Rejects as connectServer does. `warn` is told about databases that could not be dropped.
*/
async function openScratchServer(target, places, run, warn) {
	const server = await connectServer(target, places);
	const admin = await server.connect(server.address.database, { applicationName: "safe-migrate check" });
	const made = [];
	let count = 0;
	const create = async (schema) => {
		const mark = {
			kind: "scratch",
			target: server.address.database,
			run: `${run}${count}`
		};
		count += 1;
		const name = copyName(mark.target, mark.kind, mark.run);
		try {
			await admin.execute(`CREATE DATABASE ${identifier(name)} TEMPLATE template0 ENCODING 'UTF8'`);
		} catch (cause) {
			throw cause instanceof SqlError ? cannotCreate(cause) : cause;
		}
		const database = {
			name,
			url: withSchema$1(target.urlOf(name), schema)
		};
		made.push(database);
		await admin.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(copyMark(mark))}`);
		await commitLazily(admin, name);
		return database;
	};
	const makeCopy = async (sessions, signal) => {
		const { name } = await create("public");
		const session = await server.connect(name, { applicationName: "safe-migrate check" });
		sessions.push(session);
		return {
			session,
			read: () => readCompared(server, name, signal)
		};
	};
	const compare = async ({ actual, expected, schema, prismaScript }, signal) => {
		const sessions = [];
		const end = () => {
			for (const session of sessions) session.kill();
		};
		signal.addEventListener("abort", end, { once: true });
		try {
			return await compareWithMigrations({
				actual,
				expected: await readCompared(server, expected.name, signal),
				schema,
				prismaScript,
				makeCopy: () => makeCopy(sessions, signal)
			});
		} catch (error) {
			signal.throwIfAborted();
			throw error;
		} finally {
			signal.removeEventListener("abort", end);
			for (const session of sessions) await session[Symbol.asyncDispose]();
		}
	};
	return {
		address: server.address,
		identity: await readServerIdentity(admin),
		serverMajor: server.version.major,
		create,
		schemaOf: (database, signal) => readCompared(server, database.name, signal),
		compare,
		async [Symbol.asyncDispose]() {
			for (const { name } of made) await dropCopy(admin, server.address.database, name, server.address.user).catch((error) => {
				warn(`the scratch database ${name} could not be dropped: ${error instanceof Error ? error.message : error}`);
			});
			await admin[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
		}
	};
}
/** Reads what compareWithMigrations compares of a database; changes nothing. */
async function readCompared(server, database, signal) {
	await using session = await server.connect(database, { applicationName: "safe-migrate check" });
	return {
		text: await readSchemaText(server, {
			database,
			applicationName: "safe-migrate check"
		}, signal),
		...await ownerAndExtensions(session)
	};
}
async function ownerAndExtensions(session) {
	const [row] = await session.query(`SELECT pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner",
            ARRAY(SELECT pg_catalog.jsonb_build_object('name', e.extname, 'schema', n.nspname)
                    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                   WHERE e.extname <> 'plpgsql' ORDER BY e.extname) AS "extensions"
       FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`, object$1({
		owner: string(),
		extensions: array(object$1({
			name: string(),
			schema: string()
		}))
	}));
	if (row === void 0) throw new TypeError("the database that this session is in is not there");
	return row;
}
function withSchema$1(url, schema) {
	const changed = new URL(url.reveal());
	changed.searchParams.set("schema", schema);
	return new Secret(changed.href);
}
function cannotCreate(cause) {
	return new SafeMigrateError({
		code: "SM_SCRATCH",
		message: `no scratch database could be made on the server of shadow-database-url: ${cause.primaryMessage}`,
		hint: "Its role needs CREATEDB. The usual server is a service container of the same job.",
		docs: "check.md",
		cause
	});
}

// src/database/postgres/fingerprint/changed-contents.ts
/** Stands in the list of changed tables: they are contents as well, and no counter tells of them. */
const largeObjectsName = "large objects";
/**
* Tables (`schema.table`, quoted as needed, sorted) of the target whose rows differ now from `before`. Only those
* are read whose counters differ from `counters`, or all of them, and the large objects, when `exact`. New tables and those that are gone
* are not listed: that is DDL, which the catalog witness sees. Rejects with the signal's reason when it is aborted.
*/
async function changedTables(server, before, counters, options) {
	const { database } = server.address;
	await using exporter = await server.connect(database, { applicationName: readingSession.snapshot });
	return await endingOnAbort(exporter, options.signal, () => readChanged(server, exporter, before, counters, options));
}
async function readChanged(server, exporter, before, counters, options) {
	const { database } = exporter;
	await exporter.execute(lockTimeout(options));
	const snapshotId = await exportSnapshot(exporter);
	const countersNow = options.exact ? {} : await readCounters(exporter);
	const names = await quotedNames(exporter, before.tables);
	const known = new Map(before.tables.map((content) => [tableKey(content), content]));
	const suspects = (await listTables(exporter)).flatMap((shape) => {
		const content = known.get(tableKey(shape));
		const name = names.get(tableKey(shape));
		if (content === void 0 || name === void 0) return [];
		return options.exact || counters[name] !== countersNow[name] ? [{
			shape: asBefore(shape, options.columns),
			content,
			name
		}] : [];
	});
	const changed = [];
	const tasks = suspects.toSorted((a, b) => b.shape.sizeBytes - a.shape.sizeBytes).map(({ shape, content, name }) => async (session) => {
		const now = await readTableContent(session, shape, formOfDigest(content.digest));
		if (now.rows !== content.rows || now.digest !== content.digest) changed.push(name);
	});
	const largeObjects = async (session) => {
		const now = await readLargeObjects(session, 0, 1);
		const { count, digest } = before.largeObjects;
		if (now.count !== count || now.sum.toString() !== digest) changed.push(largeObjectsName);
	};
	const all = options.exact ? [...tasks, largeObjects] : tasks;
	await readInSnapshot(server, {
		database,
		snapshotId
	}, all, options);
	return changed.toSorted();
}
function asBefore(shape, columns) {
	const before = columns?.[tableKey(shape)];
	return before?.every((column) => shape.columns.includes(column)) === true ? {
		...shape,
		columns: before
	} : shape;
}
/** The columns of every table, by `tableKey`. */
async function readColumns(session) {
	const tables = await listTables(session);
	return Object.fromEntries(tables.map((shape) => [tableKey(shape), shape.columns]));
}
/**
* Sequences (`schema.name`, quoted as needed, sorted) that stand behind where they stood in `before`: somebody set
* them back. Sequences that are gone are not listed.
*/
async function rewoundSequences(session, before) {
	const directions = await readSequenceDirections(session);
	const now = new Map((await readSequences(session)).map((sequence) => [sequenceKey(sequence), sequence]));
	return [...(await quotedNames(session, before.sequences.filter((earlier) => {
		const later = now.get(sequenceKey(earlier));
		if (later === void 0) return false;
		return isBehind(later, earlier, directions.get(sequenceKey(earlier)) ?? "ascending");
	}).map(({ schema, name }) => ({
		schema,
		table: name
	})))).values()].toSorted();
}
/**
* Sequences (`schema.name`, quoted as needed, sorted) that do not stand where they stood in `before`, whichever way. New ones
* and those that are gone are not listed.
*/
async function movedSequences(session, before) {
	const now = new Map((await readSequences(session)).map((sequence) => [sequenceKey(sequence), sequence]));
	return [...(await quotedNames(session, before.sequences.filter((earlier) => {
		const later = now.get(sequenceKey(earlier));
		if (later === void 0) return false;
		return later.lastValue !== earlier.lastValue || later.isCalled !== earlier.isCalled;
	}).map(({ schema, name }) => ({
		schema,
		table: name
	})))).values()].toSorted();
}
const nameRow$4 = object$1({
	name: string(),
	index: number()
});
/** The names as PostgreSQL itself would quote them (which words need it depends on its version), by `tableKey`. */
async function quotedNames(session, tables) {
	if (tables.length === 0) return /* @__PURE__ */ new Map();
	const rows = await session.query(`SELECT format('%I.%I', t.item ->> 0, t.item ->> 1) AS "name", t.index::int - 1 AS "index"
       FROM pg_catalog.jsonb_array_elements(${literal(JSON.stringify(tables.map(({ schema, table }) => [schema, table])))}::jsonb)
            WITH ORDINALITY AS t(item, index)`, nameRow$4);
	const names = /* @__PURE__ */ new Map();
	for (const { name, index } of rows) {
		const table = tables[index];
		if (table !== void 0) names.set(tableKey(table), name);
	}
	return names;
}

// src/database/journal.ts
/** How far a run has come, as whoever comes next needs to know it. In the order in which they are entered. */
const journalPhases = [
	"dump",
	"prove",
	"store",
	"rehearse",
	"quiesce",
	"migrate",
	"recover",
	"swapped",
	"stopped",
	"recovery-failed"
];
/** Phases in which the target was not touched yet. */
const phasesBeforeMigrate = /* @__PURE__ */ new Set([
	"dump",
	"prove",
	"store",
	"rehearse",
	"quiesce"
]);
/**
* Strict throughout: a member that this version does not know was written by a later one, and whoever does not
* understand it must not act upon the rest. And narrow: a member of the target's owner can write it as well, and what
* stands in it becomes names of databases and folders of backups.
*/
const content$2 = strictObject({
	version: literal$1(1),
	/** As runs are named: it becomes part of databases' names. */
	run: string().regex(/^[0-9a-z_]{1,24}$/),
	command: _enum([
		"migrate",
		"backup",
		"rollback"
	]),
	phase: _enum(journalPhases),
	/** null: a rollback of a database that is gone. */
	targetOid: int().nullable(),
	/** The target's own comment, to be put back; a comment is the one property that a copy cannot carry in advance. */
	comment: string().nullable(),
	/** Named before the first byte is uploaded under it; of a rollback the one that it goes back to. */
	backupId: string().regex(/^(?!\.{1,2}$)[^/\\\p{Cc}]{1,255}$/u).nullable(),
	/** The dump as it stands on the disk of the run's machine; null before it is whole. */
	dump: strictObject({
		sizeBytes: int(),
		sha256: string()
	}).nullable(),
	/** The compared and closed copy; null before it is that, and with `verify: archive`. */
	fallback: strictObject({
		name: string(),
		oid: int(),
		schemaDigest: string()
	}).nullable(),
	historySchema: string(),
	/** What was to be applied: names, and every checksum that Prisma may note for the file. */
	migrations: array(strictObject({
		name: string(),
		checksums: array(string())
	})),
	/** The target just before the migration, and what its run had been told; null before that. */
	baseline: strictObject({
		/** Digest of the rows of the history; null: there was no such table. */
		history: string().nullable(),
		witness: string(),
		/** The server's clock before the migrator was started: older sessions are not the migrator's. */
		serverTime: datetime(),
		writesBeforeMigration: int(),
		/** Who migrates; a `command` may change what no history shows. */
		migrator: _enum(["prisma", "command"]),
		recovery: _enum(["auto", "swap"]),
		onNewWrites: _enum(["restore", "stop"])
	}).nullable(),
	/** `before-migrate` was begun, and `after-migrate` has not been begun since. */
	afterMigrateOwed: boolean(),
	/** Why it is `stopped` or `recovery-failed`. */
	because: string().nullable()
});
const journalSchema = content$2.extend({ 
/** When the phase was entered, by the server's clock; ISO 8601. */
at: datetime() });

// src/database/postgres/lock/coordination-mark.ts
const prefix = "safe-migrate ";
const content$1 = looseObject({
	format: literal$1(1),
	kind: literal$1("coordination"),
	target: string()
});
/**
* The comment of a coordination database: `journal` is what stands in it, null when nothing is open. Comments on
* databases are cluster-wide and transactional, so that the journal changes together with the renames.
*/
function coordinationMark(target, journal = null) {
	const idle = {
		format: 1,
		kind: "coordination",
		target
	};
	return prefix + asciiJson(journal === null ? idle : {
		...idle,
		journal
	});
}
/** A comment has no encoding: whoever reads it from a database with another one would see other letters. */
function asciiJson(value) {
	return JSON.stringify(value).replaceAll(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
/**
* What a comment says about a coordination database of `target`: `idle` (ours, nothing open), `open` (ours, and it
* says more than that: never to be dropped), or null (not ours).
*/
function readCoordinationMark(target, comment) {
	if (comment === coordinationMark(target)) return "idle";
	return contentOf(target, comment) === null ? null : "open";
}
/**
* The journal in such a comment; null when nothing is open or the comment is not ours. Throws SM_JOURNAL_UNREADABLE
* when something is open that this version cannot read, and must therefore leave alone.
*/
function readJournal(target, database, comment) {
	if (readCoordinationMark(target, comment) !== "open") return null;
	const parsed = journalSchema.safeParse(contentOf(target, comment)?.journal);
	if (parsed.success && namesItsOwnCopy(target, parsed.data)) return parsed.data;
	throw unreadable(target, database);
}
/** Whoever follows it renames that database: it is the one that its run has made, or none. */
function namesItsOwnCopy(target, { run, fallback }) {
	return fallback === null || fallback.name === copyName(target, "fallback", run);
}
function unreadable(target, database) {
	return new SafeMigrateError({
		code: "SM_JOURNAL_UNREADABLE",
		message: `A run on ${target} is unfinished, and its journal, the comment of database ${database}, cannot be read by this version of safe-migrate.`,
		hint: "A later version wrote it, or somebody changed it by hand. Use that version, or finish as the page describes.",
		docs: "recovery.md"
	});
}
function contentOf(target, comment) {
	if (comment === null || !comment.startsWith(prefix)) return null;
	try {
		const parsed = content$1.safeParse(JSON.parse(comment.slice(13)));
		return parsed.success && parsed.data.target === target ? parsed.data : null;
	} catch {
		return null;
	}
}

// src/database/postgres/lock/journal-comment.ts
/** insufficient_privilege */
const notOwner = "42501";
/** Ten times the journal of two thousand migrations. */
const journalLimitBytes = 8e6;
/**
* The journal of `target`, asked from any database of the server; null when nothing is open. What stands in a database of
* somebody else's is no journal: whoever needs the lock is refused by that name (see lockCoordination).
*/
function openJournal(session, target) {
	return readStanding(session, target, isTrustedOwner("d.datdba", target));
}
/** `isBelieved`: SQL about `d`, the database that the journal stands on. */
async function readStanding(session, target, isBelieved) {
	const name = coordinationName(target);
	const [row] = await session.query(`SELECT pg_catalog.octet_length(s.description) > ${journalLimitBytes} AS "isTooLong",
            CASE WHEN pg_catalog.octet_length(s.description) <= ${journalLimitBytes} THEN s.description END AS "comment"
       FROM pg_catalog.pg_database d JOIN pg_catalog.pg_shdescription s
         ON s.objoid = d.oid AND s.classoid = 'pg_catalog.pg_database'::regclass
      WHERE d.datname = ${literal(name)} AND ${isBelieved}`, object$1({
		isTooLong: boolean(),
		comment: string().nullable()
	}));
	if (row?.isTooLong === true) throw unreadable(target, name);
	return readJournal(target, name, row?.comment ?? null);
}
/**
* Writes the journal through the session that holds the run's lock: without the lock there is nothing to write with.
* Rejects with SM_JOURNAL_TAKEN when what stands there is not what the writer left, and with SM_JOURNAL when the role
* may not write it.
*/
async function writeJournal(lock, target, { run, isOpen, entry }) {
	const standing = await readStanding(lock, target, "d.datname = pg_catalog.current_database()");
	if (!(isOpen ? standing?.run === run : standing === null)) throw taken(target, run, standing);
	const journal = entry === null ? null : {
		...entry,
		at: await serverTime(lock)
	};
	try {
		await lock.execute(journalStatement(target, journal));
	} catch (cause) {
		if (!(cause instanceof SqlError) || cause.sqlState !== notOwner) throw cause;
		throw new SafeMigrateError({
			code: "SM_JOURNAL",
			message: `The journal of this run cannot be written: ${lock.database} belongs to another role.`,
			hint: `While no run is at work, drop it as its owner: DROP DATABASE ${identifier(lock.database)}; or run as that role.`,
			docs: "recovery.md",
			cause
		});
	}
	return journal;
}
/** The statement that makes `journal` the standing one, for a transaction that does more. */
function journalStatement(target, journal) {
	return `COMMENT ON DATABASE ${identifier(coordinationName(target))} IS ${literal(coordinationMark(target, journal))}`;
}
/** The server's clock: the machines of two runs need not agree. */
async function serverTime(session) {
	const [clock] = await session.query(`SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "now"`, object$1({ now: string() }));
	if (clock === void 0) throw new TypeError("clock_timestamp() returned no row");
	return clock.now;
}
function taken(target, run, standing) {
	return new SafeMigrateError({
		code: "SM_JOURNAL_TAKEN",
		message: standing === null ? `The journal of run ${run} on ${target} was closed by somebody else: another run, or a person, has finished it.` : `The journal of ${target} is that of run ${standing.run} (phase ${standing.phase}, since ${standing.at}), not that of run ${run}.`,
		hint: "A run that was cut off leaves what comes next to the one that came after it. See the log of that one.",
		docs: "recovery.md"
	});
}

// src/database/postgres/inspect/collation-versions.ts
const outdated = object$1({
	name: string(),
	recorded: string(),
	actual: string()
});
/**
* Collations whose rules the server has changed since they were recorded, as warnings: the target's indexes were sorted
* by the old ones and may miss rows. A restored copy's are built anew. Only what indexes or partitions sort by counts:
* an upgrade of ICU outdates hundreds of collations that nobody uses. Changes nothing.
*/
async function outdatedCollations(session, version) {
	const collations = await session.query(`select format('%I.%I', n.nspname, c.collname) as "name", c.collversion as "recorded", a.version as "actual"
       from pg_collation c join pg_namespace n on n.oid = c.collnamespace, pg_collation_actual_version(c.oid) as a(version)
      where c.collversion <> a.version
        and (exists (select from pg_index i where c.oid = any (i.indcollation::oid[]))
             or exists (select from pg_partitioned_table p where c.oid = any (p.partcollation::oid[])))
      order by 1`, outdated);
	return [...(version.major < 15 ? [] : await session.query(`select format('%I', d.datname) as "name", d.datcollversion as "recorded", a.version as "actual"
             from pg_database d, pg_database_collation_actual_version(d.oid) as a(version)
            where d.datname = current_database() and d.datcollversion <> a.version`, outdated)).map((each) => warning(`database ${each.name}`, each, `ALTER DATABASE ${each.name} REFRESH COLLATION VERSION`)), ...collations.map((each) => warning(`collation ${each.name}`, each, `ALTER COLLATION ${each.name} REFRESH VERSION`))];
}
function warning(object, { recorded, actual }, refresh) {
	return `${object} sorts by version ${recorded} of its rules, and the server has version ${actual}: indexes of the target may miss rows (REINDEX, then ${refresh}); those of a restored copy are built anew`;
}

// src/database/postgres/inspect/connection-room.ts
const roomRow = object$1({
	database: string(),
	role: string(),
	isSuperuser: boolean(),
	databaseLimit: number(),
	roleLimit: number(),
	serverLimit: number(),
	inDatabase: number(),
	ofRole: number(),
	onServer: number()
});
/**
* How many connections are allowed to this role in the session's database and how many others there are. Limits of
* database and role do not bind superusers. Workers and walsenders do not count; the columns that tell them from clients are
* hidden from ordinary roles, so that a walsender may be counted.
*/
async function readConnectionRoom(session) {
	const [row] = await session.query(`WITH others AS (
       SELECT a.datname, a.usename FROM pg_catalog.pg_stat_activity a
        WHERE a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
          -- What this run holds already is part of what it needs.
          AND NOT (a.usename = current_user AND a.application_name LIKE 'safe-migrate%'))
     SELECT d.datname::text AS "database", r.rolname::text AS "role", r.rolsuper AS "isSuperuser",
            d.datconnlimit AS "databaseLimit", r.rolconnlimit AS "roleLimit",
            (SELECT sum(CASE s.name WHEN 'max_connections' THEN s.setting::int ELSE - s.setting::int END)
               FROM pg_catalog.pg_settings s
              WHERE s.name = 'max_connections' OR NOT r.rolsuper AND (s.name = 'superuser_reserved_connections'
                 OR s.name = 'reserved_connections' AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles u
                      WHERE u.rolname = 'pg_use_reserved_connections' AND pg_catalog.pg_has_role(u.oid, 'USAGE'))))::int AS "serverLimit",
            (SELECT count(*) FROM others o WHERE o.datname = d.datname) AS "inDatabase",
            (SELECT count(*) FROM others o WHERE o.usename = r.rolname) AS "ofRole",
            (SELECT count(*) FROM others) AS "onServer"
       FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
      WHERE d.oid = (SELECT p.oid FROM pg_catalog.pg_database p WHERE p.datname = pg_catalog.current_database())
        AND r.rolname = current_user`, roomRow);
	if (row === void 0) return [];
	const { database, role, isSuperuser } = row;
	const server = {
		of: "server",
		name: "the server",
		limit: row.serverLimit,
		others: row.onServer,
		remedy: "Raise max_connections, or run when fewer clients are connected."
	};
	if (isSuperuser) return [server];
	return [
		...limited$1({
			of: "database",
			name: `database ${database}`,
			limit: row.databaseLimit,
			others: row.inDatabase,
			remedy: `ALTER DATABASE ${identifier(database)} CONNECTION LIMIT -1; as its owner or a superuser, or a higher number than now.`
		}),
		...limited$1({
			of: "role",
			name: `role ${role}`,
			limit: row.roleLimit,
			others: row.ofRole,
			remedy: `ALTER ROLE ${identifier(role)} CONNECTION LIMIT -1; as a superuser, or a higher number than now.`
		}),
		server
	];
}
/** -1: no limit. */
function limited$1(room) {
	return room.limit < 0 ? [] : [room];
}

// src/database/postgres/session/name-list.ts
const namedAtMost = 10;
/** `3 tables (a, b, c)`, `table a`, or the first ten and how many more: for messages. */
function namedSome(names, one, many) {
	const [first] = names;
	if (first !== void 0 && names.length === 1) return `${one} ${first}`;
	const more = names.length - namedAtMost;
	const listed = names.slice(0, namedAtMost).join(", ");
	return `${names.length} ${many} (${listed}${more > 0 ? ` and ${more} more` : ""})`;
}

// src/database/postgres/inspect/outside-reach.ts
/** Words by which a function leaves its database: other databases, other machines, files, programs. */
const reaching = String.raw`\m(dblink\w*|pg_notify|notify|http_(get|post|put|delete)|net\.http_\w+|pg_background_\w+|lo_export|pg_file_write|aws_(lambda|s3)\.\w+)\M|\mcopy\M[^;]*\mprogram\M`;
/**
* Triggers whose function seems to act outside of the database, as warnings: what they have done there while a migration
* changed rows, no recovery takes back. Changes nothing and closes nothing.
*/
async function outsideReach(session) {
	const names = (await session.query(`select distinct format('%I on %I.%I', t.tgname, n.nspname, c.relname) as "name"
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
            join pg_proc p on p.oid = t.tgfoid
      where not t.tgisinternal and t.tgenabled <> 'D' and ${isUserSchema("n")} and p.prosrc ~* '${reaching}'
      union
     select distinct format('%I on %I.%I', t.tgname, n.nspname, c.relname)
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
            join pg_proc p on p.oid = t.tgfoid join pg_class f on f.relkind = 'f'
      where not t.tgisinternal and t.tgenabled <> 'D' and ${isUserSchema("n")}
        and p.prosrc ~ ('\\m' || regexp_replace(f.relname, '\\W', '.', 'g') || '\\M')
      order by 1`, object$1({ name: string() }))).map(({ name }) => name);
	if (names.length === 0) return [];
	return [`${namedSome(names, "the trigger", "the triggers")} may act outside of the database; what a migration makes it do there is not taken back by any recovery`];
}

// src/database/postgres/inspect/hidden-mappings.ts
/**
* User mappings whose options PostgreSQL hides from the role: pg_dump would write them without, and passwords would be
* gone. The rule is that of the view pg_user_mappings. A mapping that has no options looks the same as one whose options
* are hidden; both are refused, because nobody could say afterwards which of them it was.
*/
async function hiddenMappings(session, role) {
	const names = (await session.query(`select format('for %s on server %I', case when m.umuser = 0 then 'PUBLIC' else quote_ident(m.usename) end, m.srvname) as "name"
       from pg_user_mappings m join pg_foreign_server s on s.oid = m.srvid
      where not case when m.umuser = 0 then pg_has_role(s.srvowner, 'USAGE')
                     else m.usename = current_user and (pg_has_role(s.srvowner, 'USAGE') or has_server_privilege(s.oid, 'USAGE')) end
      order by 1`, object$1({ name: string() }))).map(({ name }) => name);
	if (names.length === 0) return [];
	return [{
		code: "SM_USER_MAPPING_HIDDEN",
		message: `PostgreSQL hides from role ${role.name} the options of ${namedSome(names, "the user mapping", "user mappings")}: a backup would be without them, passwords included.`,
		hint: `Only its own user (with USAGE on the server), for PUBLIC the server's owner, and superusers see them. Use a superuser in the database URL, or replace the mappings by one for ${identifier(role.name)}; one that is not needed: DROP USER MAPPING ….`,
		closes: "all"
	}];
}

// src/database/postgres/inspect/reading-obstacles.ts
const nameRow$3 = object$1({ name: string() });
/** What keeps the role from reading the whole target: without it there is no backup, so it closes everything. */
async function readingObstacles(session, role) {
	if (role.isSuperuser) return [];
	return [
		...await unreadableRelations(session, role),
		...await unreadableLargeObjects(session, role),
		...await rowSecurity(session, role),
		...await hiddenMappings(session, role)
	];
}
/**
* Tables and sequences that pg_dump would read: those of extensions only where the extension registers them as
* configuration. pg_dump locks partitioned parents as well. USAGE on the schema is needed besides SELECT.
*/
async function unreadableRelations(session, role) {
	const names = (await session.query(`select format('%I.%I', n.nspname, c.relname) as "name"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and ${isUserSchema("n")}
        and (not exists (select from pg_depend d
                          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
             or exists (select from pg_extension e where c.oid = any (e.extconfig)))
        and not (has_schema_privilege(n.oid, 'USAGE')
                 and case c.relkind when 'S' then has_sequence_privilege(c.oid, 'SELECT')
                                    else has_table_privilege(c.oid, 'SELECT') end)
      order by c.relkind = 'S', 1`, nameRow$3)).map((row) => row.name);
	if (names.length === 0) return [];
	return [{
		code: "SM_TABLE_UNREADABLE",
		message: `Role ${role.name} cannot read ${namedSome(names, "table or sequence", "tables and sequences")}.`,
		hint: `As their owner: GRANT USAGE ON SCHEMA … TO ${identifier(role.name)}; GRANT SELECT ON ALL TABLES IN SCHEMA … TO ${identifier(role.name)}; GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO ${identifier(role.name)}; or use the owner in the database URL.`,
		closes: "all"
	}];
}
/** There is no has_largeobject_privilege() before PostgreSQL 18; owner and grants say the same. */
async function unreadableLargeObjects(session, role) {
	const names = (await session.query(`select l.oid::text as "name"
       from pg_largeobject_metadata l
      where current_setting('lo_compat_privileges') = 'off'
        and not pg_has_role(l.lomowner, 'USAGE')
        and not exists (select from aclexplode(l.lomacl) g
                         where g.privilege_type = 'SELECT'
                           and case when g.grantee = 0 then true else pg_has_role(g.grantee, 'USAGE') end)
      order by l.oid`, nameRow$3)).map((row) => row.name);
	if (names.length === 0) return [];
	return [{
		code: "SM_TABLE_UNREADABLE",
		message: `Role ${role.name} cannot read ${namedSome(names, "large object", "large objects")}.`,
		hint: `As their owner: GRANT SELECT ON LARGE OBJECT … TO ${identifier(role.name)}, or use the owner in the database URL.`,
		closes: "all"
	}];
}
/** Tables whose policies hide rows from the role: pg_dump stops at them, and so it should. */
async function rowSecurity(session, role) {
	const names = (await session.query(`select format('%I.%I', n.nspname, c.relname) as "name"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relrowsecurity and ${isUserSchema("n")} and row_security_active(c.oid)
      order by 1`, nameRow$3)).map((row) => row.name);
	if (names.length === 0) return [];
	return [{
		code: "SM_FORCE_RLS",
		message: `Row-level security hides rows of ${namedSome(names, "table", "tables")} from role ${role.name}, so a dump would not be whole.`,
		hint: `Use the tables' owner in the database URL; where the policies bind the owner as well, let the owner run ALTER TABLE … NO FORCE ROW LEVEL SECURITY. For a role that does nothing but backups, the server's administrator may run: ALTER ROLE ${identifier(role.name)} BYPASSRLS;`,
		closes: "all"
	}];
}

// src/database/postgres/session/privileged-role.ts
/**
* Roles of managed platforms whose members may do some of what PostgreSQL leaves to superusers. The catalogs do not say
* which; the proof of the backup does.
*/
const platformRoles = [
	"rds_superuser",
	"cloudsqlsuperuser",
	"azure_pg_admin",
	"neon_superuser"
];
/** PostgreSQL's own roles that show what the server does, or end what it does, and reach no data. */
const harmless$1 = [
	"pg_database_owner",
	"pg_monitor",
	"pg_read_all_settings",
	"pg_read_all_stats",
	"pg_stat_scan_tables",
	"pg_signal_backend",
	"pg_checkpoint",
	"pg_use_reserved_connections"
];
/**
* SQL: whether a member of `role` (an oid) could make himself mightier than the owner of one application's objects: a superuser,
* an administrator, or whoever may become one. No hint may advise to be made a member of such a role.
*/
function isPrivileged(role) {
	return `exists (select from pg_catalog.pg_roles p
                   where (p.rolsuper or p.rolcreaterole or p.rolreplication or p.rolbypassrls
                          or p.rolname in (${platformRoles.map(literal).join(", ")})
                          or p.rolname ~ '^pg_' and p.rolname not in (${harmless$1.map(literal).join(", ")}))
                     and pg_catalog.pg_has_role(${role}, p.oid, 'MEMBER'))`;
}

// src/database/postgres/session/target-role.ts
/** What pg_has_role() calls the right to SET ROLE: told apart from mere membership since 16. */
function rightToBecome(version) {
	return version.major >= 16 ? "SET" : "MEMBER";
}

// src/database/postgres/archive/extension-owners.ts
const ownerRow = object$1({
	name: string(),
	isSelf: boolean(),
	mayBecome: boolean(),
	mayCreate: boolean()
});
/**
* The role that owns an extension, when it is another one that the session's role may act as; null otherwise. Nobody can
* give an extension away: it belongs to whoever creates it. `mayCreate`: in the session's database.
*/
async function ownerToBecome(session, version, extension) {
	if (extension.owner === void 0) return null;
	const [owner] = await session.query(`SELECT rolname AS "name", rolname = current_user AS "isSelf",
            pg_catalog.pg_has_role(oid, '${rightToBecome(version)}') AS "mayBecome",
            pg_catalog.has_database_privilege(oid, pg_catalog.current_database(), 'CREATE') AS "mayCreate"
       FROM pg_catalog.pg_roles WHERE ${isRole(extension.owner)}`, ownerRow);
	return owner === void 0 || owner.isSelf || !owner.mayBecome ? null : owner;
}
/** SQL behind a point: null is the superuser of initdb, as readExtensions says it. */
const isRole = (name) => name === null ? "oid = 10" : `rolname = ${literal(name)}`;
const standingRow = object$1({
	belongsTo: string(),
	owner: string().nullable(),
	loses: boolean()
});
/**
* Extensions of a copy that belong to others than they should: a difference where the owner would lose what he may do
* with it, otherwise told. A superuser, and a member of the new owner, lose nothing.
*/
async function compareExtensionOwners(session, expected) {
	const found = new Map((await readExtensions(session)).map((each) => [each.name, each.owner ?? null]));
	const differences = [];
	const told = [];
	for (const { name, owner } of expected) {
		const actual = found.get(name);
		if (owner === void 0 || actual === void 0 || owner === actual) continue;
		const [standing] = await session.query(`SELECT b.rolname AS "belongsTo", o.rolname AS "owner",
              coalesce(NOT o.rolsuper AND NOT pg_catalog.pg_has_role(o.oid, b.oid, 'MEMBER'), false) AS "loses"
         FROM pg_catalog.pg_roles b LEFT JOIN pg_catalog.pg_roles o ON o.${isRole(owner)} WHERE b.${isRole(actual)}`, standingRow);
		const belongs = `extension ${name} belongs to ${standing?.belongsTo} in the copy instead of ${standing?.owner ?? owner}`;
		if (standing?.loses === true) differences.push(`${belongs}, who could not alter it any more`);
		else told.push(`${belongs}: it belongs to whoever creates it, and nobody loses a right by this`);
	}
	return {
		differences,
		told
	};
}
/** Extensions of roles that would lose them, because this role can neither act for them nor is theirs. */
async function foreignExtensions(session, role, version) {
	const rows = await session.query(`select e.extname::text as "name", o.rolname::text as "owner", ${isPrivileged("o.oid")} as "isPrivileged"
       from pg_extension e join pg_roles o on o.oid = e.extowner
      where not o.rolsuper and not pg_has_role(o.oid, '${rightToBecome(version)}')
        and not pg_has_role(o.oid, (select oid from pg_roles where rolname = current_user), 'MEMBER')
      order by 1`, object$1({
		name: string(),
		owner: string(),
		isPrivileged: boolean()
	}));
	if (rows.length === 0) return [];
	const grants = rows.map(({ owner, isPrivileged }) => isPrivileged ? `GRANT ${identifier(role.name)} TO ${identifier(owner)};` : `GRANT ${identifier(owner)} TO ${identifier(role.name)};`);
	const names = rows.map(({ name, owner }) => `${name} (${owner})`);
	return [{
		code: "SM_EXTENSION_OWNER",
		message: `Role ${role.name} cannot give a restored copy the owner of ${namedSome(names, "the extension", "extensions")}: it would belong to ${role.name}, and its owner could not alter it any more.`,
		hint: `Let the server's administrator run: ${[...new Set(grants)].slice(0, 10).join(" ")} Either of the two roles being a member of the other will do.`,
		closes: ["swap"]
	}];
}

// src/database/postgres/archive/foreign-code.ts
/**
* What a restore computes when rows are loaded, by catalog and OID, and as whom: `runs_as` null is the role that
* restores. Indexes, statistics and materialized views are computed as their table's owner, who cannot get out of that role
* there. Triggers, defaults, rules and policies are not computed: they come after the rows, or not at all.
*/
const computed = `
  SELECT 'pg_constraint'::regclass AS classid, o.oid AS objid, NULL::oid AS runs_as FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
   WHERE o.contype = 'c' AND ${isUserSchema("n")}
  UNION ALL SELECT 'pg_attrdef'::regclass, o.oid, NULL FROM pg_attrdef o JOIN pg_attribute a ON a.attrelid = o.adrelid AND a.attnum = o.adnum
   WHERE a.attgenerated <> ''
  UNION ALL SELECT 'pg_type'::regclass, o.oid, NULL FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace WHERE ${isUserSchema("n")}
  UNION ALL SELECT 'pg_class'::regclass, o.oid, NULL FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
   WHERE o.relkind = 'p' AND ${isUserSchema("n")}
  UNION ALL SELECT 'pg_class'::regclass, o.oid, t.relowner FROM pg_index i JOIN pg_class o ON o.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = o.relnamespace WHERE ${isUserSchema("n")}
  UNION ALL SELECT 'pg_constraint'::regclass, o.oid, t.relowner FROM pg_constraint o JOIN pg_class t ON t.oid = o.conrelid
        JOIN pg_namespace n ON n.oid = o.connamespace WHERE o.contype = 'x' AND ${isUserSchema("n")}
  UNION ALL SELECT 'pg_statistic_ext'::regclass, o.oid, t.relowner FROM pg_statistic_ext o JOIN pg_class t ON t.oid = o.stxrelid
  UNION ALL SELECT 'pg_rewrite'::regclass, o.oid, t.relowner FROM pg_rewrite o JOIN pg_class t ON t.oid = o.ev_class
        JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.relkind = 'm' AND ${isUserSchema("n")}`;
/** Through what a call can lead from there: operators, aggregates, functions whose bodies the catalog knows, opclasses. */
const followed = [
	"pg_proc",
	"pg_operator",
	"pg_opclass",
	"pg_opfamily",
	"pg_type",
	"pg_cast"
].map((name) => `'${name}'::regclass`).join(", ");
/**
* SQL: a role that gains nothing by running code of `author`: it has no attribute, no membership, no object and no
* privilege that he has not, apart from this database.
*/
const hasNoMore = (role, author) => `(
  NOT EXISTS (SELECT FROM pg_roles own WHERE own.oid = ${role}
                AND (own.rolsuper OR own.rolcreaterole OR own.rolreplication OR own.rolbypassrls))
  AND NOT EXISTS (SELECT FROM pg_roles other WHERE other.oid <> ${role} AND pg_has_role(${role}, other.oid, 'MEMBER')
                                               AND NOT pg_has_role(${author}, other.oid, 'MEMBER'))
  AND NOT EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = ${role} AND s.deptype IN ('o', 'a')
                     AND NOT (s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.deptype = 'a'
                              AND s.objid = (SELECT oid FROM pg_database WHERE datname = current_database()))))`;
/**
* Functions in this session's database that a restore by this session's role would run for somebody who may not do
* what they could do then; asked of the target before anything, and of a copy before rows are loaded into it.
*/
async function foreignCode(session) {
	const rows = await session.query(`WITH RECURSIVE computed AS (${computed}),
       me AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
       reached AS (
         SELECT c.classid, c.objid, c.classid AS root_class, c.objid AS root, coalesce(c.runs_as, me.oid) AS runs_as FROM computed c, me
         UNION
         SELECT d.refclassid, d.refobjid, r.root_class, r.root, r.runs_as
           FROM reached r JOIN pg_depend d ON d.classid = r.classid AND d.objid = r.objid
          WHERE d.refclassid IN (${followed}) AND d.deptype IN ('n', 'a', 'i') AND d.refobjid >= 16384)
     SELECT f.type || ' ' || f.identity || ' of ' || a.rolname AS "name", a.rolname::text AS "author", w.rolname::text AS "runsAs",
            min(u.type || ' ' || u.identity) AS "user"
       FROM reached r JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
            JOIN pg_roles a ON a.oid = p.proowner JOIN pg_roles w ON w.oid = r.runs_as,
            LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) f, LATERAL pg_identify_object(r.root_class, r.root, 0) u
      WHERE NOT ${mayBecome("p.proowner", "r.runs_as")} AND NOT ${hasNoMore("r.runs_as", "p.proowner")}
      GROUP BY 1, 2, 3 ORDER BY 1, 3`, object$1({
		name: string(),
		author: string(),
		runsAs: string(),
		user: string()
	}));
	if (rows.length === 0) return null;
	const names = rows.map(({ name, user }) => `${name} (used by ${user})`);
	const authors = [...new Set(rows.map(({ author }) => author))];
	const runsAs = [...new Set(rows.map((row) => row.runsAs))];
	return {
		code: "SM_FOREIGN_CODE",
		message: `Restoring this database would run ${namedSome(names, "the", "functions:")} as ${runsAs.slice(0, 10).join(", ")}, who may do more than ${authors.slice(0, 10).join(", ")}. Whoever owns a function can change it, and so could make himself whatever he likes.`,
		hint: `Use a database URL whose role is ${authors.length === 1 ? authors[0] : "their owner"}; or, once you have read them, give the functions to the role that restores: ALTER FUNCTION … OWNER TO …;`,
		closes: ["swap"]
	};
}

// src/database/postgres/inspect/disabled-constraints.ts
/**
* Constraints whose own triggers somebody disabled (ALTER TABLE … DISABLE TRIGGER ALL), or lets fire otherwise. No dump
* says so: in a restored copy they would be enforced again.
*/
async function disabledConstraints(session) {
	const rows = await session.query(`select distinct c.conname::text as "constraint", format('%I.%I', n.nspname, r.relname) as "table"
       from pg_trigger t join pg_constraint c on c.oid = t.tgconstraint and c.contype in ('f', 'u', 'p', 'x')
            join pg_class r on r.oid = t.tgrelid join pg_namespace n on n.oid = r.relnamespace
      where t.tgisinternal and t.tgenabled <> 'O' and ${isUserSchema("n")} order by 2, 1`, object$1({
		constraint: string(),
		table: string()
	}));
	if (rows.length === 0) return [];
	const names = rows.map(({ constraint, table }) => `${constraint} at ${table}`);
	const commands = [...new Set(rows.map(({ table }) => `ALTER TABLE ${table} ENABLE TRIGGER ALL;`))];
	return [{
		code: "SM_DISABLED_CONSTRAINT",
		message: `The triggers of ${namedSome(names, "the constraint", "constraints")} are disabled or fire otherwise than usual, which no dump says: a restored copy would enforce what the target does not.`,
		hint: `Let a superuser run: ${commands.slice(0, 10).join(" ")} That also enables triggers of users which were disabled. Rows that were written meanwhile may break the constraint.`,
		closes: ["swap"],
		ofCopy: true
	}];
}

// src/database/postgres/inspect/foreign-owners.ts
/** Kinds of objects that a dump gives back to their owners; `public` as initdb made it is not among them. */
const ownedObjects = `
  select 'pg_namespace'::regclass as classid, n.oid as objid, n.nspowner as owner from pg_namespace n
   where ${isUserSchema("n")} and not (n.nspname = 'public' and n.nspowner in (10, (select oid from pg_roles where rolname = 'pg_database_owner')))
  union all select 'pg_class'::regclass, c.oid, c.relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence <> 't' and ${isUserSchema("n")}
  union all select 'pg_proc'::regclass, p.oid, p.proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${isUserSchema("n")}
  union all select 'pg_type'::regclass, t.oid, t.typowner from pg_type t join pg_namespace n on n.oid = t.typnamespace
   where ${isUserSchema("n")} and (t.typtype in ('d', 'e', 'r') or t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
  union all select 'pg_operator'::regclass, oid, oprowner from pg_operator
  union all select 'pg_collation'::regclass, oid, collowner from pg_collation
  union all select 'pg_conversion'::regclass, oid, conowner from pg_conversion
  union all select 'pg_opclass'::regclass, oid, opcowner from pg_opclass
  union all select 'pg_opfamily'::regclass, oid, opfowner from pg_opfamily
  union all select 'pg_ts_dict'::regclass, oid, dictowner from pg_ts_dict
  union all select 'pg_ts_config'::regclass, oid, cfgowner from pg_ts_config
  union all select 'pg_statistic_ext'::regclass, oid, stxowner from pg_statistic_ext
  union all select 'pg_language'::regclass, oid, lanowner from pg_language
  union all select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner from pg_foreign_data_wrapper
  union all select 'pg_foreign_server'::regclass, oid, srvowner from pg_foreign_server
  union all select 'pg_publication'::regclass, oid, pubowner from pg_publication where not puballtables
  union all select 'pg_default_acl'::regclass, oid, defaclrole from pg_default_acl
  union all select 'pg_largeobject'::regclass, oid, lomowner from pg_largeobject_metadata`;
/** The oid from which on objects are not initdb's. */
const firstUserOid$1 = 16384;
/** What belongs to an extension, or came with a type (a range's functions are the superuser's), is not dumped by itself. */
async function foreignOwners(session, role, version) {
	const rows = await session.query(`select o.owner::regrole::text as "owner", i.type as "type", i.identity as "identity", (${isPrivileged("o.owner")} or pg_has_role(o.owner, (select oid from pg_roles where rolname = current_user), 'MEMBER')) as "isPrivileged",
            o.classid = 'pg_class'::regclass and exists (select from pg_depend d where d.classid = o.classid and d.objid = o.objid
              and d.refclassid = o.classid and d.deptype = 'a')
              and i.type = 'sequence' as "isPartOfTable"
       from (${ownedObjects}) o, lateral pg_identify_object(o.classid, o.objid, 0) i
      where (o.objid >= ${firstUserOid$1} or o.classid = 'pg_namespace'::regclass)
        and not pg_has_role(o.owner, '${rightToBecome(version)}')
        and not exists (select from pg_depend d where d.classid = o.classid and d.objid = o.objid and d.deptype in ('e', 'i'))
      order by 1, i.type || ' ' || i.identity`, foreignRow);
	if (rows.length === 0) return [];
	const owners = [...new Set(rows.map(({ owner }) => owner))];
	const names = rows.map(({ type, identity, owner }) => `${type} ${identity} (${owner})`);
	const statements = [...[...new Set(rows.filter((row) => !row.isPrivileged).map(({ owner }) => owner))].map((owner) => `GRANT ${owner} TO ${identifier(role.name)};`), ...rows.filter((row) => row.isPrivileged && !row.isPartOfTable).map((row) => giveAway(row, role))];
	const more = statements.length > 10 ? ` … and ${statements.length - 10} more of this kind.` : "";
	return [{
		code: "SM_FOREIGN_OWNER",
		message: `Role ${role.name} cannot give a restored copy the owner of ${namedSome(names, "the object", "objects")}, because it is no member of ${owners.slice(0, 10).join(", ")}.`,
		hint: `Let the server's administrator run: ${statements.slice(0, 10).join(" ")}${more} What runs with its owner's rights (a SECURITY DEFINER function, a view) then has ${role.name}'s.`,
		closes: ["swap"]
	}];
}
const foreignRow = object$1({
	owner: string(),
	type: string(),
	identity: string(),
	/** Or a member of our role, which can then be no member of it. */
	isPrivileged: boolean(),
	/** A serial column's sequence goes with its table. */
	isPartOfTable: boolean()
});
/** What an administrator runs, so that the object is the role's. */
function giveAway({ type, identity, owner }, role) {
	switch (type) {
		case "default acl": return `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} … REVOKE …; (the default privileges ${identity}, if nobody needs them)`;
		case "foreign-data wrapper": return `DROP FOREIGN DATA WRAPPER ${identity}; if nobody needs it (only superusers, as ${owner}, may own one).`;
		default: return `ALTER ${type === "statistics object" ? "STATISTICS" : type.toUpperCase()} ${identity} OWNER TO ${identifier(role.name)};`;
	}
}

// src/database/postgres/inspect/restore-obstacles.ts
const closesSwap$1 = ["swap"];
/**
* What the target holds and this role cannot make again in a restored copy. The proof would find each of them, after
* the dump; here they are found before it.
*/
async function restoreObstacles(session, role, version) {
	const code = await foreignCode(session);
	const always = [
		...await backgroundWorkers(session),
		...await disabledConstraints(session),
		...code === null ? [] : [{
			...code,
			ofCopy: true
		}]
	];
	if (role.isSuperuser) return always;
	const forSuperusers = [
		...await untrustedExtensions(session, role),
		...await publicationsOfAll(session, role, version),
		...await eventTriggers(session, role)
	];
	const mayBeAllowed = await isPlatformAdministrator(session);
	return [...always, ...[
		...await foreignOwners(session, role, version),
		...await foreignExtensions(session, role, version),
		...forSuperusers.map((each) => mayBeAllowed ? {
			...each,
			isDoubt: true
		} : each)
	].map((each) => ({
		...each,
		ofCopy: true
	}))];
}
const nameRow$2 = object$1({ name: string() });
async function untrustedExtensions(session, role) {
	const rows = await session.query(`select e.extname::text as "name"
       from pg_extension e join pg_available_extension_versions v on v.name = e.extname and v.version = e.extversion
      where v.superuser and not v.trusted order by 1`, nameRow$2);
	if (rows.length === 0) return [];
	const names = rows.map(({ name }) => name);
	return [{
		code: "SM_UNTRUSTED_EXTENSION",
		message: `Only a superuser may create ${namedSome(names, "the extension", "extensions")} in a restored copy, and role ${role.name} is none.`,
		hint: "Let a superuser mark it as trusted (in its control file), move what needs it to a database of its own, or use a superuser in the database URL.",
		closes: closesSwap$1
	}];
}
async function publicationsOfAll(session, role, version) {
	const ofSchemas = version.major >= 15 ? "or exists (select from pg_publication_namespace s where s.pnpubid = p.oid)" : "";
	const rows = await session.query(`select p.pubname::text as "name" from pg_publication p where p.puballtables ${ofSchemas} order by 1`, nameRow$2);
	if (rows.length === 0) return [];
	const names = rows.map(({ name }) => name);
	return [{
		code: "SM_PUBLICATION_OF_ALL",
		message: `Only a superuser may create ${namedSome(names, "the publication", "publications")} (FOR ALL TABLES or IN SCHEMA) in a restored copy, and role ${role.name} is none.`,
		hint: "Name the tables in the publication (ALTER PUBLICATION … SET TABLE …), or use a superuser in the database URL.",
		closes: closesSwap$1
	}];
}
async function eventTriggers(session, role) {
	const rows = await session.query(`select t.evtname::text as "name" from pg_event_trigger t
      where not exists (select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = t.oid and d.deptype = 'e')
      order by 1`, nameRow$2);
	if (rows.length === 0) return [];
	const names = rows.map(({ name }) => name);
	return [{
		code: "SM_EVENT_TRIGGER",
		message: `Only a superuser may create ${namedSome(names, "the event trigger", "event triggers")} in a restored copy, and role ${role.name} is none.`,
		hint: "Drop it for the time of the migration, or use a superuser in the database URL.",
		closes: closesSwap$1
	}];
}
/** They hold the database open, know it by name, and do not restore by pg_restore alone. */
async function backgroundWorkers(session) {
	return (await session.query(`select e.extname::text as "name" from pg_extension e where e.extname in ('pg_cron', 'timescaledb') order by 1`, nameRow$2)).map(({ name }) => ({
		code: "SM_BACKGROUND_WORKER",
		message: `Extension ${name} keeps workers of its own in ${session.database}; a restored copy would not have them, and they come back while databases are renamed.`,
		hint: name === "pg_cron" ? "Let pg_cron live in a database of its own (cron.database_name) and use cron.schedule_in_database for this one." : "Recovery by swap is closed for databases of TimescaleDB.",
		closes: closesSwap$1
	}));
}
async function isPlatformAdministrator(session) {
	return (await session.query(`select r.rolname::text as "name" from pg_roles r
      where r.rolname in (${platformRoles.map((name) => `'${name}'`).join(", ")}) and pg_has_role(r.oid, 'MEMBER')`, nameRow$2)).length > 0;
}

// src/database/postgres/inspect/swap-obstacles.ts
const closesSwap = ["swap"];
/** Databases that tools expect on every server, whatever else lives in them. */
const maintenanceDatabases = [
	"postgres",
	"template0",
	"template1"
];
/** What stands against putting a restored copy in the target's place by renaming both. */
async function swapObstacles(session, role, version) {
	return [
		...role.mayCreateDatabases ? [] : [noCreateDatabase(role)],
		...await ownership(session, role, version),
		...await specialDatabase(session),
		...await preparedTransactions(session),
		...await logicalSlots(session),
		...await subscriptions(session),
		...await foreignSessions(session, role)
	];
}
function noCreateDatabase(role) {
	return {
		code: "SM_NO_CREATEDB",
		message: `Role ${role.name} may not create databases, so a backup cannot be restored beside the target.`,
		hint: `Let the server's administrator run: ALTER ROLE ${identifier(role.name)} CREATEDB; (members of a role with CREATEDB do not inherit it).`,
		closes: closesSwap
	};
}
/** ALTER DATABASE … RENAME needs the owner's privileges, giving the copy the same owner needs SET ROLE to it. */
async function ownership(session, role, version) {
	const [row] = await session.query(`select pg_get_userbyid(d.datdba) as "owner",
            pg_has_role(d.datdba, 'USAGE') and pg_has_role(d.datdba, '${rightToBecome(version)}') as "isOwner",
            ${isPrivileged("d.datdba")}
              or pg_has_role(d.datdba, (select oid from pg_roles where rolname = current_user), 'MEMBER') as "isPrivileged"
       from pg_database d where d.datname = current_database()`, object$1({
		owner: string(),
		isOwner: boolean(),
		isPrivileged: boolean()
	}));
	if (row === void 0 || row.isOwner) return [];
	return [{
		code: "SM_NOT_OWNER",
		message: `Role ${role.name} does not own database ${session.database} (${row.owner} does), so it cannot rename it.`,
		hint: row.isPrivileged ? `Let the server's administrator run: ALTER DATABASE ${identifier(session.database)} OWNER TO ${identifier(role.name)};` : `Use the owner in the database URL, or let the server's administrator run: GRANT ${identifier(row.owner)} TO ${identifier(role.name)};`,
		closes: closesSwap
	}];
}
async function specialDatabase(session) {
	const [row] = await session.query("select d.datistemplate as \"isTemplate\" from pg_database d where d.datname = current_database()", object$1({ isTemplate: boolean() }));
	if (maintenanceDatabases.includes(session.database)) return [{
		code: "SM_MAINTENANCE_DATABASE",
		message: `${session.database} is the server's own database: other tools connect to it by this name, so it is not renamed.`,
		hint: "Move the application to a database of its own.",
		closes: closesSwap
	}];
	if (row?.isTemplate !== true) return [];
	return [{
		code: "SM_TEMPLATE_DATABASE",
		message: `${session.database} is marked as a template; new databases are copied from it, so it is not replaced.`,
		hint: `Unless that is wanted: ALTER DATABASE ${identifier(session.database)} IS_TEMPLATE false;`,
		closes: closesSwap
	}];
}
const nameRow$1 = object$1({ name: string() });
async function preparedTransactions(session) {
	const names = await namesOf(session, `select quote_literal(p.gid) as "name" from pg_prepared_xacts p where p.database = current_database() order by 1`);
	if (names.length === 0) return [];
	return [{
		code: "SM_PREPARED_TRANSACTIONS",
		message: `Database ${session.database} holds ${namedSome(names, "the prepared transaction", "prepared transactions")}, which blocks renaming it.`,
		hint: "Finish it with COMMIT PREPARED or ROLLBACK PREPARED (pg_prepared_xacts shows who made it and when).",
		closes: closesSwap
	}];
}
/** A slot belongs to a database's OID: after a rename its consumer would be refused and WAL pile up. */
async function logicalSlots(session) {
	const names = await namesOf(session, `select s.slot_name::text as "name" from pg_replication_slots s where s.database = current_database() order by 1`);
	if (names.length === 0) return [];
	return [{
		code: "SM_LOGICAL_SLOT",
		message: `Database ${session.database} has ${namedSome(names, "the logical replication slot", "logical replication slots")}, which would stay with the replaced database.`,
		hint: "Recovery by swap would cut the consumer off. Drop the slot when nobody uses it (pg_drop_replication_slot).",
		closes: closesSwap
	}];
}
async function subscriptions(session) {
	const names = await namesOf(session, `select s.subname::text as "name" from pg_subscription s join pg_database d on d.oid = s.subdbid
      where d.datname = current_database() order by 1`);
	if (names.length === 0) return [];
	return [{
		code: "SM_SUBSCRIPTION",
		message: `Database ${session.database} has ${namedSome(names, "the subscription", "subscriptions")}, which a restored copy would have to share its slot with.`,
		hint: "Recovery by swap is closed while the database subscribes to another one.",
		closes: closesSwap
	}];
}
/**
* Sessions that would block the rename because this role may not end them: those of superusers, and of roles that it
* is no member of unless it has pg_signal_backend. To others than their owner most columns of pg_stat_activity are
* null, backend_type too; workers without a user (autovacuum) are left out, they give way by themselves.
*/
async function foreignSessions(session, role) {
	if (role.isSuperuser) return [];
	const rows = await session.query(`select r.rolname::text as "role", r.rolsuper as "isSuperuser", count(*) as "sessions"
       from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
      where a.datname = current_database() and a.pid <> pg_backend_pid()
        and coalesce(a.backend_type, 'client backend') in ('client backend', 'walsender')
        and (r.rolsuper or not (pg_has_role(r.oid, 'USAGE') or pg_has_role('pg_signal_backend', 'USAGE')))
      group by 1, 2 order by 1`, object$1({
		role: string(),
		isSuperuser: boolean(),
		sessions: number()
	}));
	if (rows.length === 0) return [];
	const count = rows.reduce((sum, row) => sum + row.sessions, 0);
	const owners = rows.map((row) => `${row.role}${row.isSuperuser ? " (superuser)" : ""}: ${row.sessions}`);
	const isSuperuser = rows.map((row) => row.isSuperuser);
	const signal = isSuperuser.includes(false) ? `Let the server's administrator run: GRANT pg_signal_backend TO ${identifier(role.name)};` : "";
	const byHand = isSuperuser.includes(true) ? `Close the sessions of superusers (${rows.flatMap((row) => row.isSuperuser ? [row.role] : []).join(", ")}): nobody else may end them.` : "";
	return [{
		code: "SM_FOREIGN_SESSIONS",
		message: `Role ${role.name} may not end ${count === 1 ? "a session" : `${count} sessions`} in ${session.database} that would block a swap (${owners.slice(0, 10).join(", ")}).`,
		hint: `${signal} ${byHand}`.trim(),
		closes: closesSwap
	}];
}
async function namesOf(session, sql) {
	return (await session.query(sql, nameRow$1)).map((row) => row.name);
}

// src/database/postgres/inspect/inspect.ts
const factsRow = object$1({
	oid: number().int(),
	sizeBytes: number().int(),
	tableCount: number().int(),
	role: string(),
	isSuperuser: boolean(),
	mayCreateDatabases: boolean()
});
/**
* Reads what preflight wants to know about the database that `session` is in. Changes nothing, locks nothing.
* Tables are counted as the fingerprint reads them: partitions count, their parents hold nothing.
*/
async function inspect$1(session, version) {
	const [facts] = await session.query(`select d.oid::bigint as "oid",
            pg_database_size(d.oid) as "sizeBytes",
            (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where c.relkind = 'r' and c.relpersistence <> 't'
                and ${isUserSchema("n")} and ${isNoMember("pg_class", "c")}) as "tableCount",
            r.rolname::text as "role",
            r.rolsuper as "isSuperuser",
            r.rolcreatedb or r.rolsuper as "mayCreateDatabases"
       from pg_database d, pg_roles r
      where d.datname = current_database() and r.rolname = current_user`, factsRow);
	if (facts === void 0) throw new SafeMigrateError({
		code: "SM_NO_DATABASE",
		message: `The server has no database ${session.database} any more.`,
		hint: "Somebody renamed or dropped it during the run, or the role of the database URL is gone.",
		docs: "postgresql.md"
	});
	const role = {
		name: facts.role,
		isSuperuser: facts.isSuperuser,
		mayCreateDatabases: facts.mayCreateDatabases
	};
	return {
		oid: facts.oid,
		sizeBytes: facts.sizeBytes,
		tableCount: facts.tableCount,
		mayCreateDatabases: facts.mayCreateDatabases,
		obstacles: [
			...await readingObstacles(session, role),
			...await swapObstacles(session, role, version),
			...await restoreObstacles(session, role, version)
		],
		connections: await readConnectionRoom(session),
		serverTime: await serverTime(session),
		warnings: [...await outsideReach(session), ...await outdatedCollations(session, version)],
		properties: await readProperties(session, session.database)
	};
}

// src/database/postgres/inspect/server-roles.ts
const roleRow = object$1({
	name: string(),
	digest: string()
});
/** All roles of the server, by name, with a digest of what every role may read of them: attributes, memberships, settings. */
async function readServerRoles(session) {
	return await session.query(`SELECT r.rolname::text AS "name",
            pg_catalog.md5(pg_catalog.concat_ws('|', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
              r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil,
              (SELECT pg_catalog.string_agg(s.setconfig::text, '|') FROM pg_catalog.pg_db_role_setting s
                WHERE s.setrole = r.oid AND s.setdatabase = 0),
              (SELECT pg_catalog.string_agg(m.roleid::text || m.admin_option::text, '|' ORDER BY m.roleid, m.grantor)
                 FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid))) AS "digest"
       FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1`, roleRow);
}

// src/database/postgres/session/keep-alive.ts
const pingIntervalMs = 15e3;
/** The server has ended a session by then whose pings do not arrive. */
const silenceMs = 6e4;
/**
* Makes the server end `session` about a minute after this machine has vanished (frozen, cut off: nothing closes the
* connection then), and keeps it alive until that with a ping every 15 s. Returns the function that stops the pings.
* The timer never keeps node running.
*
* When a ping finds the session gone, or is not answered for a minute because the network drops everything (`isSilent`), the
* session is ended here, too, and `onLost` is called once: nobody would be told otherwise, while a tool waits for its
* next byte.
*/
async function keepAlive(session, version, onLost) {
	const settings = [
		"('tcp_keepalives_idle', '30')",
		"('tcp_keepalives_interval', '10')",
		"('tcp_keepalives_count', '3')",
		"('idle_in_transaction_session_timeout', '60s')"
	];
	if (version.major >= 14) settings.push("('idle_session_timeout', '60s')");
	await session.query(`SELECT pg_catalog.set_config(name, value, false) AS "value" FROM (VALUES ${settings.join(", ")}) AS s(name, value)`, object$1({ value: string() }));
	let askedAt = null;
	const timer = setInterval(() => {
		if (askedAt !== null) {
			if (performance.now() - askedAt >= silenceMs) lose(true);
			return;
		}
		if (session.isBusy) return;
		askedAt = performance.now();
		session.execute("SELECT 1").then(() => {
			askedAt = null;
		}, () => lose(false));
	}, pingIntervalMs);
	timer.unref();
	let isOver = false;
	const stop = () => {
		isOver = true;
		clearInterval(timer);
	};
	const lose = (isSilent) => {
		if (isOver) return;
		stop();
		session.kill();
		onLost({ isSilent });
	};
	return stop;
}

// src/database/postgres/lock/advisory-lock.ts
/**
* Key of the run's lock, in the two-number form (pg_locks: classid, objid, objsubid 2). Advisory locks belong to a
* database, so that one key serves the target and its coordination database. 0x536D6967 reads `Smig`.
*/
const lockClass = 1399679335;
const lockObject = 1;
/** NAMEDATALEN - 1: the server cuts the rest. */
const nameLimit = 63;
const namePattern = /^safe-migrate (\S+) ([0-9a-z]{6,7})(?: (.*))?$/;
/**
* The holder as `application_name`: the only field of a session that other roles can read. ASCII only, since the
* server replaces everything else. The start is written as seconds in base 36, which leaves the description 33
* characters; of a longer one the end is kept, where the number of the workflow run stands.
*/
function holderName(holder) {
	const seconds = Math.floor(Date.parse(holder.startedAt) / 1e3).toString(36);
	const prefix = `safe-migrate ${holder.run} ${seconds} `;
	const description = holder.description.replace(/[^ -~]/g, "?").trim();
	const room = nameLimit - prefix.length;
	return `${prefix}${description.length <= room ? description : `..${description.slice(2 - room)}`}`.trimEnd();
}
/** Reads such a name back; null when it is none. */
function parseHolderName(name) {
	const [, run, seconds, description] = namePattern.exec(name) ?? [];
	if (run === void 0 || seconds === void 0) return null;
	return {
		run,
		startedAt: (/* @__PURE__ */ new Date(Number.parseInt(seconds, 36) * 1e3)).toISOString().replace(".000", ""),
		description: description ?? ""
	};
}
/** Takes the lock in the session's database, or says at once that somebody has it. */
async function tryLock(session) {
	const [row] = await session.query(`SELECT pg_catalog.pg_try_advisory_lock(${lockClass}, ${lockObject}) AS "isLocked"`, object$1({ isLocked: boolean() }));
	return row?.isLocked === true;
}
/** Lets the lock go while the session stays. */
async function unlock(session) {
	await session.execute(`SELECT pg_catalog.pg_advisory_unlock(${lockClass}, ${lockObject})`);
}
const heldBy = `FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.classid = ${lockClass} AND l.objid = ${lockObject} AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`;
/** Whether this very session holds the lock. Rejects with SM_CONNECTION_LOST when the session is gone. */
async function holdsLock(session) {
	return (await session.query(`SELECT l.pid AS "pid" ${heldBy}`, object$1({ pid: number() }))).some(({ pid }) => pid === session.backendPid);
}
const holderRow = object$1({
	pid: number(),
	name: string().nullable(),
	role: string().nullable()
});
/** The refusal for a lock that another session holds in this session's database; null when it has just been let go. */
async function lockedError(session, target) {
	const [row] = await session.query(`SELECT l.pid AS "pid", a.application_name AS "name", a.usename::text AS "role" ${heldBy}`, holderRow);
	if (row === void 0) return null;
	const holder = parseHolderName(row.name ?? "");
	const who = holder === null ? `session ${row.pid}` : `${holder.description === "" ? "" : `${holder.description}, `}run ${holder.run}, started ${holder.startedAt}`;
	return new SafeMigrateError({
		code: "SM_LOCKED",
		message: `Another run of safe-migrate is at work on ${target}: ${who}.`,
		hint: `Run this job again when that one has ended. The lock of a machine that is gone ends by itself within about a minute. If there is no such run, end the session, as a superuser or as ${row.role ?? "its role"}: SELECT pg_terminate_backend(${row.pid});`,
		docs: "errors.md"
	});
}

// src/database/postgres/lock/coordination.ts
/** Each round is lost only to another run that creates, drops or leaves at the same moment. */
const attempts$1 = 30;
const pauseMs$2 = 50;
/** duplicate_database, and unique_violation when two create it at the very same time. */
const alreadyThere = /* @__PURE__ */ new Set(["42P04", "23505"]);
/** invalid_catalog_name, and internal_error ("tuple concurrently updated"): another run opened or dropped it meanwhile. */
const goneMeanwhile = /* @__PURE__ */ new Set(["3D000", "XX000"]);
/** How long our own session is waited for: the server forgets it a moment after psql has ended. */
const ownSessionTimeoutMs = 2e3;
const stateRow = object$1({
	comment: string().nullable(),
	owner: string(),
	isTrusted: boolean(),
	isInvalid: boolean(),
	isClosed: boolean(),
	sessions: array(number())
});
/**
* Takes the run's lock in the coordination database, which is created when there is none; `elsewhere` is a session
* in any other database. Resolves with the session that holds the lock, or null when the role may not act for the target's
* owner (what it made would be nobody's whom later runs believe), or there is no such database and it may not create one.
* Rejects with SM_LOCKED, with SM_NAME_TAKEN when a database of that name is not ours, or with SM_FOREIGN_DATABASE when it
* belongs to a role that no run on this target would have given it to.
*
* Runs may come and go at the same time: one that is created twice is shared, one that is dropped between CREATE and
* connect is created again, and the drop fails while somebody is connected.
*/
async function lockCoordination(server, elsewhere, applicationName) {
	const target = server.address.database;
	const name = coordinationName(target);
	const maker = await readMaker(elsewhere, target);
	if (!maker.actsForOwner) {
		await dropCoordination(elsewhere, target);
		return null;
	}
	for (let attempt = 1; attempt <= attempts$1; attempt += 1) {
		if (attempt > 1) await setTimeout$1(pauseMs$2 * Math.random());
		if (!await ensureDatabase(elsewhere, target, name, maker)) return null;
		const session = await connectUnlessGone(server, name, applicationName);
		if (session === null) continue;
		try {
			if (await tryLock(session)) {
				await markAsOurs(session, target, name);
				return session;
			}
			const locked = await lockedError(session, target);
			if (locked !== null) throw locked;
			await session[Symbol.asyncDispose]();
		} catch (error) {
			await session[Symbol.asyncDispose]();
			throw error;
		}
	}
	throw new SafeMigrateError({
		code: "SM_LOCKED",
		message: `The lock on ${target} could not be taken: other runs of safe-migrate kept coming and going.`,
		hint: "Run this job again when the others have ended."
	});
}
/**
* Drops the coordination database when its comment proves that it is ours and that nothing is open, and nobody is
* connected. Otherwise it stays, which is no failure: the next run uses it and tries again.
* `elsewhere` is a session in any other database, `closedPid` the backend of our own session there, which was closed just now.
*/
async function dropCoordination(elsewhere, target, closedPid = null) {
	const name = coordinationName(target);
	const deadline = Date.now() + ownSessionTimeoutMs;
	try {
		let state = await readState(elsewhere, target);
		while (state?.sessions.some((pid) => pid === closedPid) && Date.now() < deadline) {
			await setTimeout$1(pauseMs$2);
			state = await readState(elsewhere, target);
		}
		if (state === void 0 || state.sessions.length > 0) return;
		if (!state.isTrusted && closedPid === null) return;
		if (readCoordinationMark(target, state.comment) !== "idle") return;
		await elsewhere.execute(`DROP DATABASE ${identifier(name)}`);
	} catch (error) {
		if (!(error instanceof SqlError)) throw error;
	}
}
async function readState(session, target) {
	const [state] = await session.query(`SELECT pg_catalog.left(pg_catalog.shobj_description(d.oid, 'pg_database'), ${markLimitBytes}) AS "comment",
            pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner", s.isTrusted AS "isTrusted",
            d.datconnlimit = -2 AS "isInvalid", NOT d.datallowconn AS "isClosed",
            -- Only autovacuum has no user; DROP DATABASE ends it by itself.
            ARRAY(SELECT a.pid FROM pg_catalog.pg_stat_activity a
                   WHERE a.datid = d.oid AND a.usesysid IS NOT NULL) AS "sessions"
       FROM pg_catalog.pg_database d, LATERAL (SELECT ${isTrustedOwner("d.datdba", target)}) AS s(isTrusted)
      WHERE d.datname = ${literal(coordinationName(target))}`, stateRow);
	return state;
}
/** Whether there is a coordination database now. */
async function ensureDatabase(elsewhere, target, name, { owner, mayCreate }) {
	const state = await readState(elsewhere, target);
	if (state !== void 0 && !state.isTrusted) throw foreignCoordination(name, state.owner, target);
	if (state?.isInvalid === true) {
		if (readCoordinationMark(target, state.comment) !== null) await dropCoordination(elsewhere, target);
		return true;
	}
	if (state?.isClosed === false) return true;
	if (state === void 0 && !mayCreate) return false;
	try {
		if (state === void 0) await elsewhere.execute(`CREATE DATABASE ${identifier(name)} OWNER ${identifier(owner)} TEMPLATE template0 ALLOW_CONNECTIONS false`);
		await openToOwner(elsewhere, name);
	} catch (error) {
		if (!(error instanceof SqlError && (alreadyThere.has(error.sqlState) || goneMeanwhile.has(error.sqlState)))) throw error;
	}
	return true;
}
function foreignCoordination(name, owner, target) {
	return new SafeMigrateError({
		code: "SM_FOREIGN_DATABASE",
		message: `There is a database ${name}, whose name says that runs on ${target} are kept apart by it, and it belongs to ${owner}, who may not act for the owner of ${target}. Nothing that stands in it is believed.`,
		hint: `Remove it, as a superuser or as ${owner}: DROP DATABASE ${identifier(name)}; Nothing is lost by that: if ${owner} runs backups, an earlier version of safe-migrate has left it, otherwise somebody has put it there. Only if ${owner} owned ${target} until now, give it back to him first (ALTER DATABASE … OWNER TO …) and run again: what stands there may have to be finished.`,
		docs: "security.md",
		phase: "preflight"
	});
}
async function connectUnlessGone(server, name, applicationName) {
	try {
		return await server.connect(name, { applicationName });
	} catch (error) {
		if (error instanceof SafeMigrateError && error.code === "SM_NO_DATABASE") return null;
		if (error instanceof SafeMigrateError && /not currently accepting connections/.test(error.message)) return null;
		throw error;
	}
}
/**
* Creating and marking are two statements, so that a run can die between them. The holder of the lock therefore marks
* what bears our name and is empty; anything else of that name is somebody else's.
*/
async function markAsOurs(session, target, name) {
	const [state] = await session.query(`SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS "comment",
            EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384) AS "isUsed",
            pg_catalog.pg_has_role(d.datdba, 'USAGE') AS "isOwner",
            d.datacl IS NULL AND d.datdba = (SELECT t.datdba FROM pg_catalog.pg_database t WHERE t.datname = ${literal(target)})
              AS "isPublic",
            pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner", ${isTrustedOwner("d.datdba", target)} AS "isTrusted"
       FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`, object$1({
		comment: string().nullable(),
		isUsed: boolean(),
		isOwner: boolean(),
		isPublic: boolean(),
		owner: string(),
		isTrusted: boolean()
	}));
	if (state?.isTrusted === false) throw foreignCoordination(name, state.owner, target);
	if (state?.isPublic === true && state.isOwner) await openToOwner(session, name);
	if (readCoordinationMark(target, state?.comment ?? null) !== null) return;
	if (state === void 0 || state.comment !== null || state.isUsed) throw new SafeMigrateError({
		code: "SM_NAME_TAKEN",
		message: `There is a database ${name} that safe-migrate did not make; it needs that name to keep runs apart.`,
		hint: `Rename that database, e.g. ALTER DATABASE ${identifier(name)} RENAME TO …; and run again.`,
		docs: "postgresql.md"
	});
	if (state.isOwner) await session.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(coordinationMark(target))}`);
}

// src/database/postgres/lock/lock.ts
/** How long the server may take to let the lock in the target go. */
const unlockTimeoutMs = 5e3;
/**
* Takes the lock on the server's target for `holder`, or rejects with SM_LOCKED, naming who has it and since when.
* Of a target that cannot be connected to, the coordination lock is all there is to take; nobody else is in it either.
*/
async function takeLock$1(server, holder, onLeftBehind = () => {}) {
	const applicationName = holderName(holder);
	const atHome = await server.connect(server.home, { applicationName });
	let coordination = null;
	try {
		coordination = await lockCoordination(server, atHome, applicationName);
		if (server.unreachable === null) {
			await lockTarget(atHome);
			await endLeftoverReaders(atHome);
		} else if (coordination === null) throw nothingToLock(server);
		else await atHome[Symbol.asyncDispose]();
		const inTarget = server.unreachable === null ? atHome : null;
		const held = new HeldSessions(server, applicationName, coordination, inTarget, onLeftBehind);
		await held.start();
		return held;
	} catch (error) {
		if (coordination !== null) {
			const { backendPid } = coordination;
			await coordination[Symbol.asyncDispose]();
			await cleanUp(() => dropCoordination(atHome, server.address.database, backendPid), (because) => onLeftBehind(leftBehind(coordinationName(server.address.database), because)));
		}
		await atHome[Symbol.asyncDispose]();
		throw error;
	}
}
async function lockTarget(inTarget) {
	while (!await tryLock(inTarget)) {
		const locked = await lockedError(inTarget, inTarget.database);
		if (locked !== null) throw locked;
	}
}
var HeldSessions = class {
	coordination;
	coordinationDatabase;
	#server;
	#applicationName;
	#onLeftBehind;
	/** null while the target is let go. */
	#inTarget;
	#lost = new AbortController();
	#silent = new AbortController();
	#onLost = ({ isSilent }) => {
		if (isSilent) this.#silent.abort();
		this.#lost.abort(lockLost(this.#server));
	};
	#stopTargetPings = () => {};
	#stopCoordinationPings = () => {};
	constructor(server, applicationName, coordination, inTarget, onLeftBehind) {
		this.#onLeftBehind = onLeftBehind;
		this.coordination = coordination;
		this.coordinationDatabase = coordination?.database ?? null;
		this.#server = server;
		this.#applicationName = applicationName;
		this.#inTarget = inTarget;
	}
	get silent() {
		return this.#silent.signal;
	}
	get lost() {
		return this.#lost.signal;
	}
	async start() {
		if (this.coordination !== null) this.#stopCoordinationPings = await keepAlive(this.coordination, this.#server.version, this.#onLost);
		if (this.#inTarget !== null) this.#stopTargetPings = await this.#keepTarget(this.#inTarget);
	}
	/** With the coordination lock in hand the one in the target may be taken again. */
	#keepTarget(session) {
		const onLost = this.coordination === null ? this.#onLost : () => {};
		return keepAlive(session, this.#server.version, onLost);
	}
	async assertHeld() {
		if (this.coordination !== null && !await stillHolds(this.coordination)) throw lockLost(this.#server);
		if (this.#inTarget === null || await stillHolds(this.#inTarget)) return;
		if (!(this.coordination !== null)) throw lockLost(this.#server);
		await this.releaseTarget();
		if (!await this.reacquireTarget()) throw lockLost(this.#server);
	}
	async regain() {
		const { coordination } = this;
		if (coordination === null || await stillHolds(coordination)) return await this.assertHeld();
		this.#stopCoordinationPings();
		await this.releaseTarget();
		await coordination[Symbol.asyncDispose]();
		await using atHome = await this.#server.connect(this.#server.home);
		this.coordination = await lockCoordination(this.#server, atHome, this.#applicationName);
		if (this.coordination === null) throw lockLost(this.#server);
		this.#stopCoordinationPings = await keepAlive(this.coordination, this.#server.version, this.#onLost);
		if (this.#server.unreachable !== null) return;
		if (!await this.reacquireTarget()) throw lockLost(this.#server);
	}
	async writeJournal(change) {
		const { coordination } = this;
		if (coordination === null) return;
		if (!await stillHolds(coordination)) throw lockLost(this.#server);
		await writeJournal(coordination, this.#server.address.database, change);
	}
	async releaseTarget() {
		this.#stopTargetPings();
		const session = this.#inTarget;
		this.#inTarget = null;
		await session?.[Symbol.asyncDispose]();
	}
	async reacquireTarget() {
		if (this.#inTarget !== null) return true;
		const session = await this.#server.connect(this.#server.address.database, { applicationName: this.#applicationName });
		if (!await tryLock(session)) {
			await session[Symbol.asyncDispose]();
			return false;
		}
		this.#inTarget = session;
		this.#stopTargetPings = await this.#keepTarget(session);
		return true;
	}
	async [Symbol.asyncDispose]() {
		this.#stopCoordinationPings();
		this.#stopTargetPings();
		const inTarget = this.#inTarget;
		this.#inTarget = null;
		const isAlive = inTarget !== null && await cleanUp(() => unlockOrEnd(inTarget));
		await this.coordination?.[Symbol.asyncDispose]();
		if (this.coordination !== null) {
			const { backendPid } = this.coordination;
			await cleanUp(async () => {
				await using own = isAlive ? null : await this.#server.connect(this.#server.home);
				const cleaner = own ?? inTarget;
				if (cleaner !== null) await dropCoordination(cleaner, this.#server.address.database, backendPid);
			}, (because) => this.#onLeftBehind(leftBehind(this.coordinationDatabase ?? "", because)));
		}
		await inTarget?.[Symbol.asyncDispose]();
	}
};
async function stillHolds(session) {
	try {
		return await holdsLock(session);
	} catch (error) {
		if (isConnectionLost(error)) return false;
		throw error;
	}
}
/** A server that is silent does not answer; the lock ends with the session all the same. */
async function unlockOrEnd(session) {
	const timer = setTimeout(() => session.kill(), unlockTimeoutMs);
	try {
		await unlock(session);
	} finally {
		clearTimeout(timer);
	}
}
/** Clean-up at the end of a lock: when the session is gone, so is its lock, and the next run drops what is left. */
async function cleanUp(work, tell = () => {}) {
	try {
		await work();
		return true;
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		tell(error.message);
		return false;
	}
}
function leftBehind(name, because) {
	return `${name}, which kept other runs away, could not be dropped: ${because} The next run uses it and drops it.`;
}
function nothingToLock(server) {
	return new SafeMigrateError({
		code: "SM_NO_CREATEDB",
		message: `the role of database-url may not create databases, and ${server.address.database} cannot be connected to`,
		hint: `Let an administrator run ALTER ROLE ${identifier(server.address.user)} CREATEDB.`,
		docs: "postgresql.md",
		phase: "preflight"
	});
}
function lockLost(server) {
	return new SafeMigrateError({
		code: "SM_LOCK_LOST",
		message: `The session that held this run's lock on ${server.address.database} is gone, so another run may have begun.`,
		hint: "Look in the server's log for why it ended (restart, terminated session, network), then run this job again."
	});
}

// src/database/postgres/archive/available-extensions.ts
const extensionRow = object$1({
	name: string(),
	versions: array(string()),
	newest: string()
});
/**
* The extensions of a backup as a server of another major version can have them: where it does not know the version
* any more, in its own default one, which the log says. What it does not know at all stays, and fails by its name.
*/
async function availableExtensions(admin, wanted, log) {
	const rows = await admin.query(`SELECT a.name::text AS "name", a.default_version AS "newest",
            ARRAY(SELECT v.version FROM pg_catalog.pg_available_extension_versions v WHERE v.name = a.name) AS "versions"
       FROM pg_catalog.pg_available_extensions a`, extensionRow);
	const available = new Map(rows.map((row) => [row.name, row]));
	return wanted.map((extension) => {
		const found = available.get(extension.name);
		if (found === void 0 || found.versions.includes(extension.version)) return extension;
		log.warn(`this server does not know version ${extension.version} of the extension ${extension.name}; it is restored in version ${found.newest}`);
		return {
			...extension,
			version: found.newest
		};
	});
}

// src/database/postgres/schema/public-owner.ts
const standing = object$1({
	mayGive: boolean(),
	isBootstrap: boolean()
});
/**
* The role to which a dump gives the schema `public` although only a superuser could, so that a restored copy leaves it
* out; null when there is none. Until 14 initdb gave `public` to the superuser, and pg_upgrade keeps it so; from 15 on
* it belongs to `pg_database_owner`, and only then does pg_dump say who else owns it.
* `from` is the schema text of the dump and the major version of the server that it was made on.
*/
async function unreachablePublicOwner(server, admin, from) {
	if (server.version.major < 15) return null;
	const owner = publicPiece.exec(from.schemaText)?.groups?.owner;
	if (owner === void 0 || owner === "pg_database_owner") return null;
	const [row] = await admin.query(`SELECT EXISTS (SELECT FROM pg_catalog.pg_roles
         WHERE rolname = ${literal(owner)} AND pg_catalog.pg_has_role(oid, 'MEMBER')) AS "mayGive",
       EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(owner)} AND oid = 10) AS "isBootstrap"`, standing);
	if (row === void 0 || row.mayGive) return null;
	return row.isBootstrap || from.serverMajor < 15 ? owner : null;
}
/** A schema text without the piece that gives `public` to its owner. */
function withoutPublicOwner(schemaText) {
	return schemaText.replace(publicPiece, "");
}
/** Whether a line of an archive's table of contents is that piece. */
const isPublicSchemaEntry = (line) => /^\d+; \d+ \d+ SCHEMA - public /.test(line);
const publicPiece = /^--\n-- Name: public; Type: SCHEMA; Schema: -; Owner: (?<owner>.*)\n--\n(?:(?!--\n-- Name: )[^\n]*\n)*/m;

// src/database/postgres/archive/restore-failed.ts
/** The error of a restore that a tool refused, with the object that the tool named. */
function restoreFailed(what, failure) {
	return new SafeMigrateError({
		code: "SM_RESTORE_FAILED",
		message: `${what}${failure.object === null ? "" : ` at ${failure.object}`}: ${failure.message}`,
		hint: "A dump that cannot be restored is no backup. Often a function in a CHECK constraint, an index or a materialized view names other objects without their schema: give the function SET search_path, or qualify the names.",
		docs: "postgresql.md",
		phase: "prove"
	});
}

// src/database/postgres/archive/archive-entries.ts
/**
* Reads an archive's table of contents. Extensions and their comments are in neither part: pg_restore would create
* the newest version, and only an extension's owner may comment on it.
* Rejects with SM_RESTORE_FAILED when the file is no archive.
*/
async function readArchiveEntries(server, dumpPath, signal) {
	const exit = await server.tools.readArchive({
		archivePath: dumpPath,
		args: ["--list"],
		database: null,
		entries: null,
		jobs: 1,
		signal
	});
	signal.throwIfAborted();
	if (exit.exitCode !== 0) throw restoreFailed("the dump cannot be read", describeToolFailure("pg_restore", exit));
	const entries = exit.stdout.split("\n").filter((line) => entryLine.test(line));
	const textSearch = entries.some((line) => textSearchCode.test(line)) ? [] : entries.filter((line) => textSearchLine.test(line));
	const others = entries.filter((line) => !schemaLine.test(line) && !extensionLine.test(line) && !textSearch.includes(line));
	const firstData = others.findIndex((line) => dataLine.test(line));
	const end = firstData === -1 ? 0 : firstData;
	return {
		schemas: entries.filter((line) => schemaLine.test(line)),
		textSearch,
		definitions: others.slice(0, end).filter((line) => !aclLine.test(line)),
		rest: [...others.slice(end), ...others.slice(0, end).filter((line) => aclLine.test(line))]
	};
}
/** Dump id; catalog's oid, object's oid; type, schema, name, owner. */
const entryLine = /^\d+; \d+ \d+ /;
const schemaLine = /^\d+; \d+ \d+ SCHEMA - /;
const dataLine = /^\d+; \d+ \d+ (TABLE DATA|BLOB|BLOBS|BLOB METADATA|LARGE OBJECT|SEQUENCE SET) /;
const aclLine = /^\d+; \d+ \d+ (ACL (?!- SCHEMA ).*\b(TABLE|COLUMN|SEQUENCE)\b|DEFAULT ACL )/;
const extensionLine = /^\d+; \d+ \d+ (EXTENSION - |COMMENT - EXTENSION )/;
const textSearchLine = /^\d+; \d+ \d+ TEXT SEARCH (CONFIGURATION|DICTIONARY) /;
/** These need functions, and dictionaries may need them: then everything keeps the dump's order. */
const textSearchCode = /^\d+; \d+ \d+ TEXT SEARCH (PARSER|TEMPLATE) /;

// src/database/postgres/archive/restore-extensions.ts
/**
* Gives a fresh database exactly these extensions, in this order, with these versions and schemas. A dump does not
* carry versions: without this, a restore silently takes the newest one. Rejects with SM_RESTORE_FAILED, naming
* the extension.
*/
async function restoreExtensions(server, database, wanted) {
	await using session = await server.connect(database);
	const present = await readExtensions(session);
	for (const extension of present) if (!wanted.some((other) => other.name === extension.name)) await run$1(session, extension.name, `DROP EXTENSION ${identifier(extension.name)}`);
	for (const extension of wanted) {
		const existing = present.find((other) => other.name === extension.name);
		if (existing === void 0) await createAsOwner(session, server.version, extension);
		else if (existing.version !== extension.version) {
			const statement = `ALTER EXTENSION ${identifier(extension.name)} UPDATE TO ${literal(extension.version)}`;
			await run$1(session, extension.name, statement);
		}
	}
}
/** Creates it as the role that owns it in the target, where that may be had; who owns it in the end is compared later. */
async function createAsOwner(session, version, extension) {
	const statement = createExtension(extension);
	const owner = await ownerToBecome(session, version, extension);
	if (owner === null) return run$1(session, extension.name, statement);
	const right = `CREATE ON DATABASE ${identifier(session.database)}`;
	if (!owner.mayCreate) await session.execute(`GRANT ${right} TO ${identifier(owner.name)}`);
	try {
		await session.execute(`SET ROLE ${identifier(owner.name)}`);
		await session.execute(statement);
	} catch (error) {
		if (!(error instanceof SqlError) || error.sqlState !== insufficientPrivilege) throw error;
		await session.execute("RESET ROLE");
		await run$1(session, extension.name, statement);
	} finally {
		await session.execute("RESET ROLE");
		if (!owner.mayCreate) await session.execute(`REVOKE ${right} FROM ${identifier(owner.name)}`);
	}
}
/** It was created by a superuser, say, and given away. */
const insufficientPrivilege = "42501";
/** The statement that creates an extension as it is in the target. */
function createExtension(extension) {
	const { name, schema, version } = extension;
	return `CREATE EXTENSION IF NOT EXISTS ${identifier(name)} SCHEMA ${identifier(schema)} VERSION ${literal(version)}`;
}
async function run$1(session, extension, statement) {
	try {
		await session.execute(statement);
	} catch (cause) {
		if (!(cause instanceof SqlError)) throw cause;
		throw new SafeMigrateError({
			code: "SM_RESTORE_FAILED",
			message: `the extension ${extension} cannot be restored as it is in the target: ${cause.primaryMessage}`,
			hint: "The server must be able to install this version, and the role of database-url must be allowed to. ALTER EXTENSION … UPDATE in the target brings it to a version that can be installed.",
			docs: "postgresql.md",
			phase: "prove",
			cause
		});
	}
}

// src/database/postgres/archive/restore-archive.ts
/**
* Restores an archive into an empty database: schemas, extensions with their versions, text search, definitions, then the
* rest with parallel jobs. Rejects with SM_FOREIGN_CODE when rows would run somebody else's code, and with SM_RESTORE_FAILED,
* naming the object; leaves what was restored so far behind.
*/
async function restoreArchive(server, restore) {
	const entries = await readArchiveEntries(server, restore.dumpPath, restore.signal);
	await restoreEntries(server, restore, restore.leavesPublicOwner ? entries.schemas.filter((line) => !isPublicSchemaEntry(line)) : entries.schemas, 1);
	await restoreExtensions(server, restore.database, restore.extensions);
	restore.signal.throwIfAborted();
	await restoreEntries(server, restore, entries.textSearch, 1);
	await restoreEntries(server, restore, entries.definitions, 1);
	await refuseForeignCode(server, restore.database);
	restore.signal.throwIfAborted();
	await restoreEntries(server, restore, entries.rest, restore.jobs);
}
/** The last moment before rows are loaded: only then are checks and generated columns computed, by whoever loads them. */
async function refuseForeignCode(server, copy) {
	await using session = await server.connect(copy);
	const code = await foreignCode(session);
	if (code === null) return;
	throw new SafeMigrateError({
		code: code.code,
		message: code.message,
		hint: code.hint,
		docs: "security.md",
		phase: "prove"
	});
}
async function restoreEntries(server, restore, entries, jobs) {
	if (entries.length === 0) return;
	const args = ["--no-subscriptions"];
	if (!sendsUnknownSetting(server)) args.push("--exit-on-error");
	const exit = await server.tools.readArchive({
		archivePath: restore.dumpPath,
		args,
		database: restore.database,
		entries,
		jobs,
		signal: restore.signal
	});
	restore.signal.throwIfAborted();
	if (exit.exitCode === 0) return;
	const failure = sendsUnknownSetting(server) ? withoutUnknownSetting(exit) : exit;
	if (failure !== null) throw restoreFailed("the dump cannot be restored", describeToolFailure("pg_restore", failure));
}
/** From 17 on pg_restore sets transaction_timeout, which older servers do not know; then it may not stop at errors. */
function sendsUnknownSetting(server) {
	return server.tools.version.major >= 17 && server.version.major < 17;
}
/** How much of stderr is kept: a full tail may have lost an error of another kind. */
const stderrTailBytes = 65536;
/** What is left to complain about; null when the unknown setting was all. */
function withoutUnknownSetting(exit) {
	const lines = exit.stderr.split("\n").filter((line) => !line.includes("transaction_timeout"));
	const hasOtherErrors = lines.some((line) => line.startsWith("pg_restore: error: "));
	const isWhole = Buffer.byteLength(exit.stderr) < stderrTailBytes;
	return exit.exitCode === 1 && lines.some((line) => line.includes("errors ignored on restore")) && isWhole && !hasOtherErrors ? null : {
		...exit,
		stderr: lines.join("\n")
	};
}

// src/database/postgres/copy/create-copy.ts
const oidRow = object$1({ oid: number() });
const membershipRow = object$1({
	mayActAsOwner: boolean(),
	isPrivileged: boolean()
});
const tablespaceRow = object$1({ tablespace: string() });
/**
* Creates an empty database `copyName(mark.target, mark.kind, mark.run)` that is like the target where only CREATE
* DATABASE can make it so (encoding, locale, provider, tablespace, and the owner, who owns the schema public by
* that from 15 on), marks it as ours at once, and opens it to this role alone. `admin` is a session in any other database.
* Rejects with SM_RESTORE_FAILED or SM_PROPERTY; then there is no such database of ours.
*/
async function createCopy(admin, version, mark, properties) {
	const name = copyName(mark.target, mark.kind, mark.run);
	await checkOwner(admin, properties.owner);
	try {
		await admin.execute(await createStatement(admin, version, name, properties));
	} catch (cause) {
		throw await creationFailed(admin, name, cause);
	}
	try {
		await admin.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(copyMark(mark))}`);
		const [row] = await admin.query(`SELECT oid::bigint AS "oid" FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`, oidRow);
		if (row === void 0) throw new TypeError("the database that was just created is not there");
		await openPrivately(admin, name, properties.owner);
		return {
			name,
			oid: row.oid
		};
	} catch (cause) {
		await admin.execute(`DROP DATABASE ${identifier(name)}`);
		throw await creationFailed(admin, name, cause);
	}
}
/** A role that could give a database away and not act for its new owner could not drop it again. */
async function checkOwner(admin, owner) {
	const [row] = await admin.query(`SELECT pg_catalog.pg_has_role(o.oid, 'USAGE') AS "mayActAsOwner", ${isPrivileged("o.oid")} AS "isPrivileged"
       FROM pg_catalog.pg_roles o WHERE o.rolname = ${literal(owner)}`, membershipRow);
	if (row?.mayActAsOwner === true) return;
	throw new SafeMigrateError({
		code: "SM_PROPERTY",
		message: `the owner ${owner} cannot be carried over: the role of database-url ${row === void 0 ? "cannot find it" : "has not its rights"}`,
		hint: row === void 0 ? `Let the server's administrator create the role that the backup's database belonged to: CREATE ROLE ${identifier(owner)}; and make the role of database-url a member of it.` : row.isPrivileged === false ? `Use ${owner} in the database URL, or let the server's administrator make the role a member: GRANT ${identifier(owner)} TO …;` : `Use ${owner} in the database URL for this one run. A database that belongs to its application (ALTER DATABASE … OWNER TO …) does not need it.`,
		docs: "postgresql.md",
		phase: "prove"
	});
}
async function createStatement(admin, version, name, properties) {
	const parts = [
		`CREATE DATABASE ${identifier(name)} OWNER ${identifier(properties.owner)} TEMPLATE template0 ALLOW_CONNECTIONS false`,
		`ENCODING ${literal(properties.encoding)}`,
		`LC_COLLATE ${literal(properties.collate)}`,
		`LC_CTYPE ${literal(properties.ctype)}`,
		...localeProvider(version, properties)
	];
	const [template] = await admin.query(`SELECT t.spcname AS "tablespace" FROM pg_catalog.pg_database d
       JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = 'template0'`, tablespaceRow);
	if (template?.tablespace !== properties.tablespace) parts.push(`TABLESPACE ${identifier(properties.tablespace)}`);
	return parts.join(" ");
}
/** The provider came with 15 (ICU), its rules with 16, the builtin one with 17. */
function localeProvider(version, properties) {
	if (version.major < 15) return [];
	const locale = properties.icuLocale === null ? [] : [literal(properties.icuLocale)];
	switch (properties.localeProvider) {
		case "i": return [
			"LOCALE_PROVIDER icu",
			...locale.map((text) => `ICU_LOCALE ${text}`),
			...properties.icuRules === null ? [] : [`ICU_RULES ${literal(properties.icuRules)}`]
		];
		case "b": return ["LOCALE_PROVIDER builtin", ...locale.map((text) => `BUILTIN_LOCALE ${text}`)];
		default: return ["LOCALE_PROVIDER libc"];
	}
}
/** duplicate_database */
const nameTaken = "42P04";
async function creationFailed(admin, name, cause) {
	if (!(cause instanceof SqlError)) return cause;
	const [taken] = cause.sqlState === nameTaken ? await admin.query(`SELECT pg_catalog.pg_get_userbyid(datdba)::text AS "owner" FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`, object$1({ owner: string() })) : [];
	return new SafeMigrateError({
		code: "SM_RESTORE_FAILED",
		message: `the database ${name} could not be created: ${cause.primaryMessage}`,
		hint: taken === void 0 ? "The role of database-url needs CREATEDB, and the server room for one more copy of the database." : `It belongs to ${taken.owner}, and this run has not made it. Run again, which takes another name; to remove it, as a superuser or as ${taken.owner}: DROP DATABASE ${identifier(name)};`,
		docs: "postgresql.md",
		phase: "prove",
		cause
	});
}

// src/database/postgres/copy/create-to-the-end.ts
const pauseMs$1 = 100;
const patienceMs = 3e4;
/**
* `createCopy`, and nothing is left of it when its session is lost: the server goes on with CREATE DATABASE although nobody is
* there any more, and a copy that comes to be after everybody has cleared up would stay for ever. Rejects as createCopy does.
*/
async function createToTheEnd(server, admin, mark, properties) {
	try {
		return await createCopy(admin, server.version, mark, properties);
	} catch (error) {
		if (isConnectionLost(error)) await clearWhatBecame(server, admin, mark).catch((reason) => {
			if (!(reason instanceof SafeMigrateError)) throw reason;
		});
		throw error;
	}
}
async function clearWhatBecame(server, lost, mark) {
	await using session = await server.connect(lost.database, { applicationName: "safe-migrate prove" });
	const deadline = Date.now() + patienceMs;
	while (Date.now() < deadline) {
		if ((await session.query(`SELECT pid AS "pid" FROM pg_catalog.pg_stat_activity WHERE pid = ${lost.backendPid}`, object$1({ pid: number() }))).length === 0) break;
		await setTimeout$1(pauseMs$1);
	}
	await claimCopy(server, session, mark);
	await dropCopy(session, mark.target, copyName(mark.target, mark.kind, mark.run));
}

// src/database/postgres/copy/database-settings.ts
/**
* Settings whose stored value is a list of quoted names. `SET search_path TO 'a, b'` would store one name that holds
* a comma. The list is fixed: extensions cannot define such settings (GUC_LIST_QUOTE; variable_is_guc_list_quote
* in pg_dump).
*/
const listSettings = /* @__PURE__ */ new Set([
	"local_preload_libraries",
	"search_path",
	"session_preload_libraries",
	"shared_preload_libraries",
	"temp_tablespaces",
	"unix_socket_directories"
]);
/** Splits a `name=value` of pg_db_role_setting. */
function parseSetting(setting) {
	const equals = setting.indexOf("=");
	if (equals === -1) return {
		name: setting,
		value: ""
	};
	return {
		name: setting.slice(0, equals),
		value: setting.slice(equals + 1)
	};
}
/** `SET …` as ALTER DATABASE and ALTER ROLE take it, which stores the setting again exactly as it is. */
function setClause(setting) {
	const { name, value } = parseSetting(setting);
	const items = listSettings.has(name.toLowerCase()) ? splitNameList(value) : [value];
	return `SET ${identifier(name)} TO ${items.length === 0 ? "''" : items.map(literal).join(", ")}`;
}
/** A form in which two settings that mean the same are equal: blanks between listed names do not count. */
function comparableSetting(setting) {
	const { name, value } = parseSetting(setting);
	if (!listSettings.has(name.toLowerCase())) return setting;
	return `${name}=${JSON.stringify(splitNameList(value).filter((item) => item !== ""))}`;
}
/** Splits `"$user", public` at its commas and takes the quotes off. */
function splitNameList(value) {
	const items = [];
	for (const match of value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"\s][^,"]*))\s*(?:,|$)/g)) {
		const [, quoted, plain] = match;
		items.push(quoted === void 0 ? (plain ?? "").trim() : quoted.replaceAll("\"\"", "\""));
	}
	return items;
}

// src/database/postgres/copy/property-error.ts
/** SM_PROPERTY: something of the database itself that its copy cannot be given. */
function propertyError(message, cause) {
	return new SafeMigrateError({
		code: "SM_PROPERTY",
		message,
		hint: "The role of database-url must be allowed to set it: a member of the owner and of the grantors; for settings that only a superuser may set, GRANT SET ON PARAMETER (PostgreSQL 15 and later). Or remove it from the target.",
		docs: "postgresql.md",
		phase: "prove",
		cause
	});
}

// src/database/postgres/copy/replay-settings.ts
/** Gives database `name` these settings, its own and those per role. Rejects with SM_PROPERTY, naming the setting. */
async function replaySettings(admin, name, settings) {
	for (const { role, config } of settings) for (const setting of config) try {
		await admin.execute(`${place$1(name, role)} ${setClause(setting)}`);
	} catch (cause) {
		if (!(cause instanceof SqlError)) throw cause;
		const label = `the setting ${parseSetting(setting).name}${role === null ? "" : ` of role ${role}`}`;
		throw propertyError(`${label} cannot be carried over to ${name}: ${cause.primaryMessage}`, cause);
	}
}
/** Takes all settings from database `name`, as far as the role may. */
async function resetSettings(admin, name) {
	const { settings } = await readProperties(admin, name);
	for (const { role } of settings) await admin.execute(`${place$1(name, role)} RESET ALL`);
}
function place$1(name, role) {
	return role === null ? `ALTER DATABASE ${identifier(name)}` : `ALTER ROLE ${identifier(role)} IN DATABASE ${identifier(name)}`;
}

// src/database/postgres/copy/replay-properties.ts
/**
* Gives database `name`, which was made with the right owner, the ACL, settings (its own and per role) and connection
* limit of `properties`, then reads everything back: neither a dump nor TEMPLATE carries them, and a lost REVOKE is a
* security hole. The comment is left alone, it holds the mark. `admin` is a session in another database.
* Rejects with SM_PROPERTY, naming what cannot be carried over.
*/
async function replayProperties(admin, name, properties) {
	const database = identifier(name);
	const apply = async (what, statements) => {
		try {
			await admin.execute(statements);
		} catch (cause) {
			if (!(cause instanceof SqlError)) throw cause;
			throw propertyError(`${what} cannot be carried over to ${name}: ${cause.primaryMessage}`, cause);
		}
	};
	await replayAcl(admin, name, properties.owner, properties.acl, apply);
	await resetSettings(admin, name);
	await replaySettings(admin, name, properties.settings);
	await apply("the connection limit", `ALTER DATABASE ${database} CONNECTION LIMIT ${properties.connectionLimit}`);
	const differences = compareProperties(properties, await readProperties(admin, name));
	if (differences.length > 0) throw propertyError(`${name} could not be given all properties of the target: ${differences.join("; ")}`);
}
/** What differs between two databases' properties, their comments aside. Empty when they are alike. */
function compareProperties(expected, actual) {
	const differences = [];
	const expect = (what, before, after) => {
		if (before !== after) differences.push(`${what} is ${after ?? "not set"} instead of ${before ?? "not set"}`);
	};
	expect("the owner", expected.owner, actual.owner);
	expect("the encoding", expected.encoding, actual.encoding);
	expect("LC_COLLATE", expected.collate, actual.collate);
	expect("LC_CTYPE", expected.ctype, actual.ctype);
	expect("the locale provider", expected.localeProvider, actual.localeProvider);
	expect("the ICU locale", expected.icuLocale, actual.icuLocale);
	expect("the ICU rules", expected.icuRules, actual.icuRules);
	expect("the tablespace", expected.tablespace, actual.tablespace);
	expect("the connection limit", expected.connectionLimit, actual.connectionLimit);
	expect("the ACL", aclText(expected), aclText(actual));
	const [before, after] = [settingsByRole(expected), settingsByRole(actual)];
	for (const role of /* @__PURE__ */ new Set([...before.keys(), ...after.keys()])) {
		if (before.get(role) === after.get(role)) continue;
		differences.push(role === "" ? "its settings differ" : `its settings for role ${role} differ`);
	}
	return differences;
}
const grantRow = object$1({
	grantor: string(),
	/** null is PUBLIC. */
	grantee: string().nullable(),
	privilege: string(),
	grantable: boolean()
});
/**
* Takes away what a new database gives by default and what the run needed to fill it, then grants each item again as the role
* that had granted it. `acl` null is the default one.
*/
async function replayAcl(admin, name, owner, acl, apply) {
	const database = identifier(name);
	await apply("its ACL", `REVOKE ALL ON DATABASE ${database} FROM PUBLIC, ${identifier(owner)}, CURRENT_USER`);
	const ownersFirst = (await admin.query(`SELECT pg_catalog.pg_get_userbyid(g.grantor) AS "grantor",
            CASE WHEN g.grantee <> 0 THEN pg_catalog.pg_get_userbyid(g.grantee) END AS "grantee",
            g.privilege_type AS "privilege", g.is_grantable AS "grantable"
       FROM pg_catalog.aclexplode(${acl === null ? `pg_catalog.acldefault('d', ${literal(identifier(owner))}::pg_catalog.regrole::oid)` : `ARRAY[${acl.map(literal).join(", ")}]::pg_catalog.aclitem[]`}) AS g`, grantRow)).toSorted((a, b) => Number(a.grantor !== owner) - Number(b.grantor !== owner));
	for (const { grantor, grantee, privilege, grantable } of ownersFirst) {
		const grant = `GRANT ${privilege} ON DATABASE ${database} TO ${grantee === null ? "PUBLIC" : identifier(grantee)}${grantable ? " WITH GRANT OPTION" : ""}`;
		const label = `the privilege ${privilege} of ${grantee ?? "PUBLIC"}`;
		if (grantor === owner) await apply(label, grant);
		else await applyAs(admin, grantor, (statements) => apply(label, statements), grant);
	}
}
async function applyAs(admin, role, apply, statement) {
	try {
		await apply(`BEGIN; SET LOCAL ROLE ${identifier(role)}; ${statement}; COMMIT`);
	} catch (error) {
		await admin.execute("ROLLBACK");
		throw error;
	}
}
/** An ACL that was changed and changed back says what the default one says. */
function aclText({ acl, owner }) {
	const name = /^\w+$/.test(owner) ? owner : `"${owner.replaceAll("\"", "\"\"")}"`;
	return `{${(acl ?? [`=Tc/${name}`, `${name}=CTc/${name}`]).toSorted().join(",")}}`;
}
function settingsByRole(properties) {
	return new Map(properties.settings.map(({ role, config }) => [role ?? "", config.map(comparableSetting).join("\n")]));
}

// src/database/postgres/indexes/index-questions.ts
/**
* Every row of the heap whose keys are NULL where `nulls` says so is looked for through the index. Answers `asked` and
* `missed`, rows. The heap is read by a sample of all of it, which no index can take the place of; what is
* looked for must be forced through the index by the session's settings. Columns are not qualified, because
* PostgreSQL prints them so.
*/
function lookUpRows(index, nulls) {
	const columns = index.keys.map((key, place) => `${keyOf(key)} AS sm${place}`);
	const where = [...index.predicate === null ? [] : [index.predicate], ...index.keys.map((key, place) => `${nulls[place] === true ? "" : "NOT "}${isNull(key)}`)];
	const heap = `SELECT ctid AS sm_at, ${columns.join(", ")} FROM ONLY ${wholeHeap(index)} WHERE ${all(where)}`;
	const found = all([...index.predicate === null ? [] : [index.predicate], ...index.keys.map((key, place) => nulls[place] === true ? `${keyOf(key)} IS NULL` : `${keyOf(key)} ${key.operator} ${key.asksForWords ? words(`sm_heap.sm${place}`) : `sm_heap.sm${place}`}`)]);
	const asked = index.keys.map((_, place) => `sm${place}`);
	if (index.keys.every((key) => key.groups)) return `SELECT coalesce(pg_catalog.sum(sm_heap.n), 0) AS "asked",
        coalesce(pg_catalog.sum(sm_heap.n) FILTER (WHERE sm_found.n IS DISTINCT FROM sm_heap.n OR sm_found.rows IS DISTINCT FROM sm_heap.rows), 0) AS "missed"
      FROM (SELECT ${asked.join(", ")}, ${sumOf("sm_at")} FROM (${heap}) AS sm_rows GROUP BY ${asked.join(", ")}) AS sm_heap,
        LATERAL (SELECT ${sumOf("ctid")} FROM ONLY ${index.table} WHERE ${found}) AS sm_found`;
	const answerable = index.keys.map((key, place) => nulls[place] === true ? "true" : key.asksForWords ? `pg_catalog.length(sm${place}) OPERATOR(pg_catalog.>) 0` : `sm${place} ${key.operator} sm${place}`);
	return `SELECT pg_catalog.count(*) AS "asked", pg_catalog.count(*) FILTER (WHERE NOT sm_found.is_there) AS "missed"
    FROM (SELECT * FROM (${heap}) AS sm_rows WHERE ${all(answerable)}) AS sm_heap,
      LATERAL (SELECT coalesce(pg_catalog.bool_or(ctid OPERATOR(pg_catalog.=) sm_heap.sm_at), false) AS is_there
                 FROM ONLY ${index.table} WHERE ${found}) AS sm_found`;
}
/** Rows that the heap has for a partial index, as `heap`. */
function countInHeap(index) {
	return `SELECT pg_catalog.count(*) AS "rows" FROM ONLY ${wholeHeap(index)} WHERE ${index.predicate}`;
}
/**
* Rows that the index has: its predicate is not asked again when it is read as a whole. Its order, where it has one,
* keeps PostgreSQL from reading another index instead.
*/
function countInIndex(index) {
	const [first] = index.keys;
	const order = first?.groups === true && index.readsWhole ? `ORDER BY ${keyOf(first)}` : "";
	return `SELECT pg_catalog.count(*) AS "rows" FROM (SELECT FROM ONLY ${index.table} WHERE ${index.predicate} ${order} OFFSET 0) AS sm_rows`;
}
/** Which of the keys are NULL, in all combinations that there are. */
function nullPatterns(index) {
	return `SELECT DISTINCT ARRAY[${index.keys.map(isNull).join(", ")}] AS "nulls" FROM ONLY ${wholeHeap(index)} WHERE ${index.predicate ?? "true"}`;
}
const wholeHeap = (index) => `${index.table} TABLESAMPLE pg_catalog.system (100)`;
const keyOf = ({ expression, collation }) => collation === null ? `(${expression})` : `(${expression}) COLLATE ${collation}`;
/** `IS NULL` also holds for a row of which all fields are NULL, which an index holds as a value. */
const isNull = (key) => `(pg_catalog.num_nulls(${keyOf(key)}) OPERATOR(pg_catalog.=) 1)`;
const all = (conditions) => conditions.length === 0 ? "true" : conditions.map((each) => `(${each})`).join(" AND ");
/** Which rows, in two numbers. */
const sumOf = (place) => `pg_catalog.count(*) AS n, pg_catalog.sum(pg_catalog.hashtextextended(${place}::pg_catalog.text, 0)::pg_catalog.numeric) AS rows`;
/** All words of a document, as a query that it matches. */
const words = (document) => `(SELECT pg_catalog.string_agg(pg_catalog.concat('''', pg_catalog.replace(pg_catalog.replace(word, E'\\\\', E'\\\\\\\\'), '''', ''''''), ''''), ' & ')
      FROM pg_catalog.unnest(pg_catalog.tsvector_to_array(${document})) AS word)::pg_catalog.tsquery`;

// src/database/postgres/indexes/user-code-indexes.ts
const indexRow = object$1({
	oid: number(),
	name: string(),
	plainName: string(),
	table: string(),
	owner: string(),
	isOurs: boolean(),
	rows: number(),
	method: string(),
	needsBitmap: boolean(),
	readsWhole: boolean(),
	predicate: string().nullable(),
	keys: array(object$1({
		expression: string(),
		collation: string().nullable(),
		operator: string().nullable(),
		asksForWords: boolean(),
		groups: boolean(),
		findsNulls: boolean()
	}))
});
/** Operators by which a value finds itself, by preference. */
const selfFinding = [
	"=",
	"~=",
	"@>",
	"&&"
];
/** The oid from which on objects are not initdb's. */
const firstUserOid = 16384;
/**
* Valid indexes that reach code of users, smallest tables first: functions in expressions and predicates, and operators
* and operator classes that came with no extension. Everything else computes what PostgreSQL or an extension computes,
* from the row alone.
*/
async function readUserCodeIndexes(session) {
	return session.query(`SELECT i.indexrelid::bigint AS "oid", n.nspname || '.' || c.relname AS "name", c.relname AS "plainName",
            pg_catalog.format('%I.%I', tn.nspname, t.relname) AS "table",
            pg_catalog.pg_get_userbyid(t.relowner) AS "owner",
            t.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) AS "isOurs",
            greatest(t.reltuples, 0) AS "rows", am.amname AS "method",
            NOT pg_catalog.pg_index_has_property(c.oid, 'index_scan') AS "needsBitmap",
            am.amname IN ('btree', 'gist', 'spgist') AS "readsWhole",
            pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS "predicate", keys."keys"
       FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
       JOIN pg_catalog.pg_am am ON am.oid = c.relam
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_class t ON t.oid = i.indrelid AND t.relispopulated AND t.relpersistence <> 't'
       JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace,
            LATERAL (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'expression', pg_catalog.pg_get_indexdef(c.oid, k.place::integer, false),
                'collation', (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname)
                                FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                               WHERE co.oid = k.coll),
                'operator', asked.operator, 'asksForWords', coalesce(asked.words, false), 'groups', oc.opcdefault AND am.amname IN ('btree', 'hash'),
                'findsNulls', pg_catalog.pg_index_column_has_property(c.oid, k.place::integer, 'search_nulls')) ORDER BY k.place) AS "keys"
               FROM ROWS FROM (pg_catalog.unnest(i.indclass::oid[]), pg_catalog.unnest(i.indcollation::oid[]))
                      WITH ORDINALITY AS k(opclass, coll, place)
               JOIN pg_catalog.pg_opclass oc ON oc.oid = k.opclass
               LEFT JOIN LATERAL (
                 SELECT pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, o.oprname) AS operator,
                        ao.amoprighttype = 'pg_catalog.tsquery'::regtype AS words
                   FROM pg_catalog.pg_amop ao JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr
                   JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace
                  WHERE ao.amopfamily = oc.opcfamily AND ao.amoppurpose = 's' AND ao.amoplefttype = oc.opcintype
                    AND CASE am.amname WHEN 'btree' THEN ao.amopstrategy = 3 AND ao.amoprighttype = oc.opcintype
                                       WHEN 'hash' THEN ao.amopstrategy = 1 AND ao.amoprighttype = oc.opcintype
                             ELSE ao.amoprighttype = oc.opcintype AND o.oprname IN (${selfFinding.map(literal).join(", ")})
                                  OR ao.amoprighttype = 'pg_catalog.tsquery'::regtype AND o.oprname = '@@' END
                  ORDER BY pg_catalog.array_position(ARRAY[${selfFinding.map(literal).join(", ")}], o.oprname::text) LIMIT 1) asked ON true) keys
      WHERE i.indisvalid AND i.indisready AND ${isUserSchema("tn")}
        AND EXISTS (
          SELECT FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.refobjid >= ${firstUserOid}
             AND (d.refclassid = 'pg_catalog.pg_proc'::regclass
                  OR d.refclassid IN ('pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_opclass'::regclass)
                     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')))
      ORDER BY t.reltuples, 2`, indexRow);
}

// src/database/postgres/indexes/compare-indexes.ts
/** Rows of tables that are looked up, all indexes together; the smallest tables come first. */
const budgetRows = 1e6;
/** What one question may take: many equal keys of an operator class of users are compared with one another. */
const questionTimeout = "60s";
/**
* Compares what the indexes that reach code of users say with what their tables say, under the settings of the database
* that `session` is in and not under ours: every row is looked up by the keys that it has now. Only tables of the
* session's role are asked: the functions of others would run with rights that CREATE INDEX does not lend them.
* Changes nothing; `session` is not of use for anything else afterwards.
*/
async function compareIndexes(session, settings) {
	const indexes = await readUserCodeIndexes(session);
	if (indexes.length === 0) return {
		differences: [],
		told: []
	};
	await takeOwnSettings(session, settings);
	const differences = [];
	const passedOver = /* @__PURE__ */ new Map();
	let rows = 0;
	for (const index of indexes) {
		rows += index.rows;
		const reason = rows > budgetRows ? beyondBudget : await compareIndex(session, index, differences);
		if (reason !== null) passedOver.set(reason, [...passedOver.get(reason) ?? [], index.name]);
	}
	return {
		differences,
		told: [...passedOver].map(([reason, names]) => {
			const [are, tables] = names.length === 1 ? ["is", "its table"] : ["are", "their tables"];
			return `${namedSome(names, "index", "indexes")} ${are} not compared with ${tables}: ${reason}`;
		})
	};
}
const beyondBudget = `with smaller ones they have more than ${budgetRows} rows`;
/** The session computes as one of the application's does, for as long as it needs, and through indexes. */
async function takeOwnSettings(session, settings) {
	const [me] = await session.query("SELECT session_user::text AS \"name\"", object$1({ name: string() }));
	for (const name of ["search_path", ...Object.keys(comparableValues)]) await session.execute(`RESET ${name}`);
	for (const { role, config } of settings) {
		if (role !== null && role !== me?.name) continue;
		const withheld = config.filter((each) => ["array_nulls", "transform_null_equals"].includes(parseSetting(each).name.toLowerCase()));
		for (const setting of withheld) await session.execute(setClause(setting));
	}
	await session.execute(`SET statement_timeout = '${questionTimeout}';
    SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
    SET enable_seqscan = off; SET enable_indexscan = on; SET enable_indexonlyscan = on; SET enable_tidscan = off;
    SET enable_sort = off; SET enable_incremental_sort = off;
    SET max_parallel_workers_per_gather = 0; SET jit = off; SET gin_fuzzy_search_limit = 0`);
}
const lookUpRow = object$1({
	asked: number(),
	missed: number()
});
const countRow = object$1({ rows: number() });
/** Adds to `differences`; says why the index could not be compared, or null. */
async function compareIndex(session, index, differences) {
	if (!index.isOurs) return `that belongs to ${index.owner}, whose functions are not run for this`;
	if (index.keys.some((key) => key.operator === null)) return `by its access method (${index.method}) not every row can be looked up`;
	try {
		await session.execute(`SET enable_bitmapscan = ${index.needsBitmap ? "on" : "off"}`);
		const patterns = await session.query(nullPatterns(index), object$1({ nulls: array(boolean()) }));
		let asked = 0;
		let missed = 0;
		for (const { nulls } of patterns) {
			if (nulls.some((isNull, place) => isNull && index.keys[place]?.findsNulls !== true)) continue;
			const question = lookUpRows(index, nulls);
			if (!await usesIndex(session, index, question)) return unused;
			const [answer] = await session.query(question, lookUpRow);
			asked += answer?.asked ?? 0;
			missed += answer?.missed ?? 0;
		}
		if (missed > 0) {
			differences.push(`index ${index.name} does not find ${missed} of ${asked} rows by the keys that they have`);
			return null;
		}
		return index.predicate === null || !index.readsWhole ? null : await compareCounts(session, index, differences);
	} catch (error) {
		if (!(error instanceof SqlError)) throw error;
		return error.sqlState === "57014" ? `a question took longer than ${questionTimeout}` : `PostgreSQL refused the question (SQLSTATE ${error.sqlState})`;
	}
}
const unused = "PostgreSQL does not use it for the question";
/** What a partial index holds too much shows in no look-up. */
async function compareCounts(session, index, differences) {
	const question = countInIndex(index);
	if (!await usesIndex(session, index, question)) return unused;
	const [inIndex] = await session.query(question, countRow);
	const [inHeap] = await session.query(countInHeap(index), countRow);
	if (inIndex?.rows !== inHeap?.rows) differences.push(`index ${index.name} holds ${inIndex?.rows} rows, and its condition is true for ${inHeap?.rows}`);
	return null;
}
/** Without a look at the plan, the table might have been compared with itself. */
async function usesIndex(session, index, question) {
	const explain = literal(`EXPLAIN (FORMAT JSON) ${question}`);
	await session.execute(`DO ${literal(`DECLARE plan json; BEGIN EXECUTE ${explain} INTO plan; PERFORM pg_catalog.set_config('safe_migrate.plan', plan::text, false); END`)}`);
	const [row] = await session.query(`SELECT ARRAY(SELECT DISTINCT pg_catalog.jsonb_path_query(pg_catalog.current_setting('safe_migrate.plan')::jsonb, 'strict $.**."Index Name"') #>> '{}') AS "used"`, object$1({ used: array(string()) }));
	return row?.used.length === 1 && row.used[0] === index.plainName;
}

// src/database/postgres/schema/public-schema.ts
const schemaRow = object$1({ oid: number() });
/**
* Drops the schema `public` of a fresh copy when the target has none: a dump cannot say that something is missing.
* Whether it has is known of a stored backup (`hasPublicSchema`); otherwise the target is looked at. `admin` is a session on the server; when it is not in the target, the target is asked by a session of its own.
* Rejects with SM_RESTORE_FAILED when the role may not (before 15, `public` belongs to the superuser).
*/
async function matchPublicSchema(server, admin, copy, hasPublicSchema) {
	if (hasPublicSchema ?? await hasPublic(server, admin)) return;
	await using session = await server.connect(copy);
	try {
		await session.execute("DROP SCHEMA IF EXISTS public");
	} catch (cause) {
		if (!(cause instanceof SqlError)) throw cause;
		throw new SafeMigrateError({
			code: "SM_RESTORE_FAILED",
			message: `the target has no schema public, and the one of its copy could not be dropped: ${cause.primaryMessage}`,
			hint: "Create an empty schema public in the target, or let a superuser run the backup.",
			docs: "postgresql.md",
			phase: "prove",
			cause
		});
	}
}
async function hasPublic(server, admin) {
	const question = `SELECT oid::bigint AS "oid" FROM pg_catalog.pg_namespace WHERE nspname = 'public'`;
	if (admin.database === server.address.database) return (await admin.query(question, schemaRow)).length > 0;
	await using session = await server.connect(server.address.database);
	return (await session.query(question, schemaRow)).length > 0;
}

// src/database/postgres/inventory/compare-inventories.ts
/** Facts whose values say what is wrong and hold nothing of the user's: the others are named only. */
const longestValue = 60;
const unspoken = /^(prosrc|probin|prosqlbody|description|label|umoptions|srvoptions|fdwoptions|ftoptions|reloptions|attfdwoptions|tgargs|toastOptions|proconfig|dictinitoption)$/;
/** Of an extension's own functions and types other than these, an older script may have made them otherwise. */
const binding = /owner$|^prosrc$|^probin$|^prosecdef$|^tgenabled$|^extconfig$|^extnamespace$/;
/** Kinds that hold rows or hang on them: there, whatever differs counts. */
const ofRelations = /table|index|column|default|constraint|trigger|rule|policy|sequence|view|inheritance|partition/;
/**
* Compares two inventories, object by object. What belongs to an extension is made anew by its script, which may be of
* another age than the one that made the original: what that explains is told, what it does not is a difference.
*/
function compareInventories(expected, actual, known = []) {
	const before = byKey(objectsOf(expected));
	const after = byKey(objectsOf(actual));
	const members = memberNames(before);
	const membersNow = memberNames(after);
	const isKnown = (object, fact) => known.some((each) => each.kind === object.kind && each.name === object.name && each.fact === fact);
	const differences = [];
	const told = [];
	for (const [key, objects] of before) {
		const [object] = objects;
		const others = after.get(key);
		if (object === void 0) continue;
		if (others === void 0) {
			if (object.kind === "invalid index") told.push(`index ${object.name} is not valid, so the backup does not hold it`);
			else if (object.kind === "subscription") told.push(`subscription ${object.name} is not in the backup: restored, it would take the slot of the original`);
			else (object.kind === "comment" && members.has(object.name) ? told : differences).push(`${labelOf(object)} is missing`);
			continue;
		}
		if (isTransient(object)) told.push(`table ${object.name} of extension ${object.extension} is unlogged and holds what passes: its rows are not in the backup`);
		for (const fact of differingFacts(objects, others)) {
			if (isKnown(object, fact.name)) continue;
			const sentence = `${labelOf(object)}: ${wordsOf(fact)}`;
			(isExplained(object, fact, members) ? told : differences).push(sentence);
		}
	}
	for (const [key, [object]] of after) {
		if (object === void 0 || before.has(key)) continue;
		const sentence = `${labelOf(object)} is there and should not be`;
		(object.extension !== null || object.kind === "member of extension" || object.kind === "comment" && membersNow.has(object.name) ? told : differences).push(sentence);
	}
	return {
		differences: tablesFirst(differences),
		told
	};
}
function byKey(objects) {
	const found = /* @__PURE__ */ new Map();
	for (const object of objects) {
		const key = `${object.kind}\t${object.name}`;
		found.set(key, [...found.get(key) ?? [], object]);
	}
	return found;
}
/** `type name` of everything that is a member of an extension, as comments are named. */
function memberNames(objects) {
	const names = /* @__PURE__ */ new Set();
	for (const [object] of objects.values()) if (object?.kind === "member of extension") names.add(object.name.slice(object.name.indexOf(": ") + 2));
	return names;
}
function labelOf(object) {
	return `${object.kind} ${object.name}`;
}
function isTransient(object) {
	return object.kind === "table" && object.extension !== null && object.facts.relpersistence === "u";
}
function isExplained(object, fact, members) {
	if (object.kind === "system rows") return true;
	if (object.kind === "comment") return members.has(object.name) || object.name.startsWith("extension ");
	if (fact.name === "position") return true;
	if (fact.name === "seqtypid") return true;
	if (fact.name === "inheritedAs") return true;
	if (object.facts.attinhcount !== void 0 && /^att(storage|compression)$/.test(fact.name)) return true;
	if (object.extension === null) return false;
	if (fact.name.endsWith("acl")) return grantsNoMore(fact);
	return !ofRelations.test(object.kind) && !binding.test(fact.name);
}
function grantsNoMore({ before, after }) {
	const had = new Set(before?.split(" "));
	return (after ?? "").split(" ").every((item) => item === "" || had.has(item));
}
function differingFacts(before, after) {
	if (before.length !== after.length) return [{
		name: "number",
		before: String(before.length),
		after: String(after.length)
	}];
	return before.flatMap((object, place) => {
		const other = after[place]?.facts ?? {};
		return [.../* @__PURE__ */ new Set([...Object.keys(object.facts), ...Object.keys(other)])].filter((name) => object.facts[name] !== other[name]).map((name) => ({
			name,
			before: object.facts[name],
			after: other[name]
		}));
	});
}
function wordsOf({ name, before, after }) {
	if ([before, after].some((value) => (value?.length ?? 0) > longestValue) || unspoken.test(name)) return `${name} differs`;
	return `${name} is ${after ?? "not set"} instead of ${before ?? "not set"}`;
}
/** A table that is missing says more than its columns, which are missing, too. */
function tablesFirst(differences) {
	const rank = (sentence) => /^(schema|extension|table|partitioned table) /.test(sentence) ? 0 : 1;
	return differences.toSorted((a, b) => rank(a) - rank(b));
}

// src/database/postgres/prove/compare-fingerprints.ts
/**
* What differs between two fingerprints, each as a sentence that starts with the object, and what is not proved by them.
*
* Not compared here: `schemaDigest` (equal schemas may deparse differently after one restore; see
* schema-fixpoint.ts). Content digests and inventories are compared between equal server majors only, row counts always.
* A stale materialized view restores fresh, a queue of an extension restores empty: such things are told.
*/
function compareFingerprints(expected, actual, traits = {}) {
	const inventories = expected.serverMajor === actual.serverMajor && expected.inventory !== null && actual.inventory !== null ? compareInventories(expected.inventory, actual.inventory, traits.known) : {
		differences: [],
		told: []
	};
	const sequences = compareSequences(expected, actual, traits.directions);
	const views = compareMaterializedViews(expected, actual);
	return {
		differences: [
			...compareTables(expected, actual, traits.roots ?? /* @__PURE__ */ new Map()),
			...sequences.differences,
			...compareLargeObjects(expected, actual),
			...views.differences,
			...compareExtensions(expected, actual),
			...inventories.differences
		],
		told: [
			...unreadTables(expected, actual),
			...sequences.told,
			...views.told,
			...inventories.told
		]
	};
}
/** Of extensions: what the role cannot read in the target, and can in the copy, which it made. */
function unreadTables(expected, actual) {
	if (expected.inventory === null) return [];
	const known = new Set(expected.tables.map(tableKey));
	return actual.tables.filter((table) => table.extension !== null && !known.has(tableKey(table))).map((table) => `table ${table.schema}.${table.table} of extension ${table.extension} cannot be read, so its rows are not compared`);
}
function compareTables(expected, actual, roots) {
	const haveEqualDigests = expected.serverMajor === actual.serverMajor;
	const known = new Set(expected.tables.map(tableKey));
	return compareNamed(byRoot(expected.tables, roots), byRoot(actual.tables.filter((table) => table.extension === null || known.has(tableKey(table))), roots), (table) => [
		"table",
		table.schema,
		table.table
	], (before, after) => {
		if (before.rows !== after.rows) return `has ${after.rows} rows instead of ${before.rows}`;
		if (haveEqualDigests && before.digest !== after.digest) return `has ${after.rows} rows as expected, but not the same contents`;
		return null;
	});
}
/** Partitions whose rows may change places become one table: their root. */
function byRoot(tables, roots) {
	if (roots.size === 0) return tables;
	const sums = /* @__PURE__ */ new Map();
	for (const content of tables) {
		const root = roots.get(tableKey(content));
		const key = root === void 0 ? tableKey(content) : `root ${root}`;
		const sum = sums.get(key);
		sums.set(key, {
			...content,
			...root === void 0 ? {} : {
				schema: "of all partitions of",
				table: root
			},
			rows: content.rows + (sum?.rows ?? 0),
			digest: markedDigest(formOfDigest(content.digest), (sumOfDigest(content.digest) + (sum === void 0 ? 0n : sumOfDigest(sum.digest))).toString())
		});
	}
	return [...sums.values()];
}
/** Those of extensions hand out numbers of queues and caches: where they stand is told. */
function compareSequences(expected, actual, directions) {
	const of = (sequences, isExtensions) => sequences.filter((sequence) => sequence.extension !== null === isExtensions);
	const known = new Set(expected.sequences.map(sequenceKey));
	const ofExtensions = of(actual.sequences, true).filter((sequence) => known.has(sequenceKey(sequence)));
	return {
		differences: differingSequences(of(expected.sequences, false), of(actual.sequences, false), directions),
		told: differingSequences(of(expected.sequences, true), ofExtensions, directions)
	};
}
function differingSequences(expected, actual, directions) {
	return compareNamed(expected, actual, (sequence) => [
		"sequence",
		sequence.schema,
		sequence.name
	], (before, after) => {
		if (before.lastValue === after.lastValue && before.isCalled === after.isCalled) return null;
		if (directions !== void 0 && !isBehind(after, before, directions.get(sequenceKey(after)) ?? "ascending")) return null;
		return `stands at ${position(after)} instead of ${position(before)}`;
	});
}
function position(sequence) {
	return sequence.isCalled ? sequence.lastValue : `${sequence.lastValue} (not yet used)`;
}
function compareLargeObjects(expected, actual) {
	const [before, after] = [expected.largeObjects, actual.largeObjects];
	if (before.count !== after.count) return [`large objects: ${after.count} instead of ${before.count}`];
	if (expected.serverMajor === actual.serverMajor && before.digest !== after.digest) return [`large objects: ${after.count} as expected, but not the same contents, owners or grants`];
	return [];
}
/** A restore computes them anew, so that other rows mean: it was stale, or its query says something else every time. */
function compareMaterializedViews(expected, actual) {
	const name = (view) => [
		"materialized view",
		view.schema,
		view.name
	];
	const haveEqualDigests = expected.serverMajor === actual.serverMajor;
	return {
		differences: compareNamed(expected.materializedViews, actual.materializedViews, name, (before, after) => {
			if (before.populated === after.populated) return null;
			return after.populated ? "is populated and should not be" : "is not populated";
		}),
		told: compareNamed(expected.materializedViews.filter((view) => view.populated && expected.inventory !== null), actual.materializedViews, name, (before, after) => {
			if (before.rows === null || after.rows === null) return "cannot be read, so its rows are not compared";
			if (before.rows === after.rows && (!haveEqualDigests || before.digest === after.digest)) return null;
			return `holds other rows when it is computed anew (${after.rows} for ${before.rows}): it is stale, or its query does not always say the same`;
		}).filter((sentence) => !/ is (missing|there and should not be)$/.test(sentence))
	};
}
function compareExtensions(expected, actual) {
	return compareNamed(expected.extensions, actual.extensions, (extension) => ["extension", extension.name], (before, after) => {
		if (before.version !== after.version) return `has version ${after.version} instead of ${before.version}`;
		if (before.schema !== after.schema) return `is in schema ${after.schema} instead of ${before.schema}`;
		return null;
	});
}
/** Pairs both lists by name (kind of object first); what only one of them has is a difference as well. */
function compareNamed(expected, actual, nameOf, difference) {
	const key = (item) => JSON.stringify(nameOf(item));
	const label = (item) => {
		const [kind, ...name] = nameOf(item);
		return `${kind} ${name.join(".")}`;
	};
	const found = new Map(actual.map((item) => [key(item), item]));
	const differences = [];
	for (const before of expected) {
		const after = found.get(key(before));
		found.delete(key(before));
		const text = after === void 0 ? "is missing" : difference(before, after);
		if (text !== null) differences.push(`${label(before)} ${text}`);
	}
	for (const extra of found.values()) differences.push(`${label(extra)} is there and should not be`);
	return differences;
}

// src/database/postgres/prove/complete-copy.ts
/**
* Gives a restored copy what its dump cannot hold, as far as the role may: where sequences of extensions stand, and
* privileges that were granted on what is made by something else (by an extension, with a range type). `session` is in the
* copy. What stays different is found by the comparison.
*/
async function completeCopy(session, expected) {
	if (expected.inventory === null) return;
	await advanceSequences(session, expected.sequences);
	const before = objectsOf(expected.inventory);
	await commentExtensions(session, before);
	if (!before.some(mayBeGrantedElsewhere)) return;
	const after = new Map(objectsOf(await readInventory(session)).map((object) => [`${object.kind} ${object.name}`, object]));
	for (const object of before) {
		const other = after.get(`${object.kind} ${object.name}`);
		const grantable = other === void 0 ? null : grantableOf(object);
		if (other === void 0 || grantable === null) continue;
		const [wanted, present] = [object.facts[grantable.fact] ?? "", other.facts[grantable.fact] ?? ""];
		if (wanted !== present) await grantAgain(session, grantable.on, wanted, present);
	}
}
/** Extensions are not created from the dump, and their comments are not either. */
async function commentExtensions(session, objects) {
	const present = await session.query(`SELECT 'extension ' || pg_catalog.quote_ident(extname) AS "object", pg_catalog.obj_description(oid, 'pg_extension') AS "comment"
       FROM pg_catalog.pg_extension`, object$1({
		object: string(),
		comment: string().nullable()
	}));
	const comments = new Map(objects.filter(({ kind }) => kind === "comment").map(({ name, facts }) => [name, facts.description ?? null]));
	for (const { object, comment } of present) {
		const wanted = comments.get(object) ?? null;
		if (wanted === comment) continue;
		await unlessRefused(session.execute(`COMMENT ON ${object} IS ${wanted === null ? "NULL" : literal(wanted)}`));
	}
}
/** Default privileges reach what nobody dumps; so does whoever grants something on a member of an extension. */
function mayBeGrantedElsewhere(object) {
	if (object.kind === "default privileges") return true;
	const grantable = object.extension === null ? null : grantableOf(object);
	return (grantable === null ? [] : (object.facts[grantable.fact] ?? "").split(" ")).some((item) => {
		const [, grantee, grantor] = /^([^=]*)=.*\/(.*)$/.exec(item) ?? [];
		return grantee !== void 0 && grantee !== "" && grantee !== grantor;
	});
}
async function advanceSequences(session, expected) {
	const ofExtensions = expected.filter(({ extension }) => extension !== null);
	if (ofExtensions.length === 0) return;
	const present = new Map((await readSequences(session)).map((each) => [sequenceKey(each), each]));
	for (const sequence of ofExtensions) {
		const now = present.get(sequenceKey(sequence));
		if (now === void 0 || now.lastValue === sequence.lastValue && now.isCalled === sequence.isCalled) continue;
		const { schema, name, lastValue, isCalled } = sequence;
		await unlessRefused(session.execute(`SELECT pg_catalog.setval(${literal(qualified(schema, name))}::regclass, ${BigInt(lastValue)}, ${isCalled})`));
	}
}
/** What GRANT calls an object, and the fact that holds its privileges; null where there are none to grant. */
function grantableOf({ kind, name }) {
	switch (kind) {
		case "table":
		case "partitioned table":
		case "view":
		case "materialized view":
		case "foreign table": return {
			on: `TABLE ${name}`,
			fact: "relacl"
		};
		case "sequence": return {
			on: `SEQUENCE ${name}`,
			fact: "relacl"
		};
		case "function":
		case "aggregate": return {
			on: `FUNCTION ${name}`,
			fact: "proacl"
		};
		case "procedure": return {
			on: `PROCEDURE ${name}`,
			fact: "proacl"
		};
		case "type":
		case "domain":
		case "enum":
		case "range": return {
			on: `TYPE ${name}`,
			fact: "typacl"
		};
		default: return null;
	}
}
const itemRow = object$1({
	grantee: string().nullable(),
	privilege: string(),
	grantable: boolean(),
	isWanted: boolean()
});
/** Both lists as PostgreSQL prints them, items between blanks. */
async function grantAgain(session, on, wanted, present) {
	const exploded = (acl) => `(SELECT e.grantee, e.privilege_type, e.is_grantable
     FROM pg_catalog.aclexplode(${literal(`{${acl.split(" ").filter(Boolean).map(quotedItem).join(",")}}`)}::pg_catalog.aclitem[]) AS e)`;
	const items = await session.query(`SELECT CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee) END AS "grantee",
              privilege_type AS "privilege", is_grantable AS "grantable", is_wanted AS "isWanted"
         FROM (SELECT *, false AS is_wanted FROM (${exploded(present)} EXCEPT ${exploded(wanted)}) AS gone(grantee, privilege_type, is_grantable)
               UNION ALL SELECT *, true FROM (${exploded(wanted)} EXCEPT ${exploded(present)}) AS missing(grantee, privilege_type, is_grantable)) AS all_items
        ORDER BY is_wanted`, itemRow).catch((error) => {
		if (!(error instanceof SqlError)) throw error;
		return [];
	});
	for (const { grantee, privilege, grantable, isWanted } of items) {
		const whom = grantee === null ? "PUBLIC" : identifier(grantee);
		await unlessRefused(session.execute(isWanted ? `GRANT ${privilege} ON ${on} TO ${whom}${grantable ? " WITH GRANT OPTION" : ""}` : `REVOKE ${privilege} ON ${on} FROM ${whom}`));
	}
}
function quotedItem(item) {
	return `"${item.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"")}"`;
}
/** An ordinary role may not do everything here; the comparison says what is missing. */
async function unlessRefused(work) {
	await work.catch((error) => {
		if (!(error instanceof SqlError)) throw error;
	});
}

// src/database/postgres/copy/withheld-settings.ts
/**
* Settings of a database that are not in force while its copy is filled, and why. All others are: they may change what
* functions compute, and indexes, generated columns and materialized views are computed anew. These here would stop a
* restore, or turn it into something else; the copy gets them when it is proved.
*/
const withheldSettings = {
	statement_timeout: "building an index takes as long as it takes",
	lock_timeout: "parallel jobs of pg_restore wait for one another",
	transaction_timeout: "a table is filled in one transaction",
	idle_in_transaction_session_timeout: "sessions of ours wait in transactions while others work",
	idle_session_timeout: "sessions of ours wait while others work",
	tcp_user_timeout: "a server that is busy restoring does not read for a while",
	tcp_keepalives_idle: "sessions of ours have their own",
	tcp_keepalives_interval: "sessions of ours have their own",
	tcp_keepalives_count: "sessions of ours have their own",
	default_transaction_read_only: "a restore writes",
	default_transaction_isolation: "serializable transactions of parallel jobs may fail",
	default_transaction_deferrable: "belongs to the two above",
	transaction_read_only: "a restore writes",
	array_nulls: "the NULLs of a dumped array would become texts",
	transform_null_equals: "a dumped `x = NULL` would become `x IS NULL`",
	quote_all_identifiers: "options of dictionaries would be stored under quoted names",
	session_replication_role: "it switches triggers and rules off",
	restrict_nonsystem_relation_kind: "materialized views that read views could not be filled",
	default_table_access_method: "the extension that brings it is not there at first; a dump says it for each table",
	role: "the restore would run as somebody else",
	session_authorization: "the restore would run as somebody else",
	session_preload_libraries: "it runs code in every session, or lets none begin where it is missing",
	local_preload_libraries: "it runs code in every session, or lets none begin where it is missing",
	exit_on_error: "an error that we know and pass over would end the session",
	lc_messages: "messages of a failing restore are read, so they must not be translated",
	temp_file_limit: "sorting for an index takes as much room as it takes",
	vacuum_cost_delay: "ANALYZE of the copy would sleep",
	synchronous_commit: "a restore does not wait for the disk at every commit; see lazy-commits.ts"
};
function isWithheld(name) {
	return Object.hasOwn(withheldSettings, name.toLowerCase());
}

// src/database/postgres/prove/fill-under-settings.ts
/**
* Puts in force, in an empty copy, what its source's expressions were computed under: the database's settings, its own
* and per role, but for those that are withheld; and where a session would get other values all the same (because they
* came from the role or from another server's postgresql.conf), those that were recorded. The copy's settings are not
* the source's until replayProperties has been there. `admin` is a session in another database.
* Rejects with SM_PROPERTY.
*/
async function fillUnderSettings(server, admin, copy, source) {
	const inForce = source.settings.map(({ role, config }) => ({
		role,
		config: config.filter((setting) => !isWithheld(parseSetting(setting).name))
	}));
	await replaySettings(admin, copy, inForce);
	await commitLazily(admin, copy);
	if (source.values === void 0) return;
	await using session = await server.connect(copy);
	const present = await readSessionValues(session);
	const [me] = await admin.query("SELECT session_user::text AS \"name\"", object$1({ name: string() }));
	for (const [name, value] of Object.entries(source.values)) {
		if (present[name] === value || me === void 0) continue;
		const place = `ALTER ROLE ${identifier(me.name)} IN DATABASE ${identifier(copy)}`;
		await admin.execute(`${place} SET ${identifier(name)} TO ${literal(value)}`).catch((error) => {
			if (!(error instanceof SqlError)) throw error;
		});
	}
}
/** Values under which the copy could not be computed as its source was, as sentences. */
function otherValues(expected, actual) {
	return Object.entries(expected ?? {}).filter(([name, value]) => actual?.[name] !== value).map(([name, value]) => `${name} was ${shown$2(value)} where the backup was made and cannot be set so here: the copy was filled and indexed under ${shown$2(actual?.[name])}`);
}
function shown$2(value) {
	return value === void 0 || value === "" ? "empty" : value;
}

// src/database/postgres/prove/partition-roots.ts
const leafRow = object$1({
	schema: string(),
	table: string(),
	root: string()
});
/**
* The root of every partition into which rows are put by the hash of something whose hash depends on OIDs (an enum, and what
* is made of other types), by `tableKey`. After a restore such rows lie in other partitions, and the whole is the same.
*/
async function readPartitionRoots(session) {
	const leaves = await session.query(`WITH RECURSIVE tree AS (
       SELECT c.oid AS root, c.oid FROM pg_catalog.pg_class c
         WHERE c.relkind = 'p' AND NOT c.relispartition AND c.relpersistence <> 't'
       UNION ALL SELECT tree.root, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)
     SELECT n.nspname AS "schema", c.relname AS "table", tree.root::regclass::text AS "root"
       FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid AND c.relkind = 'r'
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE EXISTS (SELECT FROM tree above JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = above.oid
         WHERE above.root = tree.root AND p.partstrat = 'h'
           AND (0 = ANY (p.partattrs::int2[])
             OR EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                         WHERE a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
                           AND (t.typtype <> 'b' OR t.typelem <> 0))))`, leafRow);
	return new Map(leaves.map((leaf) => [tableKey(leaf), leaf.root]));
}

// src/database/postgres/prove/print-as-source.ts
/** Shapes what pg_dump prints; while a database is restored it is withheld. */
const printing = "quote_all_identifiers";
/**
* Lets pg_dump print the schema of a restored database as it prints that of its source, also when the copy has become the
* target and has all of its settings. `admin` is a session in another database.
*/
async function printAsSource(admin, name, settings) {
	const shaping = settings.map(({ role, config }) => ({
		role,
		config: config.filter((setting) => parseSetting(setting).name === printing)
	}));
	await replaySettings(admin, name, shaping);
}

// src/database/postgres/prove/schema-fixpoint.ts
/**
* The objects in which a restored schema differs from the target's; empty when they are the same schema.
*
* Some expressions deparse differently after one restore (CHECK (x IN (…)), partial indexes, views) and not again
* after that. So when the texts differ, the target's text is restored into a scratch database of this run, and its
* text is what the copy must have. When this rejects, the scratch database may be left for the caller to drop.
*/
async function compareSchemas(server, admin, comparison) {
	if (diffSchemaTexts(comparison.expected, comparison.actual).length === 0) return [];
	const target = server.address.database;
	const mark = {
		kind: "scratch",
		target,
		run: comparison.run
	};
	const scratch = await createCopy(admin, server.version, mark, comparison.properties);
	await fillUnderSettings(server, admin, scratch.name, {
		settings: comparison.properties.settings,
		values: comparison.sessionValues
	});
	await matchPublicSchema(server, admin, scratch.name, comparison.hasPublicSchema);
	await loadSchema(server, scratch.name, comparison);
	await printAsSource(admin, scratch.name, comparison.properties.settings);
	const again = await readSchemaText(server, { database: scratch.name }, comparison.signal);
	await dropCopy(admin, target, scratch.name, comparison.properties.owner);
	return diffSchemaTexts(again, comparison.actual);
}
/**
* Runs the text piece by piece, each as a string that only the server reads: the text of a stored backup comes from
* outside, and psql would run what stands behind a backslash on this machine.
*/
async function loadSchema(server, database, comparison) {
	comparison.signal.throwIfAborted();
	await using session = await server.connect(database);
	const end = () => session.kill();
	comparison.signal.addEventListener("abort", end, { once: true });
	let object = null;
	try {
		for (const piece of restorableText(comparison).split(/^(?=--\n-- Name: )/m)) {
			object = /^-- Name: (.*?); Type: [^;]*;/m.exec(piece)?.[1] ?? null;
			await session.execute(`DO ${literal(`BEGIN EXECUTE ${literal(piece)}; END`)}`);
		}
	} catch (error) {
		comparison.signal.throwIfAborted();
		if (!(error instanceof SqlError)) throw error;
		throw restoreFailed("the schema cannot be restored", {
			message: error.primaryMessage,
			object
		});
	} finally {
		comparison.signal.removeEventListener("abort", end);
	}
}
/**
* The schema text as it can be restored by an ordinary role: extensions in the target's versions, without their
* comments; without a setting that servers before 17 do not know, and without what only psql understands.
*/
function restorableText({ expected, extensions }) {
	return expected.replaceAll(/^SET transaction_timeout = 0;$/gm, "").replaceAll(/^\\(un)?restrict \S+$/gm, "").replaceAll(/^COMMENT ON EXTENSION .* IS '(?:[^']|'')*';$/gm, "").replaceAll(/^CREATE EXTENSION IF NOT EXISTS (\S+) WITH SCHEMA .*;$/gm, (statement, quoted) => {
		const name = quoted.startsWith("\"") ? quoted.slice(1, -1).replaceAll("\"\"", "\"") : quoted;
		const extension = extensions.find((other) => other.name === name);
		return extension === void 0 ? statement : `${createExtension(extension)};`;
	});
}

// src/database/postgres/prove/restore-beside.ts
/** How many differences an error lists. */
const listedDifferences = 10;
/** How often the copy's size is asked for while pg_restore works. */
const sizeIntervalMs = 2e3;
/**
* Restores a dump beside the target and proves that the copy equals what is expected, as `Database.restoreBeside`
* promises. The caller has verified the file's SHA-256. `adminDatabase` is where CREATE and DROP DATABASE are run
* from: the target, unless that is not there.
*
* On failure, the abort of `request.signal` included, the copy is dropped before this rejects.
*/
async function restoreBeside(server, request, log, adminDatabase = server.home) {
	const target = server.address.database;
	const mark = {
		kind: "fallback",
		target,
		run: request.run
	};
	if (request.name !== copyName(target, mark.kind, mark.run)) throw new TypeError("a fallback database is named by copyName(target, \"fallback\", run)");
	request.signal.throwIfAborted();
	await using admin = await server.connect(adminDatabase, { applicationName: "safe-migrate prove" });
	const expected = await expectedHere(server, admin, request.expected, log);
	const copy = await createToTheEnd(server, admin, mark, request.properties);
	try {
		await fillUnderSettings(server, admin, copy.name, {
			settings: request.properties.settings,
			values: expected.sessionValues
		});
		const { fingerprint, told } = await fillAndCompare(server, admin, {
			...request,
			expected
		}, log);
		await commitSafely(admin, copy.name);
		await closeDatabase(admin, copy.name);
		await replayProperties(admin, copy.name, request.properties);
		request.signal.throwIfAborted();
		return {
			...copy,
			fingerprint,
			told
		};
	} catch (error) {
		for (const name of [copy.name, copyName(target, "scratch", request.run)]) await dropUnfinished(server, adminDatabase, name, request.properties.owner, log);
		throw error;
	}
}
/** A backup of an older major version may need other versions of its extensions. */
async function expectedHere(server, admin, expected, log) {
	if (expected.serverMajor === server.version.major) return expected;
	return {
		...expected,
		extensions: await availableExtensions(admin, expected.extensions, log)
	};
}
/** Restores, ANALYZEs and compares; returns what the copy holds, and what that does not prove. */
async function fillAndCompare(server, admin, request, log) {
	const { name, signal, expected, jobs } = request;
	let progress;
	log.progress(() => progress);
	await matchPublicSchema(server, admin, name, request.hasPublicSchema);
	const { expectedSchemaText: schemaText } = request;
	const publicOwner = await unreachablePublicOwner(server, admin, {
		schemaText,
		serverMajor: expected.serverMajor
	});
	if (publicOwner !== null) log.warn(`schema public belongs to ${publicOwner}; in a restored copy it belongs to the owner of the database, as PostgreSQL makes it since 15`);
	await watchingSize(admin, name, (text) => {
		progress = text;
	}, () => restoreArchive(server, {
		database: name,
		dumpPath: request.dumpPath,
		extensions: expected.extensions,
		leavesPublicOwner: publicOwner !== null,
		jobs,
		signal
	}));
	log.detail(`restored into ${name}`);
	await printAsSource(admin, name, request.properties.settings);
	progress = "ANALYZE";
	const { traits, owners, indexes } = await inCopy(server, name, signal, async (session) => {
		await completeCopy(session, expected);
		await session.execute("ANALYZE");
		const traits = {
			directions: await readSequenceDirections(session),
			roots: await readPartitionRoots(session),
			known: (publicOwner === null ? [] : ["nspowner", "nspacl"]).map((fact) => ({
				kind: "schema",
				name: "public",
				fact
			}))
		};
		const owners = await compareExtensionOwners(session, expected.extensions);
		progress = "comparing indexes with their tables";
		return {
			traits,
			owners,
			indexes: await compareIndexes(session, request.properties.settings)
		};
	});
	const { fingerprint, schemaText: actual } = await fingerprintDatabase(server, name, {
		jobs,
		signal,
		form: formOfFingerprint(expected),
		onTable: (done, all) => {
			progress = `compared ${done} of ${all} tables`;
		}
	});
	const compared = compareFingerprints(expected, fingerprint, traits);
	const schemas = await compareSchemas(server, admin, {
		run: request.run,
		expected: publicOwner === null ? schemaText : withoutPublicOwner(schemaText),
		actual,
		extensions: expected.extensions,
		properties: request.properties,
		sessionValues: expected.sessionValues,
		hasPublicSchema: request.hasPublicSchema,
		signal
	});
	const hasInventory = expected.inventory !== null && expected.serverMajor === fingerprint.serverMajor;
	const differences = [
		...compared.differences,
		...schemas.filter((sentence) => !hasInventory || !sentence.startsWith("ACL ")),
		...owners.differences,
		...indexes.differences
	];
	progress = void 0;
	if (differences.length > 0) throw notEqual(differences, log);
	const told = [
		...compared.told,
		...otherValues(expected.sessionValues, fingerprint.sessionValues),
		...owners.told,
		...indexes.told
	];
	tell(told, log);
	return {
		fingerprint,
		told
	};
}
async function inCopy(server, name, signal, work) {
	signal.throwIfAborted();
	await using session = await server.connect(name);
	const end = () => session.kill();
	signal.addEventListener("abort", end, { once: true });
	try {
		return await work(session);
	} catch (error) {
		signal.throwIfAborted();
		throw error;
	} finally {
		signal.removeEventListener("abort", end);
	}
}
const sizeRow = object$1({ sizeBytes: number() });
/** Says every few seconds how large the copy has become while `work` lasts. */
async function watchingSize(admin, name, say, work) {
	let asked = Promise.resolve();
	const ask = async () => {
		const [row] = await admin.query(`SELECT pg_catalog.pg_database_size(${literal(name)}) AS "sizeBytes"`, sizeRow);
		if (row !== void 0) say(`restored ${Math.round(row.sizeBytes / 1e6)} MB so far`);
	};
	const timer = setInterval(() => {
		asked = ask().catch(() => {});
	}, sizeIntervalMs);
	try {
		await work();
	} finally {
		clearInterval(timer);
		await asked;
	}
}
/** Every one in the log's details and in the report; some of them where everybody looks. */
function tell(told, log) {
	for (const sentence of told.slice(0, listedDifferences)) log.warn(`not proved: ${sentence}`);
	for (const sentence of told.slice(listedDifferences)) log.detail(`not proved: ${sentence}`);
	if (told.length > listedDifferences) log.warn(`not proved: ${told.length - listedDifferences} more, which the log and report.json name`);
}
function notEqual(differences, log) {
	for (const difference of differences) log.detail(difference);
	const listed = differences.slice(0, listedDifferences);
	const more = differences.length - listed.length;
	return new SafeMigrateError({
		code: "SM_NOT_EQUAL",
		message: `the restored copy is not equal to the backup's source: ${listed.join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
		hint: "The backup does not bring these objects back as they were. See the page for known causes before you migrate.",
		docs: "postgresql.md",
		phase: "prove"
	});
}
/** Cleans up after a failure, which must reach the caller whatever happens here. */
async function dropUnfinished(server, adminDatabase, name, owner, log) {
	try {
		await using admin = await server.connect(adminDatabase, { applicationName: "safe-migrate prove" });
		await dropCopy(admin, server.address.database, name, owner);
	} catch (error) {
		const reason = messageOf(error);
		log.warn(`the unfinished copy ${name} is still there: ${reason}. Drop it by hand: DROP DATABASE ${identifier(name)};`);
	}
}

// src/database/postgres/work/prisma-lock.ts
/** Prisma Migrate runs `SELECT pg_advisory_lock(72707369)`: a bigint key, hence classid 0 and objsubid 1. */
const prismaLockKey = 72707369;
const atLockRow = object$1({
	pid: number(),
	isGranted: boolean(),
	applicationName: string(),
	user: string(),
	backendStart: string(),
	clientPort: number().nullable()
});
/**
* Who holds Prisma's lock in the session's database; null when it is free. Whoever may connect can hold it; one who
* cannot be migrating counts only where `anybody` is asked for.
*/
async function prismaLockHolder(session, anybody = false) {
	const [holder] = await atLock(session, session.database, anybody ? "l.granted" : `l.granted AND (a.usesysid IS NULL OR ${mayMigrate("a.usesysid", session.database)})`);
	return holder ?? null;
}
/**
* SQL: a role that could be at work on a migration: it may become the target's owner or this role, or may write the
* history. Where there is no history of theirs, nobody can be left out.
*/
function mayMigrate(role, target) {
	const history = `FROM pg_catalog.pg_class h WHERE h.relname = '_prisma_migrations' AND h.relkind IN ('r', 'p') AND ${isTrustedOwner("h.relowner", target)}`;
	return `(${isTrustedOwner(role, target)} OR NOT EXISTS (SELECT ${history})
           OR EXISTS (SELECT ${history} AND pg_catalog.has_table_privilege(${role}, h.oid, 'INSERT')))`;
}
/** Who waits for Prisma's lock in the session's database; null when nobody does. */
async function prismaLockWaiter(session) {
	const [waiter] = await atLock(session, session.database, "NOT l.granted");
	return waiter ?? null;
}
/** Who holds Prisma's lock in `database` and who waits for it; may be asked from any database of the server. */
function atPrismaLock(session, database) {
	return atLock(session, database, "true");
}
function atLock(session, database, condition) {
	return session.query(`SELECT l.pid AS "pid", l.granted AS "isGranted", coalesce(a.application_name, '') AS "applicationName",
            coalesce(a.usename::text, '') AS "user", a.client_port AS "clientPort",
            coalesce(${utc("a.backend_start")}, '') AS "backendStart"
       FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = ${prismaLockKey} AND l.objsubid = 1 AND ${condition}
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = ${literal(database)})`, atLockRow);
}
/** SQL: a time as ISO 8601 with milliseconds, as the baseline notes it. */
function utc(expression) {
	return `pg_catalog.to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
/** Ends one session. False when it was gone already. Rejects when the role may not. */
async function terminate(session, pid) {
	const [row] = await session.query(`SELECT pg_catalog.pg_terminate_backend(${Math.trunc(pid)}) AS "isTerminated"`, object$1({ isTerminated: boolean() }));
	return row?.isTerminated === true;
}

// src/database/postgres/route/meeting-point.ts
const largestKey = 2 ** 31 - 1;
const identity = object$1({
	database: string(),
	address: string().nullable(),
	port: number().nullable(),
	version: string(),
	startedAt: string(),
	systemIdentifier: string().nullable()
});
/** What stands before the identity of the other server in the error of the script. */
const marker = "safe-migrate: this is another server";
/** The identity of the server at the other end, as a jsonb; the system identifier is not for every role. */
const identityOf = (systemIdentifier) => `pg_catalog.jsonb_build_object(
  'database', pg_catalog.current_database(),
  'address', pg_catalog.host(pg_catalog.inet_server_addr()), 'port', pg_catalog.inet_server_port(),
  'version', pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),
  'startedAt', pg_catalog.to_char(pg_catalog.pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  'systemIdentifier', ${systemIdentifier})`;
/**
* Takes an advisory lock with a random key in the target, in a session of its own. Advisory locks belong to one
* database of one server, and everybody sees them there: who waits for this one has been led to the target, whatever
* name, port or network led there. An exit code would prove less: a wrapper that does not pass stdin on executes an
* empty script and succeeds.
*/
async function openMeetingPoint(server, options) {
	const session = await server.connect(server.address.database);
	try {
		if (options.keepsMigratorsOut) await takePrismaLock(session);
		const [first, second] = [randomInt(1, largestKey), randomInt(1, largestKey)];
		await session.execute(`SELECT pg_catalog.pg_advisory_lock(${first}, ${second})`);
		return {
			server: await readIdentity(session),
			script: script(first, second),
			visitor: () => readVisitor(session, first, second),
			waitingMigrator: async () => options.keepsMigratorsOut ? prismaLockWaiter(session) : null,
			otherServerIn,
			[Symbol.asyncDispose]: () => session[Symbol.asyncDispose]()
		};
	} catch (error) {
		await session[Symbol.asyncDispose]();
		throw error;
	}
}
/**
* Never waited for, and to be given back as soon as somebody waits for it: after ten seconds Prisma gives up, and the
* deploy of somebody else must not fail because of us.
*/
async function takePrismaLock(session) {
	const [row] = await session.query(`SELECT pg_catalog.pg_try_advisory_lock(${prismaLockKey}) AS "isLocked"`, object$1({ isLocked: boolean() }));
	if (row?.isLocked === true) return;
	throw new SafeMigrateError({
		code: "SM_MIGRATOR_BUSY",
		message: `another deploy is migrating ${session.database} now: it holds Prisma's lock, so migrate-command cannot be asked where it connects to`,
		hint: "Nothing was touched. Run this job again when that deploy has ended.",
		docs: "prisma.md"
	});
}
async function readIdentity(session) {
	const [may] = await session.query(`SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS "may"`, object$1({ may: boolean() }));
	const systemIdentifier = may?.may === true ? "(SELECT system_identifier::text FROM pg_catalog.pg_control_system())" : "NULL::text";
	const [row] = await session.query(`SELECT ${identityOf(systemIdentifier)} AS "identity"`, object$1({ identity }));
	if (row === void 0) throw new TypeError("a server without an identity");
	return row.identity;
}
const advisoryLock = (first, second) => `l.locktype = 'advisory' AND l.classid = ${first} AND l.objid = ${second} AND l.objsubid = 2
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`;
/** Changes nothing. Where the lock is not to be seen it raises, and says where it was run. */
function script(first, second) {
	return `DO $safe_migrate$
DECLARE
  identifier text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE ${advisoryLock(first, second)} AND l.granted) THEN
    BEGIN
      SELECT system_identifier::text INTO identifier FROM pg_catalog.pg_control_system();
    EXCEPTION WHEN OTHERS THEN
      identifier := NULL;
    END;
    RAISE EXCEPTION ${literal(`${marker} %`)}, ${identityOf("identifier")};
  END IF;
  PERFORM pg_catalog.set_config('lock_timeout', '0', true);
  PERFORM pg_catalog.pg_advisory_xact_lock_shared(${first}, ${second});
END
$safe_migrate$;
`;
}
const visitorRow = object$1({
	applicationName: string(),
	address: string().nullable()
});
async function readVisitor(session, first, second) {
	const [visitor] = await session.query(`SELECT coalesce(a.application_name, '') AS "applicationName", pg_catalog.host(a.client_addr) AS "address"
       FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
      WHERE ${advisoryLock(first, second)} AND NOT l.granted`, visitorRow);
	return visitor ?? null;
}
/** Reads the error of the script back out of what a tool printed; some print it as an escaped string. */
function otherServerIn(output) {
	for (const line of output.split("\n")) {
		const start = line.indexOf(`${marker} {`);
		if (start < 0) continue;
		const text = line.slice(start + 36 + 1);
		for (const candidate of [text, text.replaceAll("\\\"", "\"")]) {
			const parsed = parseIdentity(candidate.slice(0, candidate.lastIndexOf("}") + 1));
			if (parsed !== null) return parsed;
		}
	}
	return null;
}
function parseIdentity(text) {
	try {
		return identity.parse(JSON.parse(text));
	} catch {
		return null;
	}
}

// src/database/postgres/route/one-route.ts
/**
* Whether everybody who uses the same host and port on this machine reaches the same server as the tools do: they
* connect from here, to one network address. `localhost` mostly is two (IPv6 and IPv4), and behind each of them may
* be another server.
*/
async function isOneRoute(tools, { host }) {
	if (!tools.goesByUrl || host.startsWith("/")) return false;
	if (isIP(host) !== 0) return true;
	const found = await lookup(host, { all: true }).catch(() => []);
	return new Set(found.map(({ address }) => address)).size === 1;
}

// src/database/postgres/session/name-spelling.ts
/**
* A name has no encoding: in a database of another one than that in which it was given, its bytes are other letters, and what
* this session is told about the database by its name is about none.
*/
async function refuseOtherSpelling(session) {
	const [here] = await session.query(`select current_database()::text as "name", pg_encoding_to_char(d.encoding) as "encoding"
       from pg_database d where d.datname = current_database()`, object$1({
		name: string(),
		encoding: string()
	}));
	if (here === void 0 || here.name === session.database) return;
	throw new SafeMigrateError({
		code: "SM_NAME_ENCODING",
		message: `The name of database ${session.database} reads ${here.name} in its own encoding, ${here.encoding}: it was given from a database of another encoding, and cannot be spoken of from within.`,
		hint: "Rename it from a database of UTF8 to letters without accents: ALTER DATABASE … RENAME TO …;",
		docs: "postgresql.md",
		phase: "preflight"
	});
}

// src/database/postgres/session/target-session.ts
const lockTimeoutSeconds$1 = 60;
/**
* The one session in the target that serves all short questions; opened when it is first needed. When it is lost
* (a restart, an administrator, a hook that clears the database), the question that met the loss fails, and the next
* one gets a new session: what was asked may have happened, so nothing is asked twice.
*/
var TargetSession = class {
	#server;
	#database;
	#session = null;
	/** Not used any more; ended with the others, or their psql would keep this process alive. */
	#forgotten = [];
	/** `database`: by default the target; another one where that cannot be connected to. */
	constructor(server, database = server.address.database) {
		this.#server = server;
		this.#database = database;
	}
	async use(work) {
		this.#session ??= this.#connect();
		const opening = this.#session;
		const forget = () => {
			if (this.#session === opening) this.#session = null;
		};
		const session = await opening.catch((error) => {
			forget();
			throw error;
		});
		try {
			return await work(session);
		} catch (error) {
			if (isConnectionLost(error)) {
				forget();
				this.#forgotten.push(session);
			}
			throw error;
		}
	}
	async #connect() {
		const session = await this.#server.connect(this.#database);
		try {
			await refuseOtherSpelling(session);
			await session.execute(`SET lock_timeout = '${lockTimeoutSeconds$1}s'`);
			return session;
		} catch (error) {
			await session[Symbol.asyncDispose]();
			throw error;
		}
	}
	/** Aborts what is being asked; `use` opens another session. */
	interrupt() {
		const opening = this.#session;
		this.#session = null;
		opening?.then((session) => session.kill(), () => {});
	}
	/** Ends the session; `use` opens another one. */
	async close() {
		const opening = this.#session;
		this.#session = null;
		await (await opening?.catch(() => null))?.[Symbol.asyncDispose]();
		for (const forgotten of this.#forgotten.splice(0)) await forgotten[Symbol.asyncDispose]();
	}
};

// src/database/postgres/swap/failed-place.ts
/** As `Database.failedPlace` promises. What is added to the run cannot be guessed. */
async function failedPlace(session, target, run) {
	for (let tried = run;; tried = `${run}_${randomBytes(4).toString("hex")}`) {
		const name = copyName(target, "failed", tried);
		if ((await session.query(`SELECT oid::bigint AS "oid" FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`, object$1({ oid: number() }))).length === 0) return {
			name,
			run: tried
		};
	}
}

// src/database/postgres/swap/clear-the-way.ts
/** How often it is looked whether the rename has locked the name. */
const lookIntervalMs$1 = 5;
/** How often sessions that are still there are asked to go. */
const askIntervalMs = 25;
/**
* Ends the sessions in a database while `renaming` waits for them to go, and settles as it does. The first one is
* ended only once the rename holds the database's lock: from then on nobody comes in, so nobody is ended twice.
*/
async function clearTheWay(terminator, state, renaming) {
	let isOver = false;
	const over = renaming.finally(() => {
		isOver = true;
	});
	over.catch(() => {});
	const clearing = async () => {
		while (!isOver && !await isLocked(terminator, state)) await setTimeout$1(lookIntervalMs$1);
		while (!isOver) {
			await endSessions(terminator, state);
			await setTimeout$1(askIntervalMs);
		}
	};
	const [renamed, cleared] = await Promise.allSettled([over, clearing()]);
	if (cleared.status === "rejected") throw cleared.reason;
	if (renamed.status === "rejected") throw renamed.reason;
}
async function isLocked(session, state) {
	const [row] = await session.query(`SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
                     WHERE locktype = 'object' AND classid = 'pg_catalog.pg_database'::regclass
                       AND objid = ${state.databaseOid} AND pid = ${state.renamerPid}
                       AND mode = 'AccessExclusiveLock' AND granted) AS "isLocked"`, object$1({ isLocked: boolean() }));
	return row?.isLocked === true;
}
/**
* Only those that this role may end (asking for another one is an error): its own, those of roles it is a member of,
* all but superusers' with pg_signal_backend. By OID, which no other database will ever have.
*/
async function endSessions(session, state) {
	const rows = await session.query(`WITH ours AS MATERIALIZED (
       SELECT a.pid
         FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid, pg_catalog.pg_roles me
        WHERE a.datid = ${state.databaseOid} AND me.rolname = current_user
          AND (me.rolsuper OR NOT r.rolsuper
               AND (pg_catalog.pg_has_role(r.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))))
     SELECT pid AS "pid" FROM ours WHERE pg_catalog.pg_terminate_backend(pid)`, object$1({ pid: number() }));
	for (const { pid } of rows) state.terminated.add(pid);
}

// src/database/postgres/swap/database-names.ts
const nameRow = object$1({
	name: string(),
	oid: number(),
	isOpen: boolean(),
	owner: string()
});
/** All databases of the server by name. */
async function readNames(session) {
	const rows = await session.query(`SELECT datname::text AS "name", oid::bigint AS "oid", datallowconn AS "isOpen",
            pg_catalog.pg_get_userbyid(datdba)::text AS "owner" FROM pg_catalog.pg_database`, nameRow);
	return new Map(rows.map((row) => [row.name, row]));
}

// src/database/postgres/swap/swap-blockers.ts
/** Sessions and prepared transactions in a database, named for people. */
async function findBlockers(session, databaseOid) {
	const prepared = await session.query(`SELECT pg_catalog.quote_literal(p.gid) AS "name" FROM pg_catalog.pg_prepared_xacts p
       JOIN pg_catalog.pg_database d ON d.datname = p.database WHERE d.oid = ${databaseOid} ORDER BY 1`, object$1({ name: string() }));
	const sessions = await session.query(`SELECT a.pid AS "pid", coalesce(a.usename::text, 'a background worker') AS "user", r.rolsuper IS TRUE AS "isSuperuser",
            coalesce(a.application_name, '') AS "application"
       FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
      WHERE a.datid = ${databaseOid} ORDER BY a.pid`, object$1({
		pid: number(),
		user: string(),
		isSuperuser: boolean(),
		application: string()
	}));
	const preparedTransactions = prepared.map(({ name }) => name);
	const people = sessions.map(({ pid, user, isSuperuser, application }) => {
		return `${pid} of ${isSuperuser ? `superuser ${user}` : user}${application === "" ? "" : ` using ${application}`}`;
	});
	const reasons = [...people.length === 0 ? [] : [`still in use by ${namedSome(people, "session", "sessions")}`], ...preparedTransactions.length === 0 ? [] : [`it holds ${namedSome(preparedTransactions, "the prepared transaction", "prepared transactions")}`]];
	return {
		preparedTransactions,
		description: reasons.length === 0 ? null : reasons.join("; ")
	};
}

// src/database/postgres/swap/swap-owners.ts
/**
* PL/pgSQL: a backup may be older than the target's owner. With the target goes the coordination database, in which
* otherwise nobody would believe anything any more.
*/
function followOwner(target, { targetOid, fallback, properties }) {
	if (properties.owner === void 0) return "";
	const coordination = coordinationName(target);
	return `IF EXISTS (SELECT FROM pg_catalog.pg_database c, pg_catalog.pg_database t, pg_catalog.pg_database f
                      WHERE c.datname = ${literal(coordination)} AND t.oid = ${targetOid} AND f.oid = ${fallback.oid}
                        AND c.datdba = t.datdba AND f.datdba <> t.datdba) THEN
        ALTER DATABASE ${identifier(coordination)} OWNER TO ${identifier(properties.owner)};
      END IF;`;
}
/**
* SQL: whether the fallback belongs to whom this run gave it, or else to somebody who could do to the target himself what the
* swap does: a journal is a comment, which says only what its writer wants.
*/
function isFallbackOurs({ fallback, properties }, target) {
	const given = properties.owner === void 0 ? isTrustedOwner("fallback.datdba", target) : `pg_catalog.pg_get_userbyid(fallback.datdba) = ${literal(properties.owner)}`;
	return `EXISTS (SELECT FROM pg_catalog.pg_database fallback WHERE fallback.oid = ${fallback.oid} AND ${given})`;
}

// src/database/postgres/swap/swap.ts
/** Each attempt waits five seconds for the sessions to go: the server's own limit in RENAME. */
const attempts = 4;
/** Raised by the swap's own transaction. */
const writtenState = "SM002";
/** How often the helping session may be lost. */
const rounds = 3;
/** Between attempts: whoever queued meanwhile gets in and may finish something. */
const pauseMs = 200;
/** How long a session whose connection broke may go on working on the server. */
const lostSessionTimeoutMs = 2e4;
/** A server that crashed in that moment is back well before. */
const answerTimeoutMs = 12e4;
const askAgainMs = 1e3;
/**
* object_in_use (sessions did not go in time), deadlock_detected, and internal_error, as which PostgreSQL reports
* "tuple concurrently updated" when something else changes the database's row in the same moment.
*/
const worthAnotherTry = /* @__PURE__ */ new Set([
	"55006",
	"40P01",
	"XX000"
]);
/**
* Puts the fallback database in the target's place: one transaction renames the target to `plan.failedName` and the
* fallback to the target's name, closes the one and opens the other. `renamer` is the session in the coordination
* database that holds the run's lock: if the lock is lost, so is the transaction. No session of ours may be in the
* target or in the fallback.
*
* The rename comes first because it locks the database's name: whoever connects from then on waits instead of coming
* in, and only then are the sessions that are there ended, so that nobody is thrown out twice. There is no committed
* moment in which the name is missing or closed. Clients that were waiting for the name are told once that the
* database "seems to have just been dropped or renamed", and get in when they try again.
*
* Rejects with SM_ALREADY_SWAPPED when the fallback bears the target's name already, with SM_SWAP_UNKNOWN when the answer
* to COMMIT was lost and nobody can be asked, otherwise with SM_SWAP_FAILED or SM_CONNECTION_LOST; then both names are as
* before.
*/
async function swap(server, renamer, plan, log) {
	const target = server.address.database;
	const terminated = /* @__PURE__ */ new Set();
	for (let round = 1;; round += 1) try {
		return await swapWithHelp(server, renamer, plan, terminated, log);
	} catch (error) {
		if (!isConnectionLost(error)) throw error;
		if (!await isThereFor(renamer, "SELECT 1")) throw error;
		if (round === rounds) throw swapFailed(target, reasonOf(error), error);
		log.detail(`again, with another session beside: ${reasonOf(error)}`);
	}
}
/** With a second session, which ends those that are in the way while the first one waits for the name. */
async function swapWithHelp(server, renamer, plan, terminated, log) {
	const target = server.address.database;
	await using terminator = await server.connect(renamer.database, { applicationName: "safe-migrate swap" });
	await checkPlan(terminator, target, plan);
	for (let attempt = 1;; attempt += 1) {
		const tried = await attemptSwap(server, renamer, terminator, plan, terminated);
		if (tried.xid !== null) return {
			terminatedSessions: terminated.size,
			xidAtSwap: Number(BigInt.asUintN(32, tried.xid))
		};
		const { error } = tried;
		if (error instanceof SqlError && error.sqlState === writtenState) throw writtenMeanwhile(target, error);
		if (isConnectionLost(error)) throw error;
		if (!(error instanceof SqlError && worthAnotherTry.has(error.sqlState))) throw swapFailed(target, reasonOf(error), error);
		const blockers = await findBlockers(terminator, plan.targetOid);
		if (attempt === attempts || blockers.preparedTransactions.length > 0) throw swapFailed(target, blockers.description ?? reasonOf(error), error);
		log.detail(`attempt ${attempt} of ${attempts} to rename ${target}: ${blockers.description ?? reasonOf(error)}`);
		await setTimeout$1(pauseMs);
	}
}
/** Runs a statement that an ended session is known by; false when it is gone, and its transaction with it. */
async function isThereFor(session, statement) {
	try {
		await session.execute(statement);
		return true;
	} catch (error) {
		if (isConnectionLost(error)) return false;
		throw error;
	}
}
async function attemptSwap(server, renamer, terminator, plan, terminated) {
	let xid = null;
	try {
		const at = await serverTime(renamer);
		await renamer.execute("BEGIN");
		await clearTheWay(terminator, {
			databaseOid: plan.targetOid,
			renamerPid: renamer.backendPid,
			terminated
		}, renamer.execute(`ALTER DATABASE ${identifier(server.address.database)} RENAME TO ${identifier(plan.failedName)}`));
		await renamer.execute(renameBack(server.address.database, plan, at));
		xid = await currentXid(renamer);
		await renamer.execute("COMMIT");
		return { xid };
	} catch (error) {
		const isGone = !await isThereFor(renamer, "ROLLBACK");
		if (xid === null || !isGone) return {
			xid: null,
			error
		};
		return await wasCommitted(server, renamer, plan) ? { xid } : {
			xid: null,
			error
		};
	}
}
/** Asks the names, in a session of its own, once the lost session has ended on the server, too. */
async function wasCommitted(server, renamer, plan) {
	const askUntil = Date.now() + answerTimeoutMs;
	for (;;) try {
		await using session = await server.connect(renamer.database, { applicationName: "safe-migrate swap" });
		const deadline = Date.now() + lostSessionTimeoutMs;
		while (Date.now() < deadline && await isAlive$1(session, renamer.backendPid)) await setTimeout$1(pauseMs);
		return (await readNames(session)).get(server.address.database)?.oid === plan.fallback.oid;
	} catch (cause) {
		if (Date.now() >= askUntil) throw swapUnknown(server, plan, cause);
		await setTimeout$1(askAgainMs);
	}
}
function swapUnknown(server, plan, cause) {
	return new SafeMigrateError({
		code: "SM_SWAP_UNKNOWN",
		message: `The connection broke while the swap of ${server.address.database} was being committed, and the server cannot be asked whether it was.`,
		hint: `Look for a database ${plan.failedName}: if it is there, the swap is done; otherwise both names are as before.`,
		docs: "recovery.md",
		phase: "recover",
		cause
	});
}
async function isAlive$1(session, pid) {
	return (await session.query(`SELECT pid AS "pid" FROM pg_catalog.pg_stat_activity WHERE pid = ${pid}`, object$1({ pid: number() }))).length > 0;
}
/** Everything after the first rename; the names are locked, so what is checked here stays so. */
function renameBack(target, plan, at) {
	const { properties, fallback, failedName, journal } = plan;
	const mark = copyMark({
		kind: "failed",
		target,
		run: plan.run,
		at,
		replacedBy: fallback.oid
	});
	const written = journal === null ? "" : `${journalStatement(target, {
		...journal,
		at
	})};`;
	return `
    DO $sm$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE oid = ${plan.targetOid} AND datname = ${literal(failedName)}) THEN
        RAISE EXCEPTION 'another database bears the name of the target now' USING ERRCODE = 'SM001';
      END IF;
      ${refuseWhenWritten(plan)}
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_database
                      WHERE oid = ${fallback.oid} AND datname = ${literal(fallback.name)} AND NOT datallowconn) THEN
        RAISE EXCEPTION 'the fallback database was replaced or opened to connections' USING ERRCODE = 'SM001';
      END IF;
      IF NOT ${isFallbackOurs(plan, { oid: plan.targetOid })} THEN
        RAISE EXCEPTION 'the fallback database belongs to a role that no run would have given it to' USING ERRCODE = 'SM001';
      END IF;
      ${followOwner(target, plan)}
    END $sm$;
    ALTER DATABASE ${identifier(fallback.name)} RENAME TO ${identifier(target)};
    ALTER DATABASE ${identifier(failedName)} ALLOW_CONNECTIONS false;
    COMMENT ON DATABASE ${identifier(failedName)} IS ${literal(mark)};
    ${written}
    COMMENT ON DATABASE ${identifier(target)} IS ${properties.comment === null ? "NULL" : literal(properties.comment)};
    ALTER DATABASE ${identifier(target)} ALLOW_CONNECTIONS true`;
}
/** Nobody is in the target any more, and whoever was has told by now what he wrote. */
function refuseWhenWritten({ targetOid, writtenRows = null }) {
	if (writtenRows === null) return "";
	return `IF ${writtenRowsSql(targetOid)}::text IS DISTINCT FROM ${literal(writtenRows)} THEN
        RAISE EXCEPTION 'somebody has written into the target' USING ERRCODE = '${writtenState}';
      END IF;`;
}
function writtenMeanwhile(target, cause) {
	return new SafeMigrateError({
		code: "SM_WRITTEN_MEANWHILE",
		message: `Somebody has written into ${target} after it was compared. Nothing was swapped.`,
		hint: "The tables are compared again; nothing has to be done.",
		docs: "recovery.md",
		phase: "recover",
		cause
	});
}
async function currentXid(session) {
	const [row] = await session.query("SELECT pg_catalog.pg_current_xact_id()::text AS \"xid\"", object$1({ xid: string() }));
	if (row === void 0) throw new TypeError("pg_current_xact_id() returned no row");
	return BigInt(row.xid);
}
/** Refuses before anybody is disturbed; the transaction checks again. */
async function checkPlan(session, target, plan) {
	const names = await readNames(session);
	const inPlace = names.get(target);
	const fallback = names.get(plan.fallback.name);
	if (inPlace?.oid === plan.fallback.oid) throw new SafeMigrateError({
		code: "SM_ALREADY_SWAPPED",
		message: `${target} is the fallback database already: somebody has finished this recovery.`,
		hint: "Nothing is left to swap. Compare the report of the run that did it.",
		docs: "recovery.md",
		phase: "recover"
	});
	const blockers = await findBlockers(session, plan.targetOid);
	const [copy] = await session.query(`SELECT ${isFallbackOurs(plan, { oid: plan.targetOid })} AS "isOurs"`, object$1({ isOurs: boolean() }));
	const taken = names.get(plan.failedName);
	const obstacle = inPlace?.oid !== plan.targetOid ? `another database bears the name ${target} now` : fallback?.oid !== plan.fallback.oid ? `the fallback database ${plan.fallback.name} is gone or was replaced` : fallback.isOpen ? `the fallback database ${plan.fallback.name} was opened to connections, so it may have changed since it was compared` : copy?.isOurs !== true ? `the fallback database ${plan.fallback.name} belongs to ${fallback.owner}, to whom no run would have given it` : taken !== void 0 ? `there is a database ${plan.failedName} already, which belongs to ${taken.owner} (as a superuser or as ${taken.owner}: DROP DATABASE ${identifier(plan.failedName)};)` : blockers.preparedTransactions.length > 0 ? blockers.description : null;
	if (obstacle !== null) throw swapFailed(target, obstacle);
}
function reasonOf(error) {
	if (error instanceof SqlError) return error.primaryMessage;
	return messageOf(error);
}
function swapFailed(target, reason, cause) {
	return new SafeMigrateError({
		code: "SM_SWAP_FAILED",
		message: `${target} could not be swapped for the fallback database: ${reason}. Both names are as before.`,
		hint: "Remove what is in the way, then finish the recovery with the commands that the report prints.",
		docs: "recovery.md",
		phase: "recover",
		cause
	});
}

// src/database/postgres/swap/take-name.ts
/**
* The swap where there is no target: the fallback database takes its name and is opened, in one transaction of the
* session that holds the run's lock. Where it has that name already, because the answer to an earlier COMMIT was lost, it
* is done. Rejects with SM_SWAP_FAILED, then there still is no target, or with SM_CONNECTION_LOST, then nobody knows.
*/
async function takeName$1(server, renamer, plan) {
	const { fallback, properties, journal } = plan;
	const name = server.address.database;
	const target = identifier(name);
	const written = journal === null ? "" : `${journalStatement(name, {
		...journal,
		at: await serverTime(renamer)
	})};`;
	if ((await readNames(renamer)).get(name)?.oid === fallback.oid) return;
	try {
		await renamer.execute("BEGIN");
		await renamer.execute(`
      DO $sm$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_database
                        WHERE oid = ${fallback.oid} AND datname = ${literal(fallback.name)} AND NOT datallowconn) THEN
          RAISE EXCEPTION 'the fallback database was replaced or opened to connections' USING ERRCODE = 'SM001';
        END IF;
        IF NOT ${isFallbackOurs(plan, name)} THEN
          RAISE EXCEPTION 'the fallback database belongs to a role that no run would have given it to' USING ERRCODE = 'SM001';
        END IF;
      END $sm$;
      ALTER DATABASE ${identifier(fallback.name)} RENAME TO ${target};
      ${written}
      COMMENT ON DATABASE ${target} IS ${properties.comment === null ? "NULL" : literal(properties.comment)};
      ALTER DATABASE ${target} ALLOW_CONNECTIONS true`);
		await renamer.execute("COMMIT");
	} catch (error) {
		await renamer.execute("ROLLBACK").catch(() => {});
		if (isConnectionLost(error)) throw error;
		throw swapFailed(name, reasonOf(error), error);
	}
}

// src/database/postgres/work/lock-gate.ts
/** Prisma itself gives up after ten seconds; a role that waits for less would fail where it would have worked. */
const leastPatienceMs = 1e4;
/** Once the machine froze, the server opens the gate: more than the longest time that it is kept (lock-watch.ts). */
const frozenAfter = "60s";
/**
* Takes Prisma's lock in the target, so that whoever wants it has to wait and is seen: Prisma may hold it for some
* milliseconds only, and a machine that is busy looks away for longer. To be opened as soon as somebody waits.
* Null where somebody has the lock already, or where the role's own settings end a statement that waits.
*/
async function closeGate(use) {
	return use(async (session) => {
		const [row] = await session.query(`SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_settings
                                     WHERE name IN ('lock_timeout', 'statement_timeout')
                                       AND reset_val::bigint BETWEEN 1 AND ${leastPatienceMs})
                   THEN pg_catalog.pg_try_advisory_lock(${prismaLockKey}) ELSE false END AS "isClosed"`, object$1({ isClosed: boolean() }));
		if (row?.isClosed !== true) return null;
		await setIdleTimeout(session, frozenAfter);
		return {
			pid: session.backendPid,
			async open() {
				try {
					await session.execute(`SELECT pg_catalog.pg_advisory_unlock(${prismaLockKey})`);
					await setIdleTimeout(session, "0");
				} catch (error) {
					if (!isConnectionLost(error)) throw error;
				}
			}
		};
	});
}
/** Of PostgreSQL 14 and later. */
async function setIdleTimeout(session, value) {
	await session.execute(`SELECT pg_catalog.set_config(name, '${value}', false) FROM pg_catalog.pg_settings WHERE name = 'idle_session_timeout'`);
}

// src/database/postgres/work/lock-watch.ts
/** Whoever comes is kept waiting until he was seen. */
const gateIntervalMs = 25;
/** Prisma comes within seconds, in a container that starts first within half a minute; or the project switches its lock off. */
const longestGateMs = 4e4;
/** Where nothing keeps Prisma waiting: it holds its lock for as long as it works, some tens of milliseconds at least. */
const lookIntervalMs = 10;
/** Once the run's own migrator was seen, which bears its name: only who else may come. */
const laterIntervalMs = 50;
/**
* Looks who takes Prisma's lock in the target until it is stopped, from a session in `place`: short statements of their own
* transactions, so that nothing waits for them (CREATE INDEX CONCURRENTLY waits for snapshots of its own database only).
* The lock itself is held in the target, by `use`, until the first one waits for it, for `gateMs` at most.
*/
async function watchPrismaLock(server, place, use, gateMs = longestGateMs) {
	const target = server.address.database;
	const session = await server.connect(place, { applicationName: "safe-migrate watch" });
	const closed = async () => {
		if (server.version.major >= 14) await session.execute(`SET idle_session_timeout = '30s'`);
		return closeGate(use);
	};
	let gate = await closed().catch(async (error) => {
		await session[Symbol.asyncDispose]();
		throw error;
	});
	const openGate = async () => {
		const closed = gate;
		gate = null;
		await closed?.open();
	};
	const openAt = Date.now() + gateMs;
	const seen = /* @__PURE__ */ new Map();
	const stopping = new AbortController();
	let problem = null;
	const watching = (async () => {
		while (!stopping.signal.aborted) {
			for (const holder of await atPrismaLock(session, target)) {
				if (holder.pid === gate?.pid && holder.isGranted) continue;
				if (holder.user === "") continue;
				if (holder.isGranted || gate !== null) seen.set(`${holder.pid} ${holder.backendStart}`, holder);
			}
			if (seen.size > 0 || Date.now() >= openAt) await openGate();
			const isOwnSeen = seen.values().some(({ applicationName }) => applicationName.startsWith("safe-migrate"));
			await setTimeout$1(gate !== null ? gateIntervalMs : isOwnSeen ? laterIntervalMs : lookIntervalMs, void 0, { signal: stopping.signal }).catch(() => {});
		}
	})().catch((error) => {
		problem = messageOf(error);
	}).then(openGate).catch((error) => {
		problem ??= messageOf(error);
	});
	return { async stop() {
		stopping.abort();
		await watching;
		await session[Symbol.asyncDispose]();
		return {
			holders: [...seen.values()],
			problem
		};
	} };
}

// src/database/postgres/work/work-sessions.ts
const sessionRow = object$1({
	pid: number(),
	applicationName: string(),
	user: string(),
	backendStart: string(),
	clientPort: number().nullable(),
	isAtWork: boolean(),
	query: string()
});
/**
* The sessions of clients in this session's database that began at `since` or later, or bear `applicationName`. Of other roles'
* sessions an ordinary role sees name and user only: without their start they are here by name alone.
*/
function readWorkSessions(session, { since, applicationName }) {
	return session.query(`SELECT a.pid AS "pid", coalesce(a.application_name, '') AS "applicationName", coalesce(a.usename::text, '') AS "user",
            coalesce(${utc("a.backend_start")}, '') AS "backendStart", a.client_port AS "clientPort",
            coalesce(a.state <> 'idle', false)
              OR EXISTS (SELECT FROM pg_catalog.pg_locks l
                          WHERE l.pid = a.pid AND l.locktype = 'transactionid' AND l.granted) AS "isAtWork",
            coalesce(a.query, '') AS "query"
       FROM pg_catalog.pg_stat_activity a
      WHERE a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
        AND (a.backend_start >= ${literal(since)}::timestamptz OR a.application_name = ${literal(applicationName)})
      ORDER BY a.pid`, sessionRow);
}
/** Which of these processes are still there, or still hold a lock: a transaction is over when its locks are gone. */
async function stillThere$1(session, pids) {
	if (pids.length === 0) return [];
	const list = pids.map(Math.trunc).join(", ");
	return (await session.query(`SELECT pid AS "pid" FROM pg_catalog.pg_stat_activity WHERE pid IN (${list})
     UNION SELECT pid FROM pg_catalog.pg_locks WHERE pid IN (${list})`, object$1({ pid: number() }))).map(({ pid }) => pid);
}
const preparedRow = object$1({
	gid: string(),
	owner: string()
});
/** Transactions that were prepared in this session's database at `since` or later. */
function readPreparedWork(session, since) {
	return session.query(`SELECT gid AS "gid", owner::text AS "owner" FROM pg_catalog.pg_prepared_xacts
      WHERE database = pg_catalog.current_database() AND prepared >= ${literal(since)}::timestamptz ORDER BY gid`, preparedRow);
}
/** False when the role may not, or when it is gone. */
async function rollbackPrepared(session, gid) {
	try {
		await session.execute(`ROLLBACK PREPARED ${literal(gid)}`);
		return true;
	} catch (error) {
		if (error instanceof SqlError) return false;
		throw error;
	}
}

// src/database/postgres/database.ts
/** Opens the port to one target. Rejects as `connectServer` does; disposing ends its session and its tools. */
async function openDatabase(target, options = {}) {
	const server = await connectServer(target, {
		...options,
		keepsFirstSession: true
	});
	const name = server.address.database;
	const inTarget = new TargetSession(server);
	/** For questions about databases, which can be asked from any of them. */
	const atHome = server.unreachable === null ? inTarget : new TargetSession(server, server.home);
	let held = null;
	/** To whom the copies of this run were given, by name: a migration may give the target to somebody else. */
	const madeFor = /* @__PURE__ */ new Map();
	/** The swap needs the target empty of our own sessions, and the lock's other session to do its work in. */
	const withRenamer = async (log, rename) => {
		if (held === null || held.coordination === null) throw new SafeMigrateError({
			code: "SM_SWAP_FAILED",
			message: `${name} cannot be swapped: this run holds no lock in a coordination database.`,
			hint: "The role of database-url needs CREATEDB for recovery by swap.",
			docs: "recovery.md",
			phase: "recover"
		});
		const lock = held;
		await lock.assertHeld();
		await inTarget.close();
		await lock.releaseTarget();
		return await rename(held.coordination).finally(() => lockTargetAgain(lock, log));
	};
	return {
		address: server.address,
		server: server.version,
		unreachable: server.unreachable,
		toolsFact: server.tools.fact,
		toolsWarnings: server.tools.warnings,
		query: (sql, row) => inTarget.use((session) => session.query(sql, row)),
		execute: (sql) => inTarget.use((session) => session.execute(sql)),
		async queryIn(database, sql, row) {
			await using session = await server.connect(database);
			return await session.query(sql, row);
		},
		urlOf: (database) => target.urlOf(database),
		copyName: (kind, run) => copyName(name, kind, run),
		failedPlace: (run) => atHome.use((session) => failedPlace(session, name, run)),
		copyMark: (kind, run) => copyMark({
			kind,
			target: name,
			run
		}),
		identity: () => atHome.use(readServerIdentity),
		serverTime: () => atHome.use(async (session) => {
			const [row] = await session.query(`SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::float8 AS "ms"`, object$1({ ms: number() }));
			return new Date(row?.ms ?? NaN);
		}),
		schema: (signal) => readCompared(server, name, signal),
		interrupt: () => inTarget.interrupt(),
		inspect: () => inTarget.use((session) => inspect$1(session, server.version)),
		async lock({ onLeftBehind, ...holder }) {
			const lock = await takeLock$1(server, holder, onLeftBehind);
			held = lock;
			const startAnew = () => {
				inTarget.interrupt();
				atHome.interrupt();
			};
			lock.silent.addEventListener("abort", startAnew, { once: true });
			return lock;
		},
		closedJournal: {
			database: coordinationName(name),
			comment: coordinationMark(name)
		},
		openJournal: () => atHome.use((session) => openJournal(session, name)),
		openSnapshot: () => openSnapshot(server),
		witness: () => inTarget.use(readWitness),
		counters: () => inTarget.use(readCounters),
		columns: () => inTarget.use(readColumns),
		writtenRows: (oid) => inTarget.use(async (session) => {
			const [row] = await session.query(`SELECT ${writtenRowsSql(oid)}::text AS "rows"`, object$1({ rows: string() }));
			return row?.rows ?? "";
		}),
		changedTables: (before, counters, options) => changedTables(server, before, counters, options),
		movedSequences: (before) => inTarget.use((session) => movedSequences(session, before)),
		rewoundSequences: (before) => inTarget.use((session) => rewoundSequences(session, before)),
		readArchive: (dumpPath, signal) => readArchive(server, dumpPath, signal),
		restoreBeside(request, log) {
			madeFor.set(request.name, request.properties.owner);
			return restoreBeside(server, request, log);
		},
		swap: (plan, log) => withRenamer(log, (renamer) => swap(server, renamer, plan, log)),
		takeName: (plan) => withRenamer(null, (renamer) => takeName$1(server, renamer, plan)),
		oidOf: (database) => atHome.use(async (session) => {
			const [row] = await session.query(`SELECT oid::bigint AS "oid" FROM pg_catalog.pg_database WHERE datname = ${literal(database)}`, object$1({ oid: number() }));
			return row?.oid ?? null;
		}),
		schemaDigest: async (signal) => schemaDigest(await readSchemaText(server, { database: name }, signal)),
		properties: () => atHome.use((session) => readProperties(session, name)),
		roles: () => inTarget.use(readServerRoles),
		compareWithFailed: (request, log) => inTarget.use((session) => compareWithFailed(server, session, request, log)),
		failedDatabases: () => atHome.use((session) => copiesOf(session, name, ["failed"])),
		foreignDatabases: () => atHome.use((session) => foreignDatabases(session, name)),
		leftoverCopies: () => atHome.use((session) => copiesOf(session, name, [
			"fallback",
			"rehearsal",
			"scratch"
		])),
		claimCopy: (kind, run) => atHome.use((session) => claimCopy(server, session, {
			kind,
			target: name,
			run
		})),
		dropCopy: (copy) => atHome.use((session) => dropCopy(session, name, copy, madeFor.get(copy))),
		isOneRoute: () => isOneRoute(server.tools, server.address),
		openMeetingPoint: (options) => openMeetingPoint(server, options),
		prismaLockHolder: (whom) => inTarget.use((session) => prismaLockHolder(session, whom === "anybody")),
		watchPrismaLock: () => watchPrismaLock(server, held?.coordinationDatabase ?? name, (work) => inTarget.use(work)),
		workSessions: (by) => inTarget.use((session) => readWorkSessions(session, by)),
		stillThere: (pids) => inTarget.use((session) => stillThere$1(session, pids)),
		terminate: (pid) => inTarget.use((session) => terminate(session, pid)),
		preparedWork: (since) => inTarget.use((session) => readPreparedWork(session, since)),
		rollbackPrepared: (gid) => inTarget.use((session) => rollbackPrepared(session, gid)),
		async [Symbol.asyncDispose]() {
			await inTarget.close();
			await atHome.close();
			await server[Symbol.asyncDispose]();
		}
	};
}
/**
* The coordination lock guards the run; the other one is for those without. Losing it must not hide how a swap went.
* `log` is null where there may be nothing to lock.
*/
async function lockTargetAgain(held, log) {
	try {
		if (await held.reacquireTarget()) return;
		log?.warn("another session took the lock in the target after the swap; this run still holds the coordination lock");
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		log?.warn(`the lock in the target could not be taken again after the swap: ${error.message}`);
	}
}

// src/database/postgres/server/url-refusals.ts
/** Schemes of the databases that Prisma knows besides PostgreSQL, and how people call them. */
const otherProviders = [
	[/^mysql:/i, "MySQL"],
	[/^mariadb:/i, "MariaDB"],
	[/^(sqlserver|mssql|jdbc:sqlserver):/i, "SQL Server"],
	[/^(file|sqlite|libsql):/i, "SQLite"],
	[/^mongodb(\+srv)?:/i, "MongoDB"]
];
/** The name of another database that the URL is for, or null. */
function otherProviderOf(url) {
	return otherProviders.find(([pattern]) => pattern.test(url))?.[1] ?? null;
}
/** Whether the URL leads to one of Prisma's own HTTP proxies. */
function isPrismaProxy(url) {
	return /^prisma(\+postgres(ql)?)?:\/\//i.test(url);
}
/**
* Recognises transaction poolers: exported snapshots, advisory locks and session settings do not survive in them,
* and Prisma's own migration lock does not either. Session poolers look like servers and behave like them.
*/
function poolerProblem(server) {
	const sign = server.pgbouncer === "true" ? "pgbouncer=true" : server.port === 6543 ? "port 6543" : /-pooler\./i.test(server.host) ? "a -pooler host" : null;
	if (sign === null) return null;
	const host = server.host.replace(/-pooler\./i, ".");
	const port = server.port === 6543 ? 5432 : server.port;
	const shownHost = host.includes(":") ? `[${host}]` : host;
	return {
		code: "SM_URL_POOLER",
		message: `The database URL leads to a transaction pooler (${sign}): snapshots and locks do not hold through it.`,
		hint: `Use the direct URL for migrations, probably postgresql://USER:PASSWORD@${shownHost}:${port}/DATABASE without pgbouncer=true (your platform shows it as "direct connection" or "session mode").`
	};
}
/**
* Decodes percent-encoding as Prisma does: what is not a valid `%XX` stays as it is.
* Returns null when the result is not UTF-8.
*/
function decodePercent(text) {
	const bytes = [];
	for (const part of text.split(/(%[0-9a-f]{2})/i)) bytes.push(/^%[0-9a-f]{2}$/i.test(part) ? Buffer.from(part.slice(1), "hex") : Buffer.from(part));
	try {
		return new TextDecoder("utf-8", {
			fatal: true,
			ignoreBOM: true
		}).decode(Buffer.concat(bytes));
	} catch {
		return null;
	}
}

// src/database/postgres/server/url.ts
const defaultPort = 5432;
const defaultConnectTimeoutSeconds = 10;
/** Prisma waits for ever with `connect_timeout=0`; a run that holds a lock must not. */
const longestConnectTimeoutSeconds = 300;
/** Parameters that mean the same to Prisma and to libpq. All others are Prisma's own and libpq rejects them. */
const sharedParameters = {
	channel_binding: "PGCHANNELBINDING",
	target_session_attrs: "PGTARGETSESSIONATTRS",
	options: "PGOPTIONS",
	gssencmode: "PGGSSENCMODE",
	krbsrvname: "PGKRBSRVNAME"
};
const sslModes = [
	"disable",
	"allow",
	"prefer",
	"require",
	"verify-ca",
	"verify-full"
];
/** Where systems keep the certificates they trust; libpq before 16 does not know `sslrootcert=system`. */
const systemCertificates = [
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem"
];
/**
* Parses a Prisma PostgreSQL URL. All that is wrong with it is returned at once; no message holds the URL or
* anything secret. Parameters are read the way Prisma reads them (`+` is a space, an unknown name is ignored).
*/
function parsePostgresUrl(text, context = {}) {
	const trimmed = text.trim();
	const fatal = unusableUrl(trimmed);
	if (fatal !== null) return {
		target: null,
		problems: [fatal]
	};
	const url = new URL(trimmed);
	const parameters = url.searchParams;
	const problems = [];
	const invalid = (message, hint = urlHint) => void problems.push({
		code: "SM_URL_INVALID",
		message,
		hint
	});
	const decoded = (part, name) => {
		const value = decodePercent(part);
		if (value === null || value.includes("\0")) invalid(`The ${name} in the database URL is not valid percent-encoded UTF-8.`);
		return value ?? "";
	};
	const user = decoded(url.username, "user");
	if (user === "") invalid("The database URL names no user.");
	const password = decoded(url.password, "password");
	const database = decoded(url.pathname.split("/")[1] ?? "", "database name");
	if (database === "") invalid("The database URL names no database.", "Put its name after the host: postgresql://user:password@host:5432/database");
	if (Buffer.byteLength(database) > 63) invalid("The database name in the URL is longer than the 63 bytes that PostgreSQL keeps.");
	if (url.pathname.split("/").slice(2).some((part) => part !== "")) invalid("The path of the database URL has more than one part.", "A slash in a database name is written %2F.");
	const host = parameters.get("host") || decoded(url.hostname.replace(/^\[(.*)\]$/, "$1"), "host") || "localhost";
	if (host.includes(",")) invalid("The database URL names more than one host.", "Name the primary server only: the backup and the migration must meet on one server.");
	const port = url.port === "" ? integerOf(parameters.get("port")) ?? defaultPort : Number(url.port);
	if (port < 1 || port > 65535) invalid("The port in the database URL is not between 1 and 65535.");
	const pooler = poolerProblem({
		host,
		port,
		pgbouncer: parameters.get("pgbouncer")
	});
	if (pooler !== null) problems.push(pooler);
	const tls = tlsEnvironment(parameters, context, problems);
	if (problems.length > 0) return {
		target: null,
		problems
	};
	const address = {
		database,
		host,
		port,
		user
	};
	const shared = {
		PGHOST: host,
		PGPORT: String(port),
		PGUSER: user,
		...tls
	};
	for (const [name, variable] of Object.entries(sharedParameters)) {
		const value = parameters.get(name);
		if (value !== null && value !== "") shared[variable] = value;
	}
	shared.PGCONNECT_TIMEOUT = String(connectTimeoutSeconds(parameters));
	const secret = password === "" ? null : new Secret(password);
	return {
		target: {
			address,
			password: secret,
			schema: parameters.get("schema") || "public",
			environment: (name) => ({
				...shared,
				PGDATABASE: name,
				...secret === null ? {} : { PGPASSWORD: secret.reveal() }
			}),
			urlOf: (name) => {
				const other = new URL(trimmed);
				other.pathname = `/${encodeURIComponent(name)}`;
				return new Secret(other.href);
			}
		},
		problems: []
	};
}
const urlHint = "Expected postgresql://user:password@host:5432/database?schema=public; characters such as @ : / ? # % in user or password are percent-encoded (@ is %40).";
/** What makes a URL unreadable or somebody else's, so that nothing more can be said about its parts. */
function unusableUrl(text) {
	if (isPrismaProxy(text)) return {
		code: "SM_URL_PRISMA_PROXY",
		message: "The database URL leads to Prisma Accelerate or Prisma Postgres (prisma:// or prisma+postgres://), which cannot be dumped through.",
		hint: "Give the direct TCP URL of the database (postgresql://user:password@host:5432/database) as database-url and to Prisma Migrate; for Prisma Postgres the console shows it as \"direct connection\"."
	};
	const provider = otherProviderOf(text);
	if (provider !== null) return {
		code: "SM_PROVIDER",
		message: `The database URL is one of ${provider}; safe-migrate works with PostgreSQL.`,
		hint: "Remove the action for this database, or point database-url at the PostgreSQL database that Prisma migrates."
	};
	const problem = {
		code: "SM_URL_INVALID",
		message: "The database URL cannot be read.",
		hint: urlHint
	};
	if (!/^postgres(ql)?:\/\//i.test(text)) return {
		...problem,
		message: "The database URL does not begin with postgresql:// (is the secret empty, or has it quotes around it?)."
	};
	if (!URL.canParse(text)) return problem;
	if (new URL(text).hash !== "") return {
		...problem,
		message: "The database URL holds a # that is not percent-encoded."
	};
	return null;
}
function connectTimeoutSeconds(parameters) {
	const seconds = integerOf(parameters.get("connect_timeout"));
	if (seconds === null) return defaultConnectTimeoutSeconds;
	return seconds === 0 ? longestConnectTimeoutSeconds : Math.min(Math.max(seconds, 2), longestConnectTimeoutSeconds);
}
function integerOf(text) {
	return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
/**
* Prisma's TLS parameters in libpq's words. Its `sslcert` is the certificate of the authority (libpq's
* sslrootcert); `sslaccept=strict` checks chain and host name (verify-full).
*/
function tlsEnvironment(parameters, context, problems) {
	const fileExists = context.fileExists ?? existsSync;
	if ((parameters.get("sslidentity") ?? "") !== "") problems.push({
		code: "SM_URL_SSLIDENTITY",
		message: "The database URL uses sslidentity: a PKCS#12 client certificate, which the tools of PostgreSQL cannot read.",
		hint: "Use a user that logs in with a password for migrations, or a server that this machine reaches without a client certificate."
	});
	const mode = parameters.get("sslmode") ?? "";
	if (mode !== "" && !sslModes.includes(mode)) problems.push({
		code: "SM_URL_INVALID",
		message: "The sslmode in the database URL is not known.",
		hint: `Use one of ${sslModes.join(", ")}.`
	});
	const accept = parameters.get("sslaccept") ?? "";
	const environment = {};
	if (mode !== "") environment.PGSSLMODE = mode;
	else if (parameters.get("ssl") === "true") environment.PGSSLMODE = "require";
	const isStrict = accept === "strict" && mode !== "disable";
	if (isStrict) environment.PGSSLMODE = "verify-full";
	const certificate = parameters.get("sslcert") ?? "";
	const verifies = isStrict || mode.startsWith("verify-");
	if (certificate !== "" && (verifies || accept !== "accept_invalid_certs")) {
		const directory = context.directory ?? process.cwd();
		const found = (isAbsolute(certificate) ? [certificate] : [resolve(directory, certificate), resolve(directory, "prisma", certificate)]).find((path) => fileExists(path));
		if (found === void 0) problems.push({
			code: "SM_URL_CERTIFICATE",
			message: "The file that the database URL names as sslcert is not there.",
			hint: "Give an absolute path, or one relative to working-directory or its prisma folder."
		});
		else environment.PGSSLROOTCERT = found;
	} else if (verifies) {
		const found = systemCertificates.find((path) => fileExists(path));
		if (found !== void 0) environment.PGSSLROOTCERT = found;
	}
	return environment;
}

// src/database/postgres/server/url-secrets.ts
/**
* Shorter values are not masked on their own: replacing every `a` in a log hides nothing and makes it unreadable.
* The URL as a whole is masked all the same.
*/
const shortestSecretLength = 4;
/** Parameters whose values are secrets, whoever reads them. */
const secretParameters = [
	"password",
	"sslpassword",
	"sslidentity",
	"api_key",
	"apikey",
	"token"
];
/**
* Every text that must be masked when this URL is known: masking is by exact match, so masking the URL alone
* does not hide a password that a tool prints by itself. Works on URLs that cannot be parsed, too.
* Longest first, so that no replaced part hides a longer one.
*/
function secretsIn(url) {
	const trimmed = url.trim();
	const found = /* @__PURE__ */ new Set([url, trimmed]);
	const add = (value) => {
		if (value === null || value === void 0) return;
		for (const form of formsOf$1(value)) if (form.length >= shortestSecretLength) found.add(form);
	};
	add(/^[a-z+:]+:\/\/[^:/?#]*:(.*)@/is.exec(trimmed)?.[1]);
	if (URL.canParse(trimmed)) {
		const parsed = new URL(trimmed);
		add(parsed.password);
		for (const name of secretParameters) add(parsed.searchParams.get(name));
	}
	return [...found].filter((value) => value.trim() !== "").sort((a, b) => b.length - a.length);
}
/** A value as written, decoded, and in the encodings in which it may turn up again. */
function formsOf$1(value) {
	const decoded = decodePercent(value) ?? value;
	return [
		value,
		decoded,
		decoded.isWellFormed() ? encodeURIComponent(decoded) : decoded,
		JSON.stringify(decoded).slice(1, -1)
	];
}

// src/system/short-command.ts
/**
* Runs a short command to its end and gives back what it wrote (UTF-8): a program that answers at once, from this
* machine alone, reads no input and has nothing secret in its arguments. What has to be given up after a time, ended on
* cancel or read while it runs belongs to process.ts. So does what is given an input: the toolkit listens to no error
* of that pipe, and a program that ends before it has read everything ends us with EPIPE (@actions/exec 3.0.0).
*
* Resolves however it ends; rejects with SM_PROCESS_NOT_STARTED when it is not there or may not be executed.
*/
async function runShortCommand(command, args, options) {
	try {
		return await getExecOutput(`"${command.replaceAll("\"", "\\\"")}"`, [...args], {
			env: { ...options.env },
			...options.cwd === void 0 ? {} : { cwd: options.cwd },
			silent: true,
			ignoreReturnCode: true
		});
	} catch (cause) {
		throw new SafeMigrateError({
			code: "SM_PROCESS_NOT_STARTED",
			message: `${command} could not be started`,
			hint: "Check that the program is installed, that it may be executed and that the working directory exists.",
			cause
		});
	}
}

// src/git/base-branch.ts
/** For what asks the remote; everything else is answered by the clone. */
const fetchTimeoutMs = 6e4;
/**
* Reads `paths` in the base and in HEAD. Of a shallow clone, which is what actions/checkout makes, the commit that is
* needed is fetched alone (`--depth=1`). Writes nothing but git's own objects.
*
* `baseCommit` is the base branch as it was when the pull request was last pushed to, while the merge that GitHub makes
* for a run takes the base branch as it is then: its first parent counts. Where the pull request's own branch is
* checked out, it is the commit where that left the base branch.
* Rejects with SM_BASE_BRANCH: no git, no repository, or a base that cannot be had.
*/
async function readBaseBranch(request) {
	const { repository, baseCommit, headCommit } = request;
	const paths = request.paths.map((path) => relative(repository, path));
	const outside = paths.find((path) => path.startsWith(".."));
	if (outside !== void 0) throw notReadable(`${outside} lies outside of the repository`);
	const [mergedInto, merged] = await parentsOfHead(repository);
	const tip = mergedInto !== void 0 && merged === headCommit ? mergedInto : baseCommit;
	await fetchCommit(repository, tip);
	const start = tip === mergedInto ? tip : await forkPoint(repository, tip);
	const list = (commit) => listing(repository, commit, paths);
	const [base, head] = await Promise.all([list(start ?? tip), list("HEAD")]);
	return {
		base,
		head,
		tip: start === tip ? base : await list(tip),
		isMerged: start !== null
	};
}
async function fetchCommit(repository, commit) {
	if (await succeeds(repository, "cat-file", "-e", `${commit}^{commit}`)) return;
	if (await succeeds(repository, "fetch", "--quiet", "--no-tags", "--depth=1", "origin", commit)) return;
	throw notReadable(`the base commit ${commit.slice(0, 12)} is not in this clone and cannot be fetched`);
}
/** Of a merge commit; it names them even where their history was cut off. */
async function parentsOfHead(repository) {
	const [headers = ""] = (await git(repository, "cat-file", "-p", "HEAD")).split("\n\n", 1);
	const parents = [...headers.matchAll(/^parent (\S+)$/gm)].map(([, id = ""]) => id);
	return parents.length > 1 ? parents : [];
}
/** The last commit that HEAD has in common with the base branch; null where the history does not reach that far. */
async function forkPoint(repository, tip) {
	const { exitCode, stdout } = await run(repository, [
		"merge-base",
		tip,
		"HEAD"
	]);
	return exitCode === 0 ? stdout.trim() : null;
}
/** `git ls-tree -r -z`: `<mode> blob <id>\t<path>` for every file. */
async function listing(repository, commit, paths) {
	const text = await git(repository, "ls-tree", "-r", "-z", commit, "--", ...paths.map((path) => path || "."));
	const files = /* @__PURE__ */ new Map();
	for (const entry of text.split("\0")) {
		const [, id, path] = /^\S+ blob (\S+)\t(.*)$/s.exec(entry) ?? [];
		if (id !== void 0 && path !== void 0) files.set(path, id);
	}
	return files;
}
async function git(repository, ...args) {
	const { exitCode, stdout, stderr } = await run(repository, args);
	if (exitCode === 0) return stdout;
	throw notReadable(`git ${args[0]} failed: ${stderr.trim().split("\n").at(-1) ?? ""}`);
}
async function succeeds(repository, ...args) {
	return (await run(repository, args)).exitCode === 0;
}
async function run(repository, args) {
	const all = [
		"-c",
		`safe.directory=${repository}`,
		"-c",
		"core.quotePath=false",
		...args
	];
	const options = {
		cwd: repository,
		env: childEnvironment({
			GIT_TERMINAL_PROMPT: "0",
			LC_ALL: "C"
		})
	};
	try {
		return args[0] === "fetch" ? await readOutput("git", all, {
			...options,
			timeoutMs: fetchTimeoutMs
		}) : await runShortCommand("git", all, options);
	} catch (cause) {
		throw notReadable("git could not be run", cause);
	}
}
function notReadable(reason, cause) {
	return new SafeMigrateError({
		code: "SM_BASE_BRANCH",
		message: `the base branch could not be read: ${reason}`,
		hint: "Give actions/checkout fetch-depth: 0, or leave persist-credentials on so that the base commit can be fetched.",
		docs: "check.md",
		cause
	});
}

// src/lint/parse-sql.ts
let parser = null;
/**
* Loads PostgreSQL's parser (libpg-query, WebAssembly). To be called while nothing is at stake: its initialisation
* starts at import and a failure there can end the process. Rejects with SM_PARSER.
*/
async function loadParser() {
	if (parser !== null) return;
	setFlagsFromString("--no-wasm-tier-up");
	setFlagsFromString("--no-wasm-dynamic-tiering");
	try {
		const library = await import("./libpg-query-wasm.js").then((m) => /* @__PURE__ */ __toESM(m.default, 1));
		await library.loadModule();
		parser = library;
	} catch (cause) {
		throw new SafeMigrateError({
			code: "SM_PARSER",
			message: `the SQL parser cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
			hint: "The files of the action are incomplete: libpg-query.wasm belongs beside its bundle. Use a released version.",
			cause
		});
	}
}
/**
* Parses a script with the grammar of PostgreSQL 18. null when it is not SQL to that grammar, or when the parser was
* not loaded: never throws, because recovery asks.
*/
function parseSql(sql) {
	if (parser === null || sql.includes("\0")) return null;
	let statements;
	try {
		statements = parser.parseSync(sql).stmts ?? [];
	} catch {
		return null;
	}
	const offsets = new ByteOffsets(sql);
	return statements.flatMap(({ stmt, stmt_location: startByte = 0, stmt_len: sizeBytes = 0 }) => {
		const [kind] = Object.keys(stmt ?? {});
		if (kind === void 0) return [];
		const start = offsets.toUnits(startByte);
		const end = sizeBytes === 0 ? sql.length : offsets.toUnits(startByte + sizeBytes);
		return {
			kind,
			node: stmt,
			text: sql.slice(start, end).trimEnd(),
			start,
			line: offsets.lineAt(start)
		};
	});
}
/** A DO statement's PL/pgSQL as a tree (PostgreSQL's plpgsql.h); null when it cannot be read. Never throws. */
function parseBlock(statement) {
	if (parser === null || statement.includes("\0")) return null;
	try {
		return parser.parsePlPgSQLSync(statement);
	} catch {
		return null;
	}
}
/** Turns the parser's offsets, which count UTF-8 bytes, into string offsets. Asked in ascending order. */
var ByteOffsets = class {
	#sql;
	#bytes;
	#knownByte = 0;
	#knownUnit = 0;
	#knownLine = 1;
	#lineUnit = 0;
	constructor(sql) {
		this.#sql = sql;
		this.#bytes = Buffer.from(sql, "utf8");
	}
	toUnits(byte) {
		this.#knownUnit += this.#bytes.toString("utf8", this.#knownByte, byte).length;
		this.#knownByte = byte;
		return this.#knownUnit;
	}
	lineAt(unit) {
		for (; this.#lineUnit < unit; this.#lineUnit += 1) if (this.#sql.charCodeAt(this.#lineUnit) === 10) this.#knownLine += 1;
		return this.#knownLine;
	}
};

// src/prisma/project/compare-url.ts
/**
* Problems when the URL that the action was given (`given`) and the one that Migrate will use (`used`) lead to
* different databases: one would be backed up and another migrated. Host, port, database and schema count; user and
* password may differ. Host names are compared as written: two names of one server cannot be told from here.
* `schemaUrl`: where the schema has the URL, for the hint.
*/
function comparePrismaUrl(given, used, directory, schemaUrl = null) {
	const [ours, prismas] = [parsePostgresUrl(given.reveal(), { directory }), parsePostgresUrl(used.reveal(), { directory })];
	if (ours.target === null) return ours.problems;
	if (prismas.target === null) return prismas.problems;
	const [a, b] = [ours.target, prismas.target];
	const differing = [
		...a.address.host === b.address.host ? [] : ["host"],
		...a.address.port === b.address.port ? [] : ["port"],
		...a.address.database === b.address.database ? [] : ["database"],
		...a.schema === b.schema ? [] : ["schema"]
	];
	if (differing.length === 0) return [];
	return [{
		code: "SM_URL_MISMATCH",
		message: `database-url leads to ${place(a)}, but Prisma would migrate ${place(b)} (different: ${differing.join(", ")})`,
		hint: `Make both the same: leave database-url out to use what Prisma uses, or ${wayToTheSame(schemaUrl)}.`
	}];
}
function wayToTheSame(schemaUrl) {
	if (schemaUrl === null) return "let prisma.config.ts read DATABASE_URL and set that in the env of the step";
	const { property, variable } = schemaUrl;
	return variable === null ? `write ${property} = env("DATABASE_URL") into the datasource of the schema, which holds a URL itself` : `set ${variable} in the env of the step to the same URL (${property} of the schema reads it)`;
}
function place({ address, schema }) {
	return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}, database ${address.database}, schema ${schema}`;
}

// src/prisma/project/schema-url.ts
/** Reads the datasource block out of the texts of the schema's files; null when it names no URL. */
function schemaUrlIn(texts) {
	const block = firstDatasource(texts);
	for (const property of ["directUrl", "url"]) {
		const value = new RegExp(String.raw`^\s*${property}\s*=\s*(?:env\(\s*"([^"]*)"\s*\)|")`, "m").exec(block);
		if (value !== null) return {
			property,
			variable: value[1] ?? null
		};
	}
	return null;
}
/** Variables that the datasource reads `url` and `directUrl` from: up to 6 Migrate loads with both or not at all. */
function urlVariablesIn(texts) {
	return [...firstDatasource(texts).matchAll(/^\s*(?:url|directUrl)\s*=\s*env\(\s*"([^"]*)"\s*\)/gm)].map(([, name = ""]) => name);
}
/** The datasource's provider, e.g. `postgresql`; null when it is not to be seen. */
function providerIn(texts) {
	for (const text of texts) {
		const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(datasourceIn(text) ?? "")?.[1];
		if (provider !== void 0) return provider;
	}
	return null;
}
/** The `schemas` of the datasource; empty when it names none, and Prisma looks at the URL's alone. */
function schemasIn(texts) {
	const block = firstDatasource(texts);
	return [...(/^\s*schemas\s*=\s*\[([^\]]*)\]/m.exec(block)?.[1] ?? "").matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([quoted]) => JSON.parse(quoted));
}
function firstDatasource(texts) {
	return texts.map(datasourceIn).find((each) => each !== null) ?? "";
}
/** What stands between the braces, without lines that are comments; strings may hold braces. */
function datasourceIn(text) {
	const withoutComments = text.replace(/^\s*\/\/.*$/gm, "");
	return /^[ \t]*datasource\s+\w+\s*\{((?:"(?:[^"\\]|\\.)*"|[^"}])*)\}/m.exec(withoutComments)?.[1] ?? null;
}

// src/prisma/printed-text.ts
/** Lines that carry row values: PostgreSQL prints them after the primary message. */
const rowValueLine = /^\s*(DETAIL|CONTEXT|WHERE|STATEMENT|QUERY):/;
/** What Prisma prints after them. Row values may hold line breaks, so only these end the hidden part. */
const afterRowValues = /^(HINT:|Position:|DbError \{|Migration name:|Error: P\d{4}|P\d{4}$|\s*0: \w+::)/;
/** Fields of Rust's debug form of a database error that carry row values, and the queries of functions. */
const debugFields = /\b(detail|hint|where_|query): (Some\()?"(?:[^"\\]|\\.)*"\)?/g;
/** `scheme://user:password@`, wherever it stands. */
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'`]*):[^\s"'`]*@/gi;
const hidden$1 = "*** (row values are not shown)";
/**
* Makes what Prisma prints fit for a log, line by line: no passwords of URLs, and no row values, which PostgreSQL
* puts into DETAIL and CONTEXT and which Prisma repeats in a `DbError { … }` line. Keeps state between lines.
*/
var PrintedTextFilter = class {
	#secrets;
	#isHiding = false;
	#rest = "";
	/** `secrets` are texts that must never be seen, besides what looks like a URL with a password. */
	constructor(secrets = []) {
		this.#secrets = secrets.filter((secret) => secret !== "").toSorted((a, b) => b.length - a.length);
	}
	/** The part of `chunk` (and of what came before) that forms whole lines, filtered. */
	add(chunk) {
		const lines = (this.#rest + chunk).split("\n");
		this.#rest = lines.pop() ?? "";
		return lines.map((line) => this.#line(line, "\n")).join("");
	}
	/** What is left when no more comes. */
	end() {
		const rest = this.#rest;
		this.#rest = "";
		return rest === "" ? "" : this.#line(rest, "");
	}
	#line(line, ending) {
		const plain = stripVTControlCharacters(line);
		if (afterRowValues.test(plain)) this.#isHiding = false;
		if (this.#isHiding) return "";
		const label = rowValueLine.exec(plain)?.[1];
		if (label !== void 0) {
			this.#isHiding = true;
			return `${label}: ${hidden$1}${ending}`;
		}
		if (/^\s*HINT:/.test(plain)) return `HINT: ${hidden$1}${ending}`;
		return this.#secrets.reduce((text, secret) => text.replaceAll(secret, "***"), line).replace(urlPassword, "$1:***@").replace(debugFields, "$1: ***").concat(ending);
	}
};
/** The same for a text that is there as a whole; colours are taken out. */
function readableText(text, secrets = []) {
	const filter = new PrintedTextFilter(secrets);
	return stripVTControlCharacters(filter.add(text) + filter.end());
}

// src/prisma/project/run-in-group.ts
/**
* Runs a program to its end, in its own process group. Aborting ends the whole group.
* Resolves however it ends; rejects only when it cannot be started.
*/
async function runInGroup(run) {
	const stdoutText = new StringDecoder("utf8");
	const stderrText = new StringDecoder("utf8");
	const child = startProcess(run.file, run.arguments, {
		env: run.env,
		cwd: run.workingDirectory,
		ownGroup: true,
		signal: run.signal,
		stdin: run.input === void 0 ? "ignore" : "pipe",
		onStderr: (chunk) => run.onOutput(stderrText.write(chunk))
	});
	child.stdout.on("data", (chunk) => run.onOutput(stdoutText.write(chunk)));
	child.stdin?.end(run.input);
	if (child.pid !== null) run.onStart?.(child.pid);
	const exit = await child.exited;
	if ((run.signal.aborted || exit.exitCode !== 0) && child.pid !== null) await endGroup(child.pid);
	return exit;
}

// src/prisma/project/prisma-command.ts
/**
* The environment for Prisma: ours without the runner's secrets. DATABASE_URL is the input's URL when the
* environment has none. `applicationName` names our sessions where the engine's driver reads PGAPPNAME.
*/
function prismaEnvironment(databaseUrl, applicationName, own = process.env) {
	const inherited = childEnvironment({}, own);
	const hasUrl = (inherited.DATABASE_URL ?? "") !== "";
	delete inherited.FORCE_COLOR;
	return {
		...inherited,
		...hasUrl || databaseUrl === null ? {} : { DATABASE_URL: databaseUrl.reveal() },
		PGAPPNAME: applicationName,
		NO_COLOR: "1",
		CHECKPOINT_DISABLE: "1",
		PRISMA_HIDE_UPDATE_MESSAGE: "1"
	};
}
/**
* Runs the project's Prisma to its end, in its own process group. Aborting ends the whole group.
* Resolves however it ends; rejects only when it cannot be started.
*/
async function runPrisma(run) {
	const { schemaPath, configPath, workingDirectory } = run.project;
	return await runInGroup({
		...run,
		file: process.execPath,
		arguments: [
			run.installation.cliPath,
			...run.command,
			...schemaPath === null ? [] : ["--schema", schemaPath],
			...configPath === null ? [] : ["--config", configPath]
		],
		workingDirectory
	});
}

// src/system/temporary-folder.ts
/** Makes a private folder where the machine keeps temporary files. Rejects with SM_TMPDIR. */
async function makeTemporaryFolder(prefix) {
	try {
		return await mkdtemp(join(tmpdir(), prefix));
	} catch (error) {
		throw unusableTmpdir(error);
	}
}
function unusableTmpdir(cause) {
	const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
	return new SafeMigrateError({
		code: "SM_TMPDIR",
		message: `nothing can be written in ${shortened$1(tmpdir())}, where this machine keeps temporary files (${code})`,
		hint: "Let TMPDIR name a folder that this user may write in, with a path of less than 80 characters, or leave it unset (then it is /tmp).",
		cause
	});
}
/** A path as a message shows it. */
function shortened$1(path) {
	return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

// src/prisma/capture/capture-engine.ts
const migrationsList = object$1({
	baseDir: string(),
	lockfile: object$1({ content: string().nullable() }),
	/** In the order in which Prisma applies them. */
	migrationDirectories: array(object$1({ path: string() }))
});
const datasourceArgument = object$1({ url: string() });
const message = union([
	object$1({ argv: array(string()) }),
	object$1({
		migrations: migrationsList,
		externalTables: array(string())
	}),
	object$1({ migrationsDirectory: string() })
]);
/**
* Runs as PRISMA_SCHEMA_ENGINE_BINARY. It hands its arguments and the first requests to our socket, so the URL is
* never on disk, and answers as if the database were up to date, which makes `prisma migrate status` end at once.
* Arguments and requests as measured on 5.0 to 7.10: `cli --datasource URL can-connect-to-database` up to 6,
* `--datasource JSON cli …` from 7 on; then `-d FILE` or `--datamodels FILE` for each file of the schema, with
* `--datasource JSON` where a config has the URL, and JSON-RPC on stdin whose `diagnoseMigrationHistory` carries the
* migrations (5.0 to 6.5: only the path of their folder).
*/
const engineScript = `'use strict';
const { connect } = require('node:net');
const { createInterface } = require('node:readline');
const socket = connect(require('node:path').join(__dirname, 'socket'));
const waiting = [];
// Prisma ends us as soon as it is answered, so it is answered only when we were heard.
const tell = (value, heard) => {
  waiting.push(heard);
  socket.write(JSON.stringify(value) + '\\n');
};
createInterface({ input: socket }).on('line', () => waiting.shift()());
if (process.argv.includes('cli')) tell({ argv: process.argv.slice(2) }, () => process.exit(0));
else {
  tell({ argv: process.argv.slice(2) }, () => {});
  const result = { hasMigrationsTable: true, history: null, failedMigrationNames: [], editedMigrationNames: [], migrations: [] };
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const { id, params } = JSON.parse(line);
      const answer = () => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
      if (params !== undefined && params.migrationsDirectoryPath !== undefined) {
        return tell({ migrationsDirectory: params.migrationsDirectoryPath }, answer);
      }
      if (params === undefined || params.migrationsList === undefined) return answer();
      const { baseDir, lockfile, migrationDirectories } = params.migrationsList;
      const names = migrationDirectories.map(({ path }) => ({ path }));
      const externalTables = params.filters?.externalTables ?? [];
      tell({ migrations: { baseDir, lockfile, migrationDirectories: names }, externalTables }, answer);
    })
    .on('close', () => process.exit(0));
}
`;
/** Makes the engine in a folder that only this user can enter. Disposing removes it. */
async function openCaptureEngine() {
	const directory = await makeTemporaryFolder("safe-migrate-");
	const messages = [];
	const sockets = /* @__PURE__ */ new Set();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on("error", () => {});
		socket.on("close", () => sockets.delete(socket));
		createInterface({ input: socket }).on("line", (line) => {
			const parsed = parseMessage(line);
			if (parsed !== null) messages.push(parsed);
			socket.write("heard\n");
		});
	});
	const closeServer = () => new Promise((resolve) => {
		for (const socket of sockets) socket.destroy();
		server.close(() => resolve());
	});
	try {
		await chmod(directory, 448);
		const path = join(directory, "schema-engine");
		const scriptPath = join(directory, "capture.cjs");
		await writeFile(scriptPath, engineScript, { mode: 384 });
		await writeFile(path, `#!/bin/sh\nexec ${quoted$1(process.execPath)} ${quoted$1(scriptPath)} "$@"\n`, { mode: 448 });
		await new Promise((resolve, reject) => {
			server.once("error", (error) => reject(unusableTmpdir(error)));
			server.listen(join(directory, "socket"), resolve);
		});
		return {
			path,
			captured: () => summarise(messages),
			async [Symbol.asyncDispose]() {
				await closeServer();
				await rm(directory, {
					recursive: true,
					force: true
				});
			}
		};
	} catch (error) {
		await closeServer();
		await rm(directory, {
			recursive: true,
			force: true
		});
		throw error;
	}
}
/** null for what a Prisma that we do not know may send: what is missing shows in the summary. */
function parseMessage(line) {
	try {
		return message.parse(JSON.parse(line));
	} catch {
		return null;
	}
}
function summarise(messages) {
	const argumentLists = messages.flatMap((each) => "argv" in each ? [each.argv] : []);
	const datasource = argumentLists.flatMap((argv) => valuesOf(argv, ["--datasource"])).at(-1);
	const served = argumentLists.filter((argv) => !argv.includes("cli"));
	return {
		url: datasource === void 0 ? null : urlIn(datasource),
		urlIsHandedOver: served.some((argv) => valuesOf(argv, ["--datasource"]).length > 0),
		schemaFiles: argumentLists.flatMap((argv) => valuesOf(argv, ["--datamodels", "-d"])),
		migrations: messages.flatMap((each) => "migrations" in each ? [each.migrations] : []).at(-1) ?? null,
		externalTables: messages.flatMap((each) => "externalTables" in each ? [each.externalTables] : []).at(-1) ?? [],
		migrationsDirectory: messages.flatMap((each) => "migrationsDirectory" in each ? [each.migrationsDirectory] : []).at(-1) ?? null
	};
}
/** A URL, or a JSON object that holds it. */
function urlIn(datasource) {
	if (!datasource.startsWith("{")) return datasource;
	try {
		return datasourceArgument.parse(JSON.parse(datasource)).url;
	} catch {
		return null;
	}
}
function valuesOf(argv, names) {
	return argv.flatMap((argument, index) => names.includes(argument) ? argv[index + 1] ?? [] : []);
}
function quoted$1(text) {
	return `'${text.replaceAll("'", `'\\''`)}'`;
}

// src/prisma/capture/unset-variable.ts
/**
* The variable that Prisma missed, from what it printed; null when it missed none. Up to 6 the error points at the
* schema's line (measured on 5.0 to 6.19), from a config it only names the variable (6.19, 7.10).
*/
function unsetVariableIn(said) {
	const name = /Environment variable not found: (\w+)/.exec(said)?.[1] ?? /environment variable `(\w+)` resolved to an empty string/.exec(said)?.[1] ?? /environment variable:\s+`?"?(\w+)/i.exec(said)?.[1];
	if (name === void 0) return null;
	return {
		name,
		holdsUrl: new RegExp(String.raw`^\s*\d+ \|\s+(?:url|directUrl)\s*=\s*env\(\s*"${name}"\s*\)`, "m").test(said)
	};
}

// src/prisma/capture/capture-refusals.ts
/** A variable that must hold the URL which Migrate uses is not set. */
var UnsetUrlVariableError = class extends RefusedError {
	variable;
	constructor(variable, ...details) {
		super(...details);
		this.variable = variable;
	}
};
/** The input `prisma-config` with a version that has no such option. */
function noConfigOption(version) {
	return new SafeMigrateError({
		code: "SM_PRISMA_CONFIG",
		message: `prisma-config is set, but prisma ${version} cannot be given a config file (6.4 and later can)`,
		hint: "Remove prisma-config and use prisma-schema, or upgrade Prisma.",
		docs: "prisma.md"
	});
}
/** The project's provider is another one. */
function notPostgres(provider) {
	return new SafeMigrateError({
		code: "SM_PROVIDER",
		message: `the provider of this Prisma project is ${provider}; safe-migrate works with PostgreSQL`,
		hint: "Remove the action for this database, or point working-directory at the project whose provider is postgresql.",
		docs: "prisma.md"
	});
}
/** Prisma did not come to an end by itself. */
function tookTooLong(project, timeoutMs) {
	return new SafeMigrateError({
		code: "SM_PRISMA_CONFIG",
		message: `Prisma did not say within ${timeoutMs / 1e3} s which database it uses (in ${project.workingDirectory})`,
		hint: "See whether prisma.config.ts waits for something (a secret store, a network), by running `npx prisma migrate status` in that folder.",
		docs: "prisma.md"
	});
}
/** Why Prisma ended before it called its engine, from what it printed. */
function notLoaded(said, project, databaseUrl) {
	const cause = new Error(said);
	const unset = unsetVariableIn(said);
	if (unset !== null) {
		const details = {
			docs: "prisma.md",
			cause
		};
		const problems = [databaseUrl === "" && (unset.holdsUrl || unset.name === "DATABASE_URL") ? noUrl(project, unset.name) : unsetProblem(unset.name, project)];
		return unset.holdsUrl ? new UnsetUrlVariableError(unset.name, problems, details) : new RefusedError(problems, details);
	}
	const problem = knownReason(said, project, databaseUrl);
	if (problem !== null) return new RefusedError([problem], {
		docs: "prisma.md",
		cause
	});
	return new RefusedError([{
		code: "SM_PRISMA_CONFIG",
		message: `Prisma could not load this project in ${project.workingDirectory}: ${firstError(said)}`,
		hint: "Run `npx prisma validate` in that folder to see all that Prisma says."
	}], {
		docs: "prisma.md",
		cause
	});
}
function unsetProblem(variable, project) {
	return {
		code: "SM_PRISMA_CONFIG",
		message: `the Prisma project in ${project.workingDirectory} needs the environment variable ${variable}, which is not set or empty`,
		hint: `Set ${variable} in the env of the step. ${missingSecret}`
	};
}
/** The commonest first mistake: GitHub hands over a secret that does not exist as an empty text, without a word. */
const missingSecret = "A secret that does not exist arrives as an empty text: see that it is set in this repository, or in the environment that the job names (environment: …).";
function noUrl(project, variable = "DATABASE_URL") {
	return {
		code: "SM_PRISMA_CONFIG",
		message: `database-url is empty, and so is ${variable}, where the Prisma project in ${project.workingDirectory} looks for its URL`,
		hint: `Give this step database-url: \${{ secrets.DATABASE_URL }}. ${missingSecret}`
	};
}
function knownReason(said, project, databaseUrl) {
	const where = project.workingDirectory;
	if (/Could not find (a |the )?(Prisma )?schema|Could not load (`--schema`|schema)|Config file not found/i.test(said)) return {
		code: "SM_PRISMA_PROJECT",
		message: `Prisma finds no schema or config file for ${where}: ${firstError(said)}`,
		hint: "Point working-directory at the folder from which you run Prisma, or name the files with prisma-schema and prisma-config."
	};
	if (/Accelerate URL is not supported|To use a URL with protocol `prisma/i.test(said)) return {
		code: "SM_URL_PRISMA_PROXY",
		message: "Prisma Migrate is configured with a prisma:// or prisma+postgres:// URL, which cannot be dumped through.",
		hint: "Give Prisma Migrate the direct TCP URL of the database: postgresql://user:password@host:5432/database"
	};
	if (/using driver adapter/i.test(said)) return {
		code: "SM_PRISMA_CONFIG",
		message: `the Prisma config in ${where} gives Migrate a driver adapter, so Prisma does not say which database it uses`,
		hint: "Set engine: 'classic' and datasource.url in prisma.config.ts for migrations, or leave engine and adapter out and keep the URL in the schema."
	};
	if (/datasource\.url.*(required|must)/.test(said)) {
		if (databaseUrl === "") return noUrl(project);
		return {
			code: "SM_PRISMA_CONFIG",
			message: `the Prisma config in ${where} gives no datasource.url`,
			hint: "Set datasource.url in prisma.config.ts (for example to process.env.DATABASE_URL), and the input database-url or DATABASE_URL in the env of the step."
		};
	}
	if (/Connection url is empty/i.test(said)) {
		if (databaseUrl === "") return noUrl(project);
		return {
			code: "SM_PRISMA_CONFIG",
			message: `the Prisma config in ${where} works out an empty URL, although DATABASE_URL is set`,
			hint: `See which variable its datasource.url reads first (DIRECT_URL, for example): ?? lets an empty text through, || does not. ${missingSecret}`
		};
	}
	return null;
}
function firstError(said) {
	const lines = said.split("\n").filter((line) => line.trim() !== "");
	return (lines.find((line) => /^error: \S/.test(line)) ?? lines.find((line) => /Error: *\S/.test(line)) ?? lines[lines.findIndex((line) => /^Error:/.test(line)) + 1] ?? "it printed nothing").replace(/^error: /i, "").trim().slice(0, 300);
}

// src/prisma/capture/list-migrations.ts
/**
* The list that Prisma's CLI hands to its engine from some 6.x on; before, it named only the folder and the engine
* read it, in the way repeated here: every folder in it, by the bytes of its name. A missing folder is an empty one.
*/
function listMigrations(checkout, directory) {
	const names = (orNull(() => checkout.list(directory)) ?? []).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
	return {
		baseDir: directory,
		lockfile: { content: textOf(checkout, join(directory, "migration_lock.toml")) },
		migrationDirectories: names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((path) => ({ path }))
	};
}
/** The text of a file; null when it is not there. What may not be read is no missing file. */
function textOf(checkout, path) {
	return bytesOf(checkout, path)?.toString("utf8") ?? null;
}
/** The same, as it lies on the disk. */
function bytesOf(checkout, path) {
	return orNull(() => checkout.readBytes(path));
}
function orNull(read) {
	try {
		return read();
	} catch (error) {
		if (error instanceof SafeMigrateError) throw error;
		return null;
	}
}

// src/prisma/capture/capture-project.ts
/** Loading a TypeScript config on a busy runner takes seconds, not minutes. */
const captureTimeoutMs = 12e4;
/**
* Asks Prisma which database and which migrations `migrate deploy` would work with, by running `migrate status`
* with an engine that only listens. No database is connected to. A `prisma.config.ts` may compute its URL, and a
* `.env` file may hold it, so neither DATABASE_URL nor the files of the project can answer this.
*
* Rejects with SM_PRISMA_CONFIG (config or schema cannot be loaded; Prisma's own words are the cause),
* SM_PRISMA_PROJECT (nothing to migrate here), SM_PROVIDER (not PostgreSQL), SM_URL_PRISMA_PROXY.
*/
async function captureProject(request) {
	const { traits, version } = request.installation;
	if (request.project.configPath !== null && !traits.hasConfigOption) throw noConfigOption(version);
	await using engine = await openCaptureEngine();
	const timeout = AbortSignal.timeout(request.timeoutMs ?? captureTimeoutMs);
	let printed = "";
	await runPrisma({
		installation: request.installation,
		project: request.project,
		command: ["migrate", "status"],
		env: {
			...traits.needsQueryEngine ? { PRISMA_QUERY_ENGINE_LIBRARY: engine.path } : {},
			...request.env,
			PRISMA_SCHEMA_ENGINE_BINARY: engine.path
		},
		signal: AbortSignal.any([request.signal, timeout]),
		onOutput: (text) => {
			printed = (printed + text).slice(-65536);
		}
	});
	request.signal.throwIfAborted();
	if (timeout.aborted) throw tookTooLong(request.project, captureTimeoutMs);
	const captured = engine.captured();
	const said = readableText(printed, secretsIn(request.env.DATABASE_URL ?? "")).trim();
	if (captured.url === null) throw notLoaded(said, request.project, request.env.DATABASE_URL ?? "");
	const migrations = captured.migrations === null && captured.migrationsDirectory !== null ? listMigrations(request.project.checkout, captured.migrationsDirectory) : captured.migrations;
	const texts = captured.schemaFiles.map((path) => textOf(request.project.checkout, path) ?? "");
	const otherProvider = [providerIn(texts), lockedProvider(migrations?.lockfile.content ?? "")].find((provider) => provider !== null && !/^postgres(ql)?$/.test(provider));
	if (otherProvider !== void 0 && otherProvider !== null) throw notPostgres(otherProvider);
	if (migrations === null) throw notLoaded(said, request.project, request.env.DATABASE_URL ?? "");
	return {
		url: new Secret(captured.url),
		schemaUrl: captured.urlIsHandedOver ? null : schemaUrlIn(texts),
		schemas: schemasIn(texts),
		externalTables: captured.externalTables,
		schemaFiles: captured.schemaFiles,
		migrationsDirectory: migrations.baseDir,
		migrationNames: migrations.migrationDirectories.map(({ path }) => path)
	};
}
function lockedProvider(lockFile) {
	return /^\s*provider\s*=\s*"([^"]*)"/m.exec(lockFile)?.[1] ?? null;
}

// src/prisma/capture/capture-with-url.ts
/**
* captureProject with `databaseUrl` in every variable that the schema names as `url` or `directUrl` and that the
* environment of the request does not set (a value in a `.env` file gives way, as it would to the environment). What
* is set there is never changed, and a variable that a config reads is never guessed at: where it does not lead to
* the given URL, that is a problem.
*/
async function captureWithUrl(request) {
	const { databaseUrl } = request;
	if (databaseUrl === null) return {
		captured: await captureProject(request),
		env: request.env,
		problems: []
	};
	let env = withUrlVariables(request, databaseUrl);
	for (;;) {
		const attempt = await attemptCapture({
			...request,
			env
		}, databaseUrl);
		const isSet = attempt.variable === null || (env[attempt.variable] ?? "") !== "";
		if (attempt.variable !== null && !isSet) env = {
			...env,
			[attempt.variable]: databaseUrl.reveal()
		};
		else if (attempt.captured === null) throw attempt.error;
		else return {
			captured: attempt.captured,
			env,
			problems: attempt.problems
		};
	}
}
/** Where Prisma finds a schema that no option names. */
const usualSchemas = ["prisma/schema.prisma", "schema.prisma"];
/**
* The request's environment with the URL in the variables that a schema in the usual place reads it from. Prisma would say
* so itself, one variable for each start of a second. Where a `.env` lies, whose values count when they lead to the same
* database, it is asked first.
*/
function withUrlVariables(request, databaseUrl) {
	const { workingDirectory, schemaPath, checkout } = request.project;
	const below = (path) => join(workingDirectory, path);
	if ([".env", "prisma/.env"].map(below).some(existsSync)) return request.env;
	const schema = (schemaPath === null ? usualSchemas.map(below) : [schemaPath]).values().filter((path) => path.endsWith(".prisma")).map((path) => textOf(checkout, path)).find((text) => text !== null);
	const unset = urlVariablesIn([schema ?? ""]).filter((name) => (request.env[name] ?? "") === "");
	return {
		...request.env,
		...Object.fromEntries(unset.map((name) => [name, databaseUrl.reveal()]))
	};
}
async function attemptCapture(request, databaseUrl) {
	try {
		const captured = await captureProject(request);
		const { workingDirectory } = request.project;
		const problems = comparePrismaUrl(databaseUrl, captured.url, workingDirectory, captured.schemaUrl);
		return {
			captured,
			problems,
			variable: problems.length === 0 ? null : captured.schemaUrl?.variable ?? null
		};
	} catch (error) {
		if (!(error instanceof UnsetUrlVariableError)) throw error;
		return {
			captured: null,
			error,
			variable: error.variable
		};
	}
}

// src/prisma/capture/migrations-folder.ts
const configNames = [...[
	"ts",
	"mts",
	"cts",
	"js",
	"mjs",
	"cjs"
].flatMap((ending) => [`prisma.config.${ending}`, `prisma7.config.${ending}`]), ...[
	"ts",
	"mts",
	"cts",
	"js",
	"mjs",
	"cjs"
].map((ending) => `.config/prisma.${ending}`)];
const manifest$1 = object$1({ prisma: object$1({ schema: string() }) });
/**
* Finds the migrations where no Prisma is installed that could be asked: the folder that `migrations.path` of a config
* names as a plain text, else `migrations` beside the schema (of `prisma-schema`, of that config, of
* package.json, or in one of Prisma's own two places). Rejects with SM_PRISMA_PROJECT when that is no folder or cannot be known.
*/
async function findMigrations(project) {
	const config = readConfig(project);
	const { workingDirectory } = project;
	const schema = project.schemaPath ?? config?.schemaPath ?? schemaOfPackage(project);
	const directory = await findFolder(workingDirectory, config, schema);
	return {
		directory,
		names: project.checkout.list(directory).filter((entry) => entry.isDirectory()).map(({ name }) => name).toSorted(),
		schemaPath: schema ?? await usualSchema(workingDirectory)
	};
}
async function findFolder(workingDirectory, config, schema) {
	const configured = config?.migrationsPath ?? null;
	const candidates = configured !== null ? [configured] : schema !== null ? [join(await folderOf$1(schema), "migrations")] : [join(workingDirectory, "prisma", "migrations"), join(workingDirectory, "migrations")];
	for (const candidate of candidates) if (await isFolder$1(candidate)) return candidate;
	throw refused$1(`the migrations were looked for in ${candidates.join(" and ")}, and there is no such folder`, "Give prisma-schema (the migrations stand beside it), or install the project’s Prisma in a step before, which knows where they are.");
}
/** What the project's config says as plain texts; null when there is none. */
function readConfig(project) {
	const paths = project.configPath === null ? configNames.map((name) => join(project.workingDirectory, name)) : [project.configPath];
	for (const path of paths) {
		const text = textOf(project.checkout, path);
		if (text === null) continue;
		const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
		const schema = /\bschema\s*:\s*(['"`])([^'"`$]+)\1/.exec(code)?.[2];
		return {
			schemaPath: schema === void 0 ? null : resolve(dirname(path), schema),
			migrationsPath: folderOfConfig(path, code)
		};
	}
	return null;
}
/** null when the config says nothing about it. */
function folderOfConfig(path, code) {
	if (!/\bmigrations\s*:/.test(code)) return null;
	const block = /\bmigrations\s*:\s*\{([^{}]*)\}/.exec(code)?.[1];
	if (block !== void 0 && !/\bpath\b/.test(block)) return null;
	const folder = /\bpath\s*:\s*(['"`])([^'"`$]+)\1/.exec(block ?? "")?.[2];
	if (folder !== void 0) return resolve(dirname(path), folder);
	throw refused$1(`migrations.path in ${path} is computed, and no Prisma is installed here that could be asked for it`, "Write the path as a plain text, or install the project’s Prisma in a step before.");
}
/** Where Prisma looks by itself. */
async function usualSchema(workingDirectory) {
	for (const path of [join(workingDirectory, "prisma", "schema.prisma"), join(workingDirectory, "schema.prisma")]) if (await stat(path).catch(() => null) !== null) return path;
	return null;
}
function schemaOfPackage({ checkout, workingDirectory }) {
	const text = textOf(checkout, join(workingDirectory, "package.json"));
	try {
		return resolve(workingDirectory, manifest$1.parse(JSON.parse(text ?? "")).prisma.schema);
	} catch {
		return null;
	}
}
async function folderOf$1(schemaPath) {
	return await isFolder$1(schemaPath) ? schemaPath : dirname(schemaPath);
}
async function isFolder$1(path) {
	return stat(path).then((found) => found.isDirectory(), () => false);
}
function refused$1(message, hint) {
	return new RefusedError([{
		code: "SM_PRISMA_PROJECT",
		message,
		hint
	}], { docs: "prisma.md" });
}

// src/prisma/capture/odd-files.ts
/**
* Refuses a project whose schema or migrations are no plain files of the repository, before Prisma reads them: it follows
* links wherever they lead, also to where there is no end, and prints what it does not understand. What only a computed
* config names is not seen here; that is refused when we read it. Rejects with SM_CHECKOUT_FILE.
*/
async function refuseOddFiles(project) {
	const { checkout } = project;
	const problems = [];
	const attempt = (look) => {
		try {
			look();
		} catch (error) {
			if (error instanceof SafeMigrateError) problems.push(...problemsOf(error));
		}
	};
	const found = await findMigrations(project).catch((error) => {
		if (!(error instanceof SafeMigrateError)) throw error;
		problems.push(...problemsOf(error).filter(({ code }) => code === "SM_CHECKOUT_FILE"));
		return null;
	});
	if (found !== null) {
		const { directory, schemaPath } = found;
		const scripts = checkout.list(directory).map(({ name }) => join(directory, name, "migration.sql"));
		for (const path of [...scripts, join(directory, "migration_lock.toml")]) attempt(() => checkout.refuseUnlessFile(path));
		if (schemaPath !== null) attempt(() => refuseOddSchema(project, schemaPath));
	}
	if (problems.length > 0) throw new RefusedError(problems, { docs: "security.md" });
}
/** A file, or a folder of them. */
function refuseOddSchema({ checkout }, path) {
	let entries;
	try {
		entries = checkout.list(path);
	} catch (error) {
		if (error instanceof SafeMigrateError) throw error;
		checkout.refuseUnlessFile(path);
		return;
	}
	for (const { name } of entries) if (name.endsWith(".prisma")) checkout.refuseUnlessFile(join(path, name));
}

// src/system/local-ports.ts
/** How many looks later a process that was no member is looked at again: its number may be another process's by then. */
const looksPerRound = 20;
/**
* Watches which local TCP ports the processes of one group use, as the server sees them in `client_port`. Read from /proc:
* nothing where there is none (macOS), and for processes of other users.
*
* It looks many times a second for as long as a migration lasts, on a machine that may run hundreds of other processes: so it
* reads without waiting (/proc answers from memory), and does not look at every stranger every time.
*/
var LocalPorts = class {
	#groupId;
	#strangers = /* @__PURE__ */ new Set();
	/** Sockets that need no second look. The kernel walks its whole table for each reading of /proc/net/tcp. */
	#known = /* @__PURE__ */ new Set();
	#looks = 0;
	/** All that were seen since the beginning. */
	seen = /* @__PURE__ */ new Set();
	constructor(groupId) {
		this.#groupId = groupId;
	}
	look() {
		if (process.platform !== "linux") return;
		if (this.#looks % looksPerRound === 0) this.#strangers.clear();
		this.#looks += 1;
		const tables = /* @__PURE__ */ new Map();
		for (const id of this.#members()) {
			const inodes = socketInodes(id).filter((inode) => !this.#known.has(inode));
			if (inodes.length === 0) continue;
			const space = orElse(() => readlinkSync(`/proc/${id}/ns/net`), id);
			const table = tables.get(space) ?? portsByInode(id);
			tables.set(space, table);
			for (const inode of inodes) {
				const port = table.get(inode);
				if (port === void 0) continue;
				this.seen.add(port);
				this.#known.add(inode);
			}
			for (const inode of inodes.every((inode) => table.has(inode)) ? [] : unixInodes(id)) this.#known.add(inode);
		}
	}
	#members() {
		return readdirSync("/proc").filter((id) => {
			if (!/^\d+$/.test(id) || this.#strangers.has(id)) return false;
			const stat = orElse(() => readFileSync(`/proc/${id}/stat`, "utf8"), "");
			const isMember = parseStat(stat).groupId === this.#groupId;
			if (!isMember) this.#strangers.add(id);
			return isMember;
		});
	}
};
/** What has ended since it was listed, or belongs to somebody else, has nothing to read. */
function orElse(read, otherwise) {
	try {
		return read();
	} catch {
		return otherwise;
	}
}
function socketInodes(id) {
	return orElse(() => readdirSync(`/proc/${id}/fd`), []).flatMap((descriptor) => {
		const target = orElse(() => readlinkSync(`/proc/${id}/fd/${descriptor}`), "");
		return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [];
	});
}
/** Lines of /proc/net/unix: `Num RefCount Protocol Flags Type St Inode Path`. */
function unixInodes(id) {
	return orElse(() => readFileSync(`/proc/${id}/net/unix`, "utf8"), "").split("\n").slice(1).flatMap((line) => line.trim().split(/\s+/)[6] ?? []);
}
/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`, addresses as `HEX:PORT`. */
function portsByInode(id) {
	const lines = ["tcp", "tcp6"].flatMap((table) => orElse(() => readFileSync(`/proc/${id}/net/${table}`, "utf8"), "").split("\n").slice(1));
	const ports = /* @__PURE__ */ new Map();
	for (const line of lines) {
		const [, local, , , , , , , , inode] = line.trim().split(/\s+/);
		const port = Number.parseInt(local?.split(":")[1] ?? "", 16);
		if (inode !== void 0 && inode !== "0" && !Number.isNaN(port)) ports.set(inode, port);
	}
	return ports;
}

// src/prisma/cli/deploy.ts
/** Short enough to see the engine's connection, which opens with the first question it asks. */
const portSampleMs = 50;
/**
* Runs `prisma migrate deploy`. What it prints goes to the log as it comes, without row values and passwords; the
* result holds the same text. Resolves however it ends: whether it worked is told by the history alone.
*/
async function deployMigrations(request) {
	const { installation, project, env, signal } = request;
	return await watchDeploy(request, (watch) => runPrisma({
		installation,
		project,
		command: ["migrate", "deploy"],
		env,
		signal,
		...watch
	}));
}
/** Runs what `start` starts and collects what recovery wants to know of it. */
async function watchDeploy(request, start) {
	const filter = new PrintedTextFilter(request.secrets);
	let output = "";
	const show = (text) => {
		if (text === "") return;
		output = (output + text).slice(-65536);
		request.log.output(text);
	};
	let localPorts = /* @__PURE__ */ new Set();
	let sampling = Promise.resolve();
	const ended = new AbortController();
	const exit = await start({
		onOutput: (text) => show(filter.add(text)),
		onStart: (groupId) => {
			const ports = new LocalPorts(groupId);
			localPorts = ports.seen;
			sampling = samplePorts(ports, ended.signal);
		}
	}).finally(() => ended.abort());
	await sampling;
	show(filter.end());
	return {
		exitCode: exit.exitCode,
		signal: exit.signal,
		output,
		errorCode: errorCodeIn(output),
		localPorts
	};
}
/** Prisma's error code (`P1002`, `P3018`, …) in what it printed, or null. */
function errorCodeIn(output) {
	return /^(?:Error: )?(P\d{4})\b/m.exec(stripVTControlCharacters(output))?.[1] ?? null;
}
async function samplePorts(ports, ended) {
	while (!ended.aborted) {
		ports.look();
		await setTimeout$1(portSampleMs, void 0, { signal: ended }).catch(() => {});
	}
}

// src/system/checkout.ts
/** GitHub takes no larger file into a repository. */
const maximumBytes = 100 * 1024 ** 2;
/**
* The files of a repository that is not trusted: whoever opens a pull request writes them, and what stands in them is
* published. So only regular files are read whose real place is inside, and folders: no link to the runner's own files, to
* another process, to a device without end or a pipe that nobody fills. What git keeps of its own (credentials among it)
* is not inside either.
*
* Reading waits for nobody: a file is never opened before it is seen to be one, and never through a link.
*/
var Checkout = class {
	#roots;
	/**
	* @param roots folders whose files may be read; @param named what the workflow itself names (a schema, a config): where
	* that lies elsewhere by its own path, its folder counts as well
	*/
	constructor(roots, named = []) {
		const folders = named.filter((path) => path !== null && !roots.some((root) => isWithin(root, path))).flatMap((path) => path === null ? [] : [isFolder(path) ? path : dirname(path)]);
		this.#roots = [...roots, ...folders].map(realPath);
	}
	/** The text of a file. Rejects with SM_CHECKOUT_FILE, and with the system's error (ENOENT) where there is none. */
	readText(path) {
		return this.readBytes(path).toString("utf8");
	}
	/** The same, as it lies on the disk. */
	readBytes(path) {
		return readRegularFile(this.#inside(path), path);
	}
	/** What lies in a folder; the same errors. */
	list(path) {
		return readdirSync(this.#inside(path), { withFileTypes: true });
	}
	/** Makes sure that a file can be read, if it is there, without reading it. Throws SM_CHECKOUT_FILE. */
	refuseUnlessFile(path) {
		try {
			expectFile(lstatSync(this.#inside(path)), path);
		} catch (error) {
			if (error instanceof SafeMigrateError) throw error;
		}
	}
	#inside(path) {
		const real = realpathSync.native(path);
		if (this.#roots.some((root) => isWithin(root, real) && !isOfGit(root, real))) return real;
		throw refused(`${path} leads out of the repository`, "Commit the file itself instead of a link to it. What a checkout links to elsewhere is not read.");
	}
};
/**
* The text of a file of an installed package, which may lie anywhere (package managers link to stores of their own): a
* regular file, of a bounded size. The same errors.
*/
function readInstalledText(path) {
	return readRegularFile(realpathSync.native(path), path).toString("utf8");
}
/** @param real without a link in it @param shown as messages name it */
function readRegularFile(real, shown) {
	expectFile(lstatSync(real), shown);
	const descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	try {
		const facts = fstatSync(descriptor);
		expectFile(facts, shown);
		const chunks = [];
		for (let sizeBytes = 0;;) {
			const chunk = Buffer.allocUnsafe(Math.min(Math.max(facts.size, 4096), 1024 ** 2));
			const bytesRead = readSync(descriptor, chunk, 0, chunk.length, sizeBytes);
			if (bytesRead === 0) return Buffer.concat(chunks);
			sizeBytes += bytesRead;
			if (sizeBytes > maximumBytes) throw tooLarge(shown);
			chunks.push(chunk.subarray(0, bytesRead));
		}
	} finally {
		closeSync(descriptor);
	}
}
function expectFile(facts, shown) {
	if (!facts.isFile()) throw refused(`${shown} is no file that could be read: a folder, a pipe or a device`, "Commit a file in its place.");
	if (facts.size > maximumBytes) throw tooLarge(shown);
}
function tooLarge(shown) {
	return refused(`${shown} is larger than ${maximumBytes / 1024 ** 2} MiB, more than GitHub takes into a repository`, "Load data in such amounts by a job of its own, and keep the migration small.");
}
function refused(message, hint) {
	return new SafeMigrateError({
		code: "SM_CHECKOUT_FILE",
		message,
		hint,
		docs: "security.md"
	});
}
function isFolder(path) {
	return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
function realPath(path) {
	try {
		return realpathSync.native(path);
	} catch {
		return resolve(path);
	}
}
function isWithin(root, path) {
	const from = relative(root, path);
	return from === "" || from !== ".." && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}
function isOfGit(root, path) {
	return relative(root, path).split(sep).includes(".git");
}

// src/prisma/project/version-traits.ts
/** Majors of Prisma that can be driven. */
const supportedMajors = {
	oldest: 5,
	newest: 7
};
/** Looks the traits of an installed version up. `version` is one that `versionProblem` has nothing against. */
function traitsOf(version) {
	const { major, minor } = parseVersion(version);
	const isConfigured = major >= 7;
	return {
		hasConfigOption: isConfigured || major === 6 && minor >= 4,
		urlInSchema: !isConfigured,
		needsQueryEngine: !isConfigured,
		diff: isConfigured ? {
			schema: "schema",
			database: "config-datasource",
			shadowDatabase: "config"
		} : {
			schema: "schema-datamodel",
			database: "schema-datasource",
			shadowDatabase: "option"
		}
	};
}
/** The arguments of `prisma migrate diff` for this version, without the shadow database. */
function diffArguments(version, from, to) {
	const { diff } = traitsOf(version);
	const side = (name, given) => {
		switch (given.kind) {
			case "empty": return [`--${name}-empty`];
			case "migrations": return [`--${name}-migrations`, given.directory];
			case "schema": return [`--${name}-${diff.schema}`, given.schemaPath];
			case "database": return diff.database === "config-datasource" ? [`--${name}-${diff.database}`] : [`--${name}-${diff.database}`, given.schemaPath];
		}
	};
	return [
		"migrate",
		"diff",
		...side("from", from),
		...side("to", to)
	];
}
/** Why this version cannot be driven and what to do, or null. `packageName` is the package that was found. */
function versionProblem(packageName, version) {
	const { major } = parseVersion(version);
	if (major >= supportedMajors.oldest && major <= supportedMajors.newest) return null;
	const problem = major > supportedMajors.newest ? {
		message: `${packageName} ${version} is installed; Prisma 8 has no \`migrate deploy\``,
		hint: "Keep Prisma 7 for migrations: npm install --save-dev prisma@7, or beside Prisma 8: npm install --save-dev @prisma/prisma7"
	} : {
		message: `${packageName} ${version} is installed; safe-migrate works with Prisma 5, 6 and 7`,
		hint: "Upgrade it, for example with: npm install --save-dev prisma@5"
	};
	return new SafeMigrateError({
		code: "SM_PRISMA_UNSUPPORTED",
		...problem,
		docs: "prisma.md"
	});
}
/** `major` is 0 for what is no version. */
function parseVersion(version) {
	const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(version) ?? [];
	return {
		major: Number(major),
		minor: Number(minor)
	};
}

// src/prisma/project/locate-prisma.ts
/** Packages that hold a CLI, and the name of its command. */
const binOf = {
	prisma: "prisma",
	"@prisma/prisma7": "prisma7"
};
const packageManifest = object$1({
	version: string(),
	bin: union([string(), record(string(), string())])
});
/**
* Finds the installed Prisma the way Node finds packages: `node_modules` of `workingDirectory` and of every folder
* above it (npm, yarn's node-modules linker, pnpm's links, monorepos). Where the nearest `prisma` is version 8 or
* later, or there is none, `@prisma/prisma7` is taken, which keeps Prisma 7 beside it. Never falls back to `npx`: an
* unpinned Prisma may be a major version that has no `migrate deploy`.
*
* Rejects with SM_PRISMA_MISSING, or with SM_PRISMA_UNSUPPORTED for versions that cannot be driven.
*/
async function locatePrisma(workingDirectory) {
	const prisma = await nearestPackage(workingDirectory, "prisma");
	const isSuperseded = prisma !== null && parseVersion(prisma.version).major > supportedMajors.newest;
	const found = (prisma === null || isSuperseded ? await nearestPackage(workingDirectory, "@prisma/prisma7") : null) ?? prisma;
	if (found === null) throw missing(workingDirectory);
	const problem = versionProblem(found.name, found.version);
	if (problem !== null) throw problem;
	return {
		version: found.version,
		major: parseVersion(found.version).major,
		traits: traitsOf(found.version),
		cliPath: found.cliPath
	};
}
async function nearestPackage(workingDirectory, name) {
	for (const directory of selfAndParents(workingDirectory)) {
		const packageDirectory = join(directory, "node_modules", name);
		const manifest = readManifest(packageDirectory);
		if (manifest === null) continue;
		const { bin, version } = manifest;
		const script = typeof bin === "string" ? bin : bin[binOf[name]];
		if (script === void 0) return null;
		return {
			name,
			version,
			cliPath: join(packageDirectory, script)
		};
	}
	return null;
}
function* selfAndParents(directory) {
	yield directory;
	const parent = dirname(directory);
	if (parent !== directory) yield* selfAndParents(parent);
}
/** null when the package is not there; a half-installed one counts as not there. */
function readManifest(packageDirectory) {
	let text;
	try {
		text = readInstalledText(join(packageDirectory, "package.json"));
	} catch {
		return null;
	}
	try {
		return packageManifest.parse(JSON.parse(text));
	} catch {
		return null;
	}
}
function missing(workingDirectory) {
	return new SafeMigrateError({
		code: "SM_PRISMA_MISSING",
		message: `no installed prisma was found in ${workingDirectory} or the folders above it`,
		hint: "Install the project's packages before this step (npm ci, pnpm install --frozen-lockfile or yarn install --immutable with a node_modules linker), and check working-directory.",
		docs: "prisma.md"
	});
}

// src/prisma/project/scratch-project.ts
/** Environment variables by which a scratch project learns its URLs: they never stand in a file or an argument. */
const scratchUrlVariable = "SAFE_MIGRATE_SCRATCH_URL";
const shadowUrlVariable = "SAFE_MIGRATE_SHADOW_URL";
/**
* Makes a project for this version of Prisma whose URL comes from `scratchUrlVariable`, holding copies of the
* migrations `names` of `source`. Up to 6 the schema names the URL, from 7 on a config does (which must not import
* anything: there is no node_modules).
*/
async function makeScratchProject(traits, source = null) {
	const directory = await makeTemporaryFolder("safe-migrate-scratch-");
	const remove = () => rm(directory, {
		recursive: true,
		force: true
	});
	try {
		const schemaPath = join(directory, "schema.prisma");
		const migrationsDirectory = join(directory, "migrations");
		const configPath = traits.urlInSchema ? null : join(directory, "prisma.config.mjs");
		await writeFile(schemaPath, datasource(traits, source?.schemas ?? []));
		if (configPath !== null) await writeFile(configPath, config(schemaPath, migrationsDirectory));
		await mkdir(migrationsDirectory);
		await writeFile(join(migrationsDirectory, "migration_lock.toml"), "provider = \"postgresql\"\n");
		const placeFor = async (name) => {
			await mkdir(join(migrationsDirectory, name), { recursive: true });
			return join(migrationsDirectory, name, "migration.sql");
		};
		for (const name of source?.names ?? []) {
			const script = source?.checkout.readText(join(source.migrationsDirectory, name, "migration.sql"));
			await writeFile(await placeFor(name), script ?? "");
		}
		return {
			workingDirectory: directory,
			schemaPath,
			configPath,
			checkout: new Checkout([directory]),
			migrationsDirectory,
			writeMigration: async (name, script) => writeFile(await placeFor(name), script),
			[Symbol.asyncDispose]: remove
		};
	} catch (error) {
		await remove();
		throw error;
	}
}
function datasource(traits, schemas) {
	const url = traits.urlInSchema ? `\n  url = env("${scratchUrlVariable}")` : "";
	const list = schemas.length === 0 ? "" : `\n  schemas = ${JSON.stringify(schemas)}`;
	return `${schemas.length > 0 && traits.urlInSchema ? "generator client {\n  provider = \"prisma-client-js\"\n  previewFeatures = [\"multiSchema\"]\n}\n\n" : ""}datasource db {\n  provider = "postgresql"${url}${list}\n}\n`;
}
const config = (schemaPath, migrationsDirectory) => `export default {
  schema: ${JSON.stringify(schemaPath)},
  migrations: { path: ${JSON.stringify(migrationsDirectory)} },
  datasource: { url: process.env.${scratchUrlVariable}, shadowDatabaseUrl: process.env.${shadowUrlVariable} },
};
`;

// src/prisma/classic/open-checked-project.ts
/** Stands in for DATABASE_URL where the job has none: Prisma only names it, nothing connects to it. */
const placeholderUrl = "postgresql://none:none@127.0.0.1:9/none";
const applicationName = "safe-migrate check";
const statusTimeoutMs = 6e4;
/** What the script says when both sides are the same. */
const emptyScript = "-- This is an empty migration.";
/**
* Opens the project for `check`: located, and asked what it would migrate. Works without a URL too. Rejects as
* captureProject and locatePrisma do, and with SM_URL_MISMATCH when Prisma would use another database than
* `databaseUrl` names. Nothing is connected to.
*/
async function openCheckedProject(options) {
	const { workingDirectory, schemaPath, configPath, checkout, databaseUrl } = options;
	const installation = await locatePrisma(workingDirectory);
	const project = {
		workingDirectory,
		schemaPath,
		configPath,
		checkout
	};
	await refuseOddFiles(project);
	const given = databaseUrl ?? new Secret(placeholderUrl);
	const { captured, env, problems } = await captureWithUrl({
		installation,
		project,
		env: prismaEnvironment(given, applicationName),
		databaseUrl: given,
		signal: options.signal
	});
	const hasUrl = !captured.url.reveal().startsWith(placeholderUrl);
	if (databaseUrl !== null && problems.length > 0) throw new RefusedError(problems);
	const secrets = [captured.url, databaseUrl].flatMap((url) => url === null ? [] : secretsIn(url.reveal()));
	const { target } = parsePostgresUrl(captured.url.reveal(), { directory: workingDirectory });
	const userSchema = schemaPath ?? schemaPathOf(captured.schemaFiles);
	return {
		version: installation.version,
		url: hasUrl ? captured.url : null,
		historySchema: target?.schema ?? "public",
		ownTables: {
			schemas: captured.schemas,
			external: captured.externalTables
		},
		schemaPath: userSchema,
		migrationsDirectory: captured.migrationsDirectory,
		migrationNames: captured.migrationNames,
		checkout,
		status: (signal) => readStatus({
			installation,
			project,
			env,
			secrets,
			signal
		}),
		replay: (scratch, names, signal) => replay({
			installation,
			env,
			source: {
				...captured,
				checkout
			},
			names,
			scratch,
			secrets,
			signal
		}),
		missingMigration: async (replayed, signal) => {
			await using scratch = await makeScratchProject(installation.traits, {
				...captured,
				checkout,
				names: []
			});
			const urls = { [scratchUrlVariable]: replayed.reveal() };
			return await diff({
				installation,
				project: scratch,
				env: {
					...env,
					...urls
				},
				from: {
					kind: "database",
					schemaPath: scratch.schemaPath
				},
				to: {
					kind: "schema",
					schemaPath: userSchema
				},
				signal
			});
		},
		driftReplays: installation.traits.diff.shadowDatabase === "config",
		driftScript: async ({ target: url, names, replayed, shadow }, signal) => {
			await using from = await makeScratchProject(installation.traits, {
				...captured,
				checkout,
				names
			});
			await using to = await makeScratchProject(installation.traits, {
				...captured,
				checkout,
				names: []
			});
			const shadowIsConfigured = installation.traits.diff.shadowDatabase === "config";
			const second = shadowIsConfigured ? shadow : replayed;
			if (second === null) throw new TypeError("the database that the target is compared with is missing");
			const urls = {
				[scratchUrlVariable]: url.reveal(),
				[shadowUrlVariable]: second.reveal()
			};
			return await diff({
				installation,
				project: from,
				env: {
					...env,
					...urls
				},
				from: {
					kind: "database",
					schemaPath: from.schemaPath
				},
				to: shadowIsConfigured ? {
					kind: "migrations",
					directory: from.migrationsDirectory
				} : {
					kind: "database",
					schemaPath: await secondSource(to)
				},
				signal
			}) ?? "";
		}
	};
}
/** Up to 6 both sides are schemas that name their URL by a variable: the second one names another variable. */
async function secondSource(project) {
	const text = await readFile(project.schemaPath, "utf8");
	await writeFile(project.schemaPath, text.replace(scratchUrlVariable, shadowUrlVariable));
	return project.schemaPath;
}
/** The file, or of several the folder that holds them all. */
function schemaPathOf(files) {
	const [first, ...more] = files.toSorted((a, b) => dirname(a).length - dirname(b).length);
	if (first === void 0) throw new TypeError("Prisma named no schema file");
	return more.length === 0 ? first : dirname(first);
}
async function readStatus(call) {
	const filter = new PrintedTextFilter(call.secrets);
	let text = "";
	await runPrisma({
		installation: call.installation,
		project: call.project,
		command: ["migrate", "status"],
		env: call.env,
		signal: AbortSignal.any([call.signal, AbortSignal.timeout(statusTimeoutMs)]),
		onOutput: (chunk) => {
			text = (text + filter.add(chunk)).slice(-65536);
		}
	});
	return readableText(text + filter.end()).trim();
}
async function replay(call) {
	const { installation, signal } = call;
	await using project = await makeScratchProject(installation.traits, {
		...call.source,
		names: call.names
	});
	const deployed = await deployMigrations({
		installation,
		project,
		env: {
			...call.env,
			[scratchUrlVariable]: call.scratch.reveal()
		},
		secrets: [...call.secrets, ...secretsIn(call.scratch.reveal())],
		log: { output: () => {} },
		signal
	});
	signal.throwIfAborted();
	if (deployed.exitCode === 0) return { isWhole: true };
	const output = readableText(deployed.output);
	return {
		isWhole: false,
		migration: /^Migration name: (.*)$/m.exec(output)?.[1] ?? null,
		message: /^Database error:\s*\n(?:ERROR: )?(.*)$/m.exec(output)?.[1] ?? /^(?:Error: )?(P\d{4}.*(?:\n\n?.+)?)/m.exec(output)?.[1] ?? `prisma ended with exit code ${deployed.exitCode}`
	};
}
/**
* `migrate diff --script`; null when both sides are the same. The script is taken from a file: the CLI was seen to exit 0
* and to say nothing when its engine had died (7.10.1), and then there is no file.
*/
async function diff(call) {
	const { workingDirectory } = call.project;
	const output = join(workingDirectory, "difference.sql");
	let printed = "";
	const exit = await runPrisma({
		installation: call.installation,
		project: {
			...call.project,
			schemaPath: null
		},
		command: [
			...diffArguments(call.installation.version, call.from, call.to),
			"--script",
			"--output",
			output
		],
		env: call.env,
		signal: call.signal,
		onOutput: (text) => {
			printed = (printed + text).slice(-65536);
		}
	});
	call.signal.throwIfAborted();
	const script = await readFile(output, "utf8").catch(() => null);
	if (exit.exitCode === 0 && script !== null) return script.trim() === emptyScript ? null : script.trim();
	const said = readableText(printed, Object.values(call.env).flatMap((value) => /^postgres/.test(value) ? secretsIn(value) : []));
	throw new SafeMigrateError({
		code: "SM_PRISMA_DIFF",
		message: `prisma migrate diff failed (exit code ${exit.exitCode}): ${reasonIn(said)}`,
		hint: "Run npx prisma validate in the project.",
		docs: "check.md",
		cause: new Error(said)
	});
}
/** From the first line that speaks of an error on, on one line. */
function reasonIn(said) {
	const start = said.search(/^.*error/im);
	return (start < 0 ? said : said.slice(start)).replaceAll(/\s+/g, " ").trim().slice(0, 400);
}

// src/prisma/application-name.ts
/**
* `application_name` of the sessions that a run's migrator opens: tells them from anybody else's. Given by PGAPPNAME, which
* not every engine reads, and in the URL (`nameSessions`).
*/
function migratorApplicationName(run) {
	return `safe-migrate migrate ${run}`;
}
/**
* The environment with `application_name` in every variable that holds exactly `url`, the one that Prisma was seen to use;
* the rest as it was. A URL that a config or a `.env` file holds is not in the environment and stays as it is: the sessions
* have to be known by something else then.
*/
function nameSessions(env, url, name) {
	return Object.fromEntries(Object.entries(env).map(([variable, value]) => [variable, value === url && value !== "" ? withApplicationName(value, name) : value]));
}
/** As text: whatever else is in the URL stays as it was written. */
function withApplicationName(url, name) {
	const [address = "", query = ""] = splitOnce$1(url, "?");
	return `${address}?${[...query.split("&").filter((each) => each !== "" && !/^application_name=/i.test(each)), `application_name=${encodeURIComponent(name)}`].join("&")}`;
}
function splitOnce$1(text, separator) {
	const at = text.indexOf(separator);
	return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

// src/prisma/cli/execute-script.ts
/** Runs `script` by `prisma db execute --stdin`, in the database that `migrate deploy` would work in. */
async function executeScript(request) {
	const { installation, env, script, signal } = request;
	const project = {
		...request.project,
		schemaPath: installation.major >= 7 ? null : schemaOf(request.project, request.schemaFiles)
	};
	return await collectOutput(request.secrets, (onOutput) => runPrisma({
		installation,
		project,
		command: [
			"db",
			"execute",
			"--stdin"
		],
		env,
		input: script,
		signal,
		onOutput
	}));
}
/** What `--schema` has to say: the one file, or the folder in which all of them are. */
function schemaOf({ schemaPath }, files) {
	if (schemaPath !== null) return schemaPath;
	const [first, ...others] = files;
	if (first === void 0) return null;
	if (others.length === 0) return first;
	let folder = dirname(first);
	while (!others.every((file) => file.startsWith(`${folder}${sep}`))) {
		if (folder === dirname(folder)) return null;
		folder = dirname(folder);
	}
	return folder;
}
/** Runs what `start` starts and keeps what it prints, fit to be shown. */
async function collectOutput(secrets, start) {
	let printed = "";
	const { exitCode } = await start((text) => {
		printed = (printed + text).slice(-65536);
	});
	return {
		exitCode,
		output: readableText(printed, secrets)
	};
}

// src/prisma/cli/probe.ts
/** Two statements of which the second fails: the table stays if and only if they were sent one by one. */
const probeScript = "CREATE TABLE \"safe_migrate_probe\" (id int);\nSELECT 1/0;\n";
/**
* Runs a migration that must fail against `probeUrl`, with the project's Prisma and a project of our own, so that no
* config of the user's can lead it elsewhere; that Prisma really goes there is asked of it first.
* Rejects with SafeMigrateErrors only. Afterwards `"safe_migrate_probe"` is in that database if this Prisma sends a script statement by statement.
*/
async function deployProbe(request) {
	try {
		await using project = await makeScratchProject(request.installation.traits);
		await project.writeMigration("00000000000000_safe_migrate_probe", probeScript);
		const call = {
			installation: request.installation,
			project,
			env: {
				...request.env,
				[scratchUrlVariable]: request.probeUrl.reveal()
			},
			signal: request.signal
		};
		const { url } = await captureProject(call);
		const problems = comparePrismaUrl(request.probeUrl, url, project.workingDirectory);
		if (problems.length > 0) throw new RefusedError(problems);
		return await deployMigrations({
			...call,
			secrets: request.secrets,
			log: { output: () => {} }
		});
	} catch (cause) {
		if (cause instanceof SafeMigrateError) throw cause;
		throw new SafeMigrateError({
			code: "SM_PROBE_FAILED",
			message: `how this Prisma sends a script could not be measured: ${cause instanceof Error ? cause.message : String(cause)}`,
			hint: "The backup is used instead; nothing has to be done.",
			docs: "prisma.md",
			cause
		});
	}
}

// src/prisma/script-flaw.ts
const saveAgain = "Save it as UTF-8 without a byte-order mark.";
/**
* What is wrong with the bytes of a migration.sql. Prisma reads any as UTF-8: it hands a byte-order mark on, which PostgreSQL takes
* for a letter, and puts U+FFFD in the place of letters in another encoding, which would then stand in the database.
*/
function flawOf(bytes) {
	if (/^(fffe|feff)/.test(bytes.toString("hex", 0, 2)) || zeroesIn(bytes) > bytes.length / 4) return {
		message: "is written in UTF-16",
		hint: `${saveAgain} (iconv -f UTF-16 -t UTF-8.) The > of Windows PowerShell writes such files: give prisma migrate diff --output instead.`
	};
	if (zeroesIn(bytes) > 0) return {
		message: "holds a NUL character, at which a script ends for PostgreSQL: what stands after it would not run",
		hint: "Remove it (tr -d \"\\000\")."
	};
	if (bytes.toString("hex", 0, 3) === "efbbbf") return {
		message: "begins with a byte-order mark, which PostgreSQL takes for a part of the first word",
		hint: saveAgain
	};
	if (!isUtf8(bytes)) return {
		message: "is not written in UTF-8: Prisma would put U+FFFD in the place of its letters",
		hint: `${saveAgain} (iconv -f WINDOWS-1252 -t UTF-8, if that is what it is in.)`
	};
	return null;
}
function zeroesIn(bytes) {
	let count = 0;
	for (let at = bytes.indexOf(0); at !== -1; at = bytes.indexOf(0, at + 1)) count += 1;
	return count;
}

// src/prisma/migrations.ts
/**
* Reads the migrations named `names` (in Prisma's order) from the folder that Prisma named.
* Throws SM_MIGRATION_UNREADABLE for every script that is missing, SM_CHECKOUT_FILE for what may not be read, and SM_PRISMA_PROJECT when there is no
* migration at all: `migrate deploy` would then say "No migration found" and succeed.
*/
function readMigrations(checkout, directory, names) {
	if (names.length === 0) throw new RefusedError([{
		code: "SM_PRISMA_PROJECT",
		message: `there is no migration in ${directory}`,
		hint: "Check working-directory, prisma-schema and migrations.path in prisma.config.ts, and that the migrations are committed."
	}], { docs: "prisma.md" });
	const problems = [];
	const files = [];
	for (const name of names) {
		const path = join(directory, name, "migration.sql");
		try {
			const bytes = checkout.readBytes(path);
			const script = bytes.toString("utf8");
			const flaw = flawOf(bytes);
			files.push({
				name,
				path,
				checksums: checksumsOf(script),
				script,
				...flaw === null ? {} : { flaw }
			});
		} catch (error) {
			if (error instanceof SafeMigrateError) {
				problems.push(...problemsOf(error));
				continue;
			}
			const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
			problems.push({
				code: "SM_MIGRATION_UNREADABLE",
				message: `migration ${name} has no readable migration.sql (${reason})`,
				hint: "Restore the file from version control, or remove the folder if it was never applied anywhere."
			});
		}
	}
	if (problems.length > 0) throw new RefusedError(problems, { docs: "prisma.md" });
	return files;
}
/**
* The digests under which Prisma may have noted this script: git changes line ends between machines, and the engine
* compares with LF and CRLF exchanged.
*/
function checksumsOf(script) {
	const unix = script.replaceAll("\r\n", "\n");
	const variants = [
		script,
		unix,
		unix.replaceAll("\n", "\r\n")
	];
	return [...new Set(variants.map((text) => createHash("sha256").update(text, "utf8").digest("hex")))];
}

// src/prisma/classic/prisma-migrator.ts
/** Recovery asks who holds Prisma's lock, so the lock has to be taken. */
const lockSwitch = "PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK";
/**
* The project's own Prisma as the Migrator: located, asked what it would migrate, and compared with `databaseUrl`.
* Rejects with every reason for which it cannot be used; nothing was connected to then.
*/
async function openPrismaMigrator(options) {
	const { databaseUrl, signal } = options;
	const own = options.env ?? process.env;
	const installation = await locatePrisma(options.workingDirectory);
	const project = {
		workingDirectory: options.workingDirectory,
		schemaPath: options.schemaPath,
		configPath: options.configPath,
		checkout: options.checkout
	};
	await refuseOddFiles(project);
	const applicationName = migratorApplicationName(options.run);
	const { [lockSwitch]: _, ...environment } = prismaEnvironment(databaseUrl, applicationName, own);
	const { captured, env: used, problems: differences } = await captureWithUrl({
		installation,
		project,
		env: environment,
		databaseUrl,
		signal
	});
	const usedUrl = captured.url.reveal();
	const { variable = null } = captured.schemaUrl ?? {};
	const withUrl = variable === null || used[variable] ? used : {
		...used,
		[variable]: usedUrl
	};
	const env = nameSessions(withUrl, usedUrl, applicationName);
	const directory = options.workingDirectory;
	const parsed = parsePostgresUrl(captured.url.reveal(), { directory });
	const problems = databaseUrl === null ? parsed.problems : differences;
	if (problems.length > 0 || parsed.target === null) throw new RefusedError(problems);
	const migrations = readMigrations(project.checkout, captured.migrationsDirectory, captured.migrationNames);
	const secrets = [captured.url, ...databaseUrl === null ? [] : [databaseUrl]].flatMap((url) => secretsIn(url.reveal()));
	return {
		kind: "prisma",
		version: installation.version,
		url: captured.url,
		historySchema: parsed.target.schema,
		ownTables: {
			schemas: captured.schemas,
			external: captured.externalTables
		},
		migrations,
		migrationsDirectory: captured.migrationsDirectory,
		warnings: warningsAbout(own),
		deploy: (log, deploySignal) => deployMigrations({
			installation,
			project,
			env,
			secrets,
			log,
			signal: deploySignal
		}),
		runScript: (script, scriptSignal) => executeScript({
			installation,
			project,
			schemaFiles: captured.schemaFiles,
			env,
			secrets,
			script,
			signal: scriptSignal
		}),
		runsEntrypoint: false,
		deployProbe: (probeUrl, probeSignal) => deployProbe({
			installation,
			env,
			probeUrl,
			secrets: [...secrets, ...secretsIn(probeUrl.reveal())],
			signal: probeSignal
		})
	};
}
/** What the environment says that is not done. */
function warningsAbout(own) {
	if ((own["PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK"] ?? "") === "") return [];
	return [`${lockSwitch} is set and is ignored: without Prisma's lock nobody could tell two deploys apart`];
}

// src/system/shell.ts
/**
* How a shell command of the user's is run: as a `run:` step of the runner runs it, which ends at the first line that
* fails. Images without bash have sh.
*/
function shellFor(command) {
	const bash = ["/bin/bash", "/usr/bin/bash"].find((path) => existsSync(path));
	return bash === void 0 ? {
		file: "sh",
		arguments: [
			"-e",
			"-c",
			command
		]
	} : {
		file: bash,
		arguments: [
			"--noprofile",
			"--norc",
			"-eo",
			"pipefail",
			"-c",
			command
		]
	};
}

// src/prisma/command/shell-words.ts
/**
* The simple commands of a shell text as lists of words, quotes taken off. Enough to see which commands are named;
* what variables and substitutions hold is not known to anybody before it runs.
*/
function simpleCommands(text) {
	const commands = [];
	let words = [];
	let word = null;
	let quote = null;
	const endWord = () => {
		if (word !== null) words.push(word);
		word = null;
	};
	const endCommand = () => {
		endWord();
		if (words.length > 0) commands.push(words);
		words = [];
	};
	const joined = text.replaceAll(/\\\r?\n/g, "");
	for (let index = 0; index < joined.length; index += 1) {
		const character = joined[index] ?? "";
		if (character === "\\" && quote !== "'") {
			index += 1;
			word = (word ?? "") + (joined[index] ?? "");
		} else if (quote !== null) {
			if (character === quote) quote = null;
			else word = (word ?? "") + character;
		} else if (character === "\"" || character === "'") {
			quote = character;
			word ??= "";
		} else if (character === "#" && word === null) {
			const end = joined.indexOf("\n", index);
			index = end < 0 ? joined.length : end - 1;
		} else if (/[;&|()`\n{}]/.test(character)) endCommand();
		else if (/\s/.test(character)) endWord();
		else word = (word ?? "") + character;
	}
	endCommand();
	return commands;
}

// src/prisma/command/script-command.ts
const packageRunners = /* @__PURE__ */ new Set([
	"npx",
	"npm",
	"pnpm",
	"pnpx",
	"yarn",
	"bun",
	"bunx",
	"corepack"
]);
/** What may stand between a package runner and Prisma. Not `run`: that is a script, which may do anything. */
const runnerWords = /* @__PURE__ */ new Set([
	...packageRunners,
	"exec",
	"x",
	"dlx",
	"workspace",
	"--"
]);
const shells = /* @__PURE__ */ new Set([
	"sh",
	"bash",
	"dash",
	"ash"
]);
/** Set variables, from a file or a vault, and run what follows `--`. */
const environmentTools = /* @__PURE__ */ new Set([
	"dotenv",
	"dotenvx",
	"doppler",
	"infisical",
	"op",
	"aws-vault",
	"chamber"
]);
/** Run what follows, after assignments. */
const prefixes = /* @__PURE__ */ new Set([
	"env",
	"exec",
	"command",
	"time",
	"cross-env"
]);
const engines = /* @__PURE__ */ new Set([
	"docker",
	"podman",
	"nerdctl",
	"docker-compose"
]);
/** Options of their `exec` that take the next word. */
const valueOptions = new Set([
	"-e",
	"--env",
	"--env-file",
	"-u",
	"--user",
	"-w",
	"--workdir",
	"--index"
].concat("--detach-keys"));
const detaching = /* @__PURE__ */ new Set(["-d", "--detach"]);
/**
* null where it cannot be said, or where something else may run that nobody can stop for certain: that must not happen
* before there is a backup. `schema` is for Prisma up to 6, which wants to be told in `db execute` where it gets its URL
* from: what the command says itself, else `usual`. `left-out`: no such option at all.
*/
function scriptCommand(command, given) {
	const words = onlyCommand(command);
	if (words === null || /\$\(|[`|<>]/.test(command)) return null;
	if ([...command.matchAll(new RegExp(deploying, "g"))].length !== 1) return null;
	const text = given.schema === "left-out" ? withoutSchema(command) : withSchema(command, given.schema.usual);
	if (text === null) return null;
	if (isPrismaAlone(words)) return {
		text: text.replace(/\b(docker|podman|nerdctl)((?:\s+container)?\s+exec)(?=\s)/, "$1$2 -i"),
		endContainer: null
	};
	return inNewContainer(text, words, given.containerName);
}
const deploying = /(?<![\w-])migrate\s+deploy(?![\w-])/;
const schemaOption = /\s--schema(=|\s+)("[^"]*"|'[^']*'|[^\s"']+)/;
function withoutSchema(command) {
	return command.replaceAll(new RegExp(schemaOption, "g"), "").replace(deploying, () => "db execute --stdin");
}
function withSchema(command, usual) {
	if (schemaOption.test(command)) return command.replace(deploying, () => "db execute --stdin");
	if (usual === null) return null;
	return command.replace(deploying, () => `db execute --stdin --schema ${quoted(usual)}`);
}
/** Nothing but changes of folder and environment stands around one command, in an `sh -c '…'` as well. */
function onlyCommand(text) {
	const [only, ...more] = simpleCommands(text).filter(([first]) => first !== "cd" && first !== "export");
	if (only === void 0 || more.length > 0) return null;
	return only.every((word) => !/\s/.test(word) || onlyCommand(word) !== null) ? only : null;
}
/** Whether these words start Prisma and no program or script of the user's. */
function isPrismaAlone(given) {
	const [first, ...rest] = withoutAssignments(given);
	if (first === void 0) return false;
	if (isPrisma(first)) return true;
	const name = basename(first);
	if (prefixes.has(name)) return isPrismaAlone(rest);
	if (shells.has(name)) {
		const inner = /^-[a-z]*c$/.test(rest[0] ?? "") ? onlyCommand(rest[1] ?? "") : null;
		return inner !== null && isPrismaAlone(inner);
	}
	if (name === "node") return isPrisma(rest.find((word) => !word.startsWith("-")) ?? "");
	if (environmentTools.has(name)) return rest.includes("--") && isPrismaAlone(rest.slice(rest.indexOf("--") + 1));
	if (engines.has(name)) return isPrismaAlone(insideRunningContainer(rest));
	if (!packageRunners.has(name)) return false;
	const prisma = rest.findIndex(isPrisma);
	return rest.slice(0, prisma < 0 ? rest.length : prisma).every((word, index) => prisma >= 0 && (isOption(word) || isRunnerWord(word, rest[index - 1])));
}
function isRunnerWord(word, previous) {
	if (runnerWords.has(word) || previous === "workspace") return true;
	return previous !== void 0 && isOption(previous) && previous !== "--" && !previous.includes("=");
}
/** The command of `docker exec …`, which runs no entrypoint; empty for anything else. */
function insideRunningContainer(words) {
	const exec = words.indexOf("exec");
	if (exec < 0 || words.slice(0, exec).includes("run")) return [];
	let rest = words.slice(exec + 1);
	while (rest[0] !== void 0 && isOption(rest[0])) {
		if (detaching.has(rest[0])) return [];
		rest = rest.slice(valueOptions.has(rest[0]) ? 2 : 1);
	}
	return rest.slice(1);
}
/** `docker run` and `docker compose run`, under a name by which the container can be ended. */
function inNewContainer(text, given, containerName) {
	const words = withoutAssignments(given);
	const run = words.indexOf("run");
	const options = words.slice(run + 1);
	if (!engines.has(basename(words[0] ?? "")) || run < 0 || words.slice(0, run).includes("exec")) return null;
	if (options.some((word) => detaching.has(word))) return null;
	const engine = /\b(?:docker-compose|docker|podman|nerdctl)\s(?:[^\n;&]*?\s)??(?=run\s)/.exec(text);
	if (engine === null) return null;
	const before = text.slice(0, engine.index);
	const client = engine[0];
	const isCompose = /^docker-compose\s|\scompose\s/.test(client);
	const ownName = /(?:^|\s)--name(?:=|\s)(\S+)/.exec(options.join(" "))?.[1];
	const added = [
		...options.includes("--rm") ? [] : ["--rm"],
		...isCompose ? ["--no-deps"] : ["-i"],
		...ownName === void 0 ? ["--name", containerName] : []
	];
	const after = text.slice(engine.index + client.length + 3);
	const ender = client.replace(/^docker-compose\s.*$/s, "docker ").replace(/\s(?:compose|container)\s.*$/s, " ");
	return {
		text: `${before}${client}${["run", ...added].join(" ")}${after}`,
		endContainer: `${before}${ender}kill ${quoted(ownName ?? containerName)}`
	};
}
function withoutAssignments(words) {
	const first = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
	return first < 0 ? [] : words.slice(first);
}
function isPrisma(word) {
	return /^(prisma7?|@prisma\/prisma7)(@[^/]+)?$/.test(word) || /\/(prisma7?|prisma7?\/build\/(index|prisma7)\.js)$/.test(word);
}
function isOption(word) {
	return word.startsWith("-");
}
function quoted(text) {
	return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// src/prisma/command/command-migrator.ts
/** For `docker kill`. */
const endingTimeoutMs$1 = 3e3;
/**
* A shell command of the user's as the Migrator. Where the project's Prisma is installed it is asked for URL and
* migrations all the same; where it is not (Yarn PnP, a Prisma that is in the application's image only), the
* migrations are looked for, and `databaseUrl` has to be given. Rejects with every reason for which it cannot be used.
*/
async function openCommandMigrator(options) {
	const { command, databaseUrl, signal, workingDirectory } = options;
	const own = options.env ?? process.env;
	const project = {
		workingDirectory,
		schemaPath: options.schemaPath,
		configPath: options.configPath,
		checkout: options.checkout
	};
	await refuseOddFiles(project);
	const applicationName = migratorApplicationName(options.run);
	const { [lockSwitch]: _, ...given } = prismaEnvironment(databaseUrl, applicationName, own);
	const found = await findProject(project, {
		env: given,
		databaseUrl,
		signal
	});
	const env = nameSessions(found.env, found.url.reveal(), applicationName);
	const parsed = parsePostgresUrl(found.url.reveal(), { directory: workingDirectory });
	if (parsed.target === null) throw new RefusedError(parsed.problems);
	const secrets = [found.url.reveal(), env.DATABASE_URL ?? ""].flatMap(secretsIn);
	const runShell = (text, run) => runInGroup({
		...shellFor(text),
		...run,
		workingDirectory,
		env
	});
	const scriptCommandFor = (schema) => scriptCommand(command, {
		schema,
		containerName: `safe-migrate-asks-${randomBytes(4).toString("hex")}`
	});
	const endContainer = async (text) => {
		if (text === null) return;
		const limit = AbortSignal.timeout(endingTimeoutMs$1);
		const run = await collectOutput(secrets, (onOutput) => runShell(text, {
			signal: limit,
			onOutput
		}));
		if (run.exitCode !== 0 && !/no such container|running/i.test(run.output)) throw stillThere(text.split(" ").at(-1) ?? "", run);
	};
	const attempt = async (asked, input, aborted) => {
		let ending = Promise.resolve();
		const end = () => {
			ending = endContainer(asked.endContainer).catch(() => {});
		};
		aborted.addEventListener("abort", end, { once: true });
		try {
			return await collectOutput(secrets, (onOutput) => runShell(asked.text, {
				input,
				signal: aborted,
				onOutput
			}));
		} finally {
			aborted.removeEventListener("abort", end);
			await ending;
			if (aborted.aborted) await endContainer(asked.endContainer);
		}
	};
	const asked = scriptCommandFor("left-out");
	const runScript = async (first, script, aborted) => {
		const run = await attempt(first, script, aborted);
		if (!/--url.*--schema/.test(run.output)) return run;
		const second = scriptCommandFor({ usual: schemaFor(command, workingDirectory, found.schemaPath) });
		return second === null ? run : await attempt(second, script, aborted);
	};
	return {
		kind: "command",
		version: found.version ?? "of migrate-command",
		url: found.url,
		historySchema: parsed.target.schema,
		ownTables: found.ownTables,
		migrations: readMigrations(project.checkout, found.directory, found.names),
		migrationsDirectory: found.directory,
		warnings: warningsAbout(own),
		deploy: (log, deploySignal) => watchDeploy({
			secrets,
			log
		}, (watch) => runShell(command, {
			signal: deploySignal,
			...watch
		})),
		runScript: asked === null ? null : (script, aborted) => runScript(asked, script, aborted),
		runsEntrypoint: asked !== null && asked.endContainer !== null,
		deployProbe: async () => {
			throw new SafeMigrateError({
				code: "SM_PROBE_FAILED",
				message: "how the Prisma of migrate-command sends a script cannot be measured",
				hint: "The backup is used instead; nothing has to be done.",
				docs: "prisma.md"
			});
		}
	};
}
/** As the command may name it: in a container the project may have another path, after a `cd` another way leads there. */
function schemaFor(command, workingDirectory, schemaPath) {
	if (schemaPath === null || /^\s*cd\s/.test(command)) return schemaPath;
	return relative(workingDirectory, schemaPath);
}
/** Prisma's lock is let go all the same: it would break the deploys of others, who have done nothing wrong. */
function stillThere(container, { exitCode, output }) {
	return new SafeMigrateError({
		code: "SM_SERVER_UNPROVED",
		message: `the container ${container} in which migrate-command was asked where it connects to could not be ended (exit code ${exitCode ?? "unknown"}: ${output.trim().slice(0, 300)}): it may migrate without a backup`,
		hint: "See that it is gone (docker ps) and what it has done, then run this job again.",
		docs: "prisma.md"
	});
}
async function findProject(project, given) {
	const { databaseUrl, env, signal } = given;
	const installation = await locatePrisma(project.workingDirectory).catch((error) => {
		if (!(error instanceof SafeMigrateError && (error.code === "SM_PRISMA_MISSING" || error.code === "SM_PRISMA_UNSUPPORTED"))) throw error;
		return null;
	});
	if (installation === null) {
		if (databaseUrl === null) throw new SafeMigrateError({
			code: "SM_INPUT",
			message: "database-url: must be given, because no Prisma is installed here that could be asked for it",
			hint: "Give the URL under which the tools of this machine (or of container) reach the database."
		});
		return {
			url: databaseUrl,
			version: null,
			env,
			ownTables: {
				schemas: [],
				external: []
			},
			...await findMigrations(project)
		};
	}
	const { captured, env: used } = await captureWithUrl({
		installation,
		project,
		env,
		databaseUrl,
		signal
	});
	return {
		url: databaseUrl ?? captured.url,
		version: installation.version,
		directory: captured.migrationsDirectory,
		names: captured.migrationNames,
		schemaPath: schemaOf(project, captured.schemaFiles),
		ownTables: {
			schemas: captured.schemas,
			external: captured.externalTables
		},
		env: used
	};
}

// src/storage/artifact/artifact-storage.ts
/**
* Backups as artifacts of the workflow's runs. The client is loaded with the first request: a run that is refused
* for a bad input does not wait for it.
*/
function artifactStorage(location, access, use) {
	return new LazyArtifactStorage(location, access, use);
}
var LazyArtifactStorage = class {
	kind = "artifact";
	url;
	#open;
	#store = null;
	constructor(location, access, use) {
		this.url = `artifact://${access.repository ?? ""}`;
		this.#open = async () => {
			const { ArtifactStore } = await import("./storage-artifact-artifact-store.js");
			return new ArtifactStore(this.url, location, access, use);
		};
	}
	async check(signal) {
		return (await this.#loaded()).check(signal);
	}
	async put(request) {
		try {
			return await (await this.#loaded()).put(request);
		} finally {
			request.body.destroy();
		}
	}
	async get(key, signal) {
		return (await this.#loaded()).get(key, signal);
	}
	async list(prefix, signal, onDoubt) {
		return (await this.#loaded()).list(prefix, signal, onDoubt);
	}
	/** What was never finished has no name by which it could be found; GitHub discards it. */
	async abandon() {}
	async remove(key, signal) {
		await (await this.#loaded()).remove(key, signal);
	}
	#loaded() {
		this.#store ??= this.#open();
		return this.#store;
	}
};

// src/storage/port/object-key.ts
/** S3's limit for a whole key, bytes of UTF-8. */
const maximumKeyBytes = 1024;
/**
* Returns `prefix/key` when `key` can be one everywhere, and rejects what could climb out of the prefix or
* be read differently by different servers: empty, `.` and `..` parts, control characters.
*/
function objectKey(prefix, key) {
	const whole = prefix === "" ? key : `${prefix}/${key}`;
	if (key.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !/\p{Cc}/u.test(key) && key.isWellFormed() && Buffer.byteLength(whole) <= maximumKeyBytes) return whole;
	throw new SafeMigrateError({
		code: "SM_STORAGE_KEY",
		message: `${JSON.stringify(key)} cannot be the name of a stored object`,
		hint: `Names have no empty, "." or ".." parts and no control characters, and with the prefix at most ${maximumKeyBytes} bytes.`,
		docs: "storage.md"
	});
}

// src/storage/port/stopped.ts
/** Why a signal ended work: its own reason where that is one of ours. `url` names what was worked on. */
function stoppedBy(signal, url) {
	if (signal.reason instanceof SafeMigrateError) return signal.reason;
	return new SafeMigrateError({
		code: "SM_STORAGE_STOPPED",
		message: `work on ${url} was stopped before it was done`,
		hint: "The run was cancelled or another part of it failed; nothing was left behind in the storage.",
		docs: "storage.md",
		cause: signal.reason
	});
}

// src/storage/file/file-errors.ts
/** The operating system's code of an error (`ENOENT`), if it has one. */
function systemCode(error) {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : void 0;
}
/** What the file system refused, in words. Errors that are ours already pass unchanged. */
function fileStorageError(error, action, path) {
	if (error instanceof SafeMigrateError) return error;
	const code = systemCode(error);
	const common = {
		docs: "storage.md",
		cause: error
	};
	if (code === "ENOSPC" || code === "EDQUOT") return new SafeMigrateError({
		...common,
		code: "SM_STORAGE_FULL",
		message: `${path} could not be written: the disk (or the quota) is full`,
		hint: "Free space there, lower retention-days or keep-last, or add another storage."
	});
	if (code === "EACCES" || code === "EPERM" || code === "EROFS") return new SafeMigrateError({
		...common,
		code: "SM_STORAGE_FORBIDDEN",
		message: `not allowed to ${action} ${path} (${code})`,
		hint: "Give the user that runs this job the right to read and write in that folder."
	});
	if (code === "ENAMETOOLONG") return new SafeMigrateError({
		...common,
		code: "SM_STORAGE_KEY",
		message: `${path} is longer than this file system allows`,
		hint: "Use a shorter label or a folder with a shorter path."
	});
	return new SafeMigrateError({
		...common,
		code: "SM_STORAGE_FAILED",
		message: `could not ${action} ${path} (${code ?? messageOf(error)})`,
		hint: "Look at the disk and at the folder; then run the job again."
	});
}
function fileNotFound(path, cause) {
	return new SafeMigrateError({
		code: "SM_STORAGE_NOT_FOUND",
		message: `${path} does not exist`,
		hint: "Look which backups this storage holds.",
		docs: "storage.md",
		cause
	});
}
function fileExists(path, cause) {
	return new SafeMigrateError({
		code: "SM_STORAGE_EXISTS",
		message: `${path} exists already and is never replaced`,
		hint: "Stored backups are write-once. Run the job again: a new run gets a new name.",
		docs: "storage.md",
		cause
	});
}

// src/storage/file/publish.ts
/** Where hard links do not exist (FAT, some network file systems). */
const withoutLinks = /* @__PURE__ */ new Set([
	"EPERM",
	"ENOSYS",
	"ENOTSUP",
	"EOPNOTSUPP",
	"EMLINK"
]);
/**
* Gives a finished file its name, never replacing another one. `rename()` would replace it silently; `link()`
* refuses, atomically. Without links, the name is taken by an empty file first, which O_EXCL lets only one do.
*/
async function publish$1(temporary, path) {
	try {
		await link(temporary, path);
	} catch (error) {
		const code = systemCode(error);
		if (code === "EEXIST") throw fileExists(path, error);
		if (!withoutLinks.has(code)) throw error;
		await publishByReservation(temporary, path);
		return;
	}
	await unlink(temporary);
}
/** Exported for the test: file systems without links are seldom at hand. */
async function publishByReservation(temporary, path) {
	try {
		await (await open(path, "wx", 384)).close();
	} catch (error) {
		throw systemCode(error) === "EEXIST" ? fileExists(path, error) : error;
	}
	try {
		await rename(temporary, path);
	} catch (error) {
		await rm(path, { force: true });
		throw error;
	}
}

// src/storage/file/temporary-name.ts
const form = /^\.safe-migrate-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.partial$/;
/** A file of this age that nobody on this machine can vouch for belongs to a run that is dead. */
const abandonedAfterMs = 6048e5;
/** Name of a file that is being written: hidden, unique, and saying which process writes it. */
function temporaryName() {
	return `.safe-migrate-${processSpace()}-${process.pid}-${randomBytes(6).toString("hex")}.partial`;
}
function isTemporaryName(name) {
	return form.test(name);
}
/**
* Whether the process that wrote such a file is gone. A folder may be shared by several machines and
* containers, so a process id means something only where it was given; elsewhere only age tells.
*/
function isAbandoned(name, modifiedAt, now = /* @__PURE__ */ new Date()) {
	const [, space, pid] = form.exec(name) ?? [];
	if (space === void 0) return false;
	if (space === processSpace()) return !isAlive(Number(pid));
	return now.getTime() - modifiedAt.getTime() > abandonedAfterMs;
}
function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return !(error instanceof Error && "code" in error && error.code === "ESRCH");
	}
}
/** Machine and, on Linux, process id namespace: two containers may share a host name, not this. */
function processSpace() {
	return createHash("sha256").update(`${hostname()} ${processNamespace()}`).digest("hex").slice(0, 8);
}
function processNamespace() {
	try {
		return readlinkSync("/proc/self/ns/pid");
	} catch {
		return "";
	}
}

// src/storage/port/mismatch.ts
/** The error for a content that is not the expected one. `url` names the object, without credentials. */
function storageMismatch(url, expected, found) {
	const difference = expected.sizeBytes === found.sizeBytes ? "its content differs from what was sent" : `${expected.sizeBytes} bytes were expected, ${found.sizeBytes} are there`;
	return new SafeMigrateError({
		code: "SM_STORAGE_MISMATCH",
		message: `${url} does not hold what it should: ${difference}`,
		hint: "The object was removed. Run the job again; when it happens again, do not trust this storage.",
		docs: "storage.md"
	});
}

// src/storage/port/content-gate.ts
/**
* Stands between a body and the place where it is stored: measures what passes and lets the end pass only
* when it is what was expected. So a wrong or truncated body is never completed in the first place.
*/
var ContentGate = class extends Transform {
	#expected;
	#maximumBytes;
	#url;
	#sha256 = createHash("sha256");
	#crc32 = 0;
	#sizeBytes = 0;
	#passed = null;
	/** @param options.maximumBytes where this storage must give up; @param options.url for messages */
	constructor(options) {
		super();
		this.#expected = options.expected;
		this.#maximumBytes = options.maximumBytes;
		this.#url = options.url;
		this.#expected.catch(() => {});
	}
	/** What has passed to the end and was as expected; null before, and for ever when it was not. */
	get passed() {
		return this.#passed;
	}
	_transform(chunk, _encoding, done) {
		this.#sizeBytes += chunk.byteLength;
		if (this.#sizeBytes > this.#maximumBytes) {
			done(new SafeMigrateError({
				code: "SM_STORAGE_TOO_LARGE",
				message: `${this.#url} cannot take more than ${this.#maximumBytes} bytes in the parts that were planned`,
				hint: "The dump is far larger than the database was estimated to be: please report it with the log of this job.",
				docs: "storage.md"
			}));
			return;
		}
		this.#sha256.update(chunk);
		this.#crc32 = crc32(chunk, this.#crc32);
		done(null, chunk);
	}
	_flush(done) {
		const sizeBytes = this.#sizeBytes;
		const sha256 = this.#sha256.digest("hex");
		this.#expected.then((expected) => {
			if (expected.sizeBytes !== sizeBytes || expected.sha256 !== sha256) {
				done(storageMismatch(this.#url, expected, {
					sizeBytes,
					sha256
				}));
				return;
			}
			this.#passed = {
				sizeBytes,
				sha256,
				crc32: this.#crc32
			};
			done();
		}, (error) => done(error instanceof Error ? error : new Error(String(error))));
	}
};

// src/system/young-garbage.ts
/** What may pile up before it is cleared away. Clearing takes about a millisecond. */
const toleratedBytes = 8 * 1024 ** 2;
/**
* Clears away the buffers of a stream that were read and done with, every 8 MiB of them. Left to itself V8 counts
* memory outside of its heap generously: a download that is only hashed held over 100 MiB of buffers that nobody
* used any more (measured), half of what the whole action may take.
*/
var YoungGarbage = class {
	#collect;
	#bytes = 0;
	/** So many bytes were read and done with. */
	add(sizeBytes) {
		this.#bytes += sizeBytes;
		if (this.#bytes < toleratedBytes) return;
		this.#bytes = 0;
		this.#collect ??= collector();
		this.#collect?.({ type: "minor" });
	}
};
/** V8's own function, which a program only gets by asking; null where there is none. */
function collector() {
	setFlagsFromString("--expose-gc");
	try {
		const collect = runInNewContext("globalThis.gc");
		return typeof collect === "function" ? (options) => void collect(options) : null;
	} finally {
		setFlagsFromString("--no-expose-gc");
	}
}

// src/storage/port/sha256-of.ts
/** Reads a stream to its end, or a little beyond `expectedBytes`: more is wrong already. Rejects with the stream's error. */
async function sha256Of(body, expectedBytes = Number.POSITIVE_INFINITY) {
	const hash = createHash("sha256");
	const garbage = new YoungGarbage();
	let sizeBytes = 0;
	for await (const chunk of body) {
		hash.update(chunk);
		sizeBytes += chunk.byteLength;
		garbage.add(chunk.byteLength);
		if (sizeBytes > expectedBytes) break;
	}
	return {
		sizeBytes,
		sha256: hash.digest("hex")
	};
}
/** What a read takes at a time. */
const blockBytes = 1048576;
/**
* Reads an open file from its start to its end. Into one buffer over and over: a stream's buffers for every
* chunk pile up, some 60 MiB of them, before the garbage collector comes by.
*/
async function sha256OfFile(handle, signal) {
	const hash = createHash("sha256");
	const block = Buffer.allocUnsafeSlow(blockBytes);
	for (let sizeBytes = 0;;) {
		signal?.throwIfAborted();
		const { bytesRead } = await handle.read(block, 0, blockBytes, sizeBytes);
		if (bytesRead === 0) return {
			sizeBytes,
			sha256: hash.digest("hex")
		};
		hash.update(block.subarray(0, bytesRead));
		sizeBytes += bytesRead;
	}
}

// src/storage/file/write-object.ts
/**
* Writes a body beside its place, makes it durable, reads it back, and only then gives it its name. On
* rejection neither it nor a folder made for it is left.
* @param root existing folder of the storage @param path place of the object below it
*/
async function writeObject(root, path, url, request) {
	const folder = dirname(path);
	const temporary = join(folder, temporaryName());
	let published = false;
	try {
		const handle = await createIn(root, folder, temporary);
		try {
			await fill(handle, url, request);
			const expected = await request.expected;
			const held = await sha256OfFile(handle, request.signal);
			if (held.sizeBytes !== expected.sizeBytes || held.sha256 !== expected.sha256) throw storageMismatch(url, expected, held);
		} finally {
			await handle.close();
		}
		request.signal.throwIfAborted();
		await publish$1(temporary, path);
		published = true;
		await syncFolder(folder);
	} catch (error) {
		await rm(temporary, { force: true });
		if (published) await rm(path, { force: true });
		await removeEmptyFolders(root, folder);
		throw error;
	}
}
async function fill(handle, url, request) {
	const gate = new ContentGate({
		expected: request.expected,
		maximumBytes: Number.MAX_SAFE_INTEGER,
		url
	});
	let writtenBytes = 0;
	await pipeline(request.body, gate, async (content) => {
		for await (const chunk of content) {
			await handle.appendFile(chunk);
			writtenBytes += chunk.byteLength;
			request.onProgress?.(writtenBytes);
		}
	}, { signal: request.signal });
	await handle.sync();
}
/** Opens the temporary file, making the folders to it (0700) and their names durable. */
async function createIn(root, folder, temporary) {
	for (let attempt = 1;; attempt += 1) {
		await makeFolders(root, folder);
		try {
			return await open(temporary, "wx+", 384);
		} catch (error) {
			if (systemCode(error) !== "ENOENT" || attempt === 5) throw error;
		}
	}
}
async function makeFolders(root, folder) {
	const first = await mkdir(folder, {
		recursive: true,
		mode: 448
	});
	if (first === void 0) return;
	for (let made = folder; made !== root && made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}
/** Makes names in a folder durable. */
async function syncFolder(folder) {
	const handle = await open(folder, "r");
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}
/** Removes folders below `root` that hold nothing, from `folder` upwards. */
async function removeEmptyFolders(root, folder) {
	const below = root.endsWith(sep) ? root : `${root}${sep}`;
	for (let empty = folder; empty.startsWith(below); empty = dirname(empty)) try {
		await rmdir(empty);
	} catch (error) {
		if (systemCode(error) === "ENOENT") continue;
		return;
	}
}

// src/storage/file/file-storage.ts
/** How often a listing is begun during which something went away. */
const listingAttempts = 4;
/**
* Backups in a folder of this machine or of one that is mounted. The folder itself must exist: making it
* would hide that a disk is not mounted.
*/
function fileStorage(location) {
	return new FileStorage(location.directory);
}
var FileStorage = class {
	kind = "file";
	url;
	#root;
	constructor(directory) {
		this.#root = directory;
		this.url = pathToFileURL(directory).href.replace(/\/$/, "");
	}
	async check(signal) {
		await this.#requireRoot();
		return this.#during(signal, "write in", this.#root, async () => {
			const probe = join(this.#root, temporaryName());
			const published = `${probe}-check`;
			try {
				const handle = await open(probe, "wx", 384);
				await handle.sync().finally(() => handle.close());
				await publish$1(probe, published);
			} finally {
				await rm(probe, { force: true });
				await rm(published, { force: true });
			}
			const removed = await this.#removeAbandoned();
			return removed === 0 ? [] : [`${this.url}: removed ${removed} unfinished file(s) of a run that died`];
		});
	}
	async put(request) {
		try {
			const path = this.#pathOf(request.key);
			const url = this.#urlOf(path);
			await this.#requireRoot();
			await this.#during(request.signal, "write", path, () => writeObject(this.#root, path, url, request));
			return {
				storage: "file",
				url,
				verified: "read back from disk, length and SHA-256 equal"
			};
		} finally {
			request.body.destroy();
		}
	}
	async get(key, signal) {
		const path = this.#pathOf(key);
		return this.#during(signal, "read", path, async () => {
			try {
				const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
				if (!(await handle.stat()).isFile()) {
					await handle.close();
					throw fileNotFound(path);
				}
				return addAbortSignal(signal, handle.createReadStream());
			} catch (error) {
				throw isMissing(error) ? fileNotFound(path, error) : error;
			}
		});
	}
	async list(prefix, signal, onDoubt = () => {}) {
		await this.#requireRoot();
		return this.#during(signal, "list", this.#root, async () => {
			for (let attempt = 1;; attempt += 1) {
				let isSteady = true;
				const found = await this.#listOnce(prefix, signal, () => {
					isSteady = false;
				});
				if (isSteady) return found;
				if (attempt < listingAttempts) continue;
				onDoubt("files came or went every time that they were listed");
				return found;
			}
		});
	}
	async #listOnce(prefix, signal, onGone) {
		const found = [];
		for (const { path, key } of await this.#files(signal, onGone)) {
			if (!key.startsWith(prefix) || isTemporaryName(path.slice(path.lastIndexOf(sep) + 1))) continue;
			const facts = await statOrNull(path);
			if (facts === null) onGone();
			else found.push({
				key,
				sizeBytes: facts.size,
				modifiedAt: facts.mtime.toISOString()
			});
		}
		return found.sort((a, b) => a.key < b.key ? -1 : 1);
	}
	async abandon(prefix, signal) {
		await this.#requireRoot();
		await this.#during(signal, "remove", this.#root, async () => {
			for (const { path, key } of await this.#files(signal)) {
				if (!key.startsWith(prefix) || !isTemporaryName(path.slice(path.lastIndexOf(sep) + 1))) continue;
				await rm(path, { force: true });
				await removeEmptyFolders(this.#root, dirname(path));
			}
		});
	}
	async remove(key, signal) {
		const path = this.#pathOf(key);
		await this.#during(signal, "remove", path, async () => {
			const folder = dirname(path);
			try {
				await unlink(path);
				await syncFolder(folder);
			} catch (error) {
				if (!isMissing(error)) throw error;
			}
			await removeEmptyFolders(this.#root, folder);
		});
	}
	async #removeAbandoned() {
		let removed = 0;
		for (const { path } of await this.#files()) {
			const facts = await statOrNull(path);
			if (facts === null || !isAbandoned(path.slice(path.lastIndexOf(sep) + 1), facts.mtime)) continue;
			await rm(path, { force: true });
			await removeEmptyFolders(this.#root, dirname(path));
			removed += 1;
		}
		return removed;
	}
	/** All files below the root; links are not followed, so nothing outside of it is ever listed. */
	async #files(signal, onGone = () => {}) {
		const files = [];
		const folders = [""];
		for (let folder = folders.pop(); folder !== void 0; folder = folders.pop()) {
			signal?.throwIfAborted();
			const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch((error) => {
				if (folder !== "" && isMissing(error)) {
					onGone();
					return [];
				}
				throw error;
			});
			for (const entry of entries) {
				const key = folder === "" ? entry.name : `${folder}/${entry.name}`;
				if (entry.isDirectory()) folders.push(key);
				else if (entry.isFile()) files.push({
					path: join(this.#root, key),
					key
				});
			}
		}
		return files;
	}
	#pathOf(key) {
		const path = join(this.#root, objectKey("", key));
		if (!isTemporaryName(path.slice(path.lastIndexOf(sep) + 1))) return path;
		throw new SafeMigrateError({
			code: "SM_STORAGE_KEY",
			message: `${JSON.stringify(key)} is the name of an unfinished file`,
			hint: "Names that end in .partial and start with .safe-migrate- are kept for files that are being written.",
			docs: "storage.md"
		});
	}
	#urlOf(path) {
		return pathToFileURL(path).href;
	}
	async #requireRoot() {
		if ((await statOrNull(this.#root))?.isDirectory()) return;
		throw new SafeMigrateError({
			code: "SM_STORAGE_MISSING",
			message: `the folder ${this.#root} of ${this.url} does not exist`,
			hint: `Mount its disk, or create it: install -d -m 0700 '${this.#root.replaceAll("'", `'\\''`)}'`,
			docs: "storage.md"
		});
	}
	async #during(signal, action, path, work) {
		try {
			signal.throwIfAborted();
			return await work();
		} catch (error) {
			if (signal.aborted) throw stoppedBy(signal, this.#urlOf(path));
			throw fileStorageError(error, action, path);
		}
	}
};
async function statOrNull(path) {
	try {
		return await stat(path);
	} catch (error) {
		if (isMissing(error)) return null;
		throw fileStorageError(error, "look at", path);
	}
}
/** Not there: no such name, or a part of the path is no folder or is a link. */
function isMissing(error) {
	return [
		"ENOENT",
		"ENOTDIR",
		"ELOOP"
	].includes(systemCode(error) ?? "");
}

// src/storage/s3/s3-storage.ts
/**
* Backups in a bucket of AWS S3 or of any server that speaks its protocol. The SDK is loaded with the first
* request: a run that is refused for a bad input does not wait for it.
*/
function s3Storage(location, options = {}) {
	return new LazyS3Storage(location, options);
}
var LazyS3Storage = class {
	kind = "s3";
	url;
	#open;
	#bucket = null;
	constructor(location, options) {
		this.url = `s3://${location.bucket}${location.prefix === "" ? "" : `/${location.prefix}`}`;
		this.#open = async () => {
			const { S3Bucket } = await import("./storage-s3-s3-bucket.js");
			return new S3Bucket(location, options);
		};
	}
	async check(signal, neededMinutes) {
		const [bucket, { checkBucket }] = await Promise.all([this.#loaded(), import("./storage-s3-check-bucket.js")]);
		return checkBucket(bucket, signal, neededMinutes);
	}
	async put(request) {
		try {
			const [bucket, { uploadObject }] = await Promise.all([this.#loaded(), import("./storage-s3-upload-object.js")]);
			return await uploadObject(bucket, request);
		} finally {
			request.body.destroy();
		}
	}
	async get(key, signal) {
		return (await this.#loaded()).get(key, signal);
	}
	async list(prefix, signal, onDoubt) {
		return (await this.#loaded()).list(prefix, signal, onDoubt);
	}
	async abandon(prefix, signal) {
		const [bucket, { abandonUploads }] = await Promise.all([this.#loaded(), import("./storage-s3-abandon-uploads.js")]);
		await abandonUploads(bucket, prefix, signal);
	}
	async remove(key, signal) {
		await (await this.#loaded()).remove(key, signal);
	}
	#loaded() {
		this.#bucket ??= this.#open();
		return this.#bucket;
	}
};

// src/storage/open-storage.ts
/** The storage behind a parsed URL. Opens nothing yet: `check()` does. */
function openStorage(url, use, access) {
	switch (url.kind) {
		case "s3": return s3Storage(url);
		case "file": return fileStorage(url);
		case "artifact": return artifactStorage(url, access, use);
	}
}

// src/system/shell-command.ts
const graceMs$1 = 5e3;
/**
* Runs a user's command as a step's `run:` does: `bash -eo pipefail`, or `sh -e` where there is no bash, without the
* action's inputs and the runner's tokens. Resolves when it has ended, however it ended.
*/
async function runShellCommand(command) {
	const shell = shellFor(command.script);
	const decoders = {
		stdout: new StringDecoder("utf8"),
		stderr: new StringDecoder("utf8")
	};
	const child = startProcess(shell.file, shell.arguments, {
		env: hookEnvironment({ [command.mark.name]: command.mark.value }),
		cwd: command.directory,
		ownGroup: true,
		signal: command.signal,
		graceMs: graceMs$1,
		onStderr: (chunk) => command.onOutput(decoders.stderr.write(chunk))
	});
	child.stdout.on("data", (chunk) => command.onOutput(decoders.stdout.write(chunk)));
	const exit = await child.exited;
	if (command.signal.aborted && child.pid !== null) await endGroup(child.pid, 0);
	return exit;
}

// src/open-ports.ts
/** The real outside world: the one place where stories and implementations are put together. */
function openPorts(mask, artifacts, roots) {
	const checkoutOf = (project) => new Checkout(roots, [
		project.prismaSchema,
		project.prismaConfig,
		join(project.workingDirectory, "package.json")
	]);
	return {
		openStorage: (url, use) => openStorage(url, use, artifacts),
		loadParser,
		runShellCommand,
		readBaseBranch,
		async openCheckedProject(settings, signal) {
			const project = await openCheckedProject({
				workingDirectory: settings.workingDirectory,
				schemaPath: settings.prismaSchema,
				configPath: settings.prismaConfig,
				checkout: checkoutOf(settings),
				databaseUrl: settings.databaseUrl,
				signal
			});
			for (const secret of secretsIn(project.url?.reveal() ?? "")) mask(secret);
			return project;
		},
		async openScratchServer(url, settings, run, warn) {
			const places = {
				...placesOf(settings),
				container: null
			};
			return openScratchServer(targetOf(url, settings.workingDirectory), places, run, warn);
		},
		async openMigrator(settings, run, signal) {
			const options = {
				workingDirectory: settings.workingDirectory,
				schemaPath: settings.prismaSchema,
				configPath: settings.prismaConfig,
				checkout: checkoutOf(settings),
				databaseUrl: settings.databaseUrl,
				run: run.id,
				signal
			};
			const command = settings.command === "migrate" ? settings.migrateCommand : null;
			const migrator = command === null ? await openPrismaMigrator(options) : await openCommandMigrator({
				...options,
				command
			});
			for (const secret of secretsIn(migrator.url.reveal())) mask(secret);
			return migrator;
		},
		addressOf: (url, directory) => targetOf(url, directory).address,
		openDatabase: async (url, settings, options = {}) => openDatabase(targetOf(url, settings.workingDirectory), {
			...placesOf(settings),
			...options
		})
	};
}
/** Throws RefusedError with all that is wrong with the URL. */
function targetOf(url, directory) {
	const { target, problems } = parsePostgresUrl(url.reveal(), { directory });
	if (target === null) throw new RefusedError(problems, { phase: "preflight" });
	return target;
}
function placesOf({ container, clientImage, workingDirectory }) {
	return {
		container,
		clientImage,
		directory: workingDirectory
	};
}

// src/report/quantity.ts
const byteUnits = [
	"bytes",
	"kB",
	"MB",
	"GB",
	"TB",
	"PB"
];
/** Bytes for people, decimal units, two digits at least: `812 bytes`, `1.4 GB`, `109 MB`. */
function formatBytes(sizeBytes) {
	if (sizeBytes === 1) return "1 byte";
	let value = sizeBytes;
	let unit = 0;
	while (value >= 999.5 && unit < byteUnits.length - 1) {
		value /= 1e3;
		unit += 1;
	}
	const digits = unit > 0 && value < 9.95 ? 1 : 0;
	return `${value.toFixed(digits)} ${byteUnits[unit]}`;
}
/** A duration for a column: always seconds with one digit, `0.4 s`, `132.0 s`. */
function formatSeconds(durationMs) {
	return `${(durationMs / 1e3).toFixed(1)} s`;
}
/** A duration for a sentence: `0.4 s`, `2 min 12 s`, `1 h 5 min`. */
function formatDuration(durationMs) {
	if (durationMs < 59950) return formatSeconds(durationMs);
	const seconds = Math.round(durationMs / 1e3);
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
	return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
/** An age for a table: `5 min`, `3 h`, `12 days`. */
function formatAge(ageMs) {
	const minutes = Math.max(0, Math.floor(ageMs / 6e4));
	if (minutes < 60) return `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	return hours < 48 ? `${hours} h` : countOf(Math.floor(hours / 24), "day");
}
/** A count with groups of three from 10 000 on up: `7 500 061`. */
function formatCount(count) {
	const digits = String(count);
	return digits.length < 5 ? digits : digits.replaceAll(/\B(?=(\d{3})+$)/g, " ");
}
/** `1 table`, `214 tables`; `plural` where an `s` is not enough. */
function countOf(count, singular, plural = `${singular}s`) {
	return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

// src/backup/encryption/sha256-hex.ts
/** A SHA-256 as it is stored: lower-case hex. */
const sha256Hex = string().regex(/^[0-9a-f]{64}$/);

// src/backup/manifest/details.ts
const detailsName = "details.json";
/** The same encrypted, in age's binary format. */
const sealedDetailsName = "details.json.age";
/** What lies in no bucket as a whole: far more than the schema of 100 000 tables, and all that a string can hold. */
const maximumDetailsBytes = 512 * 1024 ** 2;
const fingerprintSchema = object$1({
	serverMajor: int(),
	schemaDigest: sha256Hex,
	extensions: array(object$1({
		name: string(),
		version: string(),
		schema: string(),
		owner: string().nullable().optional()
	})),
	tables: array(object$1({
		schema: string(),
		table: string(),
		rows: int(),
		digest: string(),
		extension: string().nullable().default(null)
	})),
	materializedViews: array(object$1({
		schema: string(),
		name: string(),
		populated: boolean(),
		rows: int().nullable().default(null),
		digest: string().nullable().default(null)
	})),
	sequences: array(object$1({
		schema: string(),
		name: string(),
		lastValue: string(),
		isCalled: boolean(),
		extension: string().nullable().default(null)
	})),
	largeObjects: object$1({
		count: int(),
		digest: string()
	}),
	inventory: object$1({
		version: int(),
		counts: record(string(), int()),
		packed: base64()
	}).nullable().default(null),
	/** Not known of backups of earlier versions. */
	sessionValues: record(string(), string()).optional()
});
const propertiesSchema = object$1({
	owner: string(),
	encoding: string(),
	collate: string(),
	ctype: string(),
	localeProvider: string(),
	icuLocale: string().nullable(),
	icuRules: string().nullable(),
	tablespace: string(),
	connectionLimit: int(),
	comment: string().nullable(),
	acl: array(string()).nullable(),
	settings: array(object$1({
		role: string().nullable(),
		config: array(string())
	}))
});
/**
* What a backup must look like when it is restored, and everything else of it that may hold a secret: names, roles,
* privileges, settings, the schema with its functions. Stored beside the dump, as readable or unreadable as the dump
* itself; its length and SHA-256 stand in the manifest. What a later version adds has a default here: stored backups of
* today, and of format version 1, stay readable.
*/
const detailsSchema = object$1({
	/** Of the backup: two whose details changed places are both damaged. */
	id: string(),
	/** `host:port` as the URL said; for people. */
	address: string().nullable(),
	properties: propertiesSchema,
	prisma: object$1({
		historySchema: string(),
		appliedMigrations: array(object$1({
			name: string(),
			checksum: string()
		}))
	}).nullable(),
	fingerprint: fingerprintSchema,
	/** Whether there is a schema `public`, which no dump can say. */
	hasPublicSchema: boolean(),
	/** Why it is not proved, in words; null when it is, or when that was not asked for. */
	proofProblem: string().nullable(),
	/**
	* The schema-only dump, to compare a restored copy with. As text and not as a digest: another minor version of
	* pg_dump may print the same schema differently, and a difference should be named.
	*/
	schemaText: string()
});
/** The stored text of details; people read it too. */
function renderDetails(details) {
	return `${JSON.stringify(details, null, 2)}\n`;
}
/** What a list can show of a backup without its details. */
function countsOf({ fingerprint }) {
	const rows = fingerprint.tables.reduce((sum, table) => sum + table.rows, 0);
	return {
		tables: fingerprint.tables.length,
		rows
	};
}

// src/backup/manifest/manifest.ts
const manifestName = "manifest.json";
const dumpName = "database.dump";
/** The same encrypted, in age's binary format. */
const sealedDumpName = "database.dump.age";
const content = {
	sizeBytes: int(),
	sha256: sha256Hex
};
/** What all format versions have in common. */
const commonFields = {
	id: string(),
	/** ISO 8601: when the snapshot was taken, by the server's clock. */
	createdAt: string(),
	command: _enum(["migrate", "backup"]),
	tools: object$1({ pgDump: string() }),
	/** The file as stored. */
	file: object$1({
		name: _enum([dumpName, sealedDumpName]),
		...content
	}),
	/** The plain dump; equal to `file` where nothing is encrypted. */
	plain: object$1(content),
	/** What opens the files; null when they are not encrypted. */
	encryption: discriminatedUnion("kind", [object$1({ kind: literal$1("passphrase") }), object$1({
		kind: literal$1("recipients"),
		recipients: array(string())
	})]).nullable(),
	gitCommit: string().nullable(),
	runUrl: string().nullable(),
	/** Says that whoever wrote this knew the passphrase; null without one. See manifest-authentication.ts. */
	authentication: object$1({
		method: literal$1("scrypt-hmac-sha256"),
		salt: string().regex(/^[0-9a-f]{32}$/),
		check: sha256Hex,
		mac: sha256Hex
	}).nullable()
};
const { authentication, ...beforeAuthentication } = commonFields;
/**
* What must be known of a backup to find it, to verify it and to remove it: no key is needed to read this, so nothing
* stands in it that could be a secret. Stored beside the dump as `manifest.json`, written last and removed first: a backup
* without a manifest does not exist. Format version 2; see manifest-version-1.ts for what came before.
*/
const manifestSchema = object$1({
	formatVersion: literal$1(2),
	...beforeAuthentication,
	server: object$1({
		version: string(),
		major: int(),
		/** PostgreSQL's own identifier of the cluster: tells databases of one name apart. null where it cannot be read. */
		systemIdentifier: string().nullable()
	}),
	database: object$1({
		name: string(),
		sizeBytes: int()
	}),
	/** All that may be a secret, as stored: see details.ts. */
	details: object$1({
		name: _enum([detailsName, sealedDetailsName]),
		...content
	}),
	prisma: object$1({
		version: string(),
		appliedMigrations: int()
	}).nullable(),
	counts: object$1({
		tables: int(),
		rows: int()
	}),
	proof: object$1({
		/** `restore`: restored and compared; `archive`: length, digest and a full read of the archive. */
		method: _enum(["restore", "archive"]),
		proved: boolean(),
		/** The code of the error for which it is not proved, whose words are among the details; null when it is. */
		problem: string().nullable(),
		/** What was compared by the catalogs: version of the list, number of objects by kind. null: nothing, or by an earlier version. */
		inventory: object$1({
			version: int(),
			objects: record(string(), int())
		}).nullable()
	}),
	authentication
});
/** The stored text of a manifest; people read it too. */
function renderManifest(manifest) {
	return `${JSON.stringify(manifest, null, 2)}\n`;
}

// src/backup/stored/origin.ts
/**
* Whether a backup was made on another cluster than the one that `here` identifies: databases of one name (staging,
* production) may share a storage. False where either is unknown; physical copies of a cluster have its identifier.
*/
function isFromElsewhere({ server }, here) {
	return here !== null && server.systemIdentifier !== null && server.systemIdentifier !== here;
}
/** Where a backup comes from, for people. Host and port are among its details, which may be encrypted. */
function originText({ server }) {
	const which = server.systemIdentifier === null ? "" : `, system identifier ${server.systemIdentifier}`;
	return `PostgreSQL ${server.version}${which}`;
}

// src/backup/stored/shown-backup.ts
/** Whether dump and details are there in their full length, as the listing says. */
function isWholeIn({ manifest }, place) {
	return [manifest.file, ...manifest.details === null ? [] : [manifest.details]].every(({ name, sizeBytes }) => place.objects.find(({ key }) => key === `${place.folder}/${name}`)?.sizeBytes === sizeBytes);
}
/** A backup that is not whole proves nothing, whatever its manifest says. */
function isProvedIn(listed, place) {
	return listed.manifest.proof.proved && isWholeIn(listed, place);
}
/** A backup in one storage as the report shows it; `retention` is null where it was not applied. */
function shownBackup(listed, place, retention) {
	const { manifest } = listed;
	return {
		id: listed.id,
		createdAt: manifest.createdAt,
		sizeBytes: manifest.file.sizeBytes,
		proved: isProvedIn(listed, place),
		madeBy: manifest.command,
		appliedMigrations: manifest.prisma?.appliedMigrations ?? null,
		locations: [place.url],
		retention
	};
}
/** All that was listed, newest first, for a command that removes nothing. */
function shownBackups(backups) {
	return mergePlaces(backups.flatMap((listed) => listed.places.map((place) => shownBackup(listed, place, null))));
}
/** What is the same of the same backup is told once, with all the places; newest first. */
function mergePlaces(records) {
	const byText = /* @__PURE__ */ new Map();
	for (const record of records) {
		const text = JSON.stringify({
			...record,
			locations: []
		});
		const known = byText.get(text);
		byText.set(text, known === void 0 ? record : {
			...known,
			locations: [...known.locations, ...record.locations]
		});
	}
	return [...byText.values()].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1));
}

// src/backup/encryption/damaged.ts
/** A stored backup that is not what its manifest says. `message` names which, and where. */
function damaged$1(message, cause) {
	return new SafeMigrateError({
		code: "SM_BACKUP_DAMAGED",
		message,
		hint: "Nothing was touched. Use another storage that holds this backup, or another backup.",
		docs: "storage.md",
		phase: "fetch",
		cause
	});
}

// src/backup/encryption/digest.ts
/** Length and SHA-256 of a small content that is wholly in memory. */
function digestOf(content) {
	return {
		sizeBytes: content.byteLength,
		sha256: createHash("sha256").update(content).digest("hex")
	};
}

// src/backup/making/backup-id.ts
const maximumLabelLength = 100;
/** Label of a backup taken before migrations: names the first of them. */
function labelBefore(firstPending) {
	return firstPending === void 0 ? "scheduled" : `before_${firstPending}`;
}
/**
* `backup_YYYYMMDD_HHMMSSZ_<label>`, UTC: sorts by time, says what it is for, and is safe in file names,
* object keys and URLs. Characters outside `A-Za-z0-9_.-` become `_`; long labels are cut.
*/
function backupId(takenAt, label) {
	const [date = "", time = ""] = takenAt.toISOString().split("T");
	const safeLabel = label.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, maximumLabelLength);
	return `backup_${date.replaceAll("-", "")}_${time.slice(0, 8).replaceAll(":", "")}Z_${safeLabel}`;
}
/** Folder of a backup below a storage's prefix: `<database>/<id>`, the database's name percent-encoded. */
function backupFolder(database, id) {
	return `${databaseFolder(database)}/${id}`;
}
/**
* A database's name as one path segment. Everything but `A-Za-z0-9_-` is percent-encoded, dots as well,
* so that no name can climb out of the prefix.
*/
function databaseFolder(database) {
	return encodeURIComponent(database).replaceAll(/[!'()*.~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

// src/backup/manifest/manifest-version-1.ts
const { id: _id, properties, fingerprint } = detailsSchema.shape;
/** A manifest of format version 1: it holds the details as well, readable for everybody. Read, and never written. */
const manifestVersion1Schema = object$1({
	formatVersion: literal$1(1),
	...commonFields,
	server: object$1({
		version: string(),
		major: int(),
		systemIdentifier: string().nullable().default(null),
		address: string().nullable().default(null)
	}),
	database: object$1({
		name: string(),
		sizeBytes: int(),
		properties
	}),
	prisma: object$1({
		version: string(),
		historySchema: string(),
		appliedMigrations: array(object$1({
			name: string(),
			checksum: string()
		}))
	}).nullable(),
	fingerprint,
	proof: object$1({
		method: _enum(["restore", "archive"]),
		proved: boolean(),
		problem: string().nullable()
	}),
	schema: object$1({
		encoding: literal$1("gzip+base64"),
		text: string(),
		hasPublic: boolean()
	})
});
/** As if it had been written by this version, its details left where they are. */
function manifestOfVersion1(old) {
	const { formatVersion: _, schema, fingerprint, server, database, prisma, proof, ...same } = old;
	const { version, major, systemIdentifier } = server;
	return {
		...same,
		server: {
			version,
			major,
			systemIdentifier
		},
		database: {
			name: database.name,
			sizeBytes: database.sizeBytes
		},
		details: null,
		prisma: prisma === null ? null : {
			version: prisma.version,
			appliedMigrations: prisma.appliedMigrations.length
		},
		counts: countsOf({ fingerprint }),
		proof: {
			...proof,
			inventory: null
		}
	};
}
/** What this version keeps beside the manifest. Throws when the schema cannot be unpacked. */
function detailsOfVersion1({ id, server, database, prisma, ...old }) {
	const packed = Buffer.from(old.schema.text, "base64");
	return {
		id,
		address: server.address,
		properties: database.properties,
		prisma: prisma === null ? null : {
			historySchema: prisma.historySchema,
			appliedMigrations: prisma.appliedMigrations
		},
		fingerprint: old.fingerprint,
		hasPublicSchema: old.schema.hasPublic,
		proofProblem: old.proof.problem,
		schemaText: gunzipSync(packed, { maxOutputLength: maximumDetailsBytes }).toString("utf8")
	};
}

// src/backup/manifest/parse-manifest.ts
/**
* Reads a stored manifest and makes sure that it is the one of the folder it lies in. Never throws: a damaged
* one, or one that a later version wrote, must hide no other backup.
*/
function parseManifest(text, of) {
	let json;
	try {
		json = JSON.parse(text);
	} catch {
		return refuse$1("is damaged: it is no JSON");
	}
	if (typeof json !== "object" || json === null || !Object.hasOwn(json, "formatVersion")) return refuse$1("is damaged: it has no format version");
	const { formatVersion } = json;
	const read = formatVersion === 2 ? readVersion2(json) : formatVersion === 1 ? readVersion1(json) : null;
	if (read === null) return refuse$1(`has the format version ${shown$1(formatVersion)}, which this version cannot read`);
	if (read.manifest === null) return read;
	const { manifest } = read;
	if (manifest.id !== of.id) return refuse$1(`is that of another backup, ${shown$1(manifest.id)}`);
	if (manifest.database.name !== of.database) return refuse$1(`is that of another database, ${shown$1(manifest.database.name)}`);
	if (Number.isNaN(Date.parse(manifest.createdAt))) return refuse$1("is damaged: createdAt is no time");
	return read;
}
function readVersion2(json) {
	const parsed = manifestSchema.safeParse(json);
	if (!parsed.success) return notAsItShouldBe(parsed.error);
	const { formatVersion: _, ...manifest } = parsed.data;
	const isPlain = manifest.encryption === null;
	if (isPlain !== (manifest.file.name === "database.dump")) return refuse$1(notAs("file"));
	if (isPlain !== (manifest.details.name === "details.json")) return refuse$1(notAs("details"));
	return {
		manifest,
		version1: null,
		problem: null
	};
}
function readVersion1(json) {
	const parsed = manifestVersion1Schema.safeParse(json);
	if (!parsed.success) return notAsItShouldBe(parsed.error);
	return {
		manifest: manifestOfVersion1(parsed.data),
		version1: parsed.data,
		problem: null
	};
}
function notAsItShouldBe({ issues: [issue] }) {
	return refuse$1(notAs(issue?.path.join(".") || "it"));
}
function notAs(member) {
	return `is damaged: ${member} is not as it should be`;
}
function refuse$1(problem) {
	return {
		manifest: null,
		problem
	};
}
/** What stands there, cut. It may be anything: lists in lists without end are not written out. */
function shown$1(value) {
	if (typeof value === "object" && value !== null) return "{…}";
	const text = JSON.stringify(value) ?? "undefined";
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

// src/backup/stored/begin-anew.ts
/** Before the second and the third attempt. */
const pausesMs = [1e3, 5e3];
/** A content that ended before its end, without an error of the connection. */
var BrokenOff = class extends Error {
	name = "BrokenOff";
};
/**
* Reads again from the beginning what broke off: a cut connection must not refuse an emergency rollback. What a storage says
* itself (not there, not allowed, not what was stored) is final. Rejects with the last attempt's error.
*
* @param what for the warning
*/
async function beginAnew(what, { signal, warn }, read) {
	for (const pauseMs of pausesMs) try {
		return await read();
	} catch (error) {
		if (signal.aborted || !isOfConnection(error)) throw error;
		warn(`${what} broke off and is read anew: ${messageOf(error)}`);
		await setTimeout$1(pauseMs, void 0, { signal }).catch(() => {});
	}
	return read();
}
/** Errors of streams are not ours: a connection's. A service that fails was asked again by the storage itself. */
function isOfConnection(error) {
	if (!(error instanceof SafeMigrateError)) return true;
	return error.code === "SM_STORAGE_UNREACHABLE";
}

// src/backup/stored/stored-backups.ts
/** Manifests that are read at once. */
const readers = 8;
/** Far more than a manifest of format version 1 for 100 000 tables; whatever is larger is none. */
const maximumManifestBytes = 67108864;
/**
* Lists the backups of a database over several storages. What is damaged, unfinished or silent is part of the
* answer and hides nothing else; rejects only when no storage answers, or when `signal` ends it.
*
* The same backup in two places is one. Two that share an id and differ in their manifest are two: at least
* one of them is not what it seems.
*/
async function listBackups(storages, database, options) {
	const silent = [];
	const doubts = [];
	const perStorage = await Promise.all(storages.map(async (storage) => {
		try {
			return await listStorage(storage, database, {
				...options,
				onDoubt: (why) => doubts.push(why)
			});
		} catch (error) {
			options.signal.throwIfAborted();
			silent.push({
				storage,
				error
			});
			return [];
		}
	}));
	if (silent[0] !== void 0 && silent.length === storages.length) throw silent[0].error;
	const folders = perStorage.flat();
	return {
		backups: merge(folders).sort((a, b) => createdAtOf(b) - createdAtOf(a) || (a.id < b.id ? 1 : -1)),
		unreadable: folders.filter((folder) => folder.manifest === null).map(({ id, place, problem, isExpired, modifiedAt }) => ({
			id,
			place,
			problem,
			isExpired,
			modifiedAt
		})).sort((a, b) => a.id < b.id ? 1 : -1),
		doubts,
		silent
	};
}
function createdAtOf({ manifest }) {
	return Date.parse(manifest.createdAt);
}
async function listStorage(storage, database, { signal, id, onDoubt }) {
	const root = `${id === void 0 ? databaseFolder(database) : backupFolder(database, id)}/`;
	const objects = await storage.list(root, signal, (because) => onDoubt(`${storage.url} may hold more than what was listed: ${because}`));
	const folders = [...Map.groupBy(objects, ({ key }) => folderOf(key))].filter((entry) => entry[0] !== null);
	const found = [];
	const next = folders[Symbol.iterator]();
	const readOneAfterTheOther = async () => {
		for (const [folder, held] of next) found.push(await readFolder(storage, database, folder, held, signal));
	};
	await Promise.all(Array.from({ length: readers }, readOneAfterTheOther));
	return found;
}
/** `<database>/<id>` of `<database>/<id>/<name>`; null for what lies elsewhere. */
function folderOf(key) {
	const parts = key.split("/");
	return parts.length === 3 ? `${parts[0]}/${parts[1]}` : null;
}
async function readFolder(storage, database, folder, objects, signal) {
	const id = folder.slice(folder.indexOf("/") + 1);
	const common = {
		id,
		place: {
			storage,
			folder,
			url: `${storage.url}/${folder}`,
			objects
		},
		modifiedAt: new Date(Math.max(...objects.map((object) => Date.parse(object.modifiedAt))))
	};
	const damaged = (problem, isExpired = false) => ({
		...common,
		manifest: null,
		version1: null,
		manifestText: "",
		problem,
		isExpired
	});
	const held = objects.find(({ key }) => key === `${folder}/${manifestName}`);
	const expired = objects.find(({ expiredAt }) => expiredAt !== void 0);
	if (expired !== void 0) return damaged(`it expired on ${expired.expiredAt?.slice(0, 10)}`, true);
	if (held === void 0) return damaged(null);
	if (held.sizeBytes > maximumManifestBytes) return damaged("its manifest is far too large to be one");
	let manifestText;
	try {
		manifestText = await beginAnew(`the manifest of ${id}`, {
			signal,
			warn: () => {}
		}, async () => readText(await storage.get(held.key, signal)));
	} catch (error) {
		signal.throwIfAborted();
		return damaged(`its manifest cannot be read: ${messageOf(error)}`);
	}
	const parsed = parseManifest(manifestText, {
		id,
		database
	});
	return parsed.manifest === null ? damaged(`its manifest ${parsed.problem}`) : {
		...common,
		...parsed,
		manifestText,
		isExpired: false
	};
}
async function readText(body) {
	const chunks = [];
	let sizeBytes = 0;
	for await (const chunk of body) {
		sizeBytes += chunk.byteLength;
		if (sizeBytes > maximumManifestBytes) throw damaged$1("it is far too large");
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString("utf8");
}
function merge(folders) {
	const merged = /* @__PURE__ */ new Map();
	for (const { id, place, manifest, version1, manifestText } of folders) {
		if (manifest === null) continue;
		const key = `${id} ${digestOf(Buffer.from(manifestText)).sha256}`;
		const known = merged.get(key);
		if (known === void 0) merged.set(key, {
			id,
			manifest,
			version1,
			manifestText,
			places: [place]
		});
		else known.places = [...known.places, place];
	}
	return [...merged.values()];
}

// src/report/stored-backup-text.ts
/** What becomes of a stored backup and why; empty where retention was not applied. */
function retentionText({ retention }) {
	if (retention === null) return "";
	return `${retention.stays ? "stays" : retention.removed ? "removed" : "goes"}: ${retention.reason}`;
}
/** A stored backup in one line of the log. */
function storedBackupLine(record, now) {
	return [
		record.id,
		formatAge(now.getTime() - Date.parse(record.createdAt)),
		formatBytes(record.sizeBytes),
		record.proved ? "proved" : "not proved",
		record.appliedMigrations === null ? "migrations unknown" : countOf(record.appliedMigrations, "migration"),
		record.locations.join(" "),
		...record.retention === null ? [] : [retentionText(record)]
	].join("  ");
}

// src/commands/shared/server-clock.ts
/** Less is said of no clock: a question takes its time. */
const toleratedMs = 12e4;
/**
* The time by the server's clock. Backups carry it, so their age is told by it and by no runner's: one whose clock is ahead
* would remove what is minutes old. Where both are minutes apart, `warn` hears of it.
*/
async function serverNow(database, warn) {
	const asked = Date.now();
	const now = await database.serverTime();
	const apartMs = Math.round((asked + Date.now()) / 2) - now.getTime();
	if (Math.abs(apartMs) > toleratedMs) {
		const which = apartMs > 0 ? "ahead of" : "behind";
		warn?.(`the clock of this runner is ${formatDuration(Math.abs(apartMs))} ${which} the server's (${now.toISOString()}): ages of backups go by the server's`);
	}
	return now;
}

// src/commands/shared/server-origin.ts
/** PostgreSQL's identifier of the cluster; null on a server that keeps it from this role. */
async function systemIdentifierOf(database) {
	try {
		return (await database.identity()).systemIdentifier;
	} catch (error) {
		if (error instanceof SafeMigrateError && error.code === "SM_SQL") return null;
		throw error;
	}
}

// src/system/disk-error.ts
/** What the disk refused while a file of the run's own was written. */
function diskError(error, path, writtenBytes) {
	const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
	if (code === "ENOSPC" || code === "EDQUOT") return new SafeMigrateError({
		code: "SM_DISK_FULL",
		message: `the disk is full: ${path} could not be written beyond ${writtenBytes} bytes`,
		hint: "Free space where the runner keeps its temporary files (RUNNER_TEMP), or use a runner with a larger disk.",
		cause: error
	});
	return new SafeMigrateError({
		code: "SM_DISK",
		message: `${path} could not be written (${code}) after ${writtenBytes} bytes`,
		hint: "Look at the disk and the rights of the folder where the runner keeps its temporary files (RUNNER_TEMP).",
		cause: error
	});
}

// src/backup/making/growing-file.ts
/** What a follower reads at a time. Large enough for few system calls, small enough to hold several. */
const chunkBytes = 65536;
/**
* The dump on its way: written once to disk while it is measured, and read from there by every storage at its
* own pace while it grows. Readers never slow the writer down and nothing is held in memory for them.
*
* `pipeline(child.stdout, sink)` resolves although the child failed, so the end of the writer alone never ends
* the followers: they end when `release()` says that the content is good, or fail when `fail()` says it is not.
*/
var GrowingFile = class GrowingFile {
	path;
	/** Where the dump goes; ends when the bytes are all written. */
	writer;
	/** Length and SHA-256 of what was written, once the writer has ended. */
	content;
	#handle;
	#hash = createHash("sha256");
	#settle;
	/** Called whenever there is something new to see: more bytes, the release, a failure. */
	#waiting = /* @__PURE__ */ new Set();
	#followers = /* @__PURE__ */ new Set();
	#sizeBytes = 0;
	#written = false;
	#released = false;
	#failure = null;
	#closing = null;
	constructor(path, handle) {
		this.path = path;
		this.#handle = handle;
		this.#settle = Promise.withResolvers();
		this.content = this.#settle.promise;
		this.content.catch(() => {});
		this.writer = this.#makeWriter();
		this.writer.on("error", () => {});
	}
	/** Creates the file, readable by nobody else (0600). The folder exists; a file of that name does not. */
	static async create(path) {
		try {
			return new GrowingFile(path, await open(path, "wx+", 384));
		} catch (error) {
			throw diskError(error, path, 0);
		}
	}
	/** Bytes written so far. */
	get sizeBytes() {
		return this.#sizeBytes;
	}
	/** Reads the file from its start, waiting where it has not grown yet. Any number of times, at any time. */
	follow() {
		let position = 0;
		let wake = null;
		const next = async () => {
			while (position >= this.#sizeBytes) {
				if (this.#failure !== null) throw this.#failure;
				if (this.#written && this.#released) return null;
				const { promise, resolve } = Promise.withResolvers();
				wake = resolve;
				this.#waiting.add(resolve);
				await promise;
				this.#waiting.delete(resolve);
				if (follower.destroyed) return null;
			}
			const length = Math.min(chunkBytes, this.#sizeBytes - position);
			const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafeSlow(length), 0, length, position);
			if (bytesRead === 0) throw damaged(this.path, "it is shorter than what was written to it");
			position += bytesRead;
			return buffer.subarray(0, bytesRead);
		};
		const follower = new Readable({
			highWaterMark: chunkBytes,
			read() {
				next().then((chunk) => this.push(chunk), (error) => this.destroy(error));
			},
			destroy: (error, done) => {
				this.#followers.delete(follower);
				wake?.();
				done(error);
			}
		});
		follower.on("error", () => {});
		this.#followers.add(follower);
		if (this.#failure !== null) follower.destroy(this.#failure);
		return follower;
	}
	/** The content is good: followers may end. Called once the writer has ended and the content is proved. */
	release() {
		if (!this.#written) throw new TypeError("a growing file is released before it is written");
		this.#released = true;
		this.#wakeAll();
	}
	/**
	* The content is not good: writer and followers, present and future, are destroyed with the error. After
	* release() as well, for followers that are not done.
	*/
	fail(error) {
		if (this.#failure !== null) return;
		const failure = error instanceof Error ? error : new Error(String(error));
		this.#failure = failure;
		this.#settle.reject(failure);
		if (!this.#written) this.writer.destroy(failure);
		for (const follower of [...this.#followers]) follower.destroy(failure);
		this.#wakeAll();
	}
	/** Reads the file back from disk and compares. Rejects with SM_DUMP_DAMAGED. */
	async verify() {
		const expected = await this.content;
		let held;
		try {
			const handle = await open(this.path, "r");
			held = await sha256OfFile(handle).finally(() => handle.close());
		} catch (error) {
			throw damaged(this.path, "it cannot be read back", error);
		}
		if (held.sizeBytes !== expected.sizeBytes) throw damaged(this.path, `${expected.sizeBytes} bytes were written, ${held.sizeBytes} are there`);
		if (held.sha256 !== expected.sha256) throw damaged(this.path, "its SHA-256 is not that of what was written");
	}
	/** Ends whatever still reads or writes and removes the file. */
	async [Symbol.asyncDispose]() {
		if (!(this.#written && this.#released && this.#followers.size === 0)) this.fail(/* @__PURE__ */ new Error(`${this.path} was removed before it was read to its end`));
		this.#closing ??= this.#handle.close();
		await this.#closing;
		await rm(this.path, { force: true });
	}
	#makeWriter() {
		const write = async (chunks) => {
			for (const chunk of chunks) {
				for (let at = 0; at < chunk.byteLength;) {
					const { bytesWritten } = await this.#handle.write(chunk, at, chunk.byteLength - at, this.#sizeBytes);
					this.#hash.update(chunk.subarray(at, at + bytesWritten));
					at += bytesWritten;
					this.#sizeBytes += bytesWritten;
				}
				this.#wakeAll();
			}
		};
		const settle = (work, done) => {
			work.then(() => done(), (error) => done(diskError(error, this.path, this.#sizeBytes)));
		};
		return new Writable({
			highWaterMark: 4 * chunkBytes,
			write: (chunk, _encoding, done) => settle(write([chunk]), done),
			writev: (chunks, done) => settle(write(chunks.map(({ chunk }) => chunk)), done),
			final: (done) => {
				this.#written = true;
				this.#settle.resolve({
					sizeBytes: this.#sizeBytes,
					sha256: this.#hash.digest("hex")
				});
				this.#wakeAll();
				done();
			},
			destroy: (error, done) => {
				if (error !== null) this.fail(error);
				else if (!this.#written) this.fail(/* @__PURE__ */ new Error(`writing ${this.path} was stopped before its end`));
				done(error);
			}
		});
	}
	#wakeAll() {
		for (const wake of [...this.#waiting]) wake();
	}
};
function damaged(path, how, cause) {
	return new SafeMigrateError({
		code: "SM_DUMP_DAMAGED",
		message: `the dump on disk is damaged: ${how} (${path})`,
		hint: "Nothing was touched. Run the job again; when it happens again, look at the disk of the runner.",
		cause
	});
}

// src/backup/encryption/clearing-away.ts
/** Passes chunks on and clears away those that are done with: plain text and ciphertext both pile up otherwise. */
async function* clearingAway(chunks) {
	const garbage = new YoungGarbage();
	for await (const chunk of chunks) {
		yield chunk;
		garbage.add(2 * chunk.byteLength);
	}
}

// src/storage/port/left-behind.ts
/** An upload that failed and could not be cleaned up behind: something of it may be in the storage. */
var LeftBehindError = class extends SafeMigrateError {
	name = "LeftBehindError";
};

// src/prisma/history.ts
const row = object$1({
	id: string(),
	checksum: string(),
	migration_name: string(),
	started_at: string(),
	finished_at: string().nullable(),
	rolled_back_at: string().nullable(),
	applied_steps_count: number(),
	logs: string().nullable()
}).transform((raw) => ({
	id: raw.id,
	checksum: raw.checksum,
	migrationName: raw.migration_name,
	startedAt: raw.started_at,
	finishedAt: raw.finished_at,
	rolledBackAt: raw.rolled_back_at,
	appliedStepsCount: raw.applied_steps_count,
	logs: raw.logs
}));
const presence = object$1({ present: boolean() });
/**
* The rows of `_prisma_migrations` in `schema`, in the order in which they were written; null when there is no such
* table. `logs` is what the engine wrote and may hold row values: show it through failure.ts only.
*/
async function readHistory(database, schema) {
	if (!await historyTableExists(database, schema)) return null;
	return database.query(`SELECT ${text$1("id")}, ${text$1("checksum")}, ${text$1("migration_name")},
            pg_catalog.format('%s', h.applied_steps_count)::int AS applied_steps_count,
            CASE WHEN NOT h.logs IS NULL THEN pg_catalog.format('%s', h.logs) END AS logs,
            ${iso("started_at")}, ${iso("finished_at")}, ${iso("rolled_back_at")}
       FROM ${historyTable$1(schema)} AS h ORDER BY ${time("started_at")}, id`, row);
}
async function historyTableExists(database, schema) {
	const [found] = await database.query(`SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = ${literal(schema)} AND c.relname = '_prisma_migrations'
                       AND c.relkind IN ('r', 'p')) AS present`, presence);
	return found?.present ?? false;
}
function historyTable$1(schema) {
	return qualified(schema, "_prisma_migrations");
}
/**
* Columns as their types print them, whatever types they have: casts, and functions that an implicit cast leads to, can be
* defined by whoever owns the table, and would run with the rights of this run's role.
*/
function text$1(column) {
	return `pg_catalog.format('%s', h.${column}) AS ${column}`;
}
function time(column) {
	return `nullif(pg_catalog.format('%s', h.${column}), '')::timestamptz`;
}
function iso(column) {
	return `pg_catalog.to_char(${time(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;
}

// src/prisma/failing-line.ts
/** The 1-based line of `script` at which it failed; null when that cannot be told. */
function failingLine(script, traces) {
	return lineOfPosition(script, traces.position) ?? lineOfStatement(script, traces);
}
function lineOfPosition(script, position) {
	if (position === null) return null;
	const lines = script.split("\n").map((line) => line.trimEnd());
	const text = position.text.trimEnd();
	if (text === "") return null;
	if (lines[position.line - 1] === text) return position.line;
	const matching = lines.flatMap((line, index) => line === text || position.line === 1 && line.endsWith(text) ? [index + 1] : []);
	return matching.length === 1 ? matching[0] ?? null : null;
}
const writes = [
	"InsertStmt",
	"UpdateStmt",
	"DeleteStmt",
	"MergeStmt",
	"CopyStmt"
];
const isWrite = ({ kind }) => writes.includes(kind);
/** What kind of statement can fail with such a message. */
const plausible = [
	[/contains null values/, ({ text }) => /not\s+null|primary\s+key/i.test(text)],
	[/violates not-null constraint|duplicate key value|value too long|out of range/, isWrite],
	[/already exists/, ({ kind, text }) => /^(Create|Index|View|Define|Composite)/.test(kind) || /\b(add|rename)\b/i.test(text)],
	[/could not create unique index/, ({ text }) => /unique|primary\s+key/i.test(text)],
	[/cannot be cast|cannot be implemented/, ({ text }) => /\btype\b|references|foreign\s+key/i.test(text)]
];
/**
* Most errors at run time carry no position. Then the statement is the one that names all that the message
* names and can fail so; when that fits several, none is named rather than the wrong one.
*/
function lineOfStatement(script, { message, table }) {
	const statements = parseSql(script);
	if (statements === null) return null;
	if (statements.length === 1) return statements[0]?.line ?? null;
	const canFailSo = plausible.find(([pattern]) => pattern.test(message))?.[1] ?? (() => true);
	const possible = statements.filter(canFailSo);
	const names = [...message.matchAll(/"([^"]+)"/g)].flatMap(([, name]) => name ?? []);
	const naming = names.length === 0 ? [] : possible.filter(({ text }) => names.every((name) => mentions(text, name)));
	if (naming.length === 1) return naming[0]?.line ?? null;
	if (naming.length > 1 || table === null) return null;
	const onTable = possible.filter((statement) => isWrite(statement) && mentions(statement.text, table));
	return onTable.length === 1 ? onTable[0]?.line ?? null : null;
}
function mentions(text, name) {
	const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
	return new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`, "i").test(text);
}

// src/prisma/failure.ts
/**
* What is known about a failed migration, from the `logs` of its row (or, when the engine could not write them, from
* what Prisma printed). Row values never get into it. `migration` null: it is not among the files.
*/
async function describeFailure(given) {
	const { row, deployed, migration } = given;
	const text = errorText(row, deployed);
	const message = primaryMessage(text) ?? howItEnded(deployed);
	return {
		migration: row.migrationName,
		file: migration === null ? null : await pathInRepository(migration.path),
		line: migration === null || text === null ? null : failingLine(migration.script, {
			message,
			position: markedLine(text),
			table: /\btable: Some\("((?:[^"\\]|\\.)*)"\)/.exec(text)?.[1] ?? null
		}),
		sqlState: sqlStateIn(text),
		message
	};
}
/** SQLSTATE of the error in a text of the engine (a row's `logs`, or what Prisma printed), or null. */
function sqlStateIn(text) {
	return text === null ? null : /^Database error code: ([0-9A-Z]{5})$/m.exec(text)?.[1] ?? null;
}
function errorText(row, deployed) {
	const logs = readableText(row.logs ?? "");
	if (logs.trim() !== "") return logs;
	const printed = readableText(deployed.output);
	const start = printed.indexOf(`Migration name: ${row.migrationName}\n`);
	return start < 0 ? null : printed.slice(start);
}
/** The first line of the database's message: what follows it may hold row values. */
function primaryMessage(text) {
	if (text === null) return null;
	const message = (/^Database error:\s*\n(.*)$/m.exec(text)?.[1] ?? text.trim().split("\n")[0] ?? "").replace(/^(?:db error: )?(ERROR|FATAL|PANIC):\s*/, "").trim();
	return message === "" ? null : message;
}
function howItEnded(deployed) {
	const code = deployed.errorCode === null ? "" : ` with ${deployed.errorCode}`;
	return deployed.signal === null ? `prisma ended${code} (exit code ${deployed.exitCode ?? "unknown"}) before the migration was finished` : `prisma was ended by ${deployed.signal} before the migration was finished`;
}
/** The last of the numbered lines after `Position:`; the engine prints up to five lines before it. */
function markedLine(text) {
	const block = /^Position:\n((?:[ \t]*\d+(?: .*)?\n?)+)/m.exec(text)?.[1];
	const marked = /^\s*(\d+)(?: (.*))?$/.exec(block?.trimEnd().split("\n").at(-1) ?? "");
	return marked === null ? null : {
		line: Number(marked[1]),
		text: marked[2] ?? ""
	};
}
/**
* The path as annotations want it: relative to the root of the repository, or to the current folder (which is the
* workspace) where there is none; null when it is outside of both.
*/
async function pathInRepository(path) {
	let directory = dirname(path);
	while (!await exists(join(directory, ".git"))) {
		const parent = dirname(directory);
		if (parent === directory) {
			directory = process.cwd();
			break;
		}
		directory = parent;
	}
	const inside = relative(directory, path).split(sep).join("/");
	return inside.startsWith("../") ? null : inside;
}
async function exists(path) {
	return access(path).then(() => true, () => false);
}

// src/recovery/decision/way-of-script.ts
/** What a script that failed lets hope for, and what it needs for that. Preflight asks the same of one that has not run yet. */
function wayOfScript(script, known) {
	const no = (because) => ({
		way: "no",
		because
	});
	const history = (because) => ({
		way: "history",
		because
	});
	if (script === null || !script.parsed) return no("the failing script cannot be read by the SQL parser, so it may have changed data");
	const { statements } = script;
	if (!known.eventTriggers && statements.every((statement) => !statement.mayChangeData)) return history("the failing script holds no statement that can change data");
	if (!known.wasRefused) return no("the database did not say that the failing script failed: it was cut off and may have run to its end");
	const breaker = statements.find((statement) => statement.breaksAtomicity);
	if (breaker !== void 0) return no(`the statement in line ${breaker.line} of the failing script is not undone by a rolled-back transaction`);
	if (statements.length === 1) return history("the failing script is one statement, which PostgreSQL undid as a whole");
	switch (known.execution) {
		case "not-measured": return { way: "measure-execution" };
		case "not-measurable": return no("how Prisma sends a script could not be measured");
		case "one-query": return history("this Prisma sends a script as one query (measured in this run), which PostgreSQL undid as a whole");
		case "by-statement": return no("this Prisma sends a script statement by statement, so its first part may have stayed");
	}
}

// src/recovery/decision/decide.ts
/**
* The least destructive way back that is proved to be enough. Pure: everything it knows is in the evidence.
* When in doubt it says swap, which needs no knowledge of what the migration did.
*/
function decide(evidence) {
	if (evidence.stillWorking !== null) return {
		way: "stopped",
		because: evidence.stillWorking
	};
	const historyAsBefore = sameHistory(evidence.before.history, evidence.now.history);
	const catalogsAsBefore = evidence.before.witness === evidence.now.witness;
	const byShortWay = historyAsBefore && catalogsAsBefore ? decideUntouched(evidence) : evidence.foreignDeploy ? {
		way: "no",
		because: "another deploy was here"
	} : decideHistory(evidence, catalogsAsBefore);
	return byShortWay.way === "no" ? withoutEvidence({
		...evidence,
		because: byShortWay.because
	}) : byShortWay;
}
/** The swap, unless something forbids it; needs no knowledge of what the migration did. */
function withoutEvidence(known) {
	const stopped = (because) => ({
		way: "stopped",
		because
	});
	if (known.stillWorking !== null) return stopped(known.stillWorking);
	if (known.foreignDeploy) return stopped("another deploy is or was at work on this database, and what changed may be its work");
	if (known.mayNotGoBack !== null) return stopped(known.mayNotGoBack);
	if (known.onNewWrites === "stop") {
		if (known.writesBeforeMigration > 0) return stopped(`${countOf(known.writesBeforeMigration, "table was", "tables were")} written to after the backup, and on-new-writes is stop`);
		if (known.writesMeanwhile === null) return { way: "compare-writes" };
		const because = writesSentence(known.writesMeanwhile);
		if (because !== null) return stopped(`${because}, and on-new-writes is stop`);
	}
	return {
		way: "swap",
		because: known.because
	};
}
function writesSentence({ byOthers, notToldApart }) {
	const others = byOthers.length === 0 ? [] : [`${byOthers.join(", ")} was written to while the migration ran`];
	const unclear = notToldApart.length === 0 ? [] : [`rows of ${notToldApart.join(", ")} differ from the backup, and the migration may have changed them itself: whether somebody else has as well cannot be told apart`];
	const sentences = [...others, ...unclear];
	return sentences.length === 0 ? null : sentences.join("; ");
}
/**
* History and catalogs are as before. Prisma writes its row before a script begins, so that proves that none has, unless a
* script could take the row away again: then only the contents can say what it did besides.
*/
function decideUntouched(evidence) {
	const untouched = (because) => ({
		way: "untouched",
		because
	});
	if (evidence.begun === "no" && evidence.migrator === "prisma") return untouched("history and catalogs are as before, and no script has begun");
	if (evidence.begun === "maybe" && evidence.migrator === "prisma" && evidence.lock !== "not-seen" && evidence.historyReach === "none" && !evidence.eventTriggers) return untouched("history and catalogs are as before, and no script can have taken its row away again");
	switch (evidence.contents) {
		case "not-compared": return { way: "compare-contents" };
		case "as-before": return untouched("history and catalogs are as before, and so is what every table holds");
		case "changed": return {
			way: "no",
			because: evidence.migrator === "command" ? "rows differ from the backup, and migrate-command may have changed them" : "rows differ from the backup, and a script may have changed them and taken its row out of the history"
		};
	}
}
/** The short way of one failed migration, whose row is all that it left. */
function decideHistory(evidence, catalogsAsBefore) {
	const no = (because) => ({
		way: "no",
		because
	});
	if (evidence.recovery === "swap") return no("recovery is set to swap");
	if (!catalogsAsBefore) return no("the migration left changes of the schema behind");
	const row = onlyNewUnfinishedRow(evidence.before.history, evidence.now.history);
	if (row === null) return no("more than one row of the migration history changed");
	if (evidence.rewoundSequences.length > 0) return no(`sequence ${evidence.rewoundSequences.join(", ")} was set back`);
	const doubt = doubtAboutScript(evidence);
	if (doubt === null) {
		const by = wayOfScript(evidence.script, {
			...evidence,
			wasRefused: wasRefused(row)
		});
		return by.way === "history" ? {
			...by,
			row
		} : by;
	}
	switch (evidence.contents) {
		case "not-compared": return { way: "compare-contents" };
		case "as-before": return {
			way: "history",
			row,
			because: "every table was read and holds what it held before"
		};
		case "changed": return no(`rows differ from the backup, and ${doubt}`);
	}
}
/** Why the failed script alone does not say what was changed; null when it does. */
function doubtAboutScript({ migrator, lock, historyIsWatched, historyReach }) {
	if (migrator === "command") return "migrate-command may have changed them";
	if (lock !== "taken") return "nothing shows that Prisma's lock kept others away";
	if (historyReach === "named" || historyReach === "dynamic") return "the scripts may have written the migration history themselves";
	if (historyIsWatched) return "triggers of the migration history may have changed them";
	return null;
}
/**
* Whether the server refused a statement of the script, by the error that Prisma noted in the row. Without one the
* migrator was ended before the answer came, and the backend goes on alone: it may have committed. Class 08 and 40003
* are errors of the connection, which leave that open as well.
*/
function wasRefused(row) {
	const sqlState = sqlStateIn(row.logs);
	return sqlState !== null && !/^(08|40003)/.test(sqlState);
}
/** Whether two readings of `_prisma_migrations` hold the same rows, in any order. */
function sameHistory(before, now) {
	if (before === null || now === null) return before === now;
	return JSON.stringify(sortedById(before)) === JSON.stringify(sortedById(now));
}
/** Rows in an order of their own, whatever order they were read in. */
function sortedById(rows) {
	return rows.toSorted((a, b) => a.id < b.id ? -1 : 1);
}
function onlyNewUnfinishedRow(before, now) {
	if (before === null || now === null) return null;
	const known = new Set(before.map((row) => row.id));
	const [added, ...more] = now.filter((row) => !known.has(row.id));
	if (added === void 0 || more.length > 0) return null;
	if (added.finishedAt !== null || added.rolledBackAt !== null) return null;
	return sameHistory(before, now.filter((row) => known.has(row.id))) ? added : null;
}

// src/recovery/journal/baseline.ts
/** The copy as far as a swap needs to know it. */
function readyCopy({ name, oid, fingerprint }) {
	return {
		name,
		oid,
		schemaDigest: fingerprint.schemaDigest
	};
}
/**
* Makes sure that the backup still is what a swap may go back to: nobody has migrated, replaced the database or
* changed its schema since the snapshot. Rows may have changed; which tables is returned.
* Rejects with SM_SCHEMA_MOVED; nothing has been touched then.
*/
async function takeBaseline(database, migrator, backup, options, log) {
	if (await database.oidOf(database.address.database) !== backup.targetOid) throw moved("another database has taken the name of the target since the backup was taken");
	const history = await readHistory(database, migrator.historySchema);
	if (!sameHistory(backup.history, history)) throw moved("somebody else has changed the migration history since the backup was taken");
	const witness = await database.witness();
	if (witness !== backup.witness) {
		if (await database.schemaDigest(options.signal) !== backup.details.fingerprint.schemaDigest) throw moved("somebody else has changed the schema since the backup was taken");
		if (JSON.stringify(await database.properties()) !== JSON.stringify(backup.properties)) throw moved("somebody else has changed privileges, settings or comment of the database since the backup was taken");
		log.detail("catalogs were rewritten since the backup, the schema is the same");
	}
	const writesBeforeMigration = await database.changedTables(backup.details.fingerprint, backup.counters, {
		exact: options.exact,
		jobs: options.jobs,
		signal: options.signal
	});
	const [clock] = await database.query(`SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "now"`, object$1({ now: string() }));
	return {
		history,
		witness,
		serverTime: clock?.now ?? "",
		roles: await database.roles(),
		columns: options.exact ? await database.columns() : null,
		targetOid: backup.targetOid,
		fingerprint: backup.details.fingerprint,
		fallback: backup.fallback === null ? null : readyCopy(backup.fallback),
		dump: {
			path: backup.dumpPath,
			details: backup.details
		},
		writesBeforeMigration: writesBeforeMigration.filter((table) => !table.endsWith("._prisma_migrations"))
	};
}
function moved(message) {
	return new SafeMigrateError({
		code: "SM_SCHEMA_MOVED",
		phase: "migrate",
		message,
		hint: "Nothing was touched. Let one deploy finish before the next one starts, then run this job again."
	});
}

// src/report/encryption-sentence.ts
/** How a backup is encrypted, and what says that it is the one that was made. */
function encryptionSentence(encryption) {
	switch (encryption) {
		case "passphrase": return "with the passphrase, which also authenticates the manifest";
		case "recipients": return "to age public keys; that nobody has exchanged it rests on the storage's permissions";
		case null: return "no; that nobody has read or exchanged it rests on the storage's permissions";
	}
}

// src/commands/stored/details-file.ts
/**
* Leaves the details of a backup beside its dump, for whoever finishes this run after a crash: where the backup is
* encrypted to recipients, nobody here can read the stored ones.
*/
async function writeDetails(folder, details) {
	const path = join(folder, detailsName);
	try {
		await writeFile(path, renderDetails(details), { mode: 384 });
	} catch (error) {
		throw diskError(error, path, 0);
	}
}
/** null when they are not there, or not those of this backup. */
async function readDetailsIn(folder, backupId) {
	try {
		const details = detailsSchema.parse(JSON.parse(await readFile(join(folder, detailsName), "utf8")));
		return details.id === backupId ? details : null;
	} catch {
		return null;
	}
}

// src/backup/manifest/manifest-authentication.ts
/**
* So that whoever may write to the storage but does not know the passphrase cannot give pg_restore an archive of his
* own: the manifest holds the digests of dump and details, and this holds the manifest.
*
* key ‖ check = scrypt(passphrase, "safe-migrate manifest v1" ‖ salt, N = 2^18, r = 8, p = 1), 32 bytes each;
* mac = HMAC-SHA256(key, the manifest's bytes with the 64 digits of `mac` set to 0). `check` tells a wrong
* passphrase from an edited manifest. docs/security.md shows how to verify it without this program.
*/
const saltPrefix = "safe-migrate manifest v1";
/** As costly as age's own, so that trying passphrases on the manifest is no cheaper than on the file. */
const cost = {
	N: 2 ** 18,
	r: 8,
	p: 1,
	maxmem: 300 * 1024 ** 2
};
const keyBytes = 32;
const noMac = "0".repeat(64);
const macMember = /(?<="mac": ")[0-9a-f]{64}(?=")/g;
/** The text of a manifest that says by whom it was written: by somebody who knows the passphrase. */
async function signManifest(manifest, passphrase) {
	const salt = randomBytes(16).toString("hex");
	const { key, check } = await deriveKey(passphrase, salt);
	const unsigned = renderManifest({
		...manifest,
		authentication: {
			method: "scrypt-hmac-sha256",
			salt,
			check: check.toString("hex"),
			mac: noMac
		}
	});
	return unsigned.replace(macMember, macOf(unsigned, key).toString("hex"));
}
/** `text` is what is stored, byte for byte; `manifest` what was read from it. */
async function checkManifest(text, { authentication }, passphrase) {
	if (authentication === null) return "unsigned";
	return judgeManifest(text, authentication, await deriveKey(passphrase, authentication.salt));
}
/** The same with a key that was derived before; deriving it is what costs. */
function judgeManifest(text, authentication, { key, check }) {
	if (!timingSafeEqual(check, Buffer.from(authentication.check, "hex"))) return "wrong-passphrase";
	const macs = text.match(macMember) ?? [];
	if (macs.length !== 1 || macs[0] !== authentication.mac) return "edited";
	const expected = macOf(text.replace(macMember, noMac), key);
	return timingSafeEqual(expected, Buffer.from(authentication.mac, "hex")) ? "authentic" : "edited";
}
function macOf(text, key) {
	return createHmac("sha256", key).update(text).digest();
}
/** `salt`: the manifest's, hex. */
function deriveKey(passphrase, salt) {
	const salted = Buffer.concat([Buffer.from(saltPrefix), Buffer.from(salt, "hex")]);
	return new Promise((resolve, reject) => {
		scrypt(passphrase.reveal(), salted, 64, cost, (error, derived) => {
			if (error !== null) reject(error);
			else resolve({
				key: derived.subarray(0, keyBytes),
				check: derived.subarray(keyBytes)
			});
		});
	});
}

// src/recovery/journal/run-journal.ts
/**
* The journal of one run, kept by whoever holds the lock: the run itself, or the one that finishes it. Every change
* rejects as `RunLock.writeJournal` does, and then nothing that depends on it may be done.
*/
var RunJournal = class RunJournal {
	#lock;
	#tell;
	#entry;
	#isOpen;
	constructor(lock, entry, isOpen, tell) {
		this.#lock = lock;
		this.#entry = entry;
		this.#isOpen = isOpen;
		this.#tell = tell;
	}
	/** Nothing is written before the first `enter`. `tell` hears of each change from open to closed and back. */
	static of(lock, start, tell) {
		return new RunJournal(lock, {
			version: 1,
			phase: "dump",
			afterMigrateOwed: false,
			backupId: null,
			dump: null,
			fallback: null,
			baseline: null,
			because: null,
			...start
		}, false, tell);
	}
	/** That of another run, which is to be finished. */
	static found(lock, { at: _, ...entry }) {
		return new RunJournal(lock, entry, true, () => {});
	}
	get entry() {
		return this.#entry;
	}
	get isOpen() {
		return this.#isOpen;
	}
	/** Writes that `phase` begins, with all that is known by now. Before the effect, never after it. */
	async enter(phase, known = {}) {
		const entry = {
			...this.#entry,
			...known,
			phase
		};
		this.#tell(true);
		await this.#lock.writeJournal({
			run: entry.run,
			isOpen: this.#isOpen,
			entry
		});
		this.#entry = entry;
		this.#isOpen = true;
	}
	/** Rejects with SM_JOURNAL_TAKEN when somebody else has finished this run meanwhile. */
	async assertOurs() {
		await this.enter(this.#entry.phase);
	}
	/** `after-migrate` is about to run: whoever comes next does not run it again. */
	async payHook() {
		if (!this.#isOpen) return;
		const entry = {
			...this.#entry,
			afterMigrateOwed: false
		};
		await this.#lock.writeJournal({
			run: entry.run,
			isOpen: true,
			entry
		});
		this.#entry = entry;
	}
	/** The entry that the swap's own transaction writes. */
	whenSwapped() {
		return {
			...this.#entry,
			phase: "swapped"
		};
	}
	/** The swap has written it. */
	swapped() {
		this.#entry = this.whenSwapped();
	}
	/** Leaves it open on purpose: a person has to finish, and nobody else changes anything. */
	async leave(phase, because) {
		await this.enter(phase, { because });
		this.#tell(false);
	}
	/** Nothing is open any more. */
	async clear() {
		if (this.#isOpen) await this.#lock.writeJournal({
			run: this.#entry.run,
			isOpen: true,
			entry: null
		});
		this.#isOpen = false;
		this.#tell(false);
	}
};

// src/commands/shared/take-lock.ts
/** Takes the run's lock on the target under this run's name. Rejects with SM_LOCKED, naming who has it. */
function takeLock({ run, log }, database) {
	return database.lock({
		run: run.id,
		description: run.description,
		startedAt: run.startedAt.toISOString(),
		onLeftBehind: (line) => log.warn(line)
	});
}

// src/backup/encryption/at-most.ts
/**
* Passes a body on up to a length, and ends it with `tooLong()` as soon as there is more: a server that never comes to an
* end fills neither disk nor memory.
*/
function atMost(maximumBytes, tooLong) {
	return async function* (body) {
		let sizeBytes = 0;
		for await (const chunk of body) {
			sizeBytes += chunk.byteLength;
			if (sizeBytes > maximumBytes) throw tooLong();
			yield chunk;
		}
	};
}

// src/backup/stored/from-any-place.ts
/**
* What `work` makes of the first place that holds what it should; the storages are tried in their order. Rejects with what is
* wrong in every one of them.
*/
async function fromAnyPlace({ places }, { signal, warn }, work) {
	const problems = [];
	for (const place of places) try {
		return await work(place);
	} catch (error) {
		signal.throwIfAborted();
		if (!(error instanceof SafeMigrateError)) throw error;
		problems.push(...problemsOf(error));
		if (place !== places.at(-1)) warn(`${messageOf(error)}; the next storage is tried`);
	}
	throw new RefusedError(problems, {
		phase: "fetch",
		docs: "storage.md"
	});
}

// src/backup/stored/authenticate.ts
/**
* Makes sure, before anything of a backup is used, that its manifest was written by somebody who knows the
* passphrase, and that there is a key that may open the file. Returns whether it is authenticated; without a
* passphrase nothing can say so, and it rests on the storage's permissions.
* Rejects with SM_PASSPHRASE_MISSING, SM_IDENTITY_MISSING, SM_WRONG_PASSPHRASE or SM_MANIFEST_NOT_AUTHENTIC.
*/
async function authenticate({ id, manifest, manifestText, places }, keys) {
	const where = places.map(({ url }) => url).join(", ");
	if (keys.passphrase === null) {
		if (manifest.encryption?.kind === "passphrase" || manifest.authentication !== null) throw new SafeMigrateError({
			code: "SM_PASSPHRASE_MISSING",
			message: `${id} is encrypted with a passphrase, and encryption-passphrase is not given`,
			hint: "Give the passphrase that the backup was made with.",
			docs: "security.md",
			phase: "fetch"
		});
		if (manifest.encryption?.kind === "recipients" && keys.identities.length === 0) throw new SafeMigrateError({
			code: "SM_IDENTITY_MISSING",
			message: `${id} is encrypted to age public keys, and encryption-identity is not given`,
			hint: `Give the private key of one of these: ${manifest.encryption.recipients.join(", ")}.`,
			docs: "security.md",
			phase: "fetch"
		});
		return false;
	}
	switch (await checkManifest(manifestText, manifest, keys.passphrase)) {
		case "authentic": return true;
		case "wrong-passphrase": throw wrongPassphrase(id);
		case "edited": throw notAuthentic(`the manifest of ${id} was changed after it was written (${where})`);
		case "unsigned": throw notAuthentic(`the manifest of ${id} is not authenticated: anybody who may write to the storage can have written it (${where})`, "Backups that were made without a passphrase are used without encryption-passphrase; do that only where you trust everybody who may write to the storage.");
	}
}
function wrongPassphrase(id) {
	return new SafeMigrateError({
		code: "SM_WRONG_PASSPHRASE",
		message: `encryption-passphrase is not the passphrase that ${id} was made with`,
		hint: "Give the passphrase of that time: a changed secret does not change the backups that were made before.",
		docs: "security.md",
		phase: "fetch"
	});
}
function notAuthentic(message, hint = "Use another backup, or another storage that holds this one, and find out who may write to the storage.") {
	return new SafeMigrateError({
		code: "SM_MANIFEST_NOT_AUTHENTIC",
		message,
		hint,
		docs: "security.md",
		phase: "fetch"
	});
}

// src/backup/stored/unseal.ts
/**
* Decrypts what was sealed, whoever made it: this program or `age`. Rejects with SM_WRONG_PASSPHRASE or
* SM_WRONG_IDENTITY when no key fits, and with SM_BACKUP_DAMAGED when it is no age file or not whole.
*/
async function unseal(backup, keys, plain, signal, limit = (body) => body) {
	const { sealed } = backup;
	try {
		const plaintext = await (await decrypterFor(keys)).decrypt(Readable.toWeb(sealed));
		await pipeline(Readable.fromWeb(plaintext), limit, clearingAway, plain, { signal });
	} catch (error) {
		signal.throwIfAborted();
		if (error instanceof SafeMigrateError) throw error;
		throw cannotOpen(backup.id, keys, error);
	} finally {
		sealed.destroy();
	}
}
async function decrypterFor(keys) {
	const decrypter = new (await (import("./age-dist.js"))).Decrypter();
	if (keys.passphrase !== null) decrypter.addPassphrase(keys.passphrase.reveal());
	for (const identity of keys.identities) decrypter.addIdentity(identity.reveal());
	return decrypter;
}
function cannotOpen(id, keys, cause) {
	if (messageOf(cause).includes("no identity matched")) {
		if (keys.identities.length === 0) return wrongPassphrase(id);
		return new SafeMigrateError({
			code: "SM_WRONG_IDENTITY",
			message: `none of the keys in encryption-identity opens ${id}`,
			hint: "The manifest names the public keys that the backup is encrypted to (encryption.recipients).",
			docs: "security.md",
			phase: "fetch",
			cause
		});
	}
	return new SafeMigrateError({
		code: "SM_BACKUP_DAMAGED",
		message: `${id} cannot be decrypted: ${messageOf(cause)}`,
		hint: "Use another storage that holds this backup, or another backup.",
		docs: "storage.md",
		phase: "fetch",
		cause
	});
}

// src/backup/stored/fetch-backup.ts
/**
* Fetches the dump of an opened backup into `folder` (0700): stored file of the length and SHA-256 that its manifest says,
* decrypted, plain dump of the length and SHA-256 that it says. Only then is there anything that pg_restore may read.
* No more than these lengths is ever written. On rejection nothing is left on this machine.
*/
async function fetchBackup({ listed }, keys, options) {
	await using stack = new AsyncDisposableStack();
	const { stored, from } = await fromAnyPlace(listed, options, async (place) => ({
		stored: await download$1(listed, place, options),
		from: place
	}));
	stack.use(stored);
	const what = `what ${listed.manifest.file.name} in ${from.url} holds`;
	const dump = await plainDump(listed, {
		stored,
		what
	}, keys, options);
	stack.use(dump);
	expectContent(dump === stored ? from.url : what, listed.manifest.plain, await dump.content);
	const files = stack.move();
	return {
		dumpPath: dump.path,
		from,
		[Symbol.asyncDispose]: () => files.disposeAsync()
	};
}
/** The stored file itself, or what it holds when it is sealed. */
async function plainDump({ id, manifest }, { stored, what }, keys, { folder, signal, onProgress }) {
	if (manifest.file.name === "database.dump") return stored;
	const opened = await GrowingFile.create(join(folder, dumpName));
	const report = setInterval(() => onProgress("decrypted", opened.sizeBytes), 1e3);
	const { sizeBytes } = manifest.plain;
	try {
		const sealed = createReadStream(stored.path, { signal });
		const limit = atMost(sizeBytes, () => longer(what, sizeBytes));
		await unseal({
			id,
			sealed
		}, keys, opened.writer, signal, limit);
		return opened;
	} catch (error) {
		await opened[Symbol.asyncDispose]();
		throw error;
	} finally {
		clearInterval(report);
	}
}
async function download$1({ manifest }, from, options) {
	const { name } = manifest.file;
	const object = from.objects.find(({ key }) => key === `${from.folder}/${name}`);
	if (object === void 0) throw damaged$1(`${from.url} has a manifest, but ${name} is not there`);
	const what = `${name} in ${from.url}`;
	try {
		return await beginAnew(what, options, () => downloadOnce(manifest, object, from, options));
	} catch (error) {
		if (error instanceof SafeMigrateError || options.signal.aborted) throw error;
		if (error instanceof BrokenOff) throw damaged$1(error.message, error);
		throw damaged$1(`${what} cannot be read to its end: ${messageOf(error)}`, error);
	}
}
async function downloadOnce(manifest, object, from, { folder, signal, onProgress }) {
	const { name, sizeBytes } = manifest.file;
	const stored = await GrowingFile.create(join(folder, name));
	const report = setInterval(() => onProgress("fetched", stored.sizeBytes), 1e3);
	const what = `${name} in ${from.url}`;
	const limit = atMost(sizeBytes, () => longer(what, sizeBytes));
	try {
		await pipeline(await from.storage.get(object.key, signal), limit, stored.writer, { signal });
		const content = await stored.content;
		if (content.sizeBytes < sizeBytes && object.sizeBytes === sizeBytes) throw new BrokenOff(`${what} has ${content.sizeBytes} bytes; its manifest says ${sizeBytes}`);
		expectContent(what, manifest.file, content);
		return stored;
	} catch (error) {
		await stored[Symbol.asyncDispose]();
		throw error;
	} finally {
		clearInterval(report);
	}
}
function expectContent(what, expected, actual) {
	if (actual.sizeBytes !== expected.sizeBytes) throw damaged$1(`${what} has ${actual.sizeBytes} bytes; its manifest says ${expected.sizeBytes}`);
	if (actual.sha256 !== expected.sha256) throw damaged$1(`${what} has not the SHA-256 that its manifest says: it was changed after it was stored`);
}
function longer(what, sizeBytes) {
	return damaged$1(`${what} has more than the ${sizeBytes} bytes that its manifest says`);
}

// src/commands/stored/stored-dump.ts
/** What opens the backups of this job's storages. A job that encrypts to recipients has no key. */
function keysOf(settings) {
	if (settings.command === "rollback") return settings.keys;
	const { encryption } = settings;
	return {
		passphrase: encryption?.kind === "passphrase" ? encryption.passphrase : null,
		identities: []
	};
}
/**
* The dump of a stored backup on this machine, verified as a rollback verifies it, for a recovery that has neither a copy nor
* the disk of the run that made it. null, with a warning, when it is out of reach. Disposing of it removes the file.
*/
async function storedDump(context, settings, backup, log) {
	await using opened = new AsyncDisposableStack();
	try {
		const folder = await mkdtemp(join(context.workFolder, "fetched-"));
		opened.defer(() => rm(folder, {
			recursive: true,
			force: true
		}));
		const { dumpPath, from } = opened.use(await fetchBackup(backup, keysOf(settings), {
			folder,
			signal: context.signal,
			warn: (line) => log.warn(line),
			onProgress: () => {}
		}));
		log.detail(`fetched ${from.url}, because there is no copy of it on the server`);
		const kept = opened.move();
		return {
			path: dumpPath,
			details: backup.details,
			[Symbol.asyncDispose]: () => kept.disposeAsync()
		};
	} catch (error) {
		log.warn(`${backup.listed.id} cannot be fetched: ${messageOf(error)}`);
		return null;
	}
}

// src/backup/stored/discard-unfinished.ts
/**
* Removes what a dead run has uploaded without having come to its manifest: objects, parts and temporary files. Where
* there is a manifest, there is a backup, and it stays. Never rejects; a storage that does not answer hides no other.
*/
async function discardUnfinished(storages, database, id, signal) {
	const folder = `${backupFolder(database, id)}/`;
	let isStored = false;
	const problems = [];
	await Promise.all(storages.map(async (storage) => {
		try {
			let doubt = null;
			const keys = (await storage.list(folder, signal, (because) => {
				doubt = because;
			})).map(({ key }) => key);
			if (keys.includes(`${folder}${"manifest.json"}`)) {
				isStored = true;
				return;
			}
			if (doubt !== null) throw new Error(doubt);
			await storage.abandon(folder, signal);
			for (const key of keys) await storage.remove(key, signal);
		} catch (error) {
			problems.push(`${storage.url}: ${messageOf(error)}`);
		}
	}));
	return {
		isStored,
		problems
	};
}

// src/lint/syntax-tree.ts
function isFields(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
/** The fields of a node of that kind; empty when it is another one. */
function fieldsOf(node, kind) {
	const fields = isFields(node) ? node[kind] : void 0;
	return isFields(fields) ? fields : {};
}
/**
* Visits every object inside a tree, the tree itself included. What `enter` returns false for is not looked into.
* Without recursion: a script with a thousand nested parentheses must not end the process.
*/
function* objectsIn(tree, enter = () => true) {
	const waiting = [tree];
	while (waiting.length > 0) {
		const next = waiting.pop();
		if (Array.isArray(next)) waiting.push(...next);
		else if (isFields(next)) {
			yield next;
			if (enter(next)) waiting.push(...Object.values(next));
		}
	}
}
/** Whether CONCURRENTLY stands anywhere in the statement: it then works in transactions of its own. */
function isConcurrent(node) {
	for (const fields of objectsIn(node)) {
		if (fields.concurrent === true) return true;
		const { defname } = fields;
		if (defname === "concurrently") return true;
	}
	return false;
}
/** `['pg_catalog', 'lower']` of a list of String nodes. */
function nameParts(list) {
	if (!Array.isArray(list)) return [];
	return list.map((item) => String(fieldsOf(item, "String").sval ?? ""));
}

// src/lint/function-calls.ts
/**
* Functions of PostgreSQL and of its common extensions that do nothing which outlives a rolled-back transaction
* and run no SQL that they are given. `nextval` is among them: sequences move on anyway and are never set back.
* `setval`, `dblink…`, `query_to_xml`, `lo_export`, `pg_terminate_backend` and every function of the user's are not:
* what is inside of those cannot be read from the script.
*/
const harmlessFunctions = new Set(`abs age any_value array_agg array_append array_cat array_fill array_length array_lower array_ndims array_position
   array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper ascii avg
   bit_and bit_length bit_or bool_and bool_or btrim cardinality cbrt ceil ceiling char_length character_length chr
   clock_timestamp concat concat_ws convert_from convert_to count crypt cume_dist current_database current_schema
   current_schemas current_setting currval date date_bin date_part date_trunc decode dense_rank digest div encode
   every exp extract first_value floor format gen_random_bytes gen_random_uuid gen_salt generate_series
   generate_subscripts get_bit get_byte hashtext hashtextextended hmac initcap is_normalized isfinite
   json_agg json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
   json_each json_each_text json_extract_path json_extract_path_text json_object json_object_agg json_object_keys
   json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof
   jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
   jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg
   jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
   jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax
   jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_days justify_hours justify_interval
   lag last_value lastval lead left length ln localtime localtimestamp log lower lpad ltrim make_date make_interval
   make_time make_timestamp make_timestamptz max md5 min mod mode nextval normalize now nth_value ntile num_nonnulls
   num_nulls numrange obj_description octet_length overlay parse_ident percent_rank percentile_cont percentile_disc
   pg_advisory_lock pg_advisory_unlock pg_advisory_xact_lock pg_get_serial_sequence pg_sleep pg_try_advisory_lock
   pg_try_advisory_xact_lock pg_typeof pi plainto_tsquery position power quote_ident quote_literal quote_nullable
   random range_agg rank regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
   regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right round row_number row_to_json
   rpad rtrim scale set_config setweight sha224 sha256 sha384 sha512 sign similarity split_part sqrt
   starts_with statement_timestamp stddev string_agg string_to_array string_to_table strpos strip substr substring sum
   text timeofday timezone to_char to_date to_hex to_json to_jsonb to_number to_regclass to_timestamp to_tsquery
   to_tsvector transaction_timestamp translate trim trim_array trim_scale trunc ts_rank tstzrange tsrange
   daterange int4range int8range txid_current unaccent unnest upper uuid_generate_v1 uuid_generate_v1mc
   uuid_generate_v4 uuidv4 uuidv7 variance version websearch_to_tsquery width_bucket`.trim().split(/\s+/));
/** Statements that store expressions without running them. */
const storesOnly = /* @__PURE__ */ new Set([
	"AlterPolicyStmt",
	"CreateDomainStmt",
	"CreateFunctionStmt",
	"CreatePolicyStmt",
	"CreateTrigStmt",
	"RuleStmt",
	"ViewStmt"
]);
/**
* Whether running the statement can run a function (or operator) that is not known to be harmless.
* Names are taken as PostgreSQL's own unless they are qualified otherwise: a function of the user's that overloads
* `lower` for a type of his own is not told apart.
*/
function callsUnknownFunction(kind, node) {
	if (storesOnly.has(kind)) return false;
	const tree = kind === "CreateStmt" ? fieldsOf(node, kind).partbound : node;
	for (const fields of objectsIn(tree, (each) => !isStored(each))) {
		if (isStored(fields)) continue;
		if (unknownName(fields) !== null) return true;
		if ("A_Expr" in fields && !isPlainOperator(nameParts(fieldsOf(fields, "A_Expr").name))) return true;
	}
	return false;
}
/** The functions below the node that are not known to be harmless, each once, as the script names them. */
function unknownFunctions(node) {
	const names = /* @__PURE__ */ new Set();
	for (const fields of objectsIn(node)) {
		const name = unknownName(fields);
		if (name !== null) names.add(name.join("."));
	}
	return [...names];
}
function unknownName(fields) {
	if (!("FuncCall" in fields)) return null;
	const name = nameParts(fieldsOf(fields, "FuncCall").funcname);
	return isHarmless(name) ? null : name;
}
/** Parts of DDL that are stored and not run. (ADD COLUMN … DEFAULT and ALTER … TYPE … USING do run.) */
function isStored(fields) {
	return fields.subtype === "AT_ColumnDefault";
}
function isHarmless(name) {
	const [schema, ...rest] = name;
	if (schema === void 0) return false;
	if (rest.length === 0) return harmlessFunctions.has(schema);
	return schema === "pg_catalog" && rest.length === 1 && harmlessFunctions.has(rest[0] ?? "");
}
function isPlainOperator(name) {
	return name.length < 2 || name[0] === "pg_catalog";
}

// src/lint/statements.ts
/**
* Describes a migration script with PostgreSQL's own parser. `parsed: false` when it cannot be parsed or the parser
* was not loaded (parse-sql.ts): who cannot read a script has to expect anything of it.
*/
function describeScript(sql) {
	const statements = parseSql(sql);
	if (statements === null) return { parsed: false };
	return {
		parsed: true,
		statements: statements.map(describe)
	};
}
/** DDL whose success leaves a trace in the definition catalogs (database/postgres/witness.ts looks at all of them). */
const visibleDefinitions = /* @__PURE__ */ new Set([
	"AlterDefaultPrivilegesStmt",
	"AlterDomainStmt",
	"AlterEnumStmt",
	"AlterFunctionStmt",
	"AlterObjectSchemaStmt",
	"AlterOwnerStmt",
	"AlterPolicyStmt",
	"AlterStatsStmt",
	"AlterTableStmt",
	"AlterTypeStmt",
	"CommentStmt",
	"CompositeTypeStmt",
	"CreateCastStmt",
	"CreateDomainStmt",
	"CreateEnumStmt",
	"CreateExtensionStmt",
	"CreateFunctionStmt",
	"CreatePolicyStmt",
	"CreatePublicationStmt",
	"CreateRangeStmt",
	"CreateSchemaStmt",
	"CreateSeqStmt",
	"CreateStatsStmt",
	"CreateStmt",
	"CreateTrigStmt",
	"DefineStmt",
	"DropStmt",
	"GrantStmt",
	"IndexStmt",
	"RenameStmt",
	"RuleStmt",
	"ViewStmt"
]);
/** Statements for the session alone. */
const sessionOnly = /* @__PURE__ */ new Set([
	"ConstraintsSetStmt",
	"LockStmt",
	"VariableSetStmt",
	"VariableShowStmt"
]);
/** Statements that commit by themselves, or do what no rollback undoes. */
const notTransactional = /* @__PURE__ */ new Set([
	"AlterDatabaseStmt",
	"AlterSubscriptionStmt",
	"AlterSystemStmt",
	"CallStmt",
	"CheckPointStmt",
	"ClusterStmt",
	"CreateSubscriptionStmt",
	"CreateTableSpaceStmt",
	"CreatedbStmt",
	"DiscardStmt",
	"DoStmt",
	"DropSubscriptionStmt",
	"DropTableSpaceStmt",
	"DropdbStmt",
	"ExecuteStmt",
	"LoadStmt",
	"ReindexStmt",
	"TransactionStmt",
	"VacuumStmt"
]);
function describe({ kind, node, line }) {
	const runsUnknownCode = callsUnknownFunction(kind, node);
	const fields = fieldsOf(node, kind);
	return {
		kind,
		line,
		mayChangeData: runsUnknownCode || !leavesDataAlone(kind, fields),
		breaksAtomicity: runsUnknownCode || notTransactional.has(kind) || isConcurrent(node) || leavesTheServer(kind, node),
		maySetSequence: runsUnknownCode || runsOtherCode.has(kind) || restarts(fields.options) || fields.restart_seqs === true
	};
}
/** Code that stands somewhere else, or is put together while it runs. */
const runsOtherCode = /* @__PURE__ */ new Set([
	"CallStmt",
	"DoStmt",
	"ExecuteStmt"
]);
function restarts(options) {
	return /"defname":"restart"/.test(JSON.stringify(options ?? null));
}
function leavesDataAlone(kind, fields) {
	if (visibleDefinitions.has(kind) || sessionOnly.has(kind)) return true;
	if (kind === "TransactionStmt") return !/PREPARE/.test(String(fields.kind));
	if (kind === "AlterSeqStmt") return !restarts(fields.options);
	return false;
}
/** COPY with a program or a file on the server. */
function leavesTheServer(kind, node) {
	const fields = fieldsOf(node, kind);
	return kind === "CopyStmt" && (fields.is_program === true || typeof fields.filename === "string");
}

// src/lint/block-statements.ts
/** Statements that run a text. */
const dynamic = ["PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"];
/** Reads the PL/pgSQL of a DO statement with PostgreSQL's own parsers; null when it is none, or cannot be read. */
function blockStatements(block) {
	if (!isPlPgSql(block.node)) return null;
	const tree = parseBlock(block.text);
	if (tree === null) return null;
	const opening = block.text.search(/\$[^$\s]*\$|'/);
	const firstLine = block.line + block.text.slice(0, Math.max(0, opening)).split("\n").length - 1;
	const statements = [];
	let hasUnknown = false;
	const waiting = [{
		node: tree,
		line: 1
	}];
	for (let next = waiting.pop(); next !== void 0; next = waiting.pop()) {
		const { node, line: outer } = next;
		if (Array.isArray(node)) {
			waiting.push(...node.toReversed().map((each) => ({
				node: each,
				line: outer
			})));
			continue;
		}
		if (typeof node !== "object" || node === null) continue;
		const fields = node;
		const line = typeof fields.lineno === "number" ? fields.lineno : outer;
		if (dynamic.some((kind) => kind in fields) || "dynquery" in fields) hasUnknown = true;
		const { query } = fieldsOf(fields, "PLpgSQL_expr");
		if (typeof query === "string") {
			const parsed = parsedQuery(query);
			if (parsed === null) hasUnknown = true;
			else statements.push(...parsed.map((each) => ({
				...each,
				line: firstLine + line - 1
			})));
			continue;
		}
		waiting.push(...Object.values(fields).toReversed().map((each) => ({
			node: each,
			line
		})));
	}
	return {
		statements,
		hasUnknown
	};
}
/** `DO LANGUAGE plpython3u …` is somebody else's grammar. */
function isPlPgSql(node) {
	const { args } = fieldsOf(node, "DoStmt");
	const language = (Array.isArray(args) ? args.map((each) => fieldsOf(each, "DefElem")) : []).find(({ defname }) => defname === "language");
	return language === void 0 || fieldsOf(language.arg, "String").sval === "plpgsql";
}
/** A statement, an expression, or an assignment of one. */
function parsedQuery(query) {
	const assigned = /^[^:=]*:?=(.*)$/s.exec(query)?.[1];
	return parseSql(query) ?? parseSql(`SELECT ${query}`) ?? (assigned === void 0 ? null : parseSql(`SELECT ${assigned}`));
}

// src/lint/touched-tables.ts
/** Statements that run what stands somewhere else. */
const runsOther$1 = /* @__PURE__ */ new Set([
	"CallStmt",
	"ExecuteStmt",
	"LoadStmt"
]);
/**
* Names (without schema) of the tables whose rows the scripts may change; `any` where they run code that cannot be read from
* here. Every relation that is named counts, read or written: a rule, a view or a cascade leads from one to the other.
*/
function touchedTables(scripts) {
	const names = /* @__PURE__ */ new Set();
	for (const script of scripts) {
		const statements = parseSql(script);
		if (statements === null) return "any";
		for (const statement of statements) if (!addTo(names, statement)) return "any";
	}
	return names;
}
function addTo(names, statement) {
	const { kind, node } = statement;
	if (kind === "DoStmt") {
		const block = blockStatements(statement);
		return block !== null && !block.hasUnknown && block.statements.every((inner) => addTo(names, inner));
	}
	if (runsOther$1.has(kind) || callsUnknownFunction(kind, node)) return false;
	for (const fields of objectsIn(node)) {
		for (const part of [
			fieldsOf(fields, "RangeVar"),
			fieldsOf(fields, "relation"),
			fields
		]) if (typeof part.relname === "string") names.add(part.relname);
		if (typeof fields.sval === "string") names.add(fields.sval);
	}
	return true;
}

// src/lint/history-reach.ts
const order = [
	"none",
	"hidden",
	"dynamic",
	"named"
];
const historyTable = "_prisma_migrations";
/** Statements that run what stands somewhere else. */
const runsOther = /* @__PURE__ */ new Set(["CallStmt", "ExecuteStmt"]);
/** What they define runs later in the script, hidden behind another statement. */
const definesCode = /* @__PURE__ */ new Set([
	"CreateFunctionStmt",
	"CreateTrigStmt",
	"CreateEventTrigStmt",
	"RuleStmt"
]);
/** How far a script reaches towards `_prisma_migrations`, whatever schema that is in. */
function historyReach(script) {
	const statements = parseSql(script);
	if (statements === null) return script.includes(historyTable) ? "named" : "dynamic";
	const hasOwnCode = statements.some(({ kind }) => definesCode.has(kind));
	return furthest(statements.map((statement) => reachOf(statement, hasOwnCode)));
}
/** The one of several scripts that reaches furthest. */
function furthestReach(scripts) {
	return furthest(scripts.map(historyReach));
}
/** Whether the history may say what one of these scripts wants it to say. */
function mayForgeHistory(scripts) {
	const reach = furthestReach(scripts);
	return reach === "named" || reach === "dynamic";
}
function reachOf(statement, hasOwnCode) {
	const { kind, node } = statement;
	if (texts(node).some((text) => text.includes(historyTable))) return "named";
	if (kind === "DoStmt") {
		const block = blockStatements(statement);
		if (block === null || block.hasUnknown) return "dynamic";
		return furthest(block.statements.map((inner) => reachOf(inner, hasOwnCode)));
	}
	if (runsOther.has(kind) || callsUnknownFunction(kind, node)) return hasOwnCode ? "dynamic" : "hidden";
	const [described] = statementsOf(statement);
	if (described === void 0 || described.mayChangeData) return hasOwnCode ? "dynamic" : "hidden";
	return "none";
}
function statementsOf({ text }) {
	const script = describeScript(text);
	return script.parsed ? script.statements : [];
}
function texts(node) {
	const found = [];
	for (const fields of objectsIn(node)) for (const value of Object.values(fields)) if (typeof value === "string") found.push(value);
	return found;
}
function furthest(reaches) {
	return reaches.reduce((far, each) => order.indexOf(each) > order.indexOf(far) ? each : far, "none");
}

// src/recovery/decision/begun.ts
/**
* Codes with which Prisma ends before any script: it did not get in (P1000, P1001, P1003, P1010), did not get its lock
* (P1002), or refused what it found (P3005, P3009, P3015, P3019).
*/
const nothingRan = /* @__PURE__ */ new Set([
	"P1000",
	"P1001",
	"P1002",
	"P1003",
	"P1010",
	"P3005",
	"P3009",
	"P3015",
	"P3019"
]);
/** Words that Prisma says once a script runs. A P3018 says that one has failed. */
const scriptRan = /^Applying migration `|^Migration name: |have been (?:successfully )?applied/m;
/**
* Whether a script has begun, by what the migrator said. `changedHistory`: null when the history is as before. A migrator that was
* cut off says nothing any more, and one that ended with another code may have been cut off by the server.
*/
function begunBy({ deployed, migrator }, changedHistory) {
	const { exitCode, errorCode, output } = deployed;
	if (migrator.kind === "command" || changedHistory !== null) return "yes";
	if (errorCode === "P3018" || scriptRan.test(output)) return "yes";
	return exitCode !== null && errorCode !== null && nothingRan.has(errorCode) ? "no" : "maybe";
}

// src/recovery/evidence/gather-evidence.ts
/** What can be known without reading the tables; questions about them are asked when a decision needs the answer. */
async function gatherEvidence(request, quiet) {
	const { database, migrator, baseline, settings, prismaLock } = request;
	const history = await readHistory(database, migrator.historySchema);
	const unfinished = newUnfinished(baseline.history, history);
	const file = migrator.migrations.find((migration) => migration.name === unfinished?.migrationName);
	const reach = reachOfScripts(request);
	const mayForge = reach === "named" || reach === "dynamic";
	const isForeignRow = hasForeignRow(request, history) && !(mayForge && prismaLock.sight === "taken" && !prismaLock.othersSeen);
	return {
		migrator: migrator.kind,
		before: {
			history: baseline.history,
			witness: baseline.witness
		},
		now: {
			history,
			witness: await database.witness()
		},
		begun: begunBy(request, sameHistory(baseline.history, history) ? null : history),
		historyReach: reach,
		lock: prismaLock.sight,
		stillWorking: quiet.stillWorking,
		script: file === void 0 ? null : describeScript(file.script),
		contents: "not-compared",
		execution: "not-measured",
		rewoundSequences: baseline.fingerprint === null ? [] : await database.rewoundSequences(baseline.fingerprint),
		recovery: baseline.fingerprint === null ? "swap" : settings.recovery,
		writesBeforeMigration: request.writesBeforeMigration,
		writesMeanwhile: null,
		onNewWrites: settings.onNewWrites,
		mayNotGoBack: request.mayNotGoBack,
		foreignDeploy: quiet.foreignDeploy || isForeignRow,
		...await readHiddenCode(request)
	};
}
/** The scripts that this run's migrator was to run; those of a run that died, as far as they are at hand unchanged. */
function scriptsOf({ migrator, migrationNames, baseline }) {
	const applied = new Set(baseline.history?.filter((row) => row.rolledBackAt === null).map((row) => row.migrationName));
	const names = new Set(migrationNames.filter((name) => !applied.has(name)));
	return migrator.migrations.filter(({ name }) => names.has(name)).map(({ script }) => script);
}
/** One that is not at hand may hold anything. */
function reachOfScripts(request) {
	const scripts = scriptsOf(request);
	const isWhole = request.migrationNames.every((name) => request.migrator.migrations.some((migration) => migration.name === name));
	const reach = furthestReach(scripts);
	return isWhole || reach === "named" ? reach : "dynamic";
}
/** Code of the database's own that runs where no script shows it. */
async function readHiddenCode({ database, migrator }) {
	const [found] = await database.query(`SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D') AS "eventTriggers",
            EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = ${literal(migrator.historySchema)} AND c.relname = '_prisma_migrations'
                       AND (c.relhastriggers OR c.relhasrules OR c.relhassubclass OR c.relispartition)) AS "historyIsWatched"`, object$1({
		eventTriggers: boolean(),
		historyIsWatched: boolean()
	}));
	return found ?? {
		eventTriggers: true,
		historyIsWatched: true
	};
}
/** Whether the history holds a new migration that is not among our files: a deploy of another commit was here. */
function hasForeignRow({ migrationNames, baseline }, now) {
	const known = new Set(baseline.history?.map((row) => row.id));
	const ours = new Set(migrationNames);
	return now?.some((row) => !known.has(row.id) && !ours.has(row.migrationName)) === true;
}
function newUnfinished(before, now) {
	const known = new Set(before?.map((row) => row.id));
	return now?.find((row) => !known.has(row.id) && row.finishedAt === null && row.rolledBackAt === null);
}

// src/recovery/evidence/compare-writes.ts
/** What the migration has left locked must not hold up its recovery for ever. */
const lockTimeoutSeconds = 60;
/** Recovery is never cancelled half-way. */
const never$3 = new AbortController().signal;
/**
* What was written since the snapshot, for `on-new-writes: stop`, in short transactions that leave nothing locked: told
* apart are only tables that the scripts neither name nor could reach.
*/
async function compareWrites({ database, baseline, settings, ...run }) {
	const { fingerprint, columns } = baseline;
	const writtenRows = await database.writtenRows(baseline.targetOid);
	if (fingerprint === null) return {
		byOthers: [],
		notToldApart: ["every table"],
		writtenRows
	};
	const rows = (await database.changedTables(fingerprint, {}, {
		exact: true,
		jobs: settings.jobs,
		signal: never$3,
		lockTimeoutSeconds: 60,
		...columns === null ? {} : { columns }
	})).filter((table) => !table.endsWith("._prisma_migrations"));
	const touched = touchedTables(scriptsOf({
		...run,
		baseline
	}));
	const mayBeOurs = (table) => touched === "any" || touched.has(nameOf(table));
	return {
		byOthers: rows.filter((table) => !mayBeOurs(table)),
		notToldApart: rows.filter(mayBeOurs),
		writtenRows
	};
}
/** Without schema: a script's names go by its `search_path`. */
function nameOf(table) {
	const name = /(?:^|\.)("(?:[^"]|"")*"|[^".]*)$/.exec(table)?.[1] ?? table;
	return name.startsWith("\"") ? name.slice(1, -1).replaceAll("\"\"", "\"") : name;
}

// src/recovery/evidence/compare-contents.ts
/** Recovery is never cancelled half-way. */
const never$2 = new AbortController().signal;
/**
* Whether the target still holds what the snapshot held, in tables, large objects and, where a script could have set
* them, sequences. Rows that the application wrote after the snapshot count as changed too: they cannot be told apart.
*/
async function compareContents(request, log) {
	const { database, baseline, settings } = request;
	const { fingerprint } = baseline;
	if (fingerprint === null || (await database.rewoundSequences(fingerprint)).length > 0) return "changed";
	log.detail("reading every table, to compare it with the backup");
	const { jobs } = settings;
	if (!(await database.changedTables(fingerprint, {}, {
		exact: true,
		jobs,
		signal: never$2,
		lockTimeoutSeconds: 60
	})).every((table) => table.endsWith("._prisma_migrations"))) return "changed";
	return (await setSequences(request)).length === 0 ? "as-before" : "changed";
}
/** Sequences that stand elsewhere than in the snapshot, where a script was there that can put them anywhere. */
async function setSequences({ database, baseline, ...run }) {
	if (baseline.fingerprint === null) return [];
	return scriptsOf({
		...run,
		baseline
	}).map(describeScript).some((script) => !script.parsed || script.statements.some(({ maySetSequence }) => maySetSequence)) ? await database.movedSequences(baseline.fingerprint) : [];
}

// src/recovery/journal/when-reachable.ts
const retryMs = 1e3;
const passing = /* @__PURE__ */ new Set([
	"SM_CONNECTION_LOST",
	"SM_UNREACHABLE",
	"SM_CONNECTION"
]);
/**
* Does `work`, again and again while the server cannot be reached: one that crashed with the migration is
* back in a moment, and only then can be said what it holds. Rejects with the last error `timeoutMs` after the first.
*/
async function whenReachable(work, log, timeoutMs = 12e4) {
	let deadline = null;
	for (;;) try {
		return await work();
	} catch (error) {
		if (!(error instanceof SafeMigrateError && passing.has(error.code)) || deadline !== null && Date.now() >= deadline) throw error;
		if (deadline === null) log.detail(`${error.message}; trying again for up to ${timeoutMs / 1e3} s`);
		deadline ??= Date.now() + timeoutMs;
		await setTimeout$1(retryMs);
	}
}

// src/recovery/measure-execution.ts
const probeTimeoutMs = 6e4;
/**
* Lets this very Prisma run a two-statement script that fails in its second statement, in the coordination
* database of this run, and looks whether the first one stayed. Up to 7.3 the engine sends a script as one
* query, from 7.4 statement by statement; which of the two is at work is measured, not assumed.
* Whatever goes wrong here means `not-measurable`, and then the swap is taken.
*/
async function measureExecution(request, log) {
	const { database, migrator, lock } = request;
	const { deployProbe } = migrator;
	if (lock.coordinationDatabase === null || deployProbe === null) return "not-measurable";
	try {
		await lock.assertHeld();
		const probe = await deployProbe(database.urlOf(lock.coordinationDatabase), AbortSignal.timeout(probeTimeoutMs));
		const [outcome] = await database.queryIn(lock.coordinationDatabase, `SELECT to_regclass('public.safe_migrate_probe') IS NOT NULL AS "stayed"
         FROM public._prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL`, object$1({ stayed: boolean() }));
		if (outcome === void 0 || probe.errorCode !== "P3018") return "not-measurable";
		return outcome.stayed ? "by-statement" : "one-query";
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		log.detail(`could not be measured: ${error.message}`);
		return "not-measurable";
	}
}

// src/recovery/answer.ts
/** Decides, and finds out what the decision asks for until it asks no more: reading every table takes long, so only then. */
async function decideBy(gathered, request, log) {
	let evidence = gathered;
	for (;;) {
		const decision = decide(evidence);
		if (!isQuestion(decision)) return {
			decision,
			evidence
		};
		evidence = {
			...evidence,
			...await answer(decision.way, request, log)
		};
	}
}
async function answer(question, request, log) {
	switch (question) {
		case "compare-contents": return { contents: await whenReachable(() => compareContents(request, log), log) };
		case "compare-writes": return { writesMeanwhile: await whenReachable(() => compareWrites(request), log) };
		case "measure-execution": {
			const execution = await measureExecution(request, log);
			if (execution !== "not-measurable") log.detail(`this Prisma runs a script ${execution === "one-query" ? "as one query" : "statement by statement"}`);
			return { execution };
		}
	}
}
/**
* A migration can leave the target so that it cannot even be looked at (its history table altered, rights revoked, a
* lock left behind). The swap needs no look at it; what forbids a swap still does.
*/
function decideBlind(known, reason) {
	const because = `what the migration left cannot be read: ${reason}`;
	const decision = withoutEvidence({
		...known,
		writesMeanwhile: null,
		because
	});
	return isQuestion(decision) ? {
		way: "stopped",
		because: `${because}; so nobody can say who wrote what, and on-new-writes is stop`
	} : decision;
}
function isQuestion(decision) {
	return decision.way === "compare-contents" || decision.way === "compare-writes" || decision.way === "measure-execution";
}

// src/recovery/describe-evidence.ts
/** The evidence as the report holds it: what was compared and found, without the rows themselves. */
function describeEvidence(evidence, decision) {
	const { before, now, script, writesMeanwhile: writes } = evidence;
	const known = new Set(before.history?.map(({ id }) => id));
	const statements = script?.parsed === true ? script.statements : [];
	return {
		decision: decision.way,
		because: decision.because,
		begun: evidence.begun,
		lock: evidence.lock,
		foreignDeploy: evidence.foreignDeploy,
		stillWorking: evidence.stillWorking,
		history: sameHistory(before.history, now.history) ? "as-before" : "changed",
		newRows: (now.history ?? []).filter(({ id }) => !known.has(id)).length,
		historyReach: evidence.historyReach,
		historyIsWatched: evidence.historyIsWatched,
		catalogs: before.witness === now.witness ? "as-before" : "changed",
		contents: evidence.contents,
		rewoundSequences: evidence.rewoundSequences,
		eventTriggers: evidence.eventTriggers,
		script: script === null ? null : {
			parsed: script.parsed,
			statements: statements.length,
			mayChangeData: !script.parsed || statements.some((each) => each.mayChangeData),
			breaksAtomicity: !script.parsed || statements.some((each) => each.breaksAtomicity)
		},
		execution: evidence.execution,
		writesBeforeMigration: evidence.writesBeforeMigration,
		writesMeanwhile: writes === null ? null : {
			byOthers: writes.byOthers,
			notToldApart: writes.notToldApart
		}
	};
}

// src/recovery/hold-on.ts
/** Stands in the journal while the failed row is taken out of the history: whoever finds it gone knows by whom. */
const takingRowOut = "nothing but the failed row of the history is to be taken back";
/**
* Before anything is changed: the lock is ours, again if it was lost, and nobody has finished this run meanwhile.
* A run that was frozen ends here.
*/
async function holdOn({ lock, journal }, fallback, because = null) {
	await lock.regain();
	if (journal.isOpen) await journal.enter("recover", {
		because,
		...fallback === void 0 ? {} : { fallback }
	});
}

// src/recovery/journal/recovery-failed.ts
/** The error with which a recovery ends that did not bring the target back. */
function recoveryFailed(message, cause) {
	const detail = cause instanceof Error ? `: ${cause.message}` : "";
	return new SafeMigrateError({
		code: "SM_RECOVERY_FAILED",
		phase: "recover",
		docs: "recovery.md",
		message: `${message}${detail}`,
		hint: "Do not run further migrations. The report lists the commands that finish the recovery by hand.",
		cause
	});
}

// src/recovery/put-history-back.ts
/** Takes the row of a failed migration out of `_prisma_migrations`; a row that is finished by now stays. */
async function putHistoryBack(database, schema, row) {
	await database.execute(`DELETE FROM ${qualified(schema, "_prisma_migrations")} WHERE id = ${literal(row.id)} AND finished_at IS NULL`);
}

// src/recovery/quiet/end-own-sessions.ts
const pollMs$1 = 200;
/** A backend whose client is gone may just be about to end. */
const graceMs = 2e3;
/** Rolling back what a session has written takes no time in PostgreSQL; being told to may. */
const endingTimeoutMs = 3e4;
/** For one that cannot be told from somebody else's: what is quick has ended by then. */
const suspectGraceMs = 5e3;
/** Shorter texts (`SELECT 1`) say nothing about who sent them. */
const tellingTextLength = 16;
/**
* Ends every session of this run and waits until each is gone with all its locks, so that nothing of it commits later.
* Returns why something may still commit (a session that this role may not end, one that runs a statement of the migration and
* cannot be shown to be ours), or null.
*/
async function endOwnSessions(database, isOurs, own, log) {
	const look = () => database.workSessions({
		since: own.since,
		applicationName: migratorApplicationName(own.run)
	});
	const startedAt = Date.now();
	const asked = /* @__PURE__ */ new Map();
	for (;;) {
		const ours = (await look()).filter(isOurs);
		const left = await database.stillThere([...asked.keys()]);
		if (ours.length === 0 && left.length === 0) break;
		const waited = Date.now() - startedAt;
		if (waited >= endingTimeoutMs) return `${named(ours[0] ?? asked.get(left[0] ?? 0))} does not end`;
		if (waited >= graceMs) for (const session of ours) {
			if (!asked.has(session.pid)) log.detail(`ending our migrator's session ${session.pid}, which outlived its process`);
			asked.set(session.pid, session);
			if (!await mayTerminate(database, session.pid)) return `${named(session)} bears this run's name and may not be ended by ${database.address.user}`;
		}
		await setTimeout$1(pollMs$1);
	}
	return await waitForSuspects(own, async () => (await look()).filter((session) => !isOurs(session)));
}
/** Whoever is at work on a text of the scripts: a connection through a pooler or from a container may bear no name of ours. */
async function waitForSuspects({ scripts }, look) {
	const deadline = Date.now() + suspectGraceMs;
	for (;;) {
		const suspect = (await look()).find(({ isAtWork, query }) => isAtWork && query.trim().length >= tellingTextLength && scripts.some((script) => script.includes(query.trim())));
		if (suspect === void 0) return null;
		if (Date.now() >= deadline) return `${named(suspect)} runs a statement of the migration and cannot be shown to be this run's`;
		await setTimeout$1(pollMs$1);
	}
}
async function mayTerminate(database, pid) {
	try {
		await database.terminate(pid);
		return true;
	} catch (error) {
		if (error instanceof SafeMigrateError && error.code === "SM_SQL") return false;
		throw error;
	}
}
function named(session) {
	return session === void 0 ? "a session of the migration" : `session ${session.pid} of ${session.user}`;
}

// src/recovery/quiet/prepared-work.ts
/**
* Rolls back the transactions that the migration has prepared: nobody works in them, and yet whoever knows the name can commit
* them at any time. Ours are those that the scripts name and that are younger than the migration. Returns why one is
* still there, or null.
*/
async function rollBackPreparedWork(database, { since, scripts }, log) {
	const names = new Set(scripts.flatMap(preparedNames));
	if (names.size === 0) return null;
	for (const { gid, owner } of await database.preparedWork(since)) {
		if (!names.has(gid)) continue;
		if (!await database.rollbackPrepared(gid)) return `the transaction that the migration has prepared for ${owner} cannot be rolled back`;
		log.detail("rolled back a transaction that the migration had prepared");
	}
	return null;
}
function preparedNames(script) {
	return (parseSql(script) ?? []).flatMap(({ kind, node }) => {
		const { kind: what, gid } = fieldsOf(node, kind);
		return kind === "TransactionStmt" && what === "TRANS_STMT_PREPARE" && typeof gid === "string" ? [gid] : [];
	});
}

// src/recovery/quiet/quiet-migrator.ts
const pollMs = 200;
/** A backend whose client is gone may just be about to end. */
const ownGraceMs = 2e3;
/** Another deploy that waited behind ours finds the failed migration and gives up in a moment. */
const foreignGraceMs = 15e3;
/**
* Makes sure that nothing of *our* migrator still works in the target: its processes are gone, but the backend of a
* killed one goes on with its statement and commits (FACTS: measured), whether or not it holds Prisma's lock, which a project
* can switch off. So every session of this run is ended and seen to be over, and what it has prepared is rolled back. A
* lock holder that cannot be proved to be ours is left alone and reported.
*/
async function quietMigrator(database, own, log) {
	const { deployed } = own;
	const working = await endOwnSessions(database, (session) => isOurs(session, own, database), own, log);
	const prepared = working === null ? await rollBackPreparedWork(database, own, log) : null;
	return {
		foreignDeploy: await isForeignDeploy(database, deployed, log),
		stillWorking: working ?? prepared
	};
}
/** Whether a session is certainly one of this run's migrator. */
function isOurs(session, { deployed, run, since }, { address }) {
	return session.applicationName === migratorApplicationName(run) || session.clientPort !== null && deployed.localPorts.has(session.clientPort) && session.user === address.user && session.backendStart >= since;
}
/** Of ours nothing is left by now, so whoever holds the lock is somebody else. */
async function isForeignDeploy(database, deployed, log) {
	const holder = await waitUntilFree(database, ownGraceMs);
	if (holder === null) return deployed.errorCode === "P1002";
	log.detail(`session ${holder.pid} of ${holder.user} holds Prisma's lock; it is not ours and is left alone`);
	if (deployed.errorCode === "P1002") return true;
	return await waitUntilFree(database, foreignGraceMs) !== null;
}
async function waitUntilFree(database, timeoutMs) {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const holder = await database.prismaLockHolder();
		if (holder === null || Date.now() >= deadline) return holder;
		await setTimeout$1(pollMs);
	}
}

// src/recovery/exchange-when-reachable.ts
/**
* Exchanges names, and does it again when the server went away in the middle and came back: its transaction happened
* as a whole or not at all, and an exchange that does not know which rejects with another error than a lost connection.
* Each time the lock is taken again first, so that nobody else has gone on meanwhile.
*/
function exchangeWhenReachable(held, fallback, exchange, log) {
	let isRepeated = false;
	return whenReachable(async () => {
		if (isRepeated) await holdOn(held, fallback);
		isRepeated = true;
		return await exchange();
	}, log);
}

// src/recovery/swap-back.ts
/** Recovery is never cancelled half-way. */
const never$1 = new AbortController().signal;
/**
* Puts the copy in the target's place, and looks whether it arrived. Rejects with SM_RECOVERY_FAILED, or with
* SM_WRITTEN_MEANWHILE where `writtenRows` is not null and somebody wrote since.
*/
async function swapBack(request, writtenRows, log) {
	const { database, baseline, journal } = request;
	const name = database.address.database;
	await whenReachable(() => holdOn(request), log);
	const fallback = baseline.fallback ?? await whenReachable(() => restoreNow(request, log), log);
	if (baseline.fallback === null) await whenReachable(() => holdOn(request, fallback), log);
	const { name: failedName, run } = await whenReachable(() => database.failedPlace(request.run), log);
	const swap = () => database.swap({
		targetOid: baseline.targetOid,
		fallback,
		failedName,
		properties: request.properties,
		run,
		writtenRows,
		journal: journal.isOpen ? journal.whenSwapped() : null
	}, log);
	const outcome = await exchangeWhenReachable(request, fallback, swap, log).catch((error) => {
		if (saysItself(error)) throw error;
		throw recoveryFailed(`the swap did not happen: ${name} is as the failed migration left it, and the state before it is in ${fallback.name}`, error);
	});
	journal.swapped();
	log.detail(`${outcome.terminatedSessions} sessions ended`);
	const wrong = await whenReachable(() => lookAtSwapped$1(request, fallback), log).catch((error) => {
		throw recoveryFailed(`${name} was swapped back, but could not be looked at afterwards; the failed state is in ${failedName}`, error);
	});
	if (wrong.length > 0) throw recoveryFailed(`${name} was swapped back, but ${wrong.join(", ")}; the failed state is in ${failedName}`, null);
	return {
		failedName,
		xidAtSwap: outcome.xidAtSwap
	};
}
/** Errors of the swap that do not leave both names as they were, or do not know. */
function saysItself(error) {
	return error instanceof SafeMigrateError && [
		"SM_SWAP_UNKNOWN",
		"SM_ALREADY_SWAPPED",
		"SM_WRITTEN_MEANWHILE"
	].includes(error.code);
}
/** What is wrong with the target after the swap; contents are not compared, the application writes again. */
async function lookAtSwapped$1(request, fallback) {
	const { database, baseline } = request;
	const oid = await database.oidOf(database.address.database);
	const digest = await database.schemaDigest(never$1);
	const history = await readHistory(database, request.migrator.historySchema);
	return [
		oid === fallback.oid ? null : "another database answers to its name",
		digest === fallback.schemaDigest ? null : "its schema is not that of the backup",
		sameHistory(baseline.history, history) ? null : "its migration history is not that of the backup"
	].filter((problem) => problem !== null);
}
/** `verify: archive` had no copy ready; the dump is restored and compared now, before the swap may use it. */
async function restoreNow(request, log) {
	const { database, baseline } = request;
	if (baseline.dump === null) throw recoveryFailed("there is no copy to go back to, and the dump to make one of is not at hand", null);
	const { path, details } = baseline.dump;
	log.detail("restoring the dump beside the target");
	const name = database.copyName("fallback", request.run);
	await database.dropCopy(name);
	const copy = await database.restoreBeside({
		name,
		run: request.run,
		dumpPath: path,
		expected: details.fingerprint,
		expectedSchemaText: details.schemaText,
		hasPublicSchema: details.hasPublicSchema,
		properties: details.properties,
		jobs: request.settings.jobs,
		signal: never$1
	}, log);
	return readyCopy(copy);
}

// src/recovery/recover.ts
/** Recovery is never cancelled half-way: it listens to nobody, and no step of it waits for long. */
const never = new AbortController().signal;
/** ANALYZE writes as well, into the catalogs: that is not told apart from rows at once, and has ended by the next time. */
const swapAttempts = 3;
const goesOnBeingWritten = {
	way: "stopped",
	because: "somebody goes on writing into the target while it is compared with the backup, and on-new-writes is stop"
};
/**
* Brings the target back after a migration that did not do all it should. Resolves when the target is back
* and checked, or when it was left as it is on purpose (`stopped`). Rejects with SM_RECOVERY_FAILED when
* neither holds; the error's hint says under which name the original is to be found.
*/
async function recover(request, log) {
	let { decision, evidence } = await lookAndDecide(request, log);
	for (let attempt = 1;; attempt += 1) {
		if (evidence !== null) request.tellEvidence(describeEvidence(evidence, decision));
		try {
			return await act(decision, evidence, request, log);
		} catch (error) {
			if (!(error instanceof SafeMigrateError && error.code === "SM_WRITTEN_MEANWHILE") || evidence === null) throw error;
			log.detail(error.message);
			const again = await decideBy({
				...evidence,
				writesMeanwhile: null
			}, request, log);
			evidence = again.evidence;
			decision = attempt < swapAttempts ? again.decision : goesOnBeingWritten;
		}
	}
}
async function lookAndDecide(request, log) {
	const own = {
		deployed: request.deployed,
		run: request.run,
		since: request.baseline.serverTime,
		scripts: scriptsOf(request)
	};
	let quiet = {
		foreignDeploy: false,
		stillWorking: null
	};
	try {
		const gathered = await whenReachable(async () => {
			quiet = await quietMigrator(request.database, own, log);
			return await gatherEvidence(request, quiet);
		}, log);
		return await decideBy(gathered, request, log);
	} catch (error) {
		if (!(error instanceof SafeMigrateError) || error.code !== "SM_SQL") throw error;
		return {
			decision: decideBlind({
				...request,
				...request.settings,
				...quiet
			}, error.message),
			evidence: null
		};
	}
}
async function act(decision, evidence, request, log) {
	const { fallback } = request.baseline;
	const { because } = decision;
	const asItWas = {
		because,
		fallback,
		swapped: null
	};
	switch (decision.way) {
		case "untouched": return {
			result: "untouched",
			method: "none",
			...asItWas
		};
		case "stopped": return {
			result: "stopped",
			method: "none",
			...asItWas
		};
		case "history":
			log.detail(because);
			await whenReachable(() => undoByHistory(request, decision.row), log);
			return {
				result: "restored",
				method: "history",
				...asItWas
			};
		case "swap":
			log.detail(`swap, because ${because}`);
			return {
				result: "restored",
				method: "swap",
				because,
				fallback: null,
				swapped: await swapBack(request, evidence?.writesMeanwhile?.writtenRows ?? null, log)
			};
	}
}
async function undoByHistory(request, row) {
	const { database, migrator, baseline } = request;
	await holdOn(request, void 0, takingRowOut);
	await putHistoryBack(database, migrator.historySchema, row);
	const history = await readHistory(database, migrator.historySchema);
	if (!(sameHistory(baseline.history, history) && (await database.witness() === baseline.witness || await database.schemaDigest(never) === baseline.fingerprint?.schemaDigest))) throw recoveryFailed("the failed row was removed from the migration history, and still the target is not as before", null);
}

// src/recovery/finish/recover-unfinished.ts
/** All that is known of a migrator whose run has died. */
const unknownDeploy = {
	exitCode: null,
	signal: null,
	output: "",
	errorCode: null,
	localPorts: /* @__PURE__ */ new Set()
};
/** The journal's scripts, as far as the project still has them: one that was changed since says nothing about what ran. */
function scriptsAtHand(migrator, { migrations }) {
	return (migrator?.migrations ?? []).filter((file) => migrations.some(({ name, checksums }) => name === file.name && file.checksums.some((checksum) => checksums.includes(checksum))));
}
/** Recovers what another run has left half done, with what its journal and its backup still say. */
async function recoverUnfinished(request, log) {
	const { database, lock, journal, migrator, settings } = request;
	const { entry } = journal;
	const { baseline } = entry;
	if (baseline === null || entry.targetOid === null) throw new TypeError("a run that has not begun to migrate has nothing to recover");
	return recover({
		database,
		lock,
		journal,
		migrator: {
			kind: baseline.migrator,
			historySchema: entry.historySchema,
			migrations: scriptsAtHand(migrator, entry),
			deployProbe: migrator === null ? null : (url, signal) => migrator.deployProbe(url, signal)
		},
		migrationNames: entry.migrations.map(({ name }) => name),
		baseline: {
			history: request.history,
			witness: baseline.witness,
			serverTime: baseline.serverTime,
			roles: null,
			columns: null,
			targetOid: entry.targetOid,
			fingerprint: request.fingerprint,
			fallback: entry.fallback,
			dump: request.dump
		},
		writesBeforeMigration: baseline.writesBeforeMigration,
		deployed: unknownDeploy,
		prismaLock: {
			sight: "unknown",
			othersSeen: false
		},
		mayNotGoBack: request.mayNotGoBack,
		tellEvidence: request.tellEvidence,
		properties: { comment: entry.comment },
		run: entry.run,
		settings: {
			recovery: baseline.recovery,
			onNewWrites: baseline.onNewWrites,
			jobs: settings.jobs
		}
	}, log);
}

// src/recovery/journal/history-digest.ts
/** One text for the rows of a history, in any order; null when there is no history table. */
function historyDigest(rows) {
	if (rows === null) return null;
	return createHash("sha256").update(JSON.stringify(sortedById(rows))).digest("hex");
}

// src/backup/stored/find-backup.ts
/**
* Finds a stored backup: `latest`, the newest one that this server made, in all storages that answer, proved or not; or the
* one with this id, wherever it was made. Rejects with SM_BACKUP_NOT_FOUND, SM_BACKUP_UNREADABLE (it is there and its
* manifest is no good) or SM_BACKUP_AMBIGUOUS (storages hold different ones under its id).
*/
async function findBackup(storages, database, wanted, signal, options = {}) {
	const where = storages.map(({ url }) => url).join(", ");
	if (!/^[A-Za-z0-9_.-]+$/.test(wanted)) throw notFound(wanted, database, where, []);
	const stored = await listBackups(storages, database, {
		signal,
		...wanted === "latest" || options.listAll === true ? {} : { id: wanted }
	});
	const silence = [...stored.silent.map(({ storage, error }) => `${storage.url} does not say which backups it holds: ${messageOf(error)}`), ...stored.doubts];
	const here = options.systemIdentifier ?? null;
	const none = (reasons) => notFound(wanted, database, where, [...silence, ...reasons]);
	const { backup, warnings, notices } = wanted === "latest" ? latestOf(stored, here, none) : byId(onlyOf(stored, wanted), none);
	const other = stored.backups.find((each) => each !== backup && each.id === backup.id);
	if (other !== void 0) throw ambiguous(backup, other);
	const elsewhere = isFromElsewhere(backup.manifest, here) ? [`${backup.id} was made on another server, ${originText(backup.manifest)}`] : [];
	return {
		backup,
		listed: stored.backups,
		warnings: [
			...silence,
			...warnings,
			...notices,
			...elsewhere
		],
		doubts: wanted === "latest" ? [...silence, ...warnings] : []
	};
}
function latestOf(stored, here, none) {
	const [backup] = stored.backups.filter(({ manifest }) => !isFromElsewhere(manifest, here));
	if (backup === void 0) throw none([...stored.backups.map(({ id, manifest }) => `${id} was made on another server, ${originText(manifest)}: give its id to use it`).slice(0, 3), ...unreadableIn(stored)]);
	const newer = stored.unreadable.filter(({ id, isExpired }) => id > backup.id && !isExpired);
	const unfinished = newer.filter(({ problem }) => problem === null);
	return {
		backup,
		warnings: unreadableIn({ unreadable: newer.filter(({ problem }) => problem !== null) }),
		notices: unfinished.map(({ place }) => `${place.url} is newer and has no manifest: an upload that never came to its end, or that is under way, or somebody has removed its manifest`)
	};
}
function byId(stored, none) {
	const [backup] = stored.backups;
	if (backup !== void 0) return {
		backup,
		warnings: unreadableIn(stored),
		notices: []
	};
	const [problem] = unreadableIn(stored);
	if (problem === void 0) throw none([]);
	throw new SafeMigrateError({
		code: "SM_BACKUP_UNREADABLE",
		message: problem,
		hint: "Take another backup; `command: prune` with `dry-run: true` lists them.",
		docs: "storage.md"
	});
}
function ambiguous(one, other) {
	return new SafeMigrateError({
		code: "SM_BACKUP_AMBIGUOUS",
		message: `${one.id} is not the same backup everywhere: the manifests of ${one.places[0].url} and ${other.places[0].url} differ`,
		hint: "Name only the storage that you trust in `storage`, and find out who changed the other one.",
		docs: "storage.md"
	});
}
function onlyOf({ backups, unreadable, ...rest }, wanted) {
	return {
		backups: backups.filter(({ id }) => id === wanted),
		unreadable: unreadable.filter(({ id }) => id === wanted),
		...rest
	};
}
function unreadableIn({ unreadable }) {
	return unreadable.map(({ place, problem }) => `${place.url}: ${problem ?? "it has no manifest"}`);
}
function notFound(wanted, database, where, reasons) {
	const what = wanted === "latest" ? "no backup" : `no backup ${JSON.stringify(wanted)}`;
	const why = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
	return new SafeMigrateError({
		code: "SM_BACKUP_NOT_FOUND",
		message: `there is ${what} of ${database} in ${where}${why}`,
		hint: "`command: prune` with `dry-run: true` lists the backups of a storage. Folders are named after the database.",
		docs: "storage.md"
	});
}

// src/backup/stored/open-backup.ts
/**
* Reads what a backup must look like when it is restored: manifest authenticated, details of the length and SHA-256 that it
* says, decrypted. Rejects as `authenticate` and `unseal` do, and with SM_BACKUP_DAMAGED.
*/
async function openBackup(listed, keys, options) {
	const authenticated = await authenticate(listed, keys);
	return {
		listed,
		details: await readDetails(listed, keys, options),
		authenticated
	};
}
/** Whether its details can be read without a key: for whoever only looks, and believes the storage. */
function isOpen({ manifest, version1 }) {
	return manifest.encryption === null || version1 !== null;
}
/** The same as `openBackup`, without asking who wrote the manifest. */
async function readDetails(listed, keys, options) {
	const { id, manifest, version1 } = listed;
	const stored = manifest.details;
	if (stored === null || version1 !== null) {
		if (version1 === null) throw new TypeError(`${id} has its details nowhere`);
		try {
			return detailsOfVersion1(version1);
		} catch (error) {
			throw damaged$1(`the manifest of ${id} holds a schema that cannot be unpacked`, error);
		}
	}
	return await fromAnyPlace(listed, options, async (place) => {
		const sealed = await download(place, stored, options);
		const plain = stored.name === "details.json" ? sealed : await opened(id, sealed, keys, options.signal);
		return understood(listed, `${stored.name} in ${place.url}`, plain);
	});
}
async function download({ storage, folder, url, objects }, { name, sizeBytes, sha256 }, options) {
	const { signal } = options;
	const key = `${folder}/${name}`;
	if (!objects.some((object) => object.key === key)) throw damaged$1(`${url} has a manifest, but ${name} is not there`);
	if (sizeBytes > maximumDetailsBytes) throw damaged$1(`${name} in ${url} is far too large to be one`);
	let collected = new Collected();
	const tooLong = () => damaged$1(`${name} in ${url} is longer than its manifest says, ${sizeBytes} bytes`);
	try {
		await beginAnew(`${name} in ${url}`, options, async () => {
			collected = new Collected();
			await pipeline(await storage.get(key, signal), atMost(sizeBytes, tooLong), collected, { signal });
		});
	} catch (error) {
		if (error instanceof SafeMigrateError || signal.aborted) throw error;
		throw damaged$1(`${name} in ${url} cannot be read to its end: ${messageOf(error)}`, error);
	}
	const held = digestOf(collected.content);
	if (held.sizeBytes !== sizeBytes) throw damaged$1(`${name} in ${url} has ${held.sizeBytes} bytes; its manifest says ${sizeBytes}`);
	if (held.sha256 !== sha256) throw damaged$1(`${name} in ${url} has not the SHA-256 that its manifest says: it was changed after it was stored`);
	return collected.content;
}
async function opened(id, sealed, keys, signal) {
	const plain = new Collected();
	await unseal({
		id,
		sealed: Readable.from([sealed])
	}, keys, plain, signal);
	return plain.content;
}
function understood({ id, manifest }, what, text) {
	let json;
	try {
		json = JSON.parse(text.toString("utf8"));
	} catch (error) {
		throw damaged$1(`${what} is no JSON`, error);
	}
	const { data, error } = detailsSchema.safeParse(json);
	if (error !== void 0) throw damaged$1(`${what} is not as it should be: ${error.issues[0]?.path.join(".")}`);
	if (data.id !== id) throw damaged$1(`${what} is that of another backup, ${data.id.slice(0, 100)}`);
	const { tables, rows } = countsOf(data);
	if (tables !== manifest.counts.tables || rows !== manifest.counts.rows) throw damaged$1(`${what} has other numbers of tables and rows than its manifest`);
	return data;
}
/** Keeps what is written to it, in memory. */
var Collected = class extends Writable {
	#chunks = [];
	get content() {
		return Buffer.concat(this.#chunks);
	}
	_write(chunk, _encoding, done) {
		this.#chunks.push(chunk);
		done();
	}
};

// src/commands/stored/find-stored.ts
/**
* The stored backup that was asked for; what was odd on the way is a warning, and what else there is a table. `latest` is
* refused with SM_LATEST_UNCERTAIN where a newer one may be out of sight, unless this only looks.
*/
async function findStored(context, storages, database, wanted, log) {
	const now = await serverNow(database, (line) => log.warn(line));
	const { backup, listed, warnings, doubts } = await findBackup(storages, database.address.database, wanted.backup, context.signal, {
		listAll: wanted.dryRun,
		systemIdentifier: await systemIdentifierOf(database)
	});
	for (const warning of warnings) log.warn(warning);
	const records = shownBackups(listed);
	context.report.storedBackups(records);
	for (const record of records) log.detail(storedBackupLine(record, now));
	if (!wanted.dryRun && doubts.length > 0) throw uncertain(backup.id, doubts);
	const options = {
		signal: context.signal,
		warn: (line) => log.warn(line)
	};
	const opened = wanted.dryRun ? await lookThrough(backup, wanted.keys, options) : await openBackup(backup, wanted.keys, options);
	for (const line of describeBackup(backup, opened, now)) log.detail(line);
	return {
		backup,
		opened
	};
}
/**
* As far as it can be told without fetching its dump: whether it is whole, and what it holds; whether it is authentic where
* a key is given. null where what it holds is encrypted and there is no key.
*/
async function lookThrough(backup, keys, options) {
	const { id, manifest, places } = backup;
	if (!places.some((place) => isWholeIn(backup, place))) throw new SafeMigrateError({
		code: "SM_BACKUP_DAMAGED",
		message: `${id} has a manifest, but no whole ${[manifest.file, manifest.details].map((file) => file?.name ?? "").join(" and ")} in ${places.map(({ url }) => url).join(", ")}`,
		hint: "Use another backup, or another storage that holds this one.",
		docs: "storage.md"
	});
	if (keys.passphrase === null && keys.identities.length === 0) {
		options.warn(`${id} is not authenticated: what is said of it here rests on the storage's permissions`);
		if (isOpen(backup)) return {
			listed: backup,
			details: await readDetails(backup, keys, options),
			authenticated: false
		};
		options.warn(`what ${id} holds is encrypted: without its key, migrations and rows are not compared`);
		return null;
	}
	return await openBackup(backup, keys, options);
}
function uncertain(id, doubts) {
	return new SafeMigrateError({
		code: "SM_LATEST_UNCERTAIN",
		message: `${id} is the newest backup that can be read, and there may be a newer one: ${doubts.join("; ")}`,
		hint: `Give \`backup: ${id}\` when that is the one that you mean.`,
		docs: "rollback.md"
	});
}
/** What a person wants to know before he goes back to a backup. */
function describeBackup({ id, manifest, places }, opened, now) {
	const age = formatDuration(now.getTime() - Date.parse(manifest.createdAt));
	const proof = manifest.proof.proved ? "restored and compared when it was made" : `not proved: ${opened?.details.proofProblem ?? manifest.proof.problem ?? "verify was archive"}`;
	const { tables, rows } = manifest.counts;
	const address = opened?.details.address ?? null;
	return [
		`${id}, taken ${age} ago by ${manifest.command} (${manifest.createdAt}), ${proof}`,
		`${formatBytes(manifest.file.sizeBytes)} in ${places.map(({ url }) => url).join(", ")}, ${countOf(tables, "table")}, ${formatCount(rows)} rows, from ${originText(manifest)}${address === null ? "" : ` at ${address}`}`,
		manifest.gitCommit === null ? "made outside of a workflow: it names no commit" : `made at commit ${manifest.gitCommit}`
	];
}
/** A stored backup as the report shows it; `restoreProved` is what this run knows. */
function storedRecord({ id, manifest, places }, restoreProved) {
	return {
		id,
		locations: places.map(({ storage, url }) => ({
			url,
			storage: storage.kind,
			verified: ""
		})),
		sizeBytes: manifest.file.sizeBytes,
		sha256: manifest.file.sha256,
		restoreProved,
		encryption: manifest.encryption?.kind ?? null
	};
}

// src/commands/earlier-run/backup-of-run.ts
/** The backup of a dead run, for its recovery; null when it cannot be used. The swap needs no knowledge of it. */
async function backupToRecoverFrom({ storages, database, signal, keys }, { backupId }, log) {
	if (backupId === null) return null;
	try {
		const { backup } = await findBackup(storages, database.address.database, backupId, signal);
		const options = {
			signal,
			warn: (line) => log.warn(line)
		};
		if (keys.passphrase === null && isOpen(backup)) return {
			listed: backup,
			details: await readDetails(backup, keys, options),
			authenticated: false
		};
		return await openBackup(backup, keys, options);
	} catch (error) {
		log.warn(`what its backup holds is not known: ${messageOf(error)}`);
		return null;
	}
}
/** The same for the commands that restore it by hand. */
async function restorableBackupOf({ storages, database, signal }, { backupId }) {
	if (backupId === null) return null;
	try {
		const { backup } = await findBackup(storages, database.address.database, backupId, signal);
		return storedRecord(backup, "could-not-verify");
	} catch {
		return null;
	}
}

// src/commands/earlier-run/drop-copies-of.ts
/** Drops the copies that a dead run has made; kept failed databases are none. Rejects with SM_DROP_FAILED. */
async function dropCopiesOf(database, run, log) {
	for (const kind of [
		"fallback",
		"rehearsal",
		"scratch"
	]) {
		await database.claimCopy(kind, run);
		await database.dropCopy(database.copyName(kind, run)).catch((error) => {
			if (!(error instanceof SafeMigrateError) || error.code !== "SM_NOT_A_COPY") throw error;
			log.warn(error.message);
		});
	}
}

// src/recovery/finish/decide-unfinished.ts
/** How old a half-done migration may be for its recovery to be what everybody expects. */
const recoverableSeconds = 3600;
/** What is to be done about an earlier run that has ended without closing its journal. Pure. */
function decideUnfinished(journal, facts) {
	const { targetOid, history } = facts;
	if (targetOid !== null && targetOid === journal.fallback?.oid) return { way: "swapped" };
	if (journal.phase === "stopped" || journal.phase === "recovery-failed") return { way: "leave" };
	if (phasesBeforeMigrate.has(journal.phase)) return { way: "untouched" };
	if (journal.command === "rollback") return { way: "untouched" };
	const { baseline } = journal;
	if (baseline === null) return {
		way: "stop",
		because: "its journal does not say how the target was before"
	};
	if (targetOid !== journal.targetOid) return {
		way: "stop",
		because: "another database bears the name of the target now"
	};
	const hours = Math.round(facts.ageSeconds / 360) / 10;
	const isOld = facts.ageSeconds > recoverableSeconds;
	if (history !== "unreadable") {
		const isAsBefore = historyDigest(history) === baseline.history;
		if (isAsBefore && journal.because === "nothing but the failed row of the history is to be taken back") return { way: "untouched" };
		if (isAsBefore && baseline.migrator === "prisma") return {
			way: "recover",
			history,
			mayNotGoBack: isOld ? `the migration of run ${journal.run} was cut off ${hours} hours ago, and whether it or the application has changed what differs from the backup cannot be told` : null
		};
		if (isFinished(journal, history ?? [])) return facts.mayForgeHistory ? {
			way: "stop",
			because: `the history says that the migrations of run ${journal.run} are applied, but their scripts can have written that themselves`
		} : { way: "settle" };
	}
	if (isOld) return {
		way: "stop",
		because: `the migration of run ${journal.run} is half done, and began ${hours} hours ago: going back now would undo what was written since`
	};
	if (history === "unreadable") return {
		way: "recover",
		history: null,
		mayNotGoBack: null
	};
	const before = rowsBefore(journal, history ?? []);
	if (!(historyDigest(baseline.history === null ? null : before) === baseline.history) || baseline.history === null && before.length > 0) return {
		way: "stop",
		because: "the migration history holds changes that are not those of the unfinished run"
	};
	return {
		way: "recover",
		history: baseline.history === null ? null : before,
		mayNotGoBack: null
	};
}
/** Whether every migration of the journal is applied, with a script that it knows. */
function isFinished({ migrations }, history) {
	return migrations.every(({ name, checksums }) => history.some((row) => row.migrationName === name && row.finishedAt !== null && row.rolledBackAt === null && checksums.includes(row.checksum)));
}
/** All rows but those that the unfinished run has written: its migrations were pending, so they had none in force. */
function rowsBefore({ migrations }, history) {
	const names = new Set(migrations.map(({ name }) => name));
	return history.filter((row) => row.rolledBackAt !== null || !names.has(row.migrationName));
}

// src/commands/earlier-run/look-at-earlier-run.ts
/** What is left of that run's migrator is ended first: it may still be finishing a statement. */
async function lookAtEarlierRun({ database, migrator }, journal, log) {
	const scripts = scriptsAtHand(migrator, journal).map(({ script }) => script);
	if (journal.command === "rollback") {
		const targetOid = await database.oidOf(database.address.database);
		return decideUnfinished(journal, {
			targetOid,
			history: null,
			ageSeconds: 0,
			mayForgeHistory: false
		});
	}
	if (journal.phase === "stopped" || journal.phase === "recovery-failed") {
		const targetOid = await database.oidOf(database.address.database);
		return decideUnfinished(journal, {
			targetOid,
			history: "unreadable",
			ageSeconds: 0,
			mayForgeHistory: false
		});
	}
	if (database.unreachable !== null) return {
		way: "stop",
		because: `the target cannot be connected to: ${database.unreachable.because}`
	};
	if (journal.baseline !== null && (journal.phase === "migrate" || journal.phase === "recover")) {
		const since = journal.baseline.serverTime;
		const own = {
			deployed: unknownDeploy,
			run: journal.run,
			since,
			scripts
		};
		const { foreignDeploy, stillWorking } = await quietMigrator(database, own, log);
		if (stillWorking !== null) throw stillAtWork(database, stillWorking);
		if (foreignDeploy) throw somebodyDeploys(database);
	}
	const [age] = await database.query(`SELECT extract(epoch FROM clock_timestamp() - '${journal.at}'::timestamptz)::float8 AS "seconds"`, object$1({ seconds: number() }));
	return decideUnfinished(journal, {
		targetOid: await database.oidOf(database.address.database),
		history: await historyOf(database, journal),
		ageSeconds: age?.seconds ?? Number.POSITIVE_INFINITY,
		mayForgeHistory: mayForgeHistory(scripts)
	});
}
/** It may be that run's own, which nobody can prove: what it is about to do must be seen before anything is decided. */
function somebodyDeploys(database) {
	return new SafeMigrateError({
		code: "SM_LOCKED",
		message: `A session in ${database.address.database} holds Prisma's lock: a deploy is at work, while an earlier run is unfinished.`,
		hint: "Run this job again when that deploy has ended. If it hangs, end its session: see pg_locks, locktype advisory, objid 72707369.",
		docs: "recovery.md"
	});
}
function stillAtWork(database, because) {
	return new SafeMigrateError({
		code: "SM_LOCKED",
		message: `An earlier run on ${database.address.database} is unfinished, and something of it is at work: ${because}.`,
		hint: "End it (SELECT pg_terminate_backend(…), as a role that may), then run this job again.",
		docs: "recovery.md"
	});
}
/** What stands in the history now, if it can be read. */
async function historyOf(database, journal) {
	try {
		return await readHistory(database, journal.historySchema);
	} catch (error) {
		if (!(error instanceof SafeMigrateError) || error.code !== "SM_SQL") throw error;
		return "unreadable";
	}
}

// src/recovery/finish/finish-by-hand.ts
/**
* The two ways to finish a run that stopped between them: back to the backup, or on with what is there.
* Each is one paste for a shell whose PG* variables reach the server as the target's owner; the session sits in
* `postgres`, because nobody can rename the database that he is connected to. Both close the journal, so that the next
* run begins afresh.
*/
function finishByHand(names) {
	const target = identifier(names.target);
	const fallback = identifier(names.fallback);
	const failed = identifier(names.failed);
	const comment = names.comment === null ? "NULL" : literal(names.comment);
	return [{
		text: `Go back to the backup: ${names.fallback} becomes ${names.target}, and what is there now is kept as ${names.failed}. Stop the application first, or its sessions are in the way.`,
		commands: [...names.restore, pasted([
			`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = ${literal(names.target)} AND usesysid IS NOT NULL;`,
			"BEGIN;",
			`ALTER DATABASE ${target} RENAME TO ${failed};`,
			`ALTER DATABASE ${fallback} RENAME TO ${target};`,
			`ALTER DATABASE ${failed} ALLOW_CONNECTIONS false;`,
			`COMMENT ON DATABASE ${failed} IS ${literal(names.failedMark)};`,
			`COMMENT ON DATABASE ${target} IS ${comment};`,
			`ALTER DATABASE ${target} ALLOW_CONNECTIONS true;`,
			closing(names.closedJournal),
			"COMMIT;"
		])]
	}, {
		text: `Or keep ${names.target} as it is now, repair it by a new migration (prisma migrate resolve marks the failed one), and drop the copy of the state before if there is one.`,
		commands: [pasted([closing(names.closedJournal), ...names.hasCopy ? [`DROP DATABASE ${fallback};`] : []])]
	}];
}
/** For a run whose swap is done, but not seen to be right. */
function closeByHand(names, closedJournal) {
	const kept = names.failed === null ? "" : `, and what was there before is kept as ${names.failed}`;
	return {
		text: `${names.target} is the restored backup now${kept}; nothing has to be swapped any more. Look at what the problem above names, then close the journal, or the next run will refuse.`,
		commands: [pasted([closing(closedJournal)])]
	};
}
function closing({ database, comment }) {
	return `COMMENT ON DATABASE ${identifier(database)} IS ${literal(comment)};`;
}
/**
* As a here-document, whose end no name or comment in it may be: whoever can write a comment on the database would
* otherwise write the rest of what is pasted into a shell.
*/
function pasted(statements) {
	const lines = new Set(statements.flatMap((statement) => statement.split("\n")));
	let end = "SQL";
	while (lines.has(end)) end += "_";
	return [
		`psql --dbname=postgres --set=ON_ERROR_STOP=1 <<'${end}'`,
		...statements,
		end
	].join("\n");
}

// src/recovery/finish/finish-rollback-by-hand.ts
/** The two ways to finish a rollback whose copy is restored and compared and has not taken the target's name. */
function finishRollbackByHand(names) {
	const fallback = identifier(names.fallback);
	const [exchange] = names.targetIsMissing ? [takeName(names)] : finishByHand(names);
	return [...exchange === void 0 ? [] : [exchange], {
		text: `Or leave ${names.target} as it is, and drop the restored backup.`,
		commands: [pasted([closing(names.closedJournal), ...names.hasCopy ? [`DROP DATABASE ${fallback};`] : []])]
	}];
}
function takeName(names) {
	const target = identifier(names.target);
	return {
		text: `Go back to the backup: ${names.fallback} becomes ${names.target}, which is not there.`,
		commands: [...names.restore, pasted([
			"BEGIN;",
			`ALTER DATABASE ${identifier(names.fallback)} RENAME TO ${target};`,
			`COMMENT ON DATABASE ${target} IS ${names.comment === null ? "NULL" : literal(names.comment)};`,
			`ALTER DATABASE ${target} ALLOW_CONNECTIONS true;`,
			closing(names.closedJournal),
			"COMMIT;"
		])]
	};
}

// src/report/restore-by-hand.ts
/**
* Commands that restore a backup with nothing but the storage's and the database's own tools, into a new
* database beside the others (`database`, or one named after the backup). They can be pasted as they are; PGHOST, PGUSER and PGPASSWORD are the reader's.
*/
function restoreByHandCommands(backup, database) {
	const [location] = backup.locations;
	if (location === void 0) return [];
	const scratch = shellWord(database ?? `restored_${backup.id.split("_").slice(1, 3).join("_").toLowerCase()}`);
	const file = backup.encryption === null ? "database.dump" : "database.dump.age";
	return [
		fetchCommand(location, file),
		`echo '${backup.sha256}  ${file}' | sha256sum --check`,
		...decryptCommand(backup),
		`createdb --template=template0 ${scratch}`,
		`pg_restore --exit-on-error --dbname=${scratch} database.dump`
	];
}
function fetchCommand(location, file) {
	const folder = location.url.replace(/\/(database\.dump(\.age)?)?$/, "");
	switch (location.storage) {
		case "file": return `cp ${shellWord(pathOf(`${folder}/${file}`))} ${file}`;
		case "s3": return `aws s3 cp ${shellWord(`${folder}/${file}`)} ${file}`;
		case "artifact": {
			const [, repository = "", id = ""] = /^artifact:\/\/([^/]+\/[^/]+)\/.*?([^/]+)$/.exec(folder) ?? [];
			const artifacts = `repos/${repository}/actions/artifacts`;
			return `gh api "${artifacts}/$(${`gh api --paginate ${artifacts} --jq '.artifacts[] | select((.name | endswith("~${id}~${file}")) and .workflow_run.head_repository_id == .workflow_run.repository_id).id'`} | head -n 1)/zip" > ${file}`;
		}
	}
}
/** age asks for a passphrase by itself; the private key is the reader's file. */
function decryptCommand({ encryption }) {
	if (encryption === null) return [];
	return [`age --decrypt ${encryption === "recipients" ? "--identity=key.txt " : ""}--output=database.dump database.dump.age`];
}
function pathOf(url) {
	return URL.canParse(url) ? decodeURIComponent(new URL(url).pathname) : url;
}
/** A word that a POSIX shell takes literally. */
function shellWord(text) {
	return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// src/commands/earlier-run/ways-to-finish.ts
/**
* What a person can do about a run that is left unfinished, from where the server stands now: commands for before the
* swap are no use after it. `backup` null: nobody knows where it is stored.
*/
async function waysToFinish(database, entry, backup) {
	const target = database.address.database;
	const failed = database.copyName("failed", entry.run);
	const ask = (name) => database.oidOf(name).catch(() => null);
	if (entry.targetOid !== null && await ask(failed) === entry.targetOid) return [closeByHand({
		target,
		failed
	}, database.closedJournal)];
	const copy = entry.fallback;
	const bearsName = await database.oidOf(target).catch(() => void 0);
	if (copy !== null && bearsName === copy.oid) return [closeByHand({
		target,
		failed: null
	}, database.closedJournal)];
	const place = await database.failedPlace(entry.run).catch(() => ({
		name: failed,
		run: entry.run
	}));
	const isThere = copy !== null && await ask(copy.name) === copy.oid;
	const fallback = database.copyName("fallback", entry.run);
	const names = {
		target,
		fallback,
		failed: place.name,
		failedMark: database.copyMark("failed", place.run),
		comment: entry.comment,
		restore: isThere || backup === null ? [] : [...await makeRoom(database, fallback), ...restoreByHandCommands(backup, fallback)],
		hasCopy: isThere,
		closedJournal: database.closedJournal
	};
	const targetIsMissing = bearsName === null;
	return entry.command === "rollback" || targetIsMissing ? finishRollbackByHand({
		...names,
		targetIsMissing
	}) : finishByHand(names);
}
/** A copy that was being restored when its run died bears the name that the next one needs. */
async function makeRoom(database, name) {
	return (await database.leftoverCopies().catch(() => [])).some((copy) => copy.name === name) ? [`dropdb ${shellWord(name)}`] : [];
}

// src/commands/earlier-run/finish-earlier-run.ts
/**
* Finishes a run that has ended without closing its journal, by the table in docs/recovery.md. The caller holds the lock,
* so that run is dead, or will find that it has no say any more. Rejects only before anything was changed.
*/
async function finishEarlierRun(request, journal, log) {
	const { database, lock, signal } = request;
	const kept = RunJournal.found(lock, journal);
	const decision = await whenReachable(() => lookAtEarlierRun(request, journal, log), log);
	const isNeeded = decision.way === "recover";
	const known = isNeeded ? await request.detailsOf(journal) : null;
	const backup = isNeeded && known === null ? await backupToRecoverFrom(request, journal, log) : null;
	const details = known ?? backup?.details ?? null;
	const finished = (outcome, fact, more = {}) => ({
		run: journal.run,
		command: journal.command,
		phase: journal.phase,
		at: journal.at,
		outcome,
		fact: `run ${journal.run}, which ended in ${journal.phase}: ${fact}`,
		problem: null,
		nextSteps: [],
		swapped: null,
		details,
		afterMigrateOwed: journal.afterMigrateOwed,
		...more
	});
	const open = async (outcome, because, problem) => {
		if (journal.phase !== outcome) await kept.leave(outcome, because);
		const nextSteps = await waysToFinish(database, kept.entry, await restorableBackupOf(request, journal));
		return finished(outcome, because, {
			problem,
			nextSteps
		});
	};
	const close = async () => {
		await dropCopiesOf(database, journal.run, log);
		if (journal.backupId !== null && journal.command !== "rollback") {
			const left = await discardUnfinished(request.storages, database.address.database, journal.backupId, signal);
			for (const problem of left.problems) log.warn(`what it has uploaded could not be cleared: ${problem}`);
			if (left.problems.length > 0) return;
		}
		await request.beforeClosing?.(kept);
		await kept.clear();
	};
	switch (decision.way) {
		case "swapped": {
			if (journal.command === "rollback" && journal.phase === "recovery-failed") return open("recovery-failed", journal.because ?? "its history is not that of the backup", stands(journal));
			const wrong = await lookAtSwapped(database, journal);
			if (wrong !== null && journal.phase === "recovery-failed") return open("recovery-failed", wrong, stands(journal));
			if (wrong !== null) log.warn(`after the swap of run ${journal.run} ${wrong}`);
			await close();
			return finished("restored", "its swap was done, the target is the restored backup");
		}
		case "untouched":
			await close();
			return finished("untouched", nothingChanged);
		case "settle":
			await close();
			return finished("migrated", `all its ${journal.migrations.length} migrations are applied, nothing is undone`);
		case "leave": return open(journal.phase === "stopped" ? "stopped" : "recovery-failed", journal.because ?? "a person has to finish it", stands(journal));
		case "stop": return open("stopped", decision.because, unfinished("SM_STOPPED", decision.because));
	}
	try {
		if (journal.fallback === null) await whenReachable(() => dropCopiesOf(database, journal.run, log), log);
		const { history, mayNotGoBack } = decision;
		const recovery = await recoverFrom(request, {
			kept,
			journal,
			backup,
			details,
			history,
			mayNotGoBack
		}, log);
		if (recovery.result === "stopped") return open("stopped", recovery.because, unfinished("SM_STOPPED", recovery.because));
		await close();
		if (recovery.result === "untouched") return finished("untouched", nothingChanged);
		const method = recovery.method === "none" ? "" : ` by ${recovery.method}`;
		const failed = recovery.swapped === null ? "" : `; what it left is kept as ${recovery.swapped.failedName}`;
		return finished(recovery.result, `recovered${method}${failed}`, { swapped: recovery.swapped });
	} catch (error) {
		const because = `${journal.phase} of run ${journal.run} did not come to its end, and its recovery failed: ${messageOf(error)}`;
		return open("recovery-failed", because, unfinished("SM_RECOVERY_FAILED", because, error));
	}
}
const nothingChanged = "it had changed nothing in the target; what it left beside is cleared away";
/** With the copy that the run has left, or with its dump: from this machine's disk, or else from a storage. */
async function recoverFrom(request, found, log) {
	const { kept, journal, details, history, mayNotGoBack } = found;
	const held = details === null ? null : await request.dumpOf(journal, details);
	const needsStored = held === null && journal.fallback === null;
	const backup = needsStored && found.backup === null && details !== null ? await backupToRecoverFrom(request, journal, log) : found.backup;
	await using fetched = needsStored && backup !== null ? await request.fetchDump(backup, log) : null;
	return await recoverUnfinished({
		...request,
		journal: kept,
		history,
		mayNotGoBack,
		fingerprint: details?.fingerprint ?? null,
		dump: held ?? fetched
	}, log);
}
/** What is not as it should be after a swap whose run did not get to look; null when all is well. */
async function lookAtSwapped(database, journal) {
	if (await database.schemaDigest(new AbortController().signal) !== journal.fallback?.schemaDigest) return "its schema is not that of the backup";
	if (journal.command === "rollback") return null;
	const history = await historyOf(database, journal);
	if (history === "unreadable" || historyDigest(history) !== journal.baseline?.history) return "its migration history is not that of the backup";
	return null;
}
function stands(journal) {
	return unfinished("SM_UNFINISHED_RUN", `run ${journal.run} left the target in the state ${journal.phase} at ${journal.at}: ${journal.because ?? "no reason is noted"}`);
}
function unfinished(code, because, cause) {
	return new SafeMigrateError({
		code,
		phase: "recover",
		docs: "recovery.md",
		message: code === "SM_STOPPED" ? `an earlier run is left as it is: ${because}` : because,
		hint: "Choose one of the ways to finish that the report lists; until then no run changes this database.",
		cause
	});
}

// src/commands/shared/open-storages.ts
/** The storages that a command was given, in their order. Retention and encryption are for those that store something. */
function openStorages(context, settings) {
	const { migrateDays, otherDays } = settings.retention ?? {
		migrateDays: 1,
		otherDays: 1
	};
	return settings.storages.map((url) => context.ports.openStorage(url, {
		retentionDays: settings.command === "migrate" ? migrateDays : otherDays,
		isEncrypted: (settings.encryption ?? null) !== null,
		workFolder: context.workFolder
	}));
}

// src/report/check-report.ts
/** What `check` found, part by part. JSON-safe; holds no secret and no value of anybody's rows. */
const severities = [
	"error",
	"warning",
	"notice"
];
const checkPartNames = [
	"history",
	"pending",
	"schema",
	"drift"
];
/** All findings, the worst first, otherwise in the order of the parts. */
function findingsOf(check) {
	const all = check.parts.flatMap((part) => part.findings);
	return severities.flatMap((severity) => all.filter((finding) => finding.severity === severity));
}

// src/system/exit-text.ts
/** `exit code 1` or `signal SIGKILL`, for messages. */
function describeExit(exit) {
	return exit.signal === null ? `exit code ${exit.exitCode ?? "unknown"}` : `signal ${exit.signal}`;
}

// src/system/taken-over.ts
/** Codes of the errors that say so. */
const takenOverCodes = /* @__PURE__ */ new Set([
	"SM_LOCKED",
	"SM_LOCK_LOST",
	"SM_JOURNAL_TAKEN"
]);
/** Whether an error says that this run has no say any more, because another one has the lock or had it meanwhile. */
function isTakenOver(error) {
	return error instanceof SafeMigrateError && takenOverCodes.has(error.code);
}

// src/commands/shared/hooks.ts
/** In the environment of every hook: by it post finds one that outlived its run. */
const hookMark = "SAFE_MIGRATE_HOOK_OF";
/**
* The user's commands around the work: stop and start the application, turn maintenance on and off. Whatever happens
* between them, after-migrate runs when before-migrate was begun, and it runs once.
*/
var Hooks = class {
	#context;
	#settings;
	/** null: it is closed already. */
	#journal;
	#isOwed = false;
	constructor(context, settings, journal) {
		this.#context = context;
		this.#settings = settings;
		this.#journal = journal;
	}
	/** Rejects with SM_HOOK_FAILED; and as RunJournal.enter does, before anything is run. */
	async before() {
		const { beforeMigrate, afterMigrate } = this.#settings;
		await this.#journal?.enter("quiesce", { afterMigrateOwed: afterMigrate !== null });
		this.#isOwed = afterMigrate !== null;
		if (beforeMigrate === null) return;
		await this.#context.log.phase("quiesce", async (log) => {
			return {
				fact: await this.#run("before-migrate", beforeMigrate, log, this.#context.signal),
				value: null
			};
		});
	}
	/** Whether after-migrate is left to post. */
	get isOwed() {
		return this.#isOwed;
	}
	/**
	* A failure of it is a warning: what the run was to do is done, or undone, by then. After a cancel the runner ends this
	* step within seconds, so it is left to post, which has minutes.
	*/
	async after() {
		const { afterMigrate } = this.#settings;
		if (!this.#isOwed || afterMigrate === null) return;
		if (this.#context.signal.aborted && this.#journal?.isOpen === true) {
			this.#context.log.warn("the run was cancelled: its after-migrate runs in the post part of this step");
			return;
		}
		this.#isOwed = false;
		try {
			await this.#journal?.payHook();
			await this.#context.log.phase("settle", async (log) => {
				return {
					fact: await this.#run("after-migrate", afterMigrate, log, null),
					value: null
				};
			});
		} catch (error) {
			this.#context.log.warn(messageOf(error));
		}
	}
	/** What a run that has died still owes. */
	async owed() {
		this.#isOwed = true;
		await this.after();
	}
	async #run(name, script, log, cancelled) {
		const { hookTimeoutMinutes, workingDirectory } = this.#settings;
		const timeout = AbortSignal.timeout(hookTimeoutMinutes * 6e4);
		const startedAt = performance.now();
		const exit = await this.#context.ports.runShellCommand({
			script,
			directory: workingDirectory,
			mark: {
				name: hookMark,
				value: this.#context.run.id
			},
			signal: cancelled === null ? timeout : AbortSignal.any([timeout, cancelled]),
			onOutput: (text) => log.output(text)
		});
		cancelled?.throwIfAborted();
		if (exit.exitCode === 0) return `${name} ended after ${formatDuration(performance.now() - startedAt)}`;
		const how = timeout.aborted ? `did not end within ${hookTimeoutMinutes} minutes` : `ended with ${describeExit(exit)}`;
		throw new SafeMigrateError({
			code: "SM_HOOK_FAILED",
			message: `${name} ${how}`,
			hint: "Its output stands in the log of this step. Try the command by itself on this runner.",
			docs: "rollback.md"
		});
	}
};

// src/report/docs-link.ts
const docsUrl = "https://github.com/applizor/safe-migrate/blob/main/docs";
/** Link to what docs/ says about an error; every code is a heading on its page. */
function docsLink(page, code) {
	return `${docsUrl}/${page}#${code.toLowerCase()}`;
}

// src/report/report-builder.ts
/**
* The run's record while it grows; `build` makes the Report of it. Every setter replaces what was there,
* `phase`, `problem`, `warn` and `nextStep` add.
*/
var ReportBuilder = class {
	#command;
	#run;
	#phases = [];
	#problems = [];
	#warnings = [];
	#nextSteps = [];
	#findings = {
		target: null,
		prismaVersion: null,
		pendingMigrations: [],
		appliedMigrations: [],
		backup: null,
		proof: null,
		failure: null,
		recoveryWays: [],
		pendingWays: [],
		recoveryMethod: "none",
		recoverySeconds: null,
		recovery: null,
		failedDatabase: null,
		dataLoss: [],
		drift: "unknown",
		check: null,
		rollback: null,
		writesBeforeMigration: null,
		newWrites: null,
		roleChanges: [],
		keptDatabases: [],
		storedBackups: null,
		earlierRun: null
	};
	constructor(start) {
		this.#command = start.command;
		this.#run = start.run;
	}
	target(target) {
		this.#findings.target = target;
	}
	prisma(version) {
		this.#findings.prismaVersion = version;
	}
	pending(migrations) {
		this.#findings.pendingMigrations = [...migrations];
	}
	/** Migrations of this run that are applied in the target now; empty again after they were undone. */
	applied(migrations) {
		this.#findings.appliedMigrations = [...migrations];
	}
	backup(backup) {
		this.#findings.backup = backup;
	}
	proof(proof) {
		this.#findings.proof = proof;
	}
	failure(failure) {
		this.#findings.failure = failure;
	}
	/** Which ways back are open, as preflight saw them. */
	recoveryWays(ways) {
		this.#findings.recoveryWays = [...ways];
	}
	/** The way back that each pending migration leaves open. */
	pendingWays(ways) {
		this.#findings.pendingWays = [...ways];
	}
	/** `seconds`: from the decision to recover until the target was back. */
	recovery(method, seconds) {
		this.#findings.recoveryMethod = method;
		this.#findings.recoverySeconds = seconds;
	}
	/** What the decision how to recover rests on; of an earlier run as well. */
	recoveryEvidence(evidence) {
		this.#findings.recovery = { evidence };
	}
	failedDatabase(name) {
		this.#findings.failedDatabase = name;
	}
	dataLoss(loss) {
		this.#findings.dataLoss = [...loss];
	}
	drift(drift) {
		this.#findings.drift = drift;
	}
	/** Replaced as more is known. */
	rollback(rollback) {
		this.#findings.rollback = rollback;
	}
	check(check) {
		this.#findings.check = check;
	}
	/** Tables that had moved on between the snapshot and the migration. */
	writesBeforeMigration(tables) {
		this.#findings.writesBeforeMigration = [...tables];
	}
	/** Differences between the failed database and the recovered target. */
	roleChanges(changes) {
		this.#findings.roleChanges = [...changes];
	}
	newWrites(differences) {
		this.#findings.newWrites = [...differences];
	}
	kept(databases) {
		this.#findings.keptDatabases = [...databases];
	}
	/** An earlier run that this one found unfinished. */
	earlierRun({ run, command, phase, at, outcome, fact }) {
		this.#findings.earlierRun = {
			run,
			command,
			phase,
			at,
			outcome,
			fact
		};
	}
	storedBackups(backups) {
		this.#findings.storedBackups = [...backups];
	}
	phase(record) {
		this.#phases.push(record);
	}
	/**
	* Everything that an error stands for. The first one given is the reason of the result; when recovery
	* fails as well, give both, the migration's first. Where neither the error nor the caller knows the phase,
	* it is the one that failed last.
	*/
	problem(error, phase = null) {
		const place = (error instanceof SafeMigrateError ? error.phase : void 0) ?? phase ?? this.#phases.findLast(({ status }) => status === "failed")?.phase ?? null;
		for (const { code, message, hint, docs = "errors.md" } of problemsOf(error)) this.#problems.push({
			code,
			message,
			hint,
			phase: place,
			docs: docsLink(docs, code)
		});
	}
	/** A warning that was given before is not repeated. */
	warn(line) {
		if (!this.#warnings.includes(line)) this.#warnings.push(line);
	}
	nextStep(step) {
		this.#nextSteps.push(step);
	}
	/** The finished value; the builder may go on and build again (a problem while publishing). */
	build(result, finishedAt) {
		return {
			formatVersion: 1,
			command: this.#command,
			result,
			run: {
				...this.#run,
				finishedAt: finishedAt.toISOString()
			},
			...this.#findings,
			phases: [...this.#phases],
			problems: [...this.#problems],
			warnings: [...this.#warnings],
			nextSteps: [...this.#nextSteps]
		};
	}
};

// src/runner/log-text.ts
/**
* Makes lines that are not ours harmless to the runner. The runner takes a line for a command when its first
* characters after white space are `::` (the runner's ActionCommand.TryParseV2), and when `##[` stands anywhere
* in it (the older form, ActionCommand.TryParse). A backslash in the middle keeps both readable.
*/
function harmlessLine(line) {
	return line.replace(/^([\s\u0085]*):(?=:)/, "$1\\:").replaceAll("##[", "##\\[");
}
/** Text as one harmless line; its indentation stays. */
function singleLine(text) {
	return harmlessLine(text.replaceAll(/[\r\n\u0085\u2028\u2029]+/g, " ").trimEnd());
}
/** Cuts a child's output into lines as it comes, so that no command can be put together from two pieces. */
var LineSplitter = class {
	#onLine;
	#rest = "";
	constructor(onLine) {
		this.#onLine = onLine;
	}
	push(text) {
		this.#rest += text;
		const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
		this.#rest = lines.pop() ?? "";
		for (const line of lines) this.#onLine(line);
	}
	/** Gives out what stands behind the last line break. */
	end() {
		const rest = this.#rest.replace(/\r$/, "");
		this.#rest = "";
		if (rest !== "") this.#onLine(rest);
	}
};

// src/runner/action-log.ts
const defaultProgressIntervalMs = 5e3;
/** The longest phase name, and six characters for seconds: `preflight   0.4 s`, `dump     1234.5 s`. */
const phaseColumnWidth = 9;
const durationColumnWidth = 8;
/**
* The log of a run in GitHub Actions: one visible line per phase, everything else folded in the phase's group.
* A group is opened when there is something to put into it, or when the phase takes longer than one progress
* interval, so that short phases leave no empty folds and a long one says that it has begun.
*/
var ActionLog = class {
	#record;
	#progressIntervalMs;
	#write;
	#openGroup = null;
	/** The phase whose group was opened last, whether or not it is still open. */
	#begunGroup = null;
	constructor(options) {
		this.#record = options.record;
		this.#progressIntervalMs = options.progressIntervalMs ?? defaultProgressIntervalMs;
		this.#write = options.write ?? ((text) => process.stdout.write(text));
	}
	headline(line) {
		this.visible(`safe-migrate: ${line}`);
	}
	warn(line) {
		this.#record.warn(line);
		this.visible(`warning: ${line}`);
	}
	/** A line outside of all groups. */
	visible(line) {
		this.#closeGroup();
		this.#write(`${singleLine(line)}\n`);
	}
	async phase(phase, work) {
		const startedAt = /* @__PURE__ */ new Date();
		const started = performance.now();
		const detail = (line) => this.#folded(phase, line);
		const childOutput = new LineSplitter(detail);
		let say = () => void 0;
		let lastSaid;
		const timer = setInterval(() => {
			if (this.#begunGroup !== phase) this.#open(phase);
			const text = say();
			if (text === void 0 || text === lastSaid) return;
			lastSaid = text;
			detail(`${formatSeconds(performance.now() - started)}  ${text}`);
		}, this.#progressIntervalMs);
		timer.unref();
		const end = (status, fact) => {
			clearInterval(timer);
			childOutput.end();
			this.#begunGroup = null;
			const durationMs = Math.round(performance.now() - started);
			this.#record.phase({
				phase,
				status,
				startedAt: startedAt.toISOString(),
				durationMs,
				fact
			});
			const columns = phase.padEnd(phaseColumnWidth) + formatSeconds(durationMs).padStart(durationColumnWidth);
			this.visible(`${columns}  ${fact}`);
		};
		try {
			const result = await work({
				detail,
				warn: (line) => this.warn(line),
				output: (text) => childOutput.push(text),
				progress: (newSay) => {
					say = newSay;
				}
			});
			end(result.failed === true ? "failed" : "done", result.fact);
			return result.value;
		} catch (error) {
			end("failed", failedFact(error));
			throw error;
		}
	}
	#folded(phase, text) {
		this.#open(phase);
		for (const line of text.split(/\r\n|\n|\r/)) this.#write(`${harmlessLine(line)}\n`);
	}
	#open(phase) {
		if (this.#openGroup === phase) return;
		this.#closeGroup();
		this.#openGroup = phase;
		this.#begunGroup = phase;
		this.#write(`::group::${phase}\n`);
	}
	#closeGroup() {
		if (this.#openGroup === null) return;
		this.#openGroup = null;
		this.#write("::endgroup::\n");
	}
};
function failedFact(error) {
	const [first, ...others] = problemsOf(error);
	const more = others.length === 0 ? "" : `; and ${countOf(others.length, "more problem")}`;
	return `failed: ${first?.message ?? ""}${more}`;
}

// src/runner/artifact-access.ts
/** Where this job's artifacts are kept, as the runner tells. `token`: the input `github-token`, empty for none. */
function readArtifactAccess(env, context, token) {
	const { ACTIONS_RESULTS_URL: url, ACTIONS_RUNTIME_TOKEN: runtimeToken } = env;
	return {
		serverUrl: env.GITHUB_SERVER_URL || "https://github.com",
		apiUrl: env.GITHUB_API_URL || "https://api.github.com",
		repository: context.repository,
		runId: context.runId,
		attempt: context.attempt,
		token: token === "" ? null : new Secret(token),
		service: url && runtimeToken ? {
			url,
			token: new Secret(runtimeToken)
		} : null,
		isPublic: isPublic(env.GITHUB_EVENT_PATH),
		maximumRetentionDays: Number(env.GITHUB_RETENTION_DAYS) || null
	};
}
const eventSchema = object$1({ repository: object$1({ private: boolean() }) });
/** What the event's payload says of the repository; null when it says nothing. */
function isPublic(eventPath) {
	if (!eventPath) return null;
	try {
		const event = eventSchema.safeParse(JSON.parse(readFileSync(eventPath, "utf8")));
		return event.success ? !event.data.repository.private : null;
	} catch {
		return null;
	}
}

// src/runner/github-context.ts
/** Reads the runner's own variables; together with `inputs.ts` and `state.ts` the only reader of the environment. */
function readGitHubContext(env) {
	const repository = env.GITHUB_REPOSITORY || null;
	const runId = env.GITHUB_RUN_ID || null;
	const attempt = Number(env.GITHUB_RUN_ATTEMPT) || 1;
	const server = env.GITHUB_SERVER_URL || "https://github.com";
	return {
		repository,
		runUrl: repository && runId ? `${server}/${repository}/actions/runs/${runId}/attempts/${attempt}` : null,
		runId,
		job: [env.GITHUB_WORKFLOW, env.GITHUB_JOB].filter((name) => name).join("/"),
		attempt,
		commit: env.GITHUB_SHA || null,
		hosted: env.RUNNER_ENVIRONMENT === "github-hosted",
		temporaryDirectory: resolve(env.RUNNER_TEMP || tmpdir()),
		workspace: resolve(env.GITHUB_WORKSPACE || process.cwd())
	};
}

// src/report/report.ts
const commands = [
	"migrate",
	"backup",
	"check",
	"rollback",
	"drill",
	"prune"
];
/** Results with which the job passes. */
const passingResults = [
	"migrated",
	"up-to-date",
	"backed-up",
	"checked",
	"rolled-back",
	"drilled",
	"pruned"
];
/** Results with which the job fails. */
const failingResults = [
	"refused",
	"rehearsal-failed",
	"untouched",
	"restored",
	"stopped",
	"recovery-failed"
];
/** A check passes or fails by its findings and `fail-on`; everything else by its result. */
function jobPasses(report) {
	if (report.check !== null) return !report.check.fails;
	return passingResults.includes(report.result);
}

// src/backup/encryption/age-keys.ts
/**
* Kinds of public keys that age-encryption encrypts to, by their prefix: X25519, and the post-quantum and hardware
* ones of age 1.3. The first is fixed in its length and what `age-keygen` makes.
*/
const recipientPrefixes = [
	"age",
	"age1pq",
	"age1tag",
	"age1tagpq"
];
const identityPrefixes = ["age-secret-key-", "age-secret-key-pq-"];
const x25519Bytes = 32;
/** Whether a text is an age public key, its checksum included. */
function isRecipient(text) {
	return text === text.toLowerCase() && isKey(text, recipientPrefixes);
}
/** Whether a text is an age private key, its checksum included. */
function isIdentity(text) {
	return text === text.toUpperCase() && isKey(text, identityPrefixes);
}
/** A private key where it does not belong must not be repeated in a message. */
function looksLikeIdentity(text) {
	return /^age-secret-key-/i.test(text);
}
function isKey(text, prefixes) {
	const decoded = bech32.decodeUnsafe(text, false);
	if (decoded === void 0 || !prefixes.includes(decoded.prefix)) return false;
	const bytes = bech32.fromWordsUnsafe(decoded.words);
	if (!(bytes instanceof Uint8Array)) return false;
	return decoded.prefix !== prefixes[0] || bytes.byteLength === x25519Bytes;
}

// src/prisma/command/migrate-command.ts
/** Subcommands of Prisma that change a database otherwise than by its migrations, or rewrite the history. */
const forbidden = {
	migrate: [
		"dev",
		"reset",
		"resolve"
	],
	db: ["push"]
};
/** After one of these the subcommand is said, and what follows are its arguments. */
const harmless = {
	migrate: [
		"deploy",
		"status",
		"diff"
	],
	db: [
		"execute",
		"pull",
		"seed"
	]
};
const forbiddenOptions = ["--force-reset", "--accept-data-loss"];
const packageManagers = /* @__PURE__ */ new Set([
	"npm",
	"pnpm",
	"yarn",
	"bun"
]);
/** Run every script that they are given. */
const scriptListers = /* @__PURE__ */ new Set([
	"npm-run-all",
	"run-s",
	"run-p"
]);
const endsOfOptions = /* @__PURE__ */ new Set([
	"exec",
	"x",
	"dlx",
	"node",
	"prisma",
	"prisma7"
]);
const manifest = object$1({ scripts: record(string(), string()).optional() });
/** The scripts of `directory`'s package.json; none where there is no readable one. */
function readScripts(directory) {
	try {
		const text = readInstalledText(join(directory, "package.json"));
		return manifest.parse(JSON.parse(text)).scripts ?? {};
	} catch {
		return {};
	}
}
/**
* What `command` names that must never run against a database that matters; `scripts` of package.json that it names
* are looked into as well. It guards against a slip: a script file of the user's is not read.
*/
function migrateCommandProblems(command, scripts) {
	return [...new Set(forbiddenIn(command, scripts, "", /* @__PURE__ */ new Set()))].map((found) => ({
		code: "SM_MIGRATE_COMMAND",
		message: `names ${found}, which must never run against a database that matters`,
		hint: "Only `prisma migrate deploy` may migrate here; `migrate resolve` is for a person to decide, after looking at the database.",
		docs: "prisma.md"
	}));
}
function forbiddenIn(text, scripts, from, seen) {
	return simpleCommands(text).flatMap((words) => [
		...namedBy(words).map((found) => `\`${found}\`${from}`),
		...words.filter((word) => /\s/.test(word)).flatMap((word) => forbiddenIn(word, scripts, from, seen)),
		...scriptsNamedBy(words, scripts).flatMap((name) => {
			if (seen.has(name)) return [];
			seen.add(name);
			return forbiddenIn(scripts[name] ?? "", scripts, ` (in the package.json script ${name})`, seen);
		})
	]);
}
function namedBy(words) {
	const found = words.flatMap((word, index) => {
		const command = basename(word);
		const bad = forbidden[command] ?? [];
		const fine = harmless[command] ?? [];
		const said = words.slice(index + 1).find((each) => bad.includes(each) || fine.includes(each));
		return said !== void 0 && bad.includes(said) ? [`${command} ${said}`] : [];
	});
	const options = words.flatMap((word) => forbiddenOptions.filter((option) => word === option || word.startsWith(`${option}=`)));
	return [...found, ...options];
}
/**
* The script that a package manager is told to run, with those that run before and after it. Words behind it are its
* arguments, and behind `exec` or Prisma's name no script is meant: `yarn prisma migrate deploy` runs none called `migrate`.
*/
function scriptsNamedBy(words, scripts) {
	const lister = words.findIndex((word) => scriptListers.has(basename(word)));
	if (lister >= 0) return words.slice(lister + 1).flatMap((word) => withHooks(word, scripts));
	const manager = words.findIndex((word) => packageManagers.has(basename(word)));
	if (manager < 0) return [];
	for (const word of words.slice(manager + 1)) {
		if (Object.hasOwn(scripts, word)) return withHooks(word, scripts);
		if (endsOfOptions.has(basename(word))) return [];
	}
	return [];
}
function withHooks(name, scripts) {
	return [
		name,
		`pre${name}`,
		`post${name}`
	].filter((each) => Object.hasOwn(scripts, each));
}

// src/storage/port/storage-url.ts
const s3Form = "s3://bucket/prefix?region=eu-central-1";
/**
* Understands one line of the input `storage`. Throws RefusedError with everything that is wrong with it.
* A line may hold a password by mistake, so no message repeats more of it than a parameter's name.
*/
function parseStorageUrl(line) {
	const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(line)?.[1]?.toLowerCase();
	if (scheme === "s3") return parseS3(line.slice(5));
	if (scheme === "file") return parseFile(line.slice(7));
	if (scheme === "artifact") return parseArtifact(line.slice(11));
	throw new RefusedError([problem(scheme === void 0 ? "a line is no storage URL" : `${scheme}:// is no storage that safe-migrate knows`, `Allowed: artifact://, ${s3Form} and file:///directory.`)]);
}
function parseS3(rest) {
	const [beforeQuery = "", query = ""] = splitOnce(rest, "?");
	const [bucket = "", path = ""] = splitOnce(beforeQuery, "/");
	const problems = [];
	if (bucket.includes("@")) problems.push(problem("s3:// with credentials in the URL is refused", "Leave them out: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role (aws-actions/configure-aws-credentials) are read."));
	else if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) problems.push(problem("s3:// without a bucket, or with a name that no bucket can have", `Write ${s3Form}.`));
	const prefix = path.replace(/^\/+|\/+$/g, "");
	if (prefix !== "" && prefix.split("/").some((segment) => segment === "" || segment === "." || segment === "..")) problems.push(problem("the prefix of s3:// holds an empty, \".\" or \"..\" part", `Write ${s3Form}.`));
	const parameters = readParameters("s3", query, [
		"region",
		"endpoint",
		"sse"
	], problems);
	const endpoint = parameters.get("endpoint") ?? null;
	const sse = parameters.get("sse") ?? null;
	const location = {
		kind: "s3",
		bucket,
		prefix,
		region: parameters.get("region") ?? null,
		endpoint: endpoint === null ? null : readEndpoint(endpoint, problems),
		encryption: sse === null ? null : readEncryption(sse, problems)
	};
	if (location.region !== null && !/^[a-z0-9-]{1,63}$/.test(location.region)) problems.push(problem("region= of s3:// is no region", "Write it as AWS does, e.g. region=eu-central-1."));
	if (problems.length > 0) throw new RefusedError(problems);
	return location;
}
function parseArtifact(rest) {
	const [place = "", query = ""] = splitOnce(rest, "?");
	const problems = [];
	if (place.replaceAll("/", "") !== "") problems.push(problem("artifact:// names no place: artifacts belong to the repository that the job runs in", "Write artifact:// and nothing behind it."));
	const plaintext = readParameters("artifact", query, ["plaintext"], problems).get("plaintext");
	if (plaintext !== void 0 && plaintext !== "allow") problems.push(problem("plaintext= of artifact:// is unknown", "Allowed: plaintext=allow, or leave it out."));
	if (problems.length > 0) throw new RefusedError(problems);
	return {
		kind: "artifact",
		plaintextAllowed: plaintext === "allow"
	};
}
function parseFile(rest) {
	const problems = [];
	if (!rest.startsWith("/")) problems.push(problem("file:// needs an absolute path", "Write three slashes: file:///var/backups/erp."));
	if (/[?#]/.test(rest)) problems.push(problem("file:// takes no parameters", "Write \"?\" in a path as %3F and \"#\" as %23."));
	const directory = decodePath(rest, problems);
	if (directory.includes("\0") || directory.split("/").includes("..")) problems.push(problem("the path of file:// holds \"..\" or a NUL", "Write the path that is meant, without \"..\"."));
	if (problems.length > 0) throw new RefusedError(problems);
	return {
		kind: "file",
		directory: directory.replace(/\/+$/, "") || "/"
	};
}
function decodePath(path, problems) {
	try {
		return decodeURIComponent(path);
	} catch {
		problems.push(problem("the path of file:// is not well percent-encoded", "Write \"%\" in a path as %25."));
		return "";
	}
}
/** Each known parameter once; everything else is a problem. */
function readParameters(scheme, query, known, problems) {
	const parameters = /* @__PURE__ */ new Map();
	const hint = `Allowed: ${known.map((name) => `${name}=`).join(", ")}.`;
	for (const [name, value] of new URLSearchParams(query.replaceAll("+", "%2B"))) {
		const shown = /^[A-Za-z_-]{1,40}$/.test(name) ? name : "(not shown)";
		if (!known.includes(name)) problems.push(problem(`parameter ${shown} of ${scheme}:// is unknown`, hint));
		else if (parameters.has(name)) problems.push(problem(`parameter ${name} of ${scheme}:// is given twice`, hint));
		else if (value === "") problems.push(problem(`parameter ${name} of ${scheme}:// is empty`, `Give it a value or leave it out. ${hint}`));
		else parameters.set(name, value);
	}
	return parameters;
}
function readEndpoint(given, problems) {
	const url = URL.canParse(given) ? new URL(given) : null;
	if (!(url !== null && (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.password === "" && url.search === "" && url.hash === "")) {
		problems.push(problem("endpoint= of s3:// is no http(s) URL without credentials and parameters", "Write e.g. endpoint=https://s3.example.com."));
		return "";
	}
	return url.href.replace(/\/+$/, "");
}
function readEncryption(given, problems) {
	if (given === "AES256") return { algorithm: "AES256" };
	if (given === "aws:kms") return {
		algorithm: "aws:kms",
		keyId: null
	};
	const keyId = /^aws:kms:([A-Za-z0-9:/_-]+)$/.exec(given)?.[1];
	if (keyId !== void 0) return {
		algorithm: "aws:kms",
		keyId
	};
	problems.push(problem("sse= of s3:// is unknown", "Allowed: sse=AES256, sse=aws:kms, sse=aws:kms:<key id or ARN>."));
	return null;
}
function splitOnce(text, separator) {
	const at = text.indexOf(separator);
	return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
function problem(message, hint) {
	return {
		code: "SM_INPUT",
		message,
		hint
	};
}

// src/runner/input-fields.ts
/** Longest text of a user that a message repeats. */
const maximumShownLength = 100;
/** One of a few words; those in `later` are refused as not built yet. */
function choice(allowed, later = []) {
	return string().transform((given, context) => {
		const found = allowed.find((word) => word === given);
		if (found !== void 0) return found;
		if (later.includes(given)) return refuse(context, {
			code: "SM_NOT_YET",
			message: `"${given}" arrives with a later version of safe-migrate`,
			hint: `Allowed now: ${allowed.join(", ")}.`
		});
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} is unknown`,
			hint: `Allowed: ${allowed.join(", ")}.`
		});
	});
}
/** A whole number within limits, both included. */
function wholeNumber(minimum, maximum) {
	return string().transform((given, context) => {
		const number = /^\d{1,6}$/.test(given) ? Number(given) : NaN;
		if (number >= minimum && number <= maximum) return number;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} is not a whole number from ${minimum} to ${maximum}`,
			hint: `Allowed: ${minimum} to ${maximum}.`
		});
	});
}
/** A time in minutes, as milliseconds; parts of a minute are allowed. */
function minutes(maximum) {
	return string().transform((given, context) => {
		const number = /^\d{1,5}(\.\d{1,3})?$/.test(given) ? Number(given) : NaN;
		if (number > 0 && number <= maximum) return number * 6e4;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} is not a number of minutes up to ${maximum}`,
			hint: `Allowed: more than 0 and at most ${maximum}.`
		});
	});
}
/** The last part of a backup's id: it becomes part of file names and object keys. */
function backupLabel() {
	return string().transform((given, context) => {
		if (/^[a-z0-9_-]{1,60}$/.test(given)) return given;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} cannot be part of a backup's id`,
			hint: "Allowed: 1 to 60 characters of a-z, 0-9, _ and -."
		});
	});
}
/** Anything that is not empty. */
function anyText() {
	return string();
}
/** `latest`, or a backup's id: it becomes part of object keys and paths. */
function backupChoice() {
	return string().transform((given, context) => {
		if (/^[A-Za-z0-9_.-]+$/.test(given) && !/^\.+$/.test(given)) return given;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} is no backup's id`,
			hint: "Give `latest`, or an id as reports and outputs name it: backup_YYYYMMDD_HHMMSSZ_label."
		});
	});
}
/** A container as docker names them; it becomes an argument of docker, so it may not look like an option. */
function containerName() {
	return string().transform((given, context) => {
		if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(given)) return given;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} cannot be the name of a container`,
			hint: "Give the name or id of a running container, or the name of a service of a compose file."
		});
	});
}
/** An image as docker names them: registry, path, tag, digest. */
function imageName() {
	return string().transform((given, context) => {
		if (/^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254}$/.test(given)) return given;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} cannot be the name of an image`,
			hint: "Give it as to docker run, e.g. postgres:17 or registry.example.com/postgres:17."
		});
	});
}
/** A shell command that migrates, and names nothing that must never run; `directory` holds the package.json it may use. */
function migrateCommand(directory) {
	return string().transform((given, context) => {
		const problems = migrateCommandProblems(given, readScripts(directory));
		for (const problem of problems) addIssue(context, problem);
		return given;
	});
}
/** A URL that the database's own parser accepts. Its text is never repeated. */
function databaseUrl(directory) {
	return string().transform((given, context) => {
		for (const problem of parsePostgresUrl(given, { directory }).problems) addIssue(context, problem);
		return new Secret(given);
	});
}
/**
* A path that must exist, made absolute. `base` is where relative paths start; when that is no folder itself
* (which is another input's problem), nothing is said here.
*/
function existingPath(base, kind) {
	return string().transform((given, context) => {
		const path = resolve(base, given);
		if (kindOf(base) !== "folder") return path;
		const found = kindOf(path);
		if (found !== null && (kind === "any" || found === kind)) return path;
		const wanted = kind === "any" ? "file or folder" : kind;
		return refuse(context, {
			code: "SM_INPUT",
			message: `${shown(given)} is no ${wanted} (looked for ${shortened$1(path)})`,
			hint: `Give the path of an existing ${wanted}, relative to ${shortened$1(base)}.`
		});
	});
}
/** One storage URL per line, at least one, no two the same; on a hosted runner not only its own disk. */
function storageUrls(hosted) {
	return string().transform((given, context) => {
		const problems = [];
		const urls = [];
		const lines = linesOf(given);
		for (const [index, line] of lines.entries()) try {
			const url = parseStorageUrl(line);
			if (urls.some((other) => isDeepStrictEqual(other, url))) problems.push({
				code: "SM_INPUT",
				message: `line ${index + 1} is a storage that was given before`,
				hint: "Give every storage once."
			});
			else urls.push(url);
		} catch (error) {
			problems.push(...problemsOf(error));
		}
		if (hosted && urls.length > 0 && urls.every((url) => url.kind === "file")) problems.push({
			code: "SM_INPUT",
			message: "file:// alone is refused on a GitHub-hosted runner: its disk is gone after the job",
			hint: "Add a storage that outlives the job, e.g. artifact:// or s3://bucket/prefix, on its own line."
		});
		for (const problem of problems) addIssue(context, problem);
		const [first, ...rest] = urls;
		return first === void 0 ? NEVER : [first, ...rest];
	});
}
function addIssue(context, problem) {
	const params = {
		code: problem.code,
		hint: problem.hint
	};
	context.issues.push({
		code: "custom",
		message: problem.message,
		params,
		input: void 0
	});
}
/** Adds the issue and returns zod's stand-in for the value that there is none of. */
function refuse(context, problem) {
	addIssue(context, problem);
	return NEVER;
}
function linesOf(text) {
	return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
}
function shown(given) {
	const cut = given.length > maximumShownLength ? `${given.slice(0, maximumShownLength)}…` : given;
	return JSON.stringify(cut);
}
function kindOf(path) {
	let stats;
	try {
		stats = statSync(path, { throwIfNoEntry: false });
	} catch {}
	if (stats === void 0) return null;
	if (stats.isDirectory()) return "folder";
	return stats.isFile() ? "file" : "other";
}

// src/runner/encryption-fields.ts
/** A passphrase as somebody could type it at the prompt of `age`. */
function passphrase() {
	return string().transform((given, context) => {
		if (!/\p{Cc}/u.test(given)) return new Secret(given);
		return refuse(context, {
			code: "SM_INPUT",
			message: "holds a line break or another control character",
			hint: "Give one line, so that it can be typed at the prompt of `age --decrypt`; e.g. from `openssl rand -base64 32`."
		});
	});
}
/** age public keys, one per line; empty lines and comments are passed over, as in age's own files. */
function recipients() {
	return string().transform((given, context) => {
		const keys = keyLines(given);
		for (const { line, text } of keys) {
			if (isRecipient(text)) continue;
			addIssue(context, {
				code: "SM_INPUT",
				message: looksLikeIdentity(text) ? `line ${line} is a private key; backups are encrypted to public ones` : `line ${line}, ${shown(text)}, is no age public key`,
				hint: "Give what `age-keygen` prints as \"Public key\": age1… (62 characters). SSH keys and plugins do not work here."
			});
		}
		if (keys.length === 0) addIssue(context, noKeys("`age-keygen -o key.txt` makes one and prints its public key."));
		return keys.map(({ text }) => text);
	});
}
/** age private keys, one per line, or a whole file of `age-keygen`. Never repeated in a message. */
function identities() {
	return string().transform((given, context) => {
		const keys = keyLines(given);
		for (const { line, text } of keys) {
			if (isIdentity(text)) continue;
			addIssue(context, {
				code: "SM_INPUT",
				message: `line ${line} is no age private key`,
				hint: "Give the content of the file that `age-keygen` wrote: AGE-SECRET-KEY-1… SSH keys, plugins and encrypted key files do not work here."
			});
		}
		if (keys.length === 0) addIssue(context, noKeys("Give the content of the file that `age-keygen` wrote."));
		return keys.map(({ text }) => new Secret(text));
	});
}
/** What is to be masked of an identity file: its keys, beside the whole of it. */
function secretLines(identity) {
	return keyLines(identity).map(({ text }) => text);
}
/** The two ways to encrypt exclude each other, in age as well. */
function encryptionConflict(raw) {
	if (raw["encryption-passphrase"] === "" || raw["encryption-recipients"] === "") return [];
	return [{
		code: "SM_INPUT",
		message: "encryption-recipients: cannot be given together with encryption-passphrase",
		hint: "A passphrase opens and authenticates backups; recipients keep the key to open them off this job. Give one of the two."
	}];
}
/** What the two inputs mean together. */
function encryptionOf(fields) {
	const given = {
		passphrase: fields["encryption-passphrase"],
		recipients: fields["encryption-recipients"]
	};
	if (given.passphrase !== null) return {
		kind: "passphrase",
		passphrase: given.passphrase
	};
	return given.recipients === null ? null : {
		kind: "recipients",
		recipients: given.recipients
	};
}
function encryptionWarnings(encryption) {
	if (encryption?.kind !== "passphrase") return [];
	const { length } = [...encryption.passphrase.reveal()];
	if (length >= 16) return [];
	return [`encryption-passphrase: it has fewer than ${16} characters; whoever gets hold of a backup can try passphrases for as long as he likes (\`openssl rand -base64 32\` makes a good one)`];
}
function keyLines(text) {
	return linesOf(text).map((line, index) => ({
		line: index + 1,
		text: line
	})).filter((each) => !each.text.startsWith("#"));
}
function noKeys(hint) {
	return {
		code: "SM_INPUT",
		message: "holds comments only, and no key",
		hint
	};
}

// src/runner/input-catalogue.ts
/** Every input of action.yml, in its order. */
const inputCatalogue = {
	command: {
		commands,
		default: "migrate"
	},
	"database-url": {
		commands,
		secret: true
	},
	"working-directory": {
		commands,
		default: "."
	},
	"prisma-schema": { commands },
	"prisma-config": { commands },
	storage: {
		commands,
		default: "artifact://"
	},
	"encryption-passphrase": {
		commands: [
			"migrate",
			"backup",
			"rollback",
			"drill"
		],
		secret: true
	},
	"encryption-recipients": { commands: ["migrate", "backup"] },
	"encryption-identity": {
		commands: ["rollback", "drill"],
		secret: true
	},
	container: { commands },
	"client-image": { commands },
	schemas: {
		commands,
		later: "limit the backup to some schemas"
	},
	jobs: {
		commands: [
			"migrate",
			"backup",
			"rollback",
			"drill"
		],
		default: "2"
	},
	label: { commands: ["migrate", "backup"] },
	"retention-days": { commands: [
		"migrate",
		"backup",
		"prune"
	] },
	"keep-last": {
		commands: [
			"migrate",
			"backup",
			"prune"
		],
		default: "3"
	},
	"github-token": {
		commands,
		default: `\${{ github.token }}`,
		secret: true
	},
	verify: {
		commands: ["migrate", "backup"],
		default: "restore"
	},
	rehearse: {
		commands: ["migrate", "check"],
		later: "run the migration on a copy first"
	},
	recovery: {
		commands: ["migrate"],
		default: "auto"
	},
	"on-new-writes": {
		commands: ["migrate"],
		default: "restore"
	},
	"write-fence": {
		commands: ["migrate"],
		later: "make the target read-only while the migration runs"
	},
	"data-loss": {
		commands: ["migrate"],
		later: "fail when the rehearsal loses rows"
	},
	"before-migrate": {
		commands: ["migrate", "rollback"],
		laterFor: { migrate: "run a command before the snapshot" }
	},
	"smoke-test": {
		commands: ["migrate"],
		later: "test the application after the migration"
	},
	"after-migrate": {
		commands: ["migrate", "rollback"],
		laterFor: { migrate: "run a command at the end" }
	},
	"hook-timeout-minutes": {
		commands: ["migrate", "rollback"],
		default: "10",
		laterFor: { migrate: "limit how long a hook may take" }
	},
	"migrate-command": { commands: ["migrate"] },
	"lock-timeout": {
		commands: ["migrate"],
		later: "limit how long the migration waits for locks"
	},
	"statement-timeout": {
		commands: ["migrate"],
		later: "limit how long a statement of the migration runs"
	},
	"migration-timeout-minutes": {
		commands: ["migrate"],
		default: "60"
	},
	"migration-window": {
		commands: ["migrate"],
		later: "refuse migrations outside certain hours"
	},
	"max-recovery-seconds": {
		commands: ["migrate"],
		later: "refuse when coming back would take longer"
	},
	"keep-failed": {
		commands: ["migrate"],
		default: "1"
	},
	backup: {
		commands: ["rollback", "drill"],
		default: "latest"
	},
	confirm: { commands: ["rollback"] },
	"dry-run": {
		commands: ["rollback", "prune"],
		default: "false"
	},
	"fail-on": {
		commands: ["check"],
		default: "error"
	},
	comment: {
		commands: ["check"],
		default: "true"
	},
	"shadow-database-url": {
		commands: ["check"],
		secret: true
	}
};
const inputNames = Object.keys(inputCatalogue);
/** The entry in its general form, for code that treats all inputs alike. */
function inputEntry(name) {
	return inputCatalogue[name];
}
/** Name of the environment variable in which the runner passes an input. */
function inputVariable(name) {
	return `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`;
}
/** The known name that is closest to `given` (at most a third of it differs), or null. */
function closestInput(given) {
	const wanted = given.toLowerCase().replaceAll(/[_ ]/g, "-");
	let closest = null;
	let closestDistance = Math.floor(wanted.length / 3) + 1;
	for (const name of inputNames) {
		const distance = editDistance(wanted, name);
		if (distance < closestDistance) {
			closest = name;
			closestDistance = distance;
		}
	}
	return closest;
}
/** Levenshtein distance, one row at a time. */
function editDistance(left, right) {
	let row = Array.from({ length: right.length + 1 }, (_, index) => index);
	for (let i = 0; i < left.length; i++) {
		const next = [i + 1];
		for (let j = 0; j < right.length; j++) {
			const substituted = (row[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
			next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
		}
		row = next;
	}
	return row[right.length] ?? 0;
}

// src/runner/input-schema.ts
const supportedCommands = [
	"migrate",
	"backup",
	"check",
	"rollback",
	"prune"
];
/** The schema of all inputs that are in force; relative paths are resolved on the way. */
function fieldsFor(context, raw) {
	const project = resolve(context.workspace, raw["working-directory"]);
	return object$1({
		command: choice(supportedCommands, laterCommands()),
		"database-url": databaseUrl(project).nullable(),
		"working-directory": existingPath(context.workspace, "folder"),
		"prisma-schema": existingPath(project, "any").nullable(),
		"prisma-config": existingPath(project, "file").nullable(),
		storage: raw.command === "check" ? noStorage : storageUrls(context.hosted),
		container: containerName().nullable(),
		"client-image": imageName().nullable(),
		"encryption-passphrase": passphrase().nullable(),
		"encryption-recipients": recipients().nullable(),
		"encryption-identity": identities().nullable(),
		"retention-days": wholeNumber(1, 3650).nullable(),
		"keep-last": wholeNumber(1, 1e3),
		jobs: wholeNumber(1, 16),
		label: backupLabel().nullable(),
		verify: choice(["restore", "archive"]),
		recovery: choice(["auto", "swap"], ["in-place"]),
		"on-new-writes": choice(["restore", "stop"]),
		"migration-timeout-minutes": minutes(1440),
		"keep-failed": wholeNumber(0, 100),
		"migrate-command": migrateCommand(project).nullable(),
		backup: backupChoice(),
		confirm: anyText().nullable(),
		"dry-run": choice(["true", "false"]),
		"before-migrate": anyText().nullable(),
		"after-migrate": anyText().nullable(),
		"hook-timeout-minutes": wholeNumber(1, 360),
		"fail-on": choice([
			"error",
			"warning",
			"none"
		]),
		comment: choice(["true", "false"]),
		"shadow-database-url": databaseUrl(project).nullable(),
		"github-token": string()
	});
}
/** `check` stores nothing; a `storage` given to it is a warning like every input that it does not use. */
const noStorage = unknown().transform(() => null);
function laterCommands() {
	return commands.filter((command) => !supportedCommands.includes(command));
}

// src/runner/inputs.ts
/** Reads `INPUT_*` as the runner passes it; the only reader of inputs. */
function readInputs(env) {
	return Object.fromEntries(inputNames.map((name) => [name, (env[inputVariable(name)] ?? "").trim()]));
}
/** Values that must be masked before anything else is done: every secret input, of URLs the parts as well. */
function secretsOf(raw) {
	return inputNames.filter((name) => inputEntry(name).secret && raw[name] !== "").flatMap((name) => {
		if (name.endsWith("-url")) return secretsIn(raw[name]);
		return name === "encryption-identity" ? [raw[name], ...secretLines(raw[name])] : [raw[name]];
	});
}
/** The command that was asked for, for a report about inputs that cannot be parsed. */
function requestedCommand(raw) {
	return commands.find((command) => command === raw.command) ?? "migrate";
}
/**
* Turns the inputs into settings that need no further checking, or rejects with one RefusedError
* (phase `inputs`) that names everything that is wrong with them. No message holds a secret.
*/
function parseInputs(env, context) {
	const raw = readInputs(env);
	const problems = [
		...unknownInputs(env),
		...notYetInputs(raw),
		...encryptionConflict(raw),
		...missingConfirmation(raw),
		...archiveWithoutKey(raw)
	];
	const parsed = fieldsFor(context, raw).safeParse(withDefaults(raw));
	if (!parsed.success) problems.push(...parsed.error.issues.map(problemOf));
	if (problems.length > 0 || !parsed.success) throw new RefusedError(problems, { phase: "inputs" });
	const settings = settingsOf(parsed.data);
	return {
		settings,
		warnings: [...unusedInputs(raw, parsed.data.command), ..."encryption" in settings ? encryptionWarnings(settings.encryption) : []]
	};
}
function settingsOf(fields) {
	const project = {
		databaseUrl: fields["database-url"],
		workingDirectory: fields["working-directory"],
		prismaSchema: fields["prisma-schema"],
		prismaConfig: fields["prisma-config"],
		container: fields.container,
		clientImage: fields["client-image"]
	};
	if (fields.command === "check") return {
		command: "check",
		...project,
		failOn: fields["fail-on"],
		comment: fields.comment === "true",
		shadowDatabaseUrl: fields["shadow-database-url"]
	};
	const retention = {
		migrateDays: fields["retention-days"] ?? 30,
		otherDays: fields["retention-days"] ?? 7,
		keepLast: fields["keep-last"]
	};
	if (fields.storage === null) throw new TypeError("only check goes without a storage");
	if (fields.command === "rollback") return {
		command: "rollback",
		...project,
		storages: fields.storage,
		jobs: fields.jobs,
		keys: {
			passphrase: fields["encryption-passphrase"],
			identities: fields["encryption-identity"] ?? []
		},
		backup: fields.backup,
		confirm: fields.confirm,
		dryRun: fields["dry-run"] === "true",
		beforeMigrate: fields["before-migrate"],
		afterMigrate: fields["after-migrate"],
		hookTimeoutMinutes: fields["hook-timeout-minutes"]
	};
	if (fields.command === "prune") return {
		command: "prune",
		...project,
		storages: fields.storage,
		retention,
		dryRun: fields["dry-run"] === "true"
	};
	const common = {
		...project,
		storages: fields.storage,
		encryption: encryptionOf(fields),
		retention,
		jobs: fields.jobs,
		label: fields.label,
		verify: fields.verify
	};
	if (fields.command === "backup") return {
		command: "backup",
		...common
	};
	return {
		command: "migrate",
		...common,
		migrateCommand: fields["migrate-command"],
		recovery: fields.recovery,
		onNewWrites: fields["on-new-writes"],
		migrationTimeoutMs: fields["migration-timeout-minutes"],
		keepFailed: fields["keep-failed"]
	};
}
/** Empty texts become the default, or null where there is none. */
function withDefaults(raw) {
	return Object.fromEntries(inputNames.map((name) => [name, raw[name] || (inputEntry(name).default ?? null)]));
}
/**
* The runner passes inputs that action.yml does not know as well (it only prints a warning), so a mistyped
* name would silently mean its default.
*/
function unknownInputs(env) {
	const known = new Set(inputNames.map(inputVariable));
	return Object.keys(env).filter((variable) => variable.startsWith("INPUT_") && !known.has(variable)).sort().map((variable) => {
		const given = variable.slice(6).toLowerCase();
		const closest = closestInput(given);
		return {
			code: "SM_INPUT",
			message: `${given}: there is no such input`,
			hint: closest ? `Did you mean ${closest}?` : `Remove it from the step's \`with:\`, or the variable ${variable} from the environment.`
		};
	});
}
/** A rollback replaces a database, so its name has to be given a second time. Which one it is, is known later. */
function missingConfirmation(raw) {
	if (raw.command !== "rollback" || raw["dry-run"] === "true" || raw.confirm !== "") return [];
	return [{
		code: "SM_INPUT",
		message: "confirm: must be given: a rollback replaces the database",
		hint: "Look at what `dry-run: true` says, then give the name of the database as `confirm`."
	}];
}
/** Without a copy on the server, who finishes a dead run has only the stored backup, and must be able to open it. */
function archiveWithoutKey(raw) {
	if (requestedCommand(raw) !== "migrate" || raw.verify !== "archive" || raw["encryption-recipients"] === "") return [];
	return [{
		code: "SM_INPUT",
		message: "verify: archive does not go with encryption-recipients: after a run that died nobody here could open its backup",
		hint: "Leave verify at restore, or encrypt with encryption-passphrase."
	}];
}
/** Inputs whose part is not built yet, given by the user. */
function notYetInputs(raw) {
	return inputNames.flatMap((name) => {
		const entry = inputEntry(name);
		const later = entry.later ?? entry.laterFor?.[requestedCommand(raw)];
		if (later === void 0 || raw[name] === "" || raw[name] === entry.default) return [];
		return [{
			code: "SM_NOT_YET",
			message: `${name}: arrives with a later version of safe-migrate (it will ${later})`,
			hint: `Remove ${name} from this step until then; nothing was touched.`
		}];
	});
}
/** Inputs that were given, differ from their default, and mean nothing to this command. */
function unusedInputs(raw, command) {
	return inputNames.filter((name) => !inputEntry(name).commands.includes(command)).filter((name) => raw[name] !== "" && raw[name] !== inputEntry(name).default).map((name) => `${name}: not used by command ${command}`);
}
function problemOf(issue) {
	const parameters = issue.code === "custom" ? issue.params ?? {} : {};
	return {
		code: parameters.code ?? "SM_INPUT",
		message: `${issue.path.join(".")}: ${issue.message}`,
		hint: parameters.hint ?? "See the table of inputs in the README."
	};
}

// src/runner/lost-output.ts
/**
* Whoever reads our output may be gone before us: the runner died, or killed the step's pipes. Writing then fails with
* EPIPE; as an error that nobody handles it would be told, which fails again, without end. The run goes on unheard.
*/
function surviveLostOutput() {
	for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

// src/system/phase.ts
/** The story's chapters, in their order. Public: they stand in logs, errors and report.json. */
const phases = [
	"inputs",
	"preflight",
	"fetch",
	"dump",
	"prove",
	"store",
	"rehearse",
	"quiesce",
	"migrate",
	"confirm",
	"check",
	"recover",
	"settle",
	"prune",
	"report"
];

// src/runner/masks.ts
/** Shorter texts are words, and no secrets that hiding could keep. */
const shortestHidden = 6;
/** Of a variable that the job has beside our inputs. */
const secretName = /TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY/i;
const shortestOfEnvironment = 8;
const hidden = "***";
/** Words of the commands that a report prints: who takes one of them for a password must still be able to paste those. */
const commandWords = [
	"postgresql psql createdb dropdb pg_restore template0 public database dbname password",
	"prisma migrations migration.sql _prisma_migrations manifest.json details.json.age database.dump.age",
	"safe-migrate safe_migrate fallback failed rehearsal scratch sha256sum decrypt identity"
];
/**
* What nobody is to read of what a run publishes. The runner hides secrets in the log and nowhere else: summary, comment,
* report.json and its attachments are ours to see to, in the one value that they are all made of.
*/
var Masks = class {
	#forms = /* @__PURE__ */ new Set();
	/** Roles: who takes his own name for a password has none to hide. */
	#names = [];
	/** What is known from the start: variables of the job that are secrets by their names, or URLs with passwords. */
	constructor(environment) {
		for (const [name, value = ""] of Object.entries(environment)) if (secretName.test(name) && value.length >= shortestOfEnvironment) this.#note(value);
		else if (/^[a-z+]+:\/\/[^/@]*:[^/@]+@/i.test(value)) for (const secret of secretsIn(value)) this.#note(secret);
	}
	/** Hides a secret from now on, in the log as well. */
	add(secret) {
		setSecret(secret);
		this.#note(secret);
	}
	/** The report as it may be published. What is public by its nature (names, ids, our own words) stays readable. */
	hideIn(report) {
		const { target, backup, run } = report;
		const known = JSON.stringify([
			target,
			backup,
			run,
			[
				phases,
				commands,
				passingResults,
				failingResults,
				commandWords
			],
			this.#names
		]);
		const forms = [...this.#forms].filter((form) => !known.includes(form)).sort((a, b) => b.length - a.length);
		return mapTexts(report, (text) => forms.reduce((rest, form) => rest.includes(form) ? rest.replaceAll(form, hidden) : rest, text));
	}
	#note(secret) {
		if (URL.canParse(secret)) this.#names.push(decodePercent(new URL(secret).username) ?? "");
		for (const part of [secret, ...secret.split(/\r?\n/)]) for (const form of formsOf(part.trim())) if (form.length >= shortestHidden) this.#forms.add(form);
	}
};
/** A secret, and the ways in which it may be written somewhere else. */
function formsOf(secret) {
	if (secret.length < shortestHidden) return [];
	const text = secret.toWellFormed();
	return [
		secret,
		encodeURIComponent(text),
		encodeURI(text),
		JSON.stringify(text).slice(1, -1),
		text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;"),
		Buffer.from(text).toString("base64url"),
		...[
			0,
			1,
			2
		].map((before) => base64Within(Buffer.from(text), before))
	];
}
/** The characters that a text has for sure when it stands in something longer, `before` bytes from where three begin. */
function base64Within(secret, before) {
	const encoded = Buffer.concat([Buffer.alloc(before), secret]).toString("base64").replaceAll("=", "");
	const isPartAtEnd = (before + secret.length) % 3 !== 0;
	return encoded.slice(before === 0 ? 0 : before + 1, isPartAtEnd ? -1 : void 0);
}
function mapTexts(value, change) {
	if (typeof value === "string") return change(value);
	if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
	if (typeof value !== "object" || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)]));
}

// src/rendering/sentence.ts
/** The result in one plain sentence: what happened, and what state the database is in now. */
function resultSentence(report) {
	const database = report.target?.database ?? "The database";
	switch (report.result) {
		case "migrated": return `${database} is migrated: ${countOf(report.appliedMigrations.length, "migration")} applied${backupClause(report)}.`;
		case "up-to-date": return `${database} is up to date: no migration is pending.`;
		case "backed-up": return `${database} is backed up${backupClause(report, " as ")}.`;
		case "checked": return report.rollback === null ? checkedSentence(report) : `${database} was not changed: this is what a rollback to ${report.rollback.backupId} would take back.`;
		case "rolled-back": return `${database} is rolled back to ${report.backup?.id ?? "its backup"}${report.failedDatabase === null ? "" : `; what was there is kept as ${report.failedDatabase}`}.`;
		case "drilled": return "The stored backup was restored into a scratch database and found equal.";
		case "pruned": return prunedSentence(report);
		case "refused": return refusedSentence(report, database);
		case "rehearsal-failed": return `${failed(report)} on a copy; ${database} was never touched.`;
		case "untouched":
			if (report.command === "rollback") return `The rollback ended before it changed anything; ${database} is as it was.`;
			return `${failed(report)} before it changed anything; ${database} is as it was.`;
		case "restored": return `${failed(report)}; ${database} is again as it was before${recoveryClause(report)}.`;
		case "stopped":
			if (report.problems.some(({ code }) => takenOverCodes.has(code))) return `${failed(report)}, and another run has taken over ${database}: this one has changed nothing more.`;
			return `${failed(report)}, and nothing was undone: ${database} is as the migration left it and waits for a decision.`;
		case "recovery-failed":
			if (report.command === "rollback") return `The rollback did not come to its end: ${database} needs a person now.`;
			return `${failed(report)}, and recovery failed as well: ${database} needs a person now.`;
	}
}
function checkedSentence(report) {
	if (report.check === null) return "Checked.";
	const findings = findingsOf(report.check);
	const count = (severity) => findings.filter((finding) => finding.severity === severity).length;
	const pending = countOf(report.pendingMigrations.length, "pending migration");
	const part = report.check.parts.some((part) => part.notChecked.length > 0) ? "; not everything could be looked at" : "";
	return `${pending}, ${countOf(count("error"), "error")}, ${countOf(count("warning"), "warning")}${part}.`;
}
function prunedSentence({ storedBackups }) {
	const all = storedBackups ?? [];
	const going = all.filter(({ retention }) => retention?.stays === false).length;
	const removed = all.filter(({ retention }) => retention?.removed).length;
	if (going === 0) return `All of ${countOf(all.length, "backup")} stay.`;
	return removed === 0 ? `Nothing was removed; retention would end ${going} of ${countOf(all.length, "backup")}.` : `Retention removed ${removed} of ${countOf(all.length, "backup")}.`;
}
function refusedSentence(report, database) {
	const reasons = countOf(report.problems.length, "reason");
	if (report.command === "backup" && report.backup !== null) return `The backup of ${database} is stored as ${report.backup.id} but not proved: ${reasons}.`;
	return `Refused for ${reasons}; ${report.target === null ? "no database was touched" : `${database} was not touched`}.`;
}
function failed(report) {
	return report.failure === null ? "The migration failed" : `${report.failure.migration} failed`;
}
function recoveryClause(report) {
	const seconds = report.recoverySeconds;
	const method = report.recoveryMethod === "none" ? "" : ` (${report.recoveryMethod})`;
	return seconds === null ? method : `, ${formatDuration(seconds * 1e3)} later${method}`;
}
function backupClause(report, lead = ", backup ") {
	const { backup } = report;
	if (backup === null) return "";
	const proof = backup.restoreProved === "true" ? "restored and found equal" : "stored, but not proved by a restore";
	return `${lead}${backup.id} (${formatBytes(backup.sizeBytes)}) ${proof}`;
}

// src/rendering/annotations.ts
/** GitHub shows no more of one kind for a step and drops the others silently. */
const maximumOfAKind = 10;
/** The annotations of a run, the most important first: at most ten errors and ten warnings. */
function annotationsOf(report) {
	const findings = report.check === null ? [] : findingsOf(report.check);
	return [...limited([...errorsOf(report), ...findingAnnotations(findings, "error")]), ...limited([...findingAnnotations(findings, "warning"), ...report.warnings.map((message) => ({
		level: "warning",
		title: "safe-migrate",
		message
	}))])];
}
function findingAnnotations(findings, level) {
	return findings.filter((finding) => finding.severity === level).map((finding) => ({
		level,
		title: finding.code,
		message: `${finding.message}\nHINT: ${finding.hint}`,
		...finding.file === null ? {} : { file: finding.file },
		...finding.file === null || finding.line === null ? {} : { line: finding.line }
	}));
}
function errorsOf(report) {
	const errors = report.problems.map(problemAnnotation);
	if (report.failure !== null) return [failureAnnotation(report, report.failure), ...errors.slice(1)];
	if (errors.length === 0 && report.check === null && !jobPasses(report)) return [{
		level: "error",
		title: `safe-migrate: ${report.result}`,
		message: resultSentence(report)
	}];
	return errors;
}
function failureAnnotation(report, failure) {
	const [reason] = report.problems;
	const sqlState = failure.sqlState === null ? "" : ` (SQLSTATE ${failure.sqlState})`;
	const lines = [
		`${failure.message}${sqlState}`,
		resultSentence(report),
		...reason ? adviceOf(reason) : []
	];
	return {
		level: "error",
		title: `Migration ${failure.migration} failed`,
		message: lines.join("\n"),
		...failure.file === null ? {} : { file: failure.file },
		...failure.file === null || failure.line === null ? {} : { line: failure.line }
	};
}
function problemAnnotation(problem) {
	return {
		level: "error",
		title: problem.phase === null ? problem.code : `${problem.code} in ${problem.phase}`,
		message: [problem.message, ...adviceOf(problem)].join("\n")
	};
}
function adviceOf(problem) {
	return [`HINT: ${problem.hint}`, problem.docs];
}
function limited(annotations) {
	if (annotations.length <= maximumOfAKind) return annotations;
	const shown = annotations.slice(0, 9);
	const rest = annotations.slice(9);
	const messages = rest.map((annotation) => annotation.message.split("\n")[0] ?? "");
	return [...shown, {
		level: rest[0]?.level ?? "error",
		title: `safe-migrate: ${countOf(rest.length, "more", "more")}`,
		message: messages.join("\n")
	}];
}

// src/rendering/attachments.ts
/** The SQL that a check proposes, whole, however little of it fits into a comment. */
function attachmentsOf(report) {
	const missing = report.check?.missingMigrationSql ?? null;
	const drift = report.check?.drift ?? null;
	return [...missing === null ? [] : [{
		name: "missing-migration.sql",
		text: missing
	}], ...drift === null || drift.reconcileSql === "" ? [] : [{
		name: "reconcile-drift.sql",
		text: `${drift.reconcileSql}${leftOver(drift.byHand)}`
	}]];
}
/** Who has nothing but the file must not think that it does everything. */
function leftOver(byHand) {
	if (byHand.length === 0) return "";
	return `\n\n-- What this does not do:\n${byHand.flatMap((each) => each.split(/[\n\r]+/)).map((line) => `-- ${line}`).join("\n")}`;
}

// src/rendering/closing.ts
/** The log's last lines: the result in one sentence, and what to do next with commands to paste. */
function closingLines(report) {
	return [`${report.result}: ${resultSentence(report)}`, ...report.nextSteps.flatMap((step) => [step.text, ...step.commands.flatMap((command) => command.split("\n"))])];
}

// src/rendering/outputs.ts
/** The step's outputs by their public names, each as the text that a workflow reads; empty means none. */
function outputsOf(report, reportPath) {
	return {
		result: report.result,
		"recovery-method": report.recoveryMethod,
		"backup-id": report.backup?.id ?? "",
		"backup-locations": JSON.stringify(report.backup?.locations.map((location) => location.url) ?? []),
		"backup-size-bytes": report.backup === null ? "" : String(report.backup.sizeBytes),
		"backup-sha256": report.backup?.sha256 ?? "",
		"restore-proved": report.backup?.restoreProved ?? "false",
		"pending-migrations": JSON.stringify(report.pendingMigrations),
		"applied-migrations": JSON.stringify(report.appliedMigrations),
		"failed-migration": report.failure?.migration ?? "",
		"failed-database": report.failedDatabase ?? "",
		"data-loss": JSON.stringify(report.dataLoss),
		drift: report.drift,
		"recovery-seconds": report.recoverySeconds === null ? "" : report.recoverySeconds.toFixed(3),
		report: reportPath
	};
}

// src/rendering/markdown-text.ts
/**
* Other people's text in GitHub's Markdown: names of databases, messages of the server, SQL. None of it may
* break out of its place, become markup or mention anybody.
*/
/** Longest message shown; the whole of it stands in report.json. */
const maximumLength = 2e3;
/** Word joiner: keeps a name after `@` from being a mention, which is looked for after entities are decoded. */
const wordJoiner = "⁠";
/** Text among our words. One line; everything that Markdown or HTML could take for markup becomes an entity. */
function plain(text) {
	return oneLine(text).replaceAll(/[&<>`*[\]|\\~#$!]/g, entity).replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, entity).replaceAll("@", `&#64;${wordJoiner}`).replace(/^(\s*)([-+=])/, (_, space, sign) => space + entity(sign)).replace(/^(\s*\d+)([.)])(?=\s|$)/, (_, digits, sign) => digits + entity(sign));
}
/** Text as inline code. Mentions and links are not looked for in code. */
function code(text) {
	const line = oneLine(text);
	if (line === "") return "";
	if (/^[^`|\\\s]+$|^[^`|\\\s][^`|\\]*[^`|\\\s]$/.test(line)) return `\`${line}\``;
	return `<code>${line.replaceAll(/[^\p{L}\p{N} .,/()=+-]/gu, entity)}</code>`;
}
/** Lines as a block of code, in a fence longer than any in them. */
function codeBlock(lines, language = "") {
	const text = lines.map((line) => withoutControls(line, /[\p{Cc}]/gu, (c) => c === "\n" || c === "	" ? c : "")).join("\n");
	const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}${language}\n${text}\n${fence}`;
}
/** A table; cells are Markdown made by `plain` and `code`, in which no pipe is left. */
function table(header, rows) {
	const line = (cells) => `| ${cells.join(" | ")} |`;
	return [
		line(header),
		line(header.map(() => "---")),
		...rows.map(line)
	].join("\n");
}
/** A part that is folded until somebody clicks. `title` is Markdown-free. */
function fold(title, markdown) {
	return `<details><summary>${plain(title)}</summary>\n\n${markdown}\n\n</details>`;
}
function oneLine(text) {
	const line = withoutControls(text, /[\p{Cc}\u2028\u2029]+/gu, () => " ").trim();
	return line.length > maximumLength ? `${line.slice(0, maximumLength)}…` : line;
}
/** Also takes out what turns the reading direction, which could make one name look like another. */
function withoutControls(text, pattern, replacement) {
	return text.replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, "").replaceAll(pattern, replacement);
}
function entity(character) {
	return `&#${character.codePointAt(0)};`;
}

// src/rendering/check-sections.ts
/** Rows and lines of a list; the rest stands in report.json. */
const maximumRows$2 = 100;
const marks = {
	error: "error",
	warning: "warning",
	notice: "notice"
};
/** What a check found, the most important first, for the job summary and for the comment. */
function checkSections(check) {
	return [
		findings(check),
		...pending(check.pending),
		missingMigration(check.missingMigrationSql),
		...drift(check.drift),
		notChecked(check),
		prismaStatus(check.prismaStatus)
	].filter((section) => section !== null);
}
function findings(check) {
	const all = findingsOf(check);
	if (all.length === 0) return null;
	const shown = all.slice(0, maximumRows$2).map(line);
	if (all.length > maximumRows$2) shown.push(`- and ${all.length - maximumRows$2} more in the report`);
	return {
		markdown: `### Findings\n\n${shown.join("\n")}`,
		shortly: `### Findings\n\n${countOf(all.length, "finding")}, too many to list here.`
	};
}
function line(finding) {
	const place = finding.file === null ? "" : ` ${code(`${finding.file}${finding.line === null ? "" : `:${finding.line}`}`)}`;
	return `- **${marks[finding.severity]}**: ${plain(finding.message)}${place}<br>HINT: ${plain(finding.hint)} (${code(finding.code)})`;
}
function pending(migrations) {
	if (migrations.length === 0) return [];
	const losses = migrations.flatMap((migration) => migration.destructive.map((each) => [
		code(migration.name),
		String(each.line),
		`${plain(each.action)} ${code(each.object)}${each.isCertain ? "" : ": what that does cannot be known from the script"}`
	]));
	const shown = losses.slice(0, maximumRows$2);
	const dataLoss = losses.length === 0 ? "None of their statements destroys data, as far as a script can tell." : `These statements can destroy data:\n\n${table([
		"Migration",
		"Line",
		"What it does"
	], shown)}${losses.length > shown.length ? `\n\nand ${losses.length - shown.length} more in the report` : ""}`;
	const heading = `### Pending: ${countOf(migrations.length, "migration")}`;
	return [{
		markdown: `${heading}\n\n${dataLoss}`,
		shortly: `${heading}\n\n${countOf(losses.length, "statement")} can destroy data.`
	}, ...migrations.map((migration) => ({
		markdown: fold(migration.name, codeBlock(migration.script.trimEnd().split("\n"), "sql")),
		shortly: `${code(migration.name)}: its SQL is too long to be shown here.`
	}))];
}
function missingMigration(sql) {
	if (sql === null) return null;
	const heading = "### The migrations do not say what schema.prisma says";
	return {
		markdown: `${heading}\n\n${fold("SQL of the missing migration", codeBlock(sql.split("\n"), "sql"))}`,
		shortly: `${heading}\n\nThe SQL of the missing migration is too long to be shown here.`
	};
}
function drift(report) {
	if (report === null || report.differences.length === 0) return [];
	const shown = report.differences.slice(0, maximumRows$2).map((difference) => `- ${plain(difference)}`);
	if (report.differences.length > maximumRows$2) shown.push(`- and ${report.differences.length - maximumRows$2} more in the report`);
	const heading = "### Drift: the database is not what its migrations made";
	const ways = [
		wayBack(report),
		"**To keep it**, make it a migration (`npx prisma migrate dev --create-only`, with what was changed), and mark that as applied where it is there already: `npx prisma migrate resolve --applied`.",
		"**When nobody knows what happened**, go back to a stored backup (`command: rollback`). Never reset the database."
	];
	const byHand = report.byHand.length === 0 ? "" : `\n\nWhat cannot be scripted:\n\n${report.byHand.slice(0, maximumRows$2).map((each) => `- ${plain(each)}`).join("\n")}`;
	return [{
		markdown: `${heading}\n\n${shown.join("\n")}\n\n${ways.join("\n\n")}${byHand}`,
		shortly: `${heading}\n\n${countOf(report.differences.length, "object")} differ, too many to list here.`
	}, ...report.reconcileSql === "" ? [] : [{
		markdown: fold("SQL that takes the database back to its migrations", codeBlock(report.reconcileSql.split("\n"), "sql")),
		shortly: "The SQL that takes the database back is too long to be shown here."
	}]];
}
/** What the SQL does, what it leaves, and what it takes along. */
function wayBack({ reconcileSql, byHand, destructive }) {
	if (reconcileSql === "") return "**To take the change back**, there is no SQL: what to do stands below.";
	const proof = byHand.length === 0 ? "It was run on a copy of the schema, and nothing differed afterwards." : `It was run on a copy of the schema; what still differed afterwards (${countOf(byHand.length, "difference")}) stands below.`;
	const shown = destructive.slice(0, maximumRows$2).map(({ action, object }) => `${plain(action)} ${code(object)}`);
	return `**To take the change back**, run the SQL below on the database, after a backup (\`command: backup\`). ${proof}${shown.length === 0 ? "" : ` **It destroys data**: ${shown.join("; ")}.`}`;
}
function notChecked(check) {
	const lines = [...new Set(check.parts.flatMap((part) => part.notChecked))];
	if (lines.length === 0) return null;
	return {
		markdown: `### Not checked\n\n${lines.map((each) => `- ${plain(each)}`).join("\n")}`,
		shortly: `### Not checked\n\n${countOf(lines.length, "thing")}.`
	};
}
function prismaStatus(text) {
	if (text === null || text === "") return null;
	return {
		markdown: fold("What prisma migrate status says", codeBlock(text.split("\n"))),
		shortly: "What prisma migrate status says is too long to be shown here."
	};
}

// src/rendering/phase-chart.ts
/**
* The phases as a Mermaid gantt. Times are written and shown without a zone, so that every reader sees UTC.
* Holds nothing but our own phase names.
*/
function phaseChart(phases) {
	return [
		"gantt",
		"  dateFormat YYYY-MM-DD HH:mm:ss.SSS",
		"  axisFormat %H:%M:%S",
		...phases.filter((record) => record.status !== "skipped").map((record) => {
			const kind = record.status === "failed" ? "crit" : "done";
			const start = record.startedAt.replace("T", " ").replace("Z", "");
			return `  ${record.phase} :${kind}, ${start}, ${Math.max(1, Math.round(record.durationMs))}ms`;
		})
	].join("\n");
}

// src/rendering/rollback-section.ts
/** Rows of a table; the rest stands in report.json. */
const maximumRows$1 = 100;
/** What the backup has not, for the job summary. */
function rollbackSection(rollback) {
	const parts = [
		"### What the backup has not",
		`Backup ${code(rollback.backupId)} of ${plain(rollback.backupTakenAt)}${rollback.commit === null ? "" : `, made at commit ${code(rollback.commit)}`}`,
		migrationsSentence(rollback.migrations)
	];
	if (rollback.tables !== null) parts.push(tables(rollback.tables));
	return parts.join("\n\n");
}
function migrationsSentence(migrations) {
	if (migrations === null) return "The migration history of the target could not be read.";
	if (migrations.length === 0) return "No migration was applied after the backup.";
	return `Migrations applied after the backup: ${migrations.slice(0, maximumRows$1).map(code).join(", ")}${migrations.length > maximumRows$1 ? " …" : ""}`;
}
function tables(differing) {
	if (differing.length === 0) return "Every table has the same rows as in the backup.";
	const rows = differing.slice(0, maximumRows$1).map(({ schema, table: name, rowsNow, rowsInBackup }) => [
		code(`${schema}.${name}`),
		countText(rowsNow),
		countText(rowsInBackup)
	]);
	if (differing.length > maximumRows$1) rows.push([
		`and ${differing.length - maximumRows$1} more in the report`,
		"",
		""
	]);
	return table([
		"Table that differs",
		"Rows now",
		"Rows in the backup"
	], rows);
}
function countText(rows) {
	return rows === null ? "no such table" : formatCount(rows);
}

// src/rendering/summary.ts
/** GitHub drops a summary that is longer; some room is left for the last line. */
const maximumSummaryBytes = 1047552;
/** Rows of a table; the rest stands in report.json. */
const maximumRows = 100;
/**
* The job summary in GitHub's Markdown: the result in one sentence, what to do, and then what happened.
* A section that would not fit into 1 MiB is left out.
*/
function summaryMarkdown(report) {
	const sections = [
		`## safe-migrate: ${report.result}\n\n**${plain(resultSentence(report))}**`,
		whatToDo(report),
		...report.rollback === null ? [] : [rollbackSection(report.rollback)],
		...report.check === null ? [] : checkSections(report.check).map((section) => section.markdown),
		phaseTable(report),
		recoveryWays(report),
		pendingWays(report),
		...report.check === null ? [migrations(report), dataLoss(report)] : [],
		newWrites(report),
		roleChanges(report),
		backup(report),
		storedBackups(report),
		keptDatabases(report),
		earlierRun(report),
		warnings(report),
		origin(report)
	].filter((section) => section !== null);
	let summary = "";
	let isWhole = true;
	for (const section of sections) if (Buffer.byteLength(summary) + Buffer.byteLength(section) > maximumSummaryBytes) isWhole = false;
	else summary += `${section}\n\n`;
	return isWhole ? summary : `${summary}_What is missing here is too long for a summary; it stands in the report._\n`;
}
function whatToDo(report) {
	const problems = shortened(report.problems, (problem) => {
		const place = problem.phase === null ? "" : ` (${problem.phase})`;
		return `- ${plain(problem.message)}${place}<br>HINT: ${plain(problem.hint)} [${code(problem.code)}](${problem.docs})`;
	});
	const steps = report.nextSteps.map((step) => step.commands.length === 0 ? plain(step.text) : `${plain(step.text)}\n\n${codeBlock(step.commands, "sh")}`);
	if (problems.length === 0 && steps.length === 0) return null;
	return [
		jobPasses(report) ? "### What to know" : "### What to do",
		problems.join("\n"),
		...steps
	].filter((part) => part !== "").join("\n\n");
}
function phaseTable(report) {
	if (report.phases.length === 0) return null;
	const rows = report.phases.map((record) => [
		record.phase,
		record.status === "done" ? "" : record.status,
		formatSeconds(record.durationMs),
		plain(record.fact)
	]);
	const chart = fold("Timeline (UTC)", codeBlock([phaseChart(report.phases)], "mermaid"));
	return `### Phases\n\n${table([
		"Phase",
		"",
		"Time",
		"Result"
	], rows)}\n\n${chart}`;
}
/** Only where something is closed that is not closed for everybody: what always holds tells nobody anything. */
function recoveryWays(report) {
	if (!report.recoveryWays.some(({ way, open }) => !open && way !== "in-place")) return null;
	const rows = report.recoveryWays.map(({ way, open, because }) => [
		way,
		open ? "open" : "closed",
		because.map(plain).join("<br>")
	]);
	return `### Ways of recovery\n\n${table([
		"Way",
		"",
		"Why"
	], rows)}`;
}
function pendingWays(report) {
	if (report.pendingWays.length === 0) return null;
	const rows = shortenedRows(report.pendingWays, ({ migration, way, because }) => [
		code(migration),
		way,
		plain(because)
	]);
	return fold("Way back, should a migration fail", table([
		"Migration",
		"Way",
		"Why"
	], rows));
}
function migrations(report) {
	if (report.pendingMigrations.length === 0) return null;
	const applied = new Set(report.appliedMigrations);
	const rows = shortenedRows(report.pendingMigrations, (name) => {
		const state = applied.has(name) ? "applied" : name === report.failure?.migration ? "failed" : "not applied";
		return [code(name), state];
	});
	const parts = ["### Migrations", table(["Migration", "Now"], rows)];
	if (report.failure !== null) parts.push(failure(report.failure));
	return parts.join("\n\n");
}
function failure(failed) {
	const place = failed.file === null ? "" : ` at ${code(failed.line === null ? failed.file : `${failed.file}:${failed.line}`)}`;
	const sqlState = failed.sqlState === null ? "" : ` (SQLSTATE ${code(failed.sqlState)})`;
	return `${code(failed.migration)} failed${place}: ${plain(failed.message)}${sqlState}`;
}
function dataLoss(report) {
	if (report.dataLoss.length === 0) return null;
	const rows = shortenedRows(report.dataLoss, (loss) => [
		code(loss.migration),
		code(loss.object),
		code(loss.statement)
	]);
	return `### Data that the migrations destroy\n\n${table([
		"Migration",
		"Object",
		"Statement"
	], rows)}`;
}
function roleChanges(report) {
	if (report.roleChanges.length === 0) return null;
	const rows = shortenedRows(report.roleChanges, ({ role, change }) => [plain(role), change]);
	return `### Roles that stayed\n\nRoles belong to the server: recovery left them as they were after the migration. Drop or repair them before the migration runs again; CREATE ROLE fails where the role is there already.\n\n${table(["Role", "While the migration ran"], rows)}`;
}
function newWrites(report) {
	if (report.newWrites === null) {
		const tables = report.writesBeforeMigration ?? [];
		if (tables.length === 0) return null;
		return `### Writes after the backup\n\nWritten to between the backup and the migration: ${shortened(tables, code).join(", ")}`;
	}
	const heading = "### What the failed database holds beside the backup";
	if (report.newWrites.length === 0) return `${heading}\n\nNone: every table was compared.`;
	const rows = shortenedRows(report.newWrites, (difference) => [
		code(`${difference.schema}.${difference.table}`),
		formatCount(difference.onlyInFailed),
		formatCount(difference.changed),
		formatCount(difference.onlyInTarget),
		difference.sampleKeys.slice(0, 5).map(code).join(" ") + (difference.sampleKeys.length > 5 ? " …" : "")
	]);
	return `${heading}\n\nCompared with ${report.failedDatabase === null ? "the failed database" : code(report.failedDatabase)}, which is kept:\n\n${table([
		"Table",
		"Only there",
		"Changed there",
		"Deleted there",
		"Keys only there"
	], rows)}`;
}
function backup(report) {
	if (report.backup === null) return null;
	const { id, sizeBytes, sha256, restoreProved, encryption, locations } = report.backup;
	const proved = {
		true: "restored and found equal",
		false: "not proved by a restore",
		"could-not-verify": "could not be verified"
	}[restoreProved];
	const rows = [
		["Id", code(id)],
		["Size", formatBytes(sizeBytes)],
		["SHA-256", code(sha256)],
		["Proof", proved],
		["Encrypted", encryptionSentence(encryption)],
		...locations.map((location) => ["Stored", `${code(location.url)} ${plain(location.verified)}`])
	];
	const commands = restoreByHandCommands(report.backup);
	const byHand = commands.length === 0 ? "" : `\n\n${fold("Restore it by hand, beside the database", codeBlock(commands, "sh"))}`;
	return `### Backup\n\n${table(["", ""], rows)}${byHand}`;
}
function storedBackups(report) {
	if (report.storedBackups === null || report.storedBackups.length === 0) return null;
	const now = Date.parse(report.run.finishedAt);
	const rows = shortenedRows(report.storedBackups, (stored) => [
		code(stored.id),
		formatAge(now - Date.parse(stored.createdAt)),
		formatBytes(stored.sizeBytes),
		stored.proved ? "yes" : "no",
		stored.appliedMigrations === null ? "unknown" : formatCount(stored.appliedMigrations),
		stored.locations.map(code).join(" "),
		plain(retentionText(stored))
	]);
	return `### Stored backups\n\n${table([
		"Backup",
		"Age",
		"Size",
		"Proved",
		"Migrations",
		"Where",
		""
	], rows)}`;
}
function keptDatabases(report) {
	if (report.keptDatabases.length === 0) return null;
	const rows = shortenedRows(report.keptDatabases, ({ name, sizeBytes }) => [code(name), formatBytes(sizeBytes)]);
	return `### Kept failed databases\n\n${table(["Database", "Size"], rows)}`;
}
function earlierRun({ earlierRun: earlier }) {
	if (earlier === null) return null;
	return `### An earlier run\n\n${plain(earlier.fact)} (in ${code(earlier.phase)} since ${plain(earlier.at)}).`;
}
function warnings(report) {
	if (report.warnings.length === 0) return null;
	return `### Warnings\n\n${shortened(report.warnings, (line) => `- ${plain(line)}`).join("\n")}`;
}
function origin(report) {
	const { target, run } = report;
	return `<sub>${[
		`command ${code(report.command)}`,
		...target === null ? [] : [`${code(target.database)} at ${code(`${target.host}:${target.port}`)}, PostgreSQL ${plain(target.serverVersion)}`],
		...report.prismaVersion === null ? [] : [`Prisma ${plain(report.prismaVersion)}`],
		...run.commit === null ? [] : [`commit ${code(run.commit)}`],
		`run ${code(run.id)}`
	].join(" · ")}</sub>`;
}
/** At most `maximumRows` of them, and a last one that says how many there are more. */
function shortened(items, render) {
	const shown = items.slice(0, maximumRows).map(render);
	return items.length > maximumRows ? [...shown, `and ${leftOut(items)}`] : shown;
}
function shortenedRows(items, render) {
	const shown = items.slice(0, maximumRows).map(render);
	if (items.length <= maximumRows) return shown;
	const width = shown[0]?.length ?? 1;
	return [...shown, [`and ${leftOut(items)}`, ...Array.from({ length: width - 1 }, () => "")]];
}
function leftOut(items) {
	return `${countOf(items.length - maximumRows, "more", "more")} in the report`;
}

// src/runner/make-folder.ts
/**
* Makes a folder and those above it that are missing. One after the other: Node's own way tries for ever below /proc, where
* a folder that is there takes none and says that there is no such folder.
*/
async function makeFolder(path, mode) {
	const found = await stat(path).catch((error) => {
		if (error.code === "ENOENT") return null;
		throw error;
	});
	if (found?.isDirectory()) return;
	const parent = dirname(path);
	if (found === null && parent !== path) await makeFolder(parent);
	await mkdir(path, { mode }).catch((error) => {
		if (error.code !== "EEXIST" || found !== null) throw error;
	});
}

// src/runner/publish.ts
/**
* Tells everybody what the run did: last lines of the log, report.json, outputs, annotations, summary, and the
* exit code. What only people read (summary, report.json) fails softly with a warning: by now the database is
* in its final state, and the result must not depend on a full disk.
*/
async function publish(report, context, log) {
	process.exitCode = jobPasses(report) ? 0 : 1;
	for (const line of closingLines(report)) log.visible(line);
	const reportPath = await softly("report.json could not be written", () => writeReport(report, context));
	await softly("The outputs could not be written", async () => {
		for (const [name, value] of Object.entries(outputsOf(report, reportPath ?? ""))) setOutput(name, value);
	});
	for (const annotation of annotationsOf(report)) annotate(annotation);
	await softly("The job summary could not be written", () => summary.addRaw(summaryMarkdown(report)).write());
}
/** Outside of the work folder, which is removed: later steps read it. Returns its path. */
async function writeReport(report, context) {
	const folder = join(context.temporaryDirectory, `safe-migrate-report-${report.run.id}`);
	await makeFolder(folder, 448);
	const path = join(folder, "report.json");
	await writeFile(path, `${JSON.stringify(report, null, 2)}\n`, { mode: 384 });
	for (const { name, text } of attachmentsOf(report)) await writeFile(join(folder, name), `${text.trimEnd()}\n`, { mode: 384 });
	return path;
}
function annotate(annotation) {
	const { level, title, file, line } = annotation;
	(level === "error" ? error : warning$1)(annotation.message.split("\n").map(harmlessLine).join("\n"), {
		title,
		...file === void 0 ? {} : { file },
		...line === void 0 ? {} : { startLine: line }
	});
}
async function softly(failure, work) {
	try {
		return await work();
	} catch (error) {
		warning$1(`${failure}: ${messageOf(error)}`);
		return;
	}
}

// src/runner/repository-root.ts
/** The nearest folder above (or at) `directory` that is a git checkout; `workspace` where there is none. */
function repositoryRootOf(directory, workspace) {
	for (let folder = directory;; folder = dirname(folder)) {
		if (existsSync(join(folder, ".git"))) return folder;
		if (dirname(folder) === folder) return workspace;
	}
}
/**
* Folders whose files a project may consist of: the workspace, and the repository that the project lies in. On a runner a
* checkout above the workspace (somebody's home that is kept in git) is none of it.
*/
function checkoutRoots({ workspace, repository: name }, repository) {
	return name !== null && repository !== workspace && `${workspace}${sep}`.startsWith(`${repository}${sep}`) ? [workspace] : [workspace, repository];
}

// src/runner/run-identity.ts
/** 2020-01-01T00:00:00Z in seconds; keeps the time part at six characters until 2088. */
const epochSeconds = 1577836800;
const timeLength = 6;
const randomLength = 3;
/**
* A run's id: seconds since 2020 and three random characters, base 36. Sorts by start, stands in database names
* (63 bytes are few), and two attempts at the same second still differ.
*/
function runId(startedAt) {
	return `${(Math.floor(startedAt.getTime() / 1e3) - epochSeconds).toString(36).padStart(timeLength, "0")}${randomInt(36 ** randomLength).toString(36).padStart(randomLength, "0")}`;
}
function runIdentity(context, startedAt) {
	const where = context.repository === null || context.runId === null ? hostname() : `${context.repository} run ${context.runId}${context.attempt > 1 ? ` attempt ${context.attempt}` : ""}`;
	return {
		id: runId(startedAt),
		startedAt,
		description: where,
		url: context.runUrl,
		commit: context.commit
	};
}

// src/runner/state.ts
const workFolderKey = "work-folder";
/** What main leaves for post of the same step. This module is the only reader and writer of the step's state. */
function saveWorkFolder(path) {
	saveState(workFolderKey, path);
}
const openRunKey = "open-run";
/** Notes that this run has a journal that stands open, or (null) none any more; the last note counts. */
function saveOpenRun(run) {
	saveState(openRunKey, run ?? "");
}
/** The run whose journal main left open; null when there is nothing to finish. */
function savedOpenRun() {
	return getState(openRunKey) || null;
}
/** The folder that main saved, or null when it did not get that far. */
function savedWorkFolder() {
	return getState(workFolderKey) || null;
}

// src/runner/stray-errors.ts
/**
* Keeps an error that nobody waited for from ending the process: between the start of a migration and its recovery
* that would be worse than whatever the error is. It is told as a warning, because it is a defect.
* A synchronous throw outside of every promise (`uncaughtException`) is treated alike.
*/
function surviveStrayErrors(warn) {
	const tell = (error) => {
		warn(`an error was not handled: ${messageOf(error)}`);
	};
	process.on("unhandledRejection", tell);
	process.on("uncaughtException", tell);
	return { [Symbol.dispose]() {
		process.off("unhandledRejection", tell);
		process.off("uncaughtException", tell);
	} };
}

// src/runner/work-folder.ts
const namePrefix = "safe-migrate-work-";
/** A run's private folder for the dump on its way: 0700, on the disk of RUNNER_TEMP, gone at the end. */
var WorkFolder = class WorkFolder {
	path;
	constructor(path) {
		this.path = path;
	}
	/** `mkdtemp` makes it 0700 and never takes one that is there already. Rejects with SM_RUNNER_TEMP. */
	static async create(temporaryDirectory) {
		try {
			await makeFolder(temporaryDirectory);
			return new WorkFolder(await mkdtemp(join(temporaryDirectory, namePrefix)));
		} catch (error) {
			const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
			throw new SafeMigrateError({
				code: "SM_RUNNER_TEMP",
				message: `nothing can be written in ${shortened$1(temporaryDirectory)}, where the runner keeps temporary files (${code})`,
				hint: "RUNNER_TEMP must be a folder that the user of this job may write in: look at its rights, its disk, and whether it is a folder at all.",
				cause: error
			});
		}
	}
	async [Symbol.asyncDispose]() {
		await removeWorkFolder(this.path);
	}
};
/** Removes what `create` made and nothing else; it is no error when it is gone already. */
async function removeWorkFolder(path) {
	if (!basename(path).startsWith(namePrefix)) throw new TypeError("not a work folder of safe-migrate");
	await rm(path, {
		recursive: true,
		force: true
	});
}

export { RunJournal as $, SafeMigrateError as $t, findingsOf as A, detailsName as At, whenReachable as B, storageMismatch as Bt, ActionLog as C, isFromElsewhere as Ct, isTakenOver as D, renderManifest as Dt, hookMark as E, manifestName as Et, storedRecord as F, formatCount as Ft, unknownFunctions as G, migratorApplicationName as Gt, mayForgeHistory as H, objectKey as Ht, historyDigest as I, openPorts as It, objectsIn as J, bytesOf as Jt, fieldsOf as K, parseVersion as Kt, recover as L, sha256Of as Lt, finishEarlierRun as M, sealedDetailsName as Mt, waysToFinish as N, countOf as Nt, describeExit as O, sealedDumpName as Ot, findStored as P, formatBytes as Pt, takeLock as Q, RefusedError as Qt, exchangeWhenReachable as R, sha256OfFile as Rt, readArtifactAccess as S, shownBackup as St, Hooks as T, dumpName as Tt, blockStatements as U, checksumsOf as Ut, historyReach as V, stoppedBy as Vt, describeScript as W, flawOf as Wt, storedDump as X, formOfFingerprint as Xt, keysOf as Y, parseSql as Yt, fetchBackup as Z, literal as Zt, parseInputs as _, backupId as _t, saveWorkFolder as a, takeBaseline as at, secretsOf as b, isProvedIn as bt, runIdentity as c, readHistory as ct, publish as d, GrowingFile as dt, messageOf as en, signManifest as et, checkSections as f, systemIdentifierOf as ft, surviveLostOutput as g, backupFolder as gt, Masks as h, listBackups as ht, saveOpenRun as i, readyCopy as it, openStorages as j, renderDetails as jt, checkPartNames as k, countsOf as kt, checkoutRoots as l, LeftBehindError as lt, resultSentence as m, storedBackupLine as mt, removeWorkFolder as n, writeDetails as nt, savedOpenRun as o, wayOfScript as ot, plain as p, serverNow as pt, nameParts as q, errorCodeIn as qt, surviveStrayErrors as r, encryptionSentence as rt, savedWorkFolder as s, describeFailure as st, WorkFolder as t, problemsOf as tn, readDetailsIn as tt, repositoryRootOf as u, clearingAway as ut, readInputs as v, labelBefore as vt, ReportBuilder as w, originText as wt, readGitHubContext as x, mergePlaces as xt, requestedCommand as y, digestOf as yt, isOurs as z, ContentGate as zt };