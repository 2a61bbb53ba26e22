/* check_banned.c - names within banned and header settings that can be read off the configuration: rule sets, header tests.
 * What a database names is not known here; the worker tells of it when it meets it. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "base/text.h"
#include "mail/header_check.h"

/* "; did you mean "X"?" among the keys of a hash; "" where none is near. */
static const char *nearest_key(const struct value *hash, const char *name, void *owner)
{
	const char **keys = talloc_zero_array(owner, const char *, hash->u.list.count + 1);
	for (size_t i = 0; i < hash->u.list.count; i++)
		keys[i] = hash->u.list.keys[i]->u.string;
	const char *near = text_nearest(name, keys, hash->u.list.count);
	return near ? talloc_asprintf(owner, "; did you mean \"%s\"?", near) : "";
}

static void check_set_names(struct config *c, const char *path, const struct value *v)
{
	const struct value *rules = c->base[SET_banned_rules];
	char **names = g_strsplit_set(v->u.string, ", \t", -1);
	int line;
	const char *file = setting_file(c, SET_banned_filename_maps, v, &line);
	for (char **name = names; *name; name++) {
		if (!**name || strcmp(*name, "DEFAULT") == 0 || rules->kind != VALUE_HASH || value_hash_get(rules, *name))
			continue;
		problem_add(c, file, line, false, "%s: banned_rules has no rule set \"%s\"%s", path, *name, nearest_key(rules, *name, c));
	}
	g_strfreev(names);
}

static void check_result(struct config *c, const char *path, const struct value *v)
{
	if (v->kind == VALUE_STRING && !strchr(v->u.string, '$'))
		check_set_names(c, path, v);
	for (size_t i = 0; v->kind == VALUE_LIST && i < v->u.list.count; i++)
		check_result(c, path, v->u.list.items[i]);
}

void check_banned_maps(struct config *c, const char *prefix, const struct value *maps)
{
	char *path = g_strdup_printf("%sbanned_filename_maps", prefix);
	void *owner = talloc_new(c);
	for (size_t i = 0; maps->kind == VALUE_LIST && i < maps->u.list.count; i++) {
		const struct value *item = maps->u.list.items[i];
		size_t count = 0;
		const struct value **results = item->kind == VALUE_TABLE ? lookup_table_results(item->u.table, owner, &count) : NULL;
		for (size_t k = 0; k < count; k++)
			check_result(c, path, results[k]);
		if (!results)
			check_result(c, path, item);
	}
	talloc_free(owner);
	g_free(path);
}

void check_header_tests(struct config *c, const char *prefix, const struct value *tests)
{
	void *owner = talloc_new(NULL);
	for (size_t i = 0; tests->kind == VALUE_HASH && i < tests->u.list.count; i++) {
		const char *name = tests->u.list.keys[i]->u.string;
		int line;
		const char *file = setting_file(c, SET_allowed_header_tests, tests->u.list.items[i], &line);
		if (!header_test_named(name))
			problem_add(c, file, line, false, "%sallowed_header_tests: there is no test \"%s\"%s", prefix, name,
				nearest_key(c->defaults[SET_allowed_header_tests], name, owner));
	}
	talloc_free(owner);
}
