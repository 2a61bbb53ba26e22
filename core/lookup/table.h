/* table.h - what a lookup table and a lookup key are made of: between the files of lookup/ only. */
#ifndef POSTERN_LOOKUP_TABLE_H
#define POSTERN_LOOKUP_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "lookup/address_ip.h"
#include "lookup/lookup.h"
#include "lookup/record_field.h"

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
struct re_rule { struct pattern *regex; const struct value *result; };
struct cidr_rule { const char *text; struct ip_network network; const struct value *result; };

struct lookup_table {
	enum lookup_kind kind;
	const char *file;
	int line;
	const char *label;		/* "file:line" */
	size_t count;			/* ACL, RE, CIDR */
	union {
		const struct value *constant;
		struct { const struct value *source; GHashTable *index; } hash;
		struct acl_item *acl;
		struct re_rule *re;
		struct cidr_rule *cidr;
		struct value_function *function;
		struct plugin_instance *instance;
		const struct table_field *field;
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

int lookup_ask_hash(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_acl(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_re(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_cidr(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s);
int lookup_ask_field(const struct lookup_table *t, struct lookup_key *k, const struct lookup_context *context, struct lookup_sink *s);
void lookup_print_field(GString *out, const struct lookup_table *t);

/* A string result with $1 ${1} $(1) replaced from parts[0..count-1]; other values as they are. */
const struct value *lookup_replace(void *owner, const struct value *result, const char *const *parts, size_t count);

#endif
