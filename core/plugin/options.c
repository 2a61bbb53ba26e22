/* options.c - one option: its texts become a field of the plugin's struct, and back.
 *
 * The one place that knows how each type of plugin.h is written.  What the
 * configuration or a record hands over reaches this file as texts. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/io.h"
#include "base/text.h"
#include "plugin/inside.h"
#include "plugin/options.h"

const struct postern_option common_option_table[] = {
	{ .name = "name", .type = POSTERN_STRING, .offset = offsetof(struct common_options, name),
	  .doc = "Name of this use of the plugin in logs and counters; default the plugin's name, then NAME/2." },
	{ .name = "timeout", .type = POSTERN_DURATION, .offset = offsetof(struct common_options, timeout_ms), .min = 0, .max = 86400000,
	  .doc = "Longest time one call may take; it can only shorten the mail's own deadline." },
	{ .name = "on_error", .type = POSTERN_ENUM, .offset = offsetof(struct common_options, on_error), .value = "ignore",
	  .choices = "ignore|tempfail|unchecked",
	  .doc = "What a failure means: ask the others only, answer the mail 451, or call it unchecked." },
	{ .name = "max_size", .type = POSTERN_SIZE, .offset = offsetof(struct common_options, max_size_bytes), .min = 0, .max = INT64_MAX,
	  .doc = "Parts (or mails) larger than this are not handed over; they count as over the limit, never as clean." },
	{ .name = "probe_interval", .type = POSTERN_DURATION, .offset = offsetof(struct common_options, probe_interval_ms), .min = 50, .max = 3600000,
	  .value = "5s", .doc = "How often a scanner in the worker, a database or a directory that has ceased to answer is tried again; in between it is not asked, which is never taken as clean, or as no." },
	{ .name = NULL }
};

size_t option_field_size(enum postern_type type)
{
	switch (type) {
	case POSTERN_BOOL: return sizeof(bool);
	case POSTERN_INT: case POSTERN_SIZE: case POSTERN_DURATION: return sizeof(int64_t);
	case POSTERN_STRING: case POSTERN_FILE: case POSTERN_ENDPOINT: case POSTERN_ENUM: return sizeof(const char *);
	case POSTERN_STRINGS: case POSTERN_ENDPOINTS: return sizeof(struct postern_strings);
	case POSTERN_INTS: return sizeof(struct postern_ints);
	case POSTERN_REGEX: return sizeof(struct postern_regex *);
	case POSTERN_MATCH: return sizeof(struct postern_match);
	}
	return 0;
}

bool option_is_list(enum postern_type type)
{
	return type == POSTERN_STRINGS || type == POSTERN_ENDPOINTS || type == POSTERN_INTS || type == POSTERN_MATCH;
}

const char *option_expected(enum postern_type type)
{
	switch (type) {
	case POSTERN_BOOL: return "true or false";
	case POSTERN_INT: return "a whole number";
	case POSTERN_SIZE: return "a size like 25M";
	case POSTERN_DURATION: return "a duration like 30s";
	case POSTERN_STRING: return "a string";
	case POSTERN_FILE: return "an absolute path";
	case POSTERN_ENDPOINT: return "\"/path\", \"host:port\" or \"[v6]:port\"";
	case POSTERN_STRINGS: return "a string or a list of strings";
	case POSTERN_INTS: return "a whole number or a list of them";
	case POSTERN_REGEX: return "a regular expression";
	case POSTERN_MATCH: return "a list of exit codes or a regular expression";
	case POSTERN_ENUM: return "one of its words";
	case POSTERN_ENDPOINTS: return "one or a list of \"/path\", \"host:port\" or \"[v6]:port\"";
	}
	return "something else";
}

static int wrong(const struct postern_option *o, const char *text, struct error *e)
{
	return error_set(e, ERROR_CONFIG, "\"%s\" is wrong: expected %s", o->flags & POSTERN_SECRET ? "********" : text, option_expected(o->type));
}

static int set_bool(const struct postern_option *o, bool *field, const char *text, struct error *e)
{
	static const char *const yes[] = { "1", "true", "yes", "on", NULL }, *const no[] = { "0", "", "false", "no", "off", NULL };
	if (g_strv_contains(yes, text))
		*field = true;
	else if (g_strv_contains(no, text))
		*field = false;
	else
		return wrong(o, text, e);
	return 0;
}

static bool parse_int(const char *text, int64_t *out)
{
	char *end;
	errno = 0;
	*out = g_ascii_strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

static int set_number(const struct postern_option *o, int64_t *field, const char *text, struct error *e)
{
	int64_t n;
	bool good = o->type == POSTERN_SIZE ? text_parse_size(text, &n) :
		o->type == POSTERN_DURATION ? text_parse_duration(text, 1000, &n) : parse_int(text, &n);
	if (!good)
		return wrong(o, text, e);
	bool bounded = o->min != 0 || o->max != 0;
	if (bounded && (n < o->min || n > o->max))
		return error_set(e, ERROR_CONFIG, "%s is out of bounds: %lld to %lld%s", text, (long long)o->min, (long long)o->max,
			o->type == POSTERN_DURATION ? " milliseconds" : o->type == POSTERN_SIZE ? " bytes" : "");
	*field = n;
	return 0;
}

static int set_enum(const struct postern_option *o, const char **field, void *owner, const char *text, struct error *e)
{
	char **words = g_strsplit(o->choices ? o->choices : "", "|", -1);
	bool good = g_strv_contains((const char *const *)words, text);
	g_strfreev(words);
	if (!good)
		return error_set(e, ERROR_CONFIG, "\"%s\" is wrong: expected one of %s", text, o->choices ? o->choices : "(nothing)");
	*field = talloc_strdup(owner, text);
	return 0;
}

static int check_string(const struct postern_option *o, const char *text, struct error *e)
{
	struct endpoint endpoint;
	bool is_endpoint = o->type == POSTERN_ENDPOINT || o->type == POSTERN_ENDPOINTS;
	if (is_endpoint && endpoint_parse(text, &endpoint, e) != 0)
		return -1;
	if (o->type == POSTERN_FILE && text[0] != '/')
		return wrong(o, text, e);
	return 0;
}

static int set_strings(const struct postern_option *o, struct postern_strings *field, void *owner, const char *const *texts, size_t count,
	struct error *e)
{
	const char **v = talloc_zero_array(owner, const char *, count + 1);
	for (size_t k = 0; k < count; k++) {
		if (check_string(o, texts[k], e) != 0)
			return -1;
		v[k] = talloc_strdup(v, texts[k]);
	}
	*field = (struct postern_strings){ count, v };
	return 0;
}

static int set_ints(const struct postern_option *o, struct postern_ints *field, void *owner, const char *const *texts, size_t count,
	struct error *e)
{
	const struct postern_option one = { .type = POSTERN_INT, .min = o->min, .max = o->max };
	int64_t *v = talloc_zero_array(owner, int64_t, count + 1);
	for (size_t k = 0; k < count; k++) {
		if (set_number(&one, &v[k], texts[k], e) != 0)
			return -1;
	}
	*field = (struct postern_ints){ count, v };
	return 0;
}

/* Numbers are exit codes; one text that starts with a slash is a regular expression. */
static int set_match(const struct postern_option *o, struct postern_match *field, void *owner, const char *const *texts, size_t count,
	struct error *e)
{
	struct postern_match m = { .given = true };
	if (count == 1 && texts[0][0] == '/') {
		m.regex = regex_compile(owner, texts[0] + 1, e);
		if (!m.regex)
			return -1;
	} else {
		const struct postern_option codes = { .type = POSTERN_INT, .max = 255 };
		if (set_ints(&codes, &m.codes, owner, texts, count, e) != 0)
			return error_prefix(e, "exit code");
	}
	*field = m;
	return 0;
}

