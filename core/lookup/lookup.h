/* lookup.h - lookup lists: amavisd-new's tables, their search keys, and who matched.
 *
 * A list (`*_maps`) is tried table by table; the first defined result wins.
 * Tables: constant, hash, ACL, re, cidr, function, plugin.  Workers and the
 * worker template only. */
#ifndef POSTERN_LOOKUP_LOOKUP_H
#define POSTERN_LOOKUP_LOOKUP_H

#include "base/deadline.h"
#include "base/error.h"
#include "base/pattern.h"
#include "base/value.h"

enum lookup_kind { LOOKUP_CONSTANT, LOOKUP_HASH, LOOKUP_ACL, LOOKUP_RE, LOOKUP_CIDR, LOOKUP_FUNCTION, LOOKUP_PLUGIN, LOOKUP_FIELD };

/* How addresses are taken apart for keys. */
struct lookup_style {
	const char *recipient_delimiter;	/* NULL or "": off */
	bool localpart_is_case_sensitive;
};

/* A key made once and asked of many tables; the key lists are built when first wanted. */
struct lookup_key;
struct lookup_key *lookup_key_address(void *owner, const char *plain_address, const struct lookup_style *style);
struct lookup_key *lookup_key_ip(void *owner, const char *ip_text);		/* NULL text: unknown = 0.0.0.0 */
struct lookup_key *lookup_key_strings(void *owner, const char *const *strings, size_t count);	/* banned rules, virus names */
const char *lookup_key_text(const struct lookup_key *k);
/* amavisd-new's key order for a hash ("user+foo@sub.example.com", ..., "."); *count entries. */
const char *const *lookup_key_list(struct lookup_key *k, size_t *count);

struct lookup_match {			/* who said it; filled when wanted (explain) */
	const struct lookup_table *table;
	const char *key;		/* the key or pattern that matched */
	unsigned table_index;		/* in the list, from 1 */
};

struct lookup_context {			/* what functions and plugins need; may be NULL for static tables */
	struct deadline deadline;
	const void *mail;		/* struct mail, opaque here */
	struct record_asker *records;	/* what SQL and LDAP say of addresses (lookup/record_asker.h); NULL: they are not asked */
};

/* `maps`: a VALUE_LIST of tables (or a lone table/scalar).  A function's result is treated as a table in its place.  Returns the first defined result, NULL when none matched;
 * When a table could not answer: NULL and failed->class is not ERROR_NONE (else it is; failed may be NULL): the caller decides (TEMPFAIL).  Result memory: owner. */
const struct value *lookup_first(const struct value *maps, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct lookup_match *match, struct error *failed);
/* All defined results in order, of hashes and rules too (banned_filename_maps, score_sender_maps). Returns a VALUE_LIST. */
const struct value *lookup_all(const struct value *maps, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct error *failed);
bool lookup_true(const struct value *maps, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct error *failed);

/* --- building tables (config/ calls these while it evaluates) --- */
struct lookup_table *lookup_table_constant(void *owner, const struct value *v);
struct lookup_table *lookup_table_hash(void *owner, const struct value *hash);	/* a VALUE_HASH */
/* items: VALUE_STRINGs, "!" negates; also IP networks when asked with an IP key. */
struct lookup_table *lookup_table_acl(void *owner, const struct value *list, struct error *e);
/* For settings that are asked with clients' addresses (mynetworks, inet_acl): -1 names the first item of an ACL that is no IP network. */
int lookup_table_check_networks(const struct lookup_table *t, struct error *e);
/* rules in order: regex and result */
struct lookup_table *lookup_table_re(void *owner, struct pattern *const *regexes, const struct value *const *results, size_t count);
/* results[i] of a network without one is &value_true; "!" makes that false. */
struct lookup_table *lookup_table_cidr(void *owner, const char *const *networks, const struct value *const *results, size_t count, struct error *e);
struct lookup_table *lookup_table_function(void *owner, struct value_function *f);
struct lookup_table *lookup_table_plugin(void *owner, struct plugin_instance *instance);
/* The items of an ACL (a VALUE_TABLE) as written, NULL-terminated on owner; NULL: not an ACL. */
const char *const *lookup_acl_texts(const struct value *acl, void *owner);
/* What a table may answer as far as it stands there: results of a constant, hash, re or cidr; array on owner. */
const struct value **lookup_table_results(const struct lookup_table *t, void *owner, size_t *count);
enum lookup_kind lookup_table_kind(const struct lookup_table *t);
void lookup_table_print(GString *out, const struct lookup_table *t);		/* as Lua source */
void lookup_table_set_label(struct lookup_table *t, const char *file, int line);
const char *lookup_table_label(const struct lookup_table *t);			/* "50-user.lua:12" or "" */

/* Set by config/ so that a Lua function can be asked without lookup knowing Lua. */
typedef const struct value *(*lookup_function_call)(struct value_function *f, const char *key, const struct lookup_context *context,
	void *owner, struct error *failed);
extern lookup_function_call lookup_call_function;

/* Set by the room that may call plugins (lookup stands beside it): ask one lookup plugin with keys, most specific first.
 * NULL: nothing found; a failure sets failed->class.  *matched: the key that was found, memory of owner. */
typedef const struct value *(*lookup_plugin_call)(struct plugin_instance *instance, const char *const *keys, size_t count,
	const struct lookup_context *context, void *owner, const char **matched, struct error *failed);
extern lookup_plugin_call lookup_call_plugin;

#endif
