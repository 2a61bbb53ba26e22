/* checker.c - what a check holds while it goes through a value: the place it stands at, its path, and how to complain there.
 *
 * Which values are right is not its business: check*.c. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

struct checker *checker_new(struct config *c, const char *file, int line, const char *path)
{
	struct checker *k = g_new0(struct checker, 1);

	k->config = c;
	k->file = file;
	k->line = line;
	k->path = g_string_new(path);
	return k;
}

void checker_free(struct checker *k)
{
	g_string_free(k->path, TRUE);
	g_free(k);
}

size_t check_enter_index(struct checker *k, size_t index)
{
	size_t mark = k->path->len;

	g_string_append_printf(k->path, "[%zu]", index);
	return mark;
}

size_t check_enter_key(struct checker *k, const char *key)
{
	size_t mark = k->path->len;

	if (g_ascii_isalpha(key[0]) && !key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		g_string_append_printf(k->path, ".%s", key);
	else
		g_string_append_printf(k->path, "[\"%s\"]", key);
	return mark;
}

void check_leave(struct checker *k, size_t mark)
{
	g_string_truncate(k->path, mark);
}

static bool has_place(const struct value *v)
{
	return v && v->file && v->line > 0;
}

void check_complain(struct checker *k, const struct value *v, const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	if (k->of_default)
		problem_add(k->config, PROBLEM_IN_DEFAULT, 0, false, "%s: %s", k->path->str, text);
	else
		problem_add(k->config, has_place(v) ? v->file : k->file, has_place(v) ? v->line : k->line, false, "%s: %s", k->path->str, text);
	g_free(text);
	k->errors++;
}

const struct value *check_wrong(struct checker *k, const struct value *v, const char *expected)
{
	bool plain = v->kind <= VALUE_STRING;

	if (k->secret && plain)
		check_complain(k, v, "wrong value (not shown); expected %s", expected);
	else
		check_complain(k, v, plain ? "%s is wrong; expected %s" : "is %s; expected %s", value_describe(v, k->config), expected);
	return NULL;
}

struct value *value_like(struct checker *k, const struct value *like, enum value_kind kind)
{
	struct value *v = talloc_zero(k->config, struct value);

	v->kind = kind;
	v->file = has_place(like) ? like->file : k->file;
	v->line = has_place(like) ? like->line : k->line;
	return v;
}

static bool tell_failure(struct checker *k, const struct value *v)
{
	struct failure *f = failure_of(k->config, v);

	if (!f || k->of_default)	/* the setting that the default names is where it is told */
		return f != NULL;
	for (guint i = 0; i < f->texts->len; i++) {
		size_t mark = k->path->len;

		g_string_append(k->path, g_ptr_array_index(f->paths, i));
		check_complain(k, v, "%s", (const char *)g_ptr_array_index(f->texts, i));
		check_leave(k, mark);
	}
	f->told = true;
	return true;
}

bool check_is_dead(struct checker *k, const struct value *v)
{
	return v == &value_inert || tell_failure(k, v);
}