int option_set(const struct postern_option *o, void *fields, void *owner, const char *const *texts, size_t count, struct error *e)
{
	void *field = (char *)fields + o->offset;
	if (count != 1 && !option_is_list(o->type))
		return error_set(e, ERROR_CONFIG, "%zu values: expected one, %s", count, option_expected(o->type));
	switch (o->type) {
	case POSTERN_BOOL:
		return set_bool(o, field, texts[0], e);
	case POSTERN_INT: case POSTERN_SIZE: case POSTERN_DURATION:
		return set_number(o, field, texts[0], e);
	case POSTERN_STRING: case POSTERN_FILE: case POSTERN_ENDPOINT:
		if (check_string(o, texts[0], e) != 0)
			return -1;
		*(const char **)field = talloc_strdup(owner, texts[0]);
		return 0;
	case POSTERN_STRINGS: case POSTERN_ENDPOINTS:
		return set_strings(o, field, owner, texts, count, e);
	case POSTERN_INTS:
		return set_ints(o, field, owner, texts, count, e);
	case POSTERN_REGEX:
		*(struct postern_regex **)field = regex_compile(owner, texts[0], e);
		return *(struct postern_regex **)field ? 0 : -1;
	case POSTERN_MATCH:
		return set_match(o, field, owner, texts, count, e);
	case POSTERN_ENUM:
		return set_enum(o, field, owner, texts[0], e);
	}
	return error_set(e, ERROR_CONFIG, "an option type that this Postern does not know");
}

