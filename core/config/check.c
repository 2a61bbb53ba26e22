/* check.c - a value as written becomes a value of its setting's type, or a complaint that says what was expected. */
#include "config.h"

#include "config/inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"
#include "mail/mail.h"

/* ---- scalars ---- */

static bool is_scalar(const struct value *v)
{
	return v->kind == VALUE_BOOL || v->kind == VALUE_INT || v->kind == VALUE_FLOAT || v->kind == VALUE_STRING;
}

/* A number, also as text ("5", "2.5"). */
static bool number_of(const struct value *v, double *number)
{
	char *end;

	if (v->kind == VALUE_INT || v->kind == VALUE_FLOAT) {
		*number = v->kind == VALUE_INT ? (double)v->u.integer : v->u.number;
		return isfinite(*number);
	}
	if (v->kind != VALUE_STRING || !*v->u.string || strchr(v->u.string, 'x'))
		return false;
	*number = g_ascii_strtod(v->u.string, &end);
	return *end == '\0' && isfinite(*number);
}

static const struct value *make_number(struct checker *k, const struct value *like, double number)
{
	struct value *v = value_like(k, like, VALUE_INT);

	if (number == floor(number) && fabs(number) < 9e15) {
		v->u.integer = (int64_t)number;
	} else {
		v->kind = VALUE_FLOAT;
		v->u.number = number;
	}
	return v;
}

static const struct value *check_boolean(struct checker *k, const struct value *v)
{
	double number;

	if (v->kind == VALUE_BOOL)
		return v;
	if (v->kind == VALUE_STRING && !*v->u.string)
		return v;
	if (number_of(v, &number) && (number == 0 || number == 1))
		return v;
	return check_wrong(k, v, "true or false");
}

static const struct value *within_bounds(struct checker *k, enum setting_id id, const struct value *v, double number)
{
	const struct setting_bounds *b = setting_bounds_of(id);

	if (!b || (number >= (double)b->min && number <= (double)b->max))
		return make_number(k, v, number);
	check_complain(k, v, "%s is out of range; expected %s from %lld to %lld", value_describe(v, k->config),
		setting_type_text(definition(id)->type), (long long)b->min, (long long)b->max);
	return NULL;
}

static const struct value *check_number(struct checker *k, enum setting_id id, enum setting_type type, const struct value *v)
{
	double number;
	int64_t scaled;

	if (number_of(v, &number) && (type == SETTING_TYPE_FLOAT || type == SETTING_TYPE_SECONDS || number == floor(number)))
		return within_bounds(k, id, v, number);
	if (type == SETTING_TYPE_SIZE && v->kind == VALUE_STRING && text_parse_size(v->u.string, &scaled))
		return within_bounds(k, id, v, (double)scaled);
	if (type == SETTING_TYPE_SECONDS && v->kind == VALUE_STRING && text_parse_duration(v->u.string, 1000, &scaled))
		return within_bounds(k, id, v, (double)scaled / 1000);
	return check_wrong(k, v, setting_type_text(type));
}

static const struct value *check_string(struct checker *k, const struct value *v, const char *expected)
{
	struct value *text;

	if (v->kind == VALUE_STRING)
		return v;
	if (v->kind != VALUE_INT && v->kind != VALUE_FLOAT)
		return check_wrong(k, v, expected);
	text = value_like(k, v, VALUE_STRING);
	text->u.string = value_text(v, text);
	return text;
}

static const struct value *check_strings(struct checker *k, const struct value *v)
{
	struct value *list;

	if (v->kind != VALUE_LIST)
		return check_string(k, v, "a string or a list of strings");
	list = value_like(k, v, VALUE_LIST);
	list->u.list.items = talloc_array(list, const struct value *, v->u.list.count + 1);
	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_index(k, i + 1);
		const struct value *item = v->u.list.items[i];

		if (item->kind != VALUE_UNDEF && (item = check_string(k, item, "a string")))
			list->u.list.items[list->u.list.count++] = item;
		check_leave(k, mark);
	}
	return list;
}

