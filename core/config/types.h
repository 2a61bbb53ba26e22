/* types.h - what the table of settings says about a setting: its type, where it may be set, whether it is in force.
 *
 * The table is settings/all.def, made of one .def file per theme, each line
 *
 *   SETTING(name, TYPE, "default as Lua source", FLAGS, STATUS, "one line of meaning, or the reason of refusal")
 *
 * settings/table.c turns it into setting_definitions[], indexed by enum
 * setting_id.  Constants only; usable in every process.
 *
 * Defaults.  Without AFTER a default is a constant expression (D_* and CC_*
 * names, undef, strings, numbers, tables, rx(), re{}).  With AFTER it is
 * evaluated after the administrator's files, and may
 *   - name other settings: their value after the files (global values);
 *   - say setting "name": a VALUE_SETTING, which follows that setting through
 *     policy banks too; config/ replaces it whenever a policy is made or a bank
 *     is loaded, so that nobody else ever meets one;
 *   - call hostname() (the fully qualified host name or what comes nearest);
 *   - call each(maps, "BANK"): a list of pairs { table, "BANK" }, one for each
 *     table of a lookup list.
 * undef and empty tables in a list of tables match nothing and are left out. */
#ifndef POSTERN_CONFIG_TYPES_H
#define POSTERN_CONFIG_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "lookup/record_field.h"

/* Settings whose value is one of a few words: SETTING type ENUM_<word>. */
#define SETTING_ENUMERATIONS(X) \
	X(PROTOCOL, "SMTP|LMTP") \
	X(NEWLINE, "normalise|reject") \
	X(FAILURE, "tempfail|unchecked") \
	X(LOOKUP_FAILURE, "tempfail|stale") \
	X(BANNED_SEMANTICS, "node|path") \
	X(TLS_LEVEL, "none|may|encrypt|verify") \
	X(RELEASE_FORMAT, "resend|attach|plain|dsn|arf")

enum setting_type {
	SETTING_TYPE_BOOLEAN,	/* true, false, 1, 0, "", "0" */
	SETTING_TYPE_INTEGER,
	SETTING_TYPE_FLOAT,
	SETTING_TYPE_SIZE,	/* bytes: a number or "64k"; stored as VALUE_INT */
	SETTING_TYPE_SECONDS,	/* a number or "5m"; policy_ms() gives milliseconds */
	SETTING_TYPE_STRING,
	SETTING_TYPE_STRINGS,	/* a string or a list of them (numbers count as strings) */
	SETTING_TYPE_DESTINY,	/* D_PASS ... */
	SETTING_TYPE_METHODS,	/* "scheme:rest" or a list of them, tried in order */
	SETTING_TYPE_MAPS,	/* a lookup list */
	SETTING_TYPE_TABLE,	/* one lookup table: hash, ACL, re ... */
	SETTING_TYPE_CCAT,	/* by content category: a scalar per key */
	SETTING_TYPE_CCAT_MAPS,	/* by content category: a scalar or a lookup list per key */
	SETTING_TYPE_HASH,	/* string to any scalar */
	SETTING_TYPE_SCANNERS,	/* a list of plugin instances (undef entries are skipped) */
	SETTING_TYPE_PAIRS,	/* { { table, "BANK,BANK" }, ... } */
	SETTING_TYPE_BANKS,	/* bank name to a table of settings */
	SETTING_TYPE_RULES,	/* name to one lookup table (banned_rules) */
	SETTING_TYPE_DSN,	/* a list of database addresses */
	SETTING_TYPE_CLAUSES,	/* name to SQL text (sql_clause) */
	SETTING_TYPE_FUNCTION,
	SETTING_TYPE_ANYTHING,	/* kept as written */
#define SETTING_ENUMERATION(word, choices) SETTING_TYPE_ENUM_##word,
	SETTING_ENUMERATIONS(SETTING_ENUMERATION)
#undef SETTING_ENUMERATION
	SETTING_TYPE_COUNT
};

/* Written without the prefix in .def files, joined by |. */
enum setting_flag {
	SETTING_BANK = 1 << 0,		/* may stand in a policy bank */
	SETTING_GLOBAL = 1 << 1,	/* may not */
	SETTING_SECRET = 1 << 2,	/* masked in dumps, never leaves the worker template and its workers */
	SETTING_DEFINED = 1 << 3,	/* undef is refused */
	SETTING_AFTER = 1 << 4		/* the default is evaluated after the administrator's files */
};

enum setting_status {
	SETTING_IN_FORCE,
	SETTING_ACCEPTED,		/* known, taken and checked, without effect: one warning at -t when set */
	SETTING_REFUSED			/* an error when set; `doc` is the reason and what to do instead */
};

struct setting_definition {
	const char *name;
	enum setting_type type;
	const char *kind;			/* the type's word in the .def files, for programs that read -d --json */
	unsigned flags;			/* enum setting_flag */
	enum setting_status status;
	const char *default_source;	/* Lua */
	const char *doc;
};

struct setting_bounds {
	int setting;			/* enum setting_id */
	int64_t min, max;		/* in the setting's own unit: bytes, seconds, count */
};

/* Other spellings of a setting; assigning one assigns the setting. */
struct setting_alias {
	const char *name;
	const char *setting;
};

extern const struct setting_definition setting_definitions[];	/* SETTING_COUNT of them */
const struct setting_bounds *setting_bounds_of(int setting);	/* bounds.def; NULL: none */
/* The field of recipients' records that stands before a lookup list (fields.def). */
struct setting_field {
	int setting;				/* enum setting_id */
	const char *names[RECORD_SOURCE_COUNT];	/* of the column, of the attribute */
	enum record_type type;
};
extern const struct setting_field setting_fields[];
extern const size_t setting_field_count;
const struct setting_field *setting_field_of(int setting);	/* NULL: none */

extern const struct setting_alias setting_aliases[];
extern const size_t setting_alias_count;
const char *setting_type_text(enum setting_type type);		/* "a number of bytes (\"64k\", \"10M\")": what -t says was expected */
const char *setting_type_choices(enum setting_type type);	/* "a|b" of ENUM_ types, else NULL */

#endif