int option_set_default(const struct postern_option *o, void *fields, void *owner, struct error *e)
{
	if (!o->value)
		return 0;
	const char *single[] = { o->value };
	if (!option_is_list(o->type) || (o->type == POSTERN_MATCH && o->value[0] == '/'))
		return option_set(o, fields, owner, single, 1, e);
	char **items = g_strsplit(o->value, ",", -1);
	int rc = option_set(o, fields, owner, (const char *const *)items, g_strv_length(items), e);
	g_strfreev(items);
	return rc;
}

static size_t one_text(void *owner, const char ***texts, char *text)
{
	*texts = talloc_zero_array(owner, const char *, 2);
	(*texts)[0] = text;
	return 1;
}

static size_t texts_of_ints(const struct postern_ints *field, void *owner, const char ***texts)
{
	*texts = talloc_zero_array(owner, const char *, field->count + 1);
	for (size_t k = 0; k < field->count; k++)
		(*texts)[k] = talloc_asprintf(*texts, "%lld", (long long)field->v[k]);
	return field->count;
}

static size_t texts_of_strings(const struct postern_strings *field, void *owner, const char ***texts)
{
	*texts = talloc_zero_array(owner, const char *, field->count + 1);
	for (size_t k = 0; k < field->count; k++)
		(*texts)[k] = field->v[k];
	return field->count;
}

static size_t text_of_string(const char *text, void *owner, const char ***texts)
{
	return text ? one_text(owner, texts, talloc_strdup(owner, text)) : 0;
}

static size_t text_of_regex(const struct postern_regex *r, const char *before, void *owner, const char ***texts)
{
	return r ? one_text(owner, texts, talloc_asprintf(owner, "%s%s", before, regex_source(r))) : 0;
}

size_t option_get(const struct postern_option *o, const void *fields, void *owner, const char ***texts)
{
	const void *field = (const char *)fields + o->offset;
	switch (o->type) {
	case POSTERN_BOOL:
		return text_of_string(*(const bool *)field ? "1" : "0", owner, texts);
	case POSTERN_INT: case POSTERN_SIZE:
		return one_text(owner, texts, talloc_asprintf(owner, "%lld", (long long)*(const int64_t *)field));
	case POSTERN_DURATION:
		return one_text(owner, texts, talloc_asprintf(owner, "%lldms", (long long)*(const int64_t *)field));
	case POSTERN_STRING: case POSTERN_FILE: case POSTERN_ENDPOINT: case POSTERN_ENUM:
		return text_of_string(*(const char *const *)field, owner, texts);
	case POSTERN_STRINGS: case POSTERN_ENDPOINTS:
		return texts_of_strings(field, owner, texts);
	case POSTERN_INTS:
		return texts_of_ints(field, owner, texts);
	case POSTERN_REGEX:
		return text_of_regex(*(struct postern_regex *const *)field, "", owner, texts);
	case POSTERN_MATCH: {
		const struct postern_match *m = field;
		return m->regex ? text_of_regex(m->regex, "/", owner, texts) : texts_of_ints(&m->codes, owner, texts);
	}
	}
	return 0;
}

static const struct postern_option *find_in(const struct postern_option *table, const char *name)
{
	for (const struct postern_option *o = table; o && o->name; o++) {
		if (strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

bool option_applies(const struct postern_plugin *p, const struct postern_option *common)
{
	if (p->roles != POSTERN_LOOKUP || strcmp(common->name, "name") == 0)
		return true;
	if (strcmp(common->name, "timeout") == 0)
		return !p->lookup || p->lookup->table == POSTERN_TABLE_NONE;
	return strcmp(common->name, "probe_interval") == 0 && (p->capabilities & POSTERN_CAP_NETWORK);
}

const struct postern_option *option_find(const struct postern_plugin *p, const char *name, bool *common)
{
	const struct postern_option *o = find_in(p->options, name);
	*common = !o;
	if (o)
		return o;
	o = find_in(common_option_table, name);
	return o && option_applies(p, o) ? o : NULL;
}

const char **option_names(const struct postern_plugin *p, void *owner, size_t *count)
{
	GPtrArray *names = g_ptr_array_new();
	for (const struct postern_option *o = p->options; o && o->name; o++)
		g_ptr_array_add(names, (void *)(uintptr_t)o->name);
	for (const struct postern_option *o = common_option_table; o->name; o++)
		if (option_applies(p, o))
			g_ptr_array_add(names, (void *)(uintptr_t)o->name);
	const char **list = talloc_zero_array(owner, const char *, names->len + 1);
	for (guint k = 0; k < names->len; k++)
		list[k] = g_ptr_array_index(names, k);
	*count = names->len;
	g_ptr_array_free(names, TRUE);
	return list;
}