static const struct value *check_destiny(struct checker *k, const struct value *v)
{
	if (v->kind == VALUE_INT && (destiny_name(v->u.integer) || v->u.integer == D_UNSET))
		return v;
	if (v->kind == VALUE_STRING && !strncmp(v->u.string, "D_", 2))
		return check_wrong(k, v, "one of D_PASS, D_BOUNCE, D_REJECT, D_DISCARD, D_TEMPFAIL, without quotes");
	return check_wrong(k, v, setting_type_text(SETTING_TYPE_DESTINY));
}

static const struct value *check_word(struct checker *k, enum setting_type type, const struct value *v)
{
	char **words = g_strsplit(setting_type_choices(type), "|", -1);
	bool known = v->kind == VALUE_STRING && g_strv_contains((const char *const *)words, v->u.string);
	char *expected = g_strjoinv("\", \"", words), *text = g_strdup_printf("one of \"%s\"", expected);

	if (!known)
		v = check_wrong(k, v, text);
	g_free(text);
	g_free(expected);
	g_strfreev(words);
	return v;
}

/* ---- tables with keys ---- */

static const struct value *check_entry(struct checker *k, enum setting_type type, const struct value *v)
{
	if (v == &value_inert)
		return NULL;
	if (v->kind == VALUE_SETTING || v->kind == VALUE_UNDEF)
		return v;
	switch (type) {
	case SETTING_TYPE_RULES: return check_table(k, v);
	case SETTING_TYPE_CLAUSES: return check_string(k, v, "an SQL statement");
	case SETTING_TYPE_CCAT_MAPS: return is_scalar(v) ? v : check_maps(k, v);
	case SETTING_TYPE_CCAT:
		if (v->kind == VALUE_HASH)
			return check_wrong(k, v, "a string, a number, true, false or undef");
		return v;
	default: return v;
	}
}

static const char *entry_key(struct checker *k, enum setting_type type, const struct value *v, const struct value *key)
{
	const char *category;

	if ((type != SETTING_TYPE_CCAT && type != SETTING_TYPE_CCAT_MAPS) || !strcmp(key->u.string, "REPLACE"))
		return key->u.string;
	category = category_key(key->u.string, k->config);
	if (!category)
		check_complain(k, v, "\"%s\" is not a content category; expected CC_VIRUS, CC_BANNED ... or \"CC_UNCHECKED,1\"", key->u.string);
	return category;
}

static const struct value *check_keys(struct checker *k, enum setting_id id, enum setting_type type, const struct value *v)
{
	struct value *hash;

	if (v->kind != VALUE_HASH && !(v->kind == VALUE_LIST && v->u.list.count == 0))
		return check_wrong(k, v, setting_type_text(type));
	hash = value_like(k, v, VALUE_HASH);
	hash->u.list.items = talloc_array(hash, const struct value *, v->u.list.count + 1);
	hash->u.list.keys = talloc_array(hash, const struct value *, v->u.list.count + 1);
	for (size_t i = 0; i < v->u.list.count; i++) {
		const char *key = entry_key(k, type, v->u.list.items[i], v->u.list.keys[i]);
		size_t mark = check_enter_key(k, v->u.list.keys[i]->u.string);
		const struct value *item = key ? check_entry(k, type, v->u.list.items[i]) : NULL;

		if (item) {
			hash->u.list.keys[hash->u.list.count] = value_string(hash, key);
			hash->u.list.items[hash->u.list.count++] = item;
		}
		check_leave(k, mark);
	}
	(void)id;
	return hash;
}

/* ---- any type ---- */

