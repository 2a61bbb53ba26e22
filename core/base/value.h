/* value.h - values as the configuration, tables and databases yield them.
 *
 * Values are immutable after they are built and live as long as the
 * configuration (or the lookup's owner) that made them: talloc everywhere. */
#ifndef POSTERN_BASE_VALUE_H
#define POSTERN_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
	VALUE_UNDEF,		/* amavisd-new's undef */
	VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_STRING,
	VALUE_LIST,		/* items */
	VALUE_HASH,		/* keys + items, in the order given where the source has one */
	VALUE_TABLE,		/* a lookup table: hash, ACL, re, cidr, constant, plugin, function */
	VALUE_REGEX,		/* rx(): one compiled pattern */
	VALUE_INSTANCE,		/* what a plugin's constructor returned: struct plugin_instance */
	VALUE_FUNCTION,		/* an administrator's Lua function */
	VALUE_SETTING		/* stands for another setting; config/ replaces it while it makes a policy, no one else meets it */
};

struct lookup_table;
struct pattern;
struct plugin_instance;
struct value_function;		/* config/lua_function.h; called through lookup_function_call */

struct value {
	enum value_kind kind;
	union {
		bool boolean;
		int64_t integer;
		double number;
		const char *string;
		struct { size_t count; const struct value **items; const struct value **keys; } list; /* LIST: keys NULL; HASH */
		struct lookup_table *table;
		struct pattern *regex;
		struct plugin_instance *instance;
		struct value_function *function;
		int setting;	/* enum setting_id */
	} u;
	const char *file;	/* where it was written, or NULL: a default */
	int line;
	bool secret;		/* masked in dumps */
};

extern const struct value value_undef, value_true, value_false;

const struct value *value_string(void *owner, const char *text);
const struct value *value_int(void *owner, int64_t n);
const struct value *value_float(void *owner, double n);
/* amavisd-new's truth: undef, false, 0, "", "0" are false. */
bool value_true_p(const struct value *v);
bool value_defined(const struct value *v);		/* not NULL and not undef */
/* Text form of a scalar on owner (ints, floats, booleans "1"/"", strings); NULL for others and undef. */
const char *value_text(const struct value *v, void *owner);
int64_t value_to_int(const struct value *v, int64_t otherwise);
double value_to_float(const struct value *v, double otherwise);
/* Item of a HASH by string key, NULL when absent. */
const struct value *value_hash_get(const struct value *hash, const char *key);
/* The same by content, however often it was made; tables, patterns, functions and plugins are the same when they are one. NULL equals NULL only. */
bool value_equal(const struct value *a, const struct value *b);
unsigned value_hash(const struct value *v);		/* equal values have one hash */
/* As Lua source, for -n and -d (secrets masked as "********"). Appends to a GString. */
typedef struct _GString GString;
void value_print(GString *out, const struct value *v);
void value_print_json(GString *out, const struct value *v);

#endif
