/* check_results.c - what lookup lists give where it must be a destiny, a size or a delivery method: what can be read off the configuration.
 * What a file or a database says is not known here; the worker tells of it when it meets it. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "base/text.h"
#include "mail/mail.h"

typedef bool result_fn(const struct value *v, int64_t *out);

struct kind { result_fn *is_one; const char *expected; };
static const struct kind destinies = { config_destiny, "D_PASS, D_BOUNCE, D_REJECT, D_DISCARD or D_TEMPFAIL" };
static const struct kind sizes = { config_size, "a number of bytes, or one such as \"200k\" or \"10M\"" };

bool config_destiny(const struct value *v, int64_t *out)
{
	const int64_t none = INT64_MIN;

	if (v->kind == VALUE_STRING && destiny_number(v->u.string, out))
		return true;
	*out = value_to_int(v, none);
	return *out == D_UNSET || (*out != none && destiny_name(*out));
}

bool config_size(const struct value *v, int64_t *out)
{
	if (v->kind == VALUE_STRING && text_parse_size(v->u.string, out))
		return true;
	*out = value_to_int(v, -1);
	return *out >= 0;
}

/* captured: "$1" in it is known only when something was looked up. */
static void check_one(struct config *c, enum setting_id id, const char *path, const struct kind *kind, const struct value *v, bool captured)
{
	GString *text;
	const char *file;
	int64_t number;
	int line;

	if (v->kind == VALUE_UNDEF || v->kind == VALUE_SETTING || v->kind == VALUE_FUNCTION || kind->is_one(v, &number))
		return;
	if (captured && v->kind == VALUE_STRING && strchr(v->u.string, '$'))
		return;
	text = g_string_new(NULL);
	value_print(text, v);
	file = setting_file(c, id, v, &line);
	problem_add(c, file, line, false, "%s: %s is wrong; expected %s", path, text->str, kind->expected);
	g_string_free(text, TRUE);
}

static void check_list(struct config *c, enum setting_id id, const char *path, const struct kind *kind, const struct value *v)
{
	void *owner = talloc_new(c);
	size_t count = 0;
	const struct value **results = v->kind == VALUE_TABLE ? lookup_table_results(v->u.table, owner, &count) : NULL;

	for (size_t i = 0; i < count; i++)
		check_one(c, id, path, kind, results[i], lookup_table_kind(v->u.table) != LOOKUP_CONSTANT);
	for (size_t i = 0; v->kind == VALUE_LIST && i < v->u.list.count; i++)
		check_list(c, id, path, kind, v->u.list.items[i]);
	if (v->kind != VALUE_TABLE && v->kind != VALUE_LIST)
		check_one(c, id, path, kind, v, false);
	talloc_free(owner);
}

/* One method or a list of them, in a const{} or not. */
static void check_next_hop(struct config *c, const char *path, const struct value *v)
{
	size_t count = v->kind == VALUE_LIST ? v->u.list.count : 0;
	const struct value **results = v->kind == VALUE_TABLE ? lookup_table_results(v->u.table, c, &count) : NULL;
	const char *fault = v->kind == VALUE_STRING && !strchr(v->u.string, '$') ? method_fault(c, v->u.string, false) : NULL, *file;
	int line;

	for (size_t i = 0; i < count; i++)
		check_next_hop(c, path, results ? results[i] : v->u.list.items[i]);
	if (!fault)
		return;
	file = setting_file(c, SET_forward_method_maps, v, &line);
	problem_add(c, file, line, false, "%s: %s", path, fault);
}

void check_next_hops(struct config *c, const char *prefix, const struct value *maps)
{
	char *path = g_strdup_printf("%sforward_method_maps", prefix);

	check_next_hop(c, path, maps);
	g_free(path);
}

void check_sizes(struct config *c, const char *prefix, const struct value *maps)
{
	char *path = g_strdup_printf("%smessage_size_limit_maps", prefix);

	check_list(c, SET_message_size_limit_maps, path, &sizes, maps);
	g_free(path);
}

void check_destinies(struct config *c, const char *prefix, const struct value *by_ccat)
{
	for (size_t i = 0; by_ccat->kind == VALUE_HASH && i < by_ccat->u.list.count; i++) {
		const char *key = by_ccat->u.list.keys[i]->u.string;
		void *owner = talloc_new(c);
		const char *path = talloc_asprintf(owner, "%sfinal_destiny_maps_by_ccat[%s]", prefix, category_name(key, owner));

		if (strcmp(key, "REPLACE"))
			check_list(c, SET_final_destiny_maps_by_ccat, path, &destinies, by_ccat->u.list.items[i]);
		talloc_free(owner);
	}
}
