/* names.c - see names.h. */
#include "config.h"

#include "opener/names.h"

#include <string.h>

#define PARAMETERS_MAX 1000		/* of one field; further ones are noise */

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

static const char *read_quoted(const char *p, GString *value)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (*p != '\r' && *p != '\n')
			g_string_append_c(value, *p);
	}
	return *p ? p + 1 : p;
}

/* Unquoted values are read up to the next semicolon, as the more careless readers do. */
static const char *read_token(const char *p, GString *value)
{
	for (; *p && *p != ';'; p++)
		if (*p != '\r' && *p != '\n')
			g_string_append_c(value, *p);
	while (value->len > 0 && (value->str[value->len - 1] == ' ' || value->str[value->len - 1] == '\t'))
		g_string_truncate(value, value->len - 1);
	return p;
}

static const char *read_attribute(const char *p, GString *attribute)
{
	for (; *p && *p != '=' && *p != ';'; p++)
		if (!g_ascii_isspace(*p))
			g_string_append_c(attribute, g_ascii_tolower(*p));
	return p;
}

/* The first ';' outside of quotes. */
static const char *skip_main_value(const char *p)
{
	bool quoted = false;
	for (; *p && (quoted || *p != ';'); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (quoted && *p == '\\' && p[1])
			p++;
	}
	return p;
}

void parameters_each(const char *raw_value, parameter_fn each, void *context)
{
	GString *attribute = g_string_new(NULL), *value = g_string_new(NULL);
	const char *p = skip_main_value(raw_value);
	for (unsigned count = 0; *p == ';' && count < PARAMETERS_MAX; count++) {
		g_string_truncate(attribute, 0);
		g_string_truncate(value, 0);
		p = read_attribute(skip_blanks(p + 1), attribute);
		if (*p == '=') {
			p = skip_blanks(p + 1);
			p = *p == '"' ? read_quoted(p, value) : read_token(p, value);
			each(context, attribute->str, value->str);
		}
		while (*p && *p != ';')
			p++;
	}
	g_string_free(attribute, TRUE);
	g_string_free(value, TRUE);
}

static bool attribute_is(const char *attribute, const char *name)
{
	size_t n = strlen(name);
	return strncmp(attribute, name, n) == 0 && (attribute[n] == '\0' || attribute[n] == '*');
}

struct count {
	const char *name;
	unsigned n;
};

static void count_one(void *context, const char *attribute, const char *value)
{
	struct count *c = context;
	c->n += attribute_is(attribute, c->name);
}

unsigned parameters_count(const char *raw_value, const char *attribute)
{
	struct count c = { .name = attribute };
	parameters_each(raw_value, count_one, &c);
	return c.n;
}

static char *shortened(const char *name, size_t length)
{
	char *cut = g_malloc(NAME_BYTES_MAX + 1);
	size_t half = NAME_BYTES_MAX / 2;
	memcpy(cut, name, half);
	memcpy(cut + half, name + length - half, half);
	cut[NAME_BYTES_MAX] = '\0';
	return cut;
}

bool names_add(GPtrArray *names, const char *name)
{
	size_t length = name ? strlen(name) : 0;
	if (length == 0)
		return true;
	for (guint i = 0; i < names->len; i++)
		if (strcmp(g_ptr_array_index(names, i), name) == 0)
			return true;
	if (names->len >= NAMES_MAX)
		return false;
	bool whole = length <= NAME_BYTES_MAX;
	g_ptr_array_add(names, whole ? g_strdup(name) : shortened(name, length));
	return whole;
}

struct collect {
	GPtrArray *names;
	const char *attribute;		/* "filename" or "name" */
	GString *pieces;		/* RFC 2231 pieces joined in order of appearance */
	bool whole;			/* nothing was left out so far */
};

static void collect_one(void *context, const char *attribute, const char *value)
{
	struct collect *c = context;
	if (!attribute_is(attribute, c->attribute))
		return;
	if (strchr(attribute, '*')) {
		g_string_append(c->pieces, value);
		return;
	}
	c->whole &= names_add(c->names, value);
	if (strstr(value, "=?")) {
		char *decoded = g_mime_utils_header_decode_text(NULL, value);
		c->whole &= names_add(c->names, decoded);
		g_free(decoded);
	}
}

/* Undo %XX byte by byte, whatever the charset; a NUL ends the name for some readers only: for others it is left out. */
static char *percent_decoded(const char *text, bool ends_at_nul)
{
	GString *s = g_string_new(NULL);
	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? g_ascii_xdigit_value(p[1]) : -1;
		int low = high >= 0 ? g_ascii_xdigit_value(p[2]) : -1;
		if (low < 0)
			g_string_append_c(s, *p);
		else if (high << 4 | low)
			g_string_append_c(s, (char)(high << 4 | low));
		else if (ends_at_nul)
			break;
		if (low >= 0)
			p += 2;
	}
	return g_string_free(s, FALSE);
}

/* charset'language'text -> text */
static const char *behind_charset(const char *text)
{
	const char *first = strchr(text, '\''), *second = first ? strchr(first + 1, '\'') : NULL;
	return second ? second + 1 : text;
}

static bool collect_field(const char *raw, const char *attribute, GPtrArray *names)
{
	struct collect c = { .names = names, .attribute = attribute, .pieces = g_string_new(NULL), .whole = true };
	parameters_each(raw, collect_one, &c);
	if (c.pieces->len > 0) {
		char *decoded = percent_decoded(behind_charset(c.pieces->str), false), *ended = percent_decoded(behind_charset(c.pieces->str), true);
		c.whole &= names_add(names, decoded);
		c.whole &= names_add(names, ended);
		c.whole &= names_add(names, c.pieces->str);
		g_free(decoded);
		g_free(ended);
	}
	g_string_free(c.pieces, TRUE);
	return c.whole;
}

static bool collect_library(GMimeParamList *list, const char *attribute, GPtrArray *names)
{
	int n = list ? g_mime_param_list_length(list) : 0;
	bool whole = true;
	for (int i = 0; i < n; i++) {
		GMimeParam *p = g_mime_param_list_get_parameter_at(list, i);
		if (g_ascii_strcasecmp(g_mime_param_get_name(p), attribute) == 0)
			whole &= names_add(names, g_mime_param_get_value(p));
	}
	return whole;
}

bool names_collect(GMimeObject *entity, GPtrArray *names)
{
	GMimeContentDisposition *disposition = g_mime_object_get_content_disposition(entity);
	GMimeContentType *type = g_mime_object_get_content_type(entity);
	bool whole = true;
	if (disposition)
		whole &= collect_library(g_mime_content_disposition_get_parameters(disposition), "filename", names);
	if (type)
		whole &= collect_library(g_mime_content_type_get_parameters(type), "name", names);
	GMimeHeaderList *headers = g_mime_object_get_header_list(entity);
	int n = g_mime_header_list_get_count(headers);
	for (int i = 0; i < n; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(headers, i);
		const char *raw = g_mime_header_get_raw_value(h), *field = g_mime_header_get_name(h);
		if (!raw || (g_ascii_strcasecmp(field, "Content-Type") != 0 && g_ascii_strcasecmp(field, "Content-Disposition") != 0))
			continue;
		whole &= collect_field(raw, "filename", names);
		whole &= collect_field(raw, "name", names);
	}
	return whole;
}
