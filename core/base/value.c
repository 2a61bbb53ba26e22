/* value.c - make, read and print values. */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/value.h"

const struct value value_undef = { .kind = VALUE_UNDEF };
const struct value value_true = { .kind = VALUE_BOOL, .u.boolean = true };
const struct value value_false = { .kind = VALUE_BOOL, .u.boolean = false };

static struct value *value_new(void *owner, enum value_kind kind)
{
	struct value *v = talloc_zero(owner, struct value);

	if (v == NULL)
		abort();
	v->kind = kind;
	return v;
}

const struct value *value_string(void *owner, const char *text)
{
	struct value *v = value_new(owner, VALUE_STRING);

	v->u.string = talloc_strdup(v, text);
	return v;
}

const struct value *value_int(void *owner, int64_t n)
{
	struct value *v = value_new(owner, VALUE_INT);

	v->u.integer = n;
	return v;
}

const struct value *value_float(void *owner, double n)
{
	struct value *v = value_new(owner, VALUE_FLOAT);

	v->u.number = n;
	return v;
}

bool value_true_p(const struct value *v)
{
	if (v == NULL)
		return false;
	switch (v->kind) {
	case VALUE_UNDEF:
		return false;
	case VALUE_BOOL:
		return v->u.boolean;
	case VALUE_INT:
		return v->u.integer != 0;
	case VALUE_FLOAT:
		return v->u.number != 0;
	case VALUE_STRING:
		return v->u.string[0] != '\0' && strcmp(v->u.string, "0") != 0;
	default:
		return true;
	}
}

bool value_defined(const struct value *v)
{
	return v != NULL && v->kind != VALUE_UNDEF;
}

const char *value_text(const struct value *v, void *owner)
{
	if (v == NULL)
		return NULL;
	switch (v->kind) {
	case VALUE_BOOL:
		return v->u.boolean ? "1" : "";
	case VALUE_INT:
		return talloc_asprintf(owner, "%" PRId64, v->u.integer);
	case VALUE_FLOAT:
		return talloc_asprintf(owner, "%.15g", v->u.number);
	case VALUE_STRING:
		return v->u.string;
	default:
		return NULL;
	}
}

static int64_t float_to_int(double n, int64_t otherwise)
{
	/* The bounds are exact as doubles; NaN fails both comparisons. */
	if (!(n >= -9223372036854775808.0 && n < 9223372036854775808.0))
		return otherwise;
	return (int64_t)n;
}

int64_t value_to_int(const struct value *v, int64_t otherwise)
{
	char *end;
	long long n;

	if (v == NULL)
		return otherwise;
	switch (v->kind) {
	case VALUE_BOOL:
		return v->u.boolean;
	case VALUE_INT:
		return v->u.integer;
	case VALUE_FLOAT:
		return float_to_int(v->u.number, otherwise);
	case VALUE_STRING:
		errno = 0;
		n = strtoll(v->u.string, &end, 10);
		return end == v->u.string || *end != '\0' || errno != 0 ? otherwise : n;
	default:
		return otherwise;
	}
}

double value_to_float(const struct value *v, double otherwise)
{
	char *end;
	double n;

	if (v == NULL)
		return otherwise;
	switch (v->kind) {
	case VALUE_BOOL:
		return v->u.boolean;
	case VALUE_INT:
		return (double)v->u.integer;
	case VALUE_FLOAT:
		return v->u.number;
	case VALUE_STRING:
		n = g_ascii_strtod(v->u.string, &end);
		return end == v->u.string || *end != '\0' || !isfinite(n) ? otherwise : n;
	default:
		return otherwise;
	}
}

const struct value *value_hash_get(const struct value *hash, const char *key)
{
	if (hash == NULL || hash->kind != VALUE_HASH)
		return NULL;
	for (size_t i = 0; i < hash->u.list.count; i++) {
		const char *have = value_text(hash->u.list.keys[i], NULL);
		bool same = have != NULL && strcmp(have, key) == 0;

		if (hash->u.list.keys[i]->kind == VALUE_INT || hash->u.list.keys[i]->kind == VALUE_FLOAT)
			talloc_free((void *)have);
		if (same)
			return hash->u.list.items[i];
	}
	return NULL;
}

static bool same_items(const struct value *const *a, const struct value *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!value_equal(a[i], b[i]))
			return false;
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_UNDEF:
		return true;
	case VALUE_BOOL:
		return a->u.boolean == b->u.boolean;
	case VALUE_INT:
		return a->u.integer == b->u.integer;
	case VALUE_FLOAT:
		return a->u.number >= b->u.number && a->u.number <= b->u.number;
	case VALUE_STRING:
		return strcmp(a->u.string, b->u.string) == 0;
	case VALUE_LIST:
	case VALUE_HASH:
		return a->u.list.count == b->u.list.count && same_items(a->u.list.items, b->u.list.items, a->u.list.count)
			&& (a->kind == VALUE_LIST || same_items(a->u.list.keys, b->u.list.keys, a->u.list.count));
	case VALUE_SETTING:
		return a->u.setting == b->u.setting;
	case VALUE_TABLE:
		return a->u.table == b->u.table;
	case VALUE_REGEX:
		return a->u.regex == b->u.regex;
	case VALUE_INSTANCE:
		return a->u.instance == b->u.instance;
	case VALUE_FUNCTION:
		return a->u.function == b->u.function;
	}
	return false;
}

unsigned value_hash(const struct value *v)
{
	if (v == NULL)
		return 0;
	switch (v->kind) {
	case VALUE_BOOL:
		return v->u.boolean ? 3 : 2;
	case VALUE_INT:
		return (unsigned)(v->u.integer ^ v->u.integer >> 32) * 31 + 5;
	case VALUE_STRING:
		return g_str_hash(v->u.string);
	case VALUE_LIST:
	case VALUE_HASH:
		return (unsigned)v->u.list.count * 17 + (v->u.list.count > 0 ? value_hash(v->u.list.items[0]) : 0);
	default:	/* rare, or told apart by value_equal() well enough */
		return (unsigned)v->kind + 7;
	}
}