static const struct value *check_type(struct checker *k, enum setting_id id, enum setting_type type, const struct value *v)
{
	if (check_is_dead(k, v))
		return NULL;
	if (v->kind == VALUE_UNDEF || v->kind == VALUE_SETTING)
		return v;
	switch (type) {
	case SETTING_TYPE_BOOLEAN: return check_boolean(k, v);
	case SETTING_TYPE_INTEGER: case SETTING_TYPE_FLOAT: case SETTING_TYPE_SIZE: case SETTING_TYPE_SECONDS:
		return check_number(k, id, type, v);
	case SETTING_TYPE_STRING: return check_string(k, v, "a string");
	case SETTING_TYPE_STRINGS: return check_strings(k, v);
	case SETTING_TYPE_DESTINY: return check_destiny(k, v);
	case SETTING_TYPE_METHODS: return check_methods(k, v);
	case SETTING_TYPE_MAPS: return check_maps(k, v);
	case SETTING_TYPE_TABLE: return check_table(k, v);
	case SETTING_TYPE_SCANNERS: return check_scanners(k, id, v);
	case SETTING_TYPE_PAIRS: return check_pairs(k, v);
	case SETTING_TYPE_DSN: return check_dsn(k, v);
	case SETTING_TYPE_CLAUSES: return check_clauses(k, v);
	case SETTING_TYPE_CCAT: case SETTING_TYPE_CCAT_MAPS: case SETTING_TYPE_HASH: case SETTING_TYPE_RULES:
		return check_keys(k, id, type, v);
	case SETTING_TYPE_FUNCTION: return v->kind == VALUE_FUNCTION ? v : check_wrong(k, v, "a function");
	default: return setting_type_choices(type) ? check_word(k, type, v) : v;
	}
}

/* An item that is no network would never match, and nobody would hear of it. NULL after complaining. */
static const struct value *check_networks(struct checker *k, const struct value *v)
{
	struct error e = { 0 };

	if (v->kind != VALUE_TABLE || lookup_table_check_networks(v->u.table, &e) == 0)
		return v;
	check_complain(k, v, "%s", e.text);
	return NULL;
}

/* Every table of a lookup list, or of pairs of table and banks. */
static const struct value *check_networks_of_list(struct checker *k, const struct value *list)
{
	unsigned before = k->errors;

	for (size_t i = 0; list->kind == VALUE_LIST && i < list->u.list.count; i++) {
		const struct value *item = list->u.list.items[i];
		size_t mark = check_enter_index(k, i + 1);

		if (item->kind == VALUE_LIST)
			check_enter_index(k, 1);
		check_networks(k, item->kind == VALUE_LIST ? item->u.list.items[0] : item);
		check_leave(k, mark);
	}
	return k->errors == before ? list : NULL;
}

/* Settings that are asked with clients' addresses; what reception decides by must be a list within the configuration, for it holds no tables. */
static const struct value *check_clients(struct checker *k, enum setting_id id, const struct value *v, const struct value *typed)
{
	bool by_reception = id == SET_inet_acl || id == SET_xforward_hosts;

	if (typed && (id == SET_client_ipaddr_policy || id == SET_mynetworks_maps || id == SET_ip_repu_ignore_maps))
		return check_networks_of_list(k, typed);
	if (!typed || typed->kind != VALUE_TABLE || (!by_reception && id != SET_mynetworks && id != SET_ip_repu_ignore_networks))
		return typed;
	if (by_reception && lookup_table_kind(typed->u.table) != LOOKUP_ACL)
		return check_wrong(k, v, "networks written out, { \"127.0.0.1\", \"[::1]\" }: reception decides by it, and holds no other tables");
	return check_networks(k, typed);
}

const struct value *check_setting(struct checker *k, enum setting_id id, const struct value *v)
{
	const struct setting_definition *d = definition(id);
	const struct value *typed;

	k->secret = (d->flags & SETTING_SECRET) != 0;
	typed = check_clients(k, id, v, check_type(k, id, d->type, v));
	if (typed && typed->kind == VALUE_UNDEF && (d->flags & SETTING_DEFINED))
		typed = check_wrong(k, v, setting_type_text(d->type));
	k->secret = false;
	return typed;
}

void setting_status_check(struct checker *k, enum setting_id id, const struct value *v)
{
	const struct setting_definition *d = definition(id);
	bool wanted = v->kind == VALUE_LIST || v->kind == VALUE_HASH ? v->u.list.count > 0 : value_true_p(v);

	if (v == &value_inert || failure_of(k->config, v))
		return;
	if (d->status == SETTING_REFUSED && wanted)
		check_complain(k, v, "%s", d->doc);
	if (d->status == SETTING_ACCEPTED)
		problem_add(k->config, v->file ? v->file : k->file, v->file ? v->line : k->line, true, "%s: known, not built yet: no effect", k->path->str);
}
