/* table.h - what a lookup table and a lookup key are made of: between the files of lookup/ only. */
#ifndef POSTERN_LOOKUP_TABLE_H
#define POSTERN_LOOKUP_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "lookup/address_ip.h"
#include "lookup/lookup.h"
#include "lookup/record_field.h"
#include "plugin/host.h"

enum lookup_key_kind { KEY_ADDRESS, KEY_IP, KEY_STRINGS };

struct lookup_key {
	enum lookup_key_kind kind;
	const char *text;		/* as asked */
	bool localpart_is_case_sensitive;
	/* KEY_ADDRESS; every string defined, "" where there is none */
	const char *localpart;		/* lower case unless case counts, extension included */
	const char *domain;		/* normalised */
	const char *parts[5];		/* $1..$5 of results: address, local part as written, user, extension, domain */
	/* KEY_IP */
	bool ip_valid;
	struct ip_network ip;
	/* KEY_STRINGS */
	const char *const *strings;
	size_t string_count;
	/* made when first wanted */
	const char **list;
	size_t list_count;
};

struct acl_item {
	const char *text;		/* as written, with its "!" */
	bool result;
	enum { ACL_ADDRESS, ACL_SUBDOMAINS, ACL_DOMAIN } form;
	const char *localpart, *localpart_lower, *domain;
	bool is_network;
	struct ip_network network;
};

struct table_field { enum record_source_kind kind; const char *name; enum record_type type; };
/* Rules of files may stand in blocks: "if" ... "endif". */
enum rule_kind { RULE_PLAIN, RULE_IF, RULE_ENDIF };
struct re_rule {
	struct pattern *regex;		/* NULL: never matches */
	const struct value *result;
	enum rule_kind kind;
	bool negated, dollars;		/* dollars: "$$" in the result is one */
	size_t end;			/* RULE_IF: the index of its ENDIF, or the number of rules */
};
struct cidr_rule {
	const char *text;
	struct ip_network network;
	const struct value *result;
	enum rule_kind kind;
	bool negated, never;
	size_t end;
};

struct record_source;
struct sql_table { struct record_source *const *source; const char *statement, *written; };

struct lookup_table {
	enum lookup_kind kind;
	const char *file;
	int line;
	const char *label;		/* "file:line" */
	size_t count;			/* ACL, RE, CIDR */
	bool has_blocks;		/* RE, CIDR: some rules are IF */
	union {
		const struct value *constant;
		const struct table_field *field;
		struct { const struct value *source; GHashTable *index; } hash;
		struct acl_item *acl;
		struct re_rule *re;
		struct cidr_rule *cidr;
		struct value_function *function;
		struct plugin_instance *instance;
		struct sql_table *sql;
	} u;
};

struct lookup_table *lookup_table_new(void *owner, enum lookup_kind kind);

/* One question to one table.  All results that are defined are handed to sink_take(); the search of the table ends when
 * it says so.  -1: the table could not answer (*failed says why). */
struct lookup_sink {
	void *owner;
	bool want_all;
	const struct value **results;	/* talloc array on owner */
	size_t count;
	const char *key;		/* what matched last, or NULL */
	struct error *failed;
};
/* True: go on in this table. An undef result counts as matched: it ends the table, yields nothing. */
bool lookup_sink_take(struct lookup_sink *s, const struct value *result, const char *key);

int lookup_ask_field(const struct lookup_table *t, struct lookup_key *k, const struct lookup_context *context, struct lookup_sink *s);
void lookup_print_field(GString *out, const struct lookup_table *t);
int lookup_ask_hash(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_acl(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_re(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_cidr(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_sql(const struct lookup_table *t, struct lookup_key *k, const struct lookup_context *context, struct lookup_sink *s);

/* A table of the lines that a plugin's load() has read; what cannot be used is left out and told in read->left_out.  It refers to texts of
 * `read`.  NULL: `kind` is none, or nothing was read. */
struct lookup_table *lookup_table_of_lines(void *owner, enum postern_table_kind kind, struct plugin_table *read);
/* Ask a plugin that answers by itself. */
const struct value *lookup_ask_instance(struct plugin_instance *instance, const char *const *keys, size_t count,
	const struct lookup_context *context, void *owner, const char **matched, struct error *failed);

/* A string result with $1 ${1} $(1) replaced from parts[0..count-1]; other values as they are.  dollars: "$$" stands for "$". */
const struct value *lookup_replace(void *owner, const struct value *result, const char *const *parts, size_t count, bool dollars);

#endif
