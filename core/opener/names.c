/* names.c - see names.h. */
#include "config.h"

#include "opener/names.h"

#include <string.h>

#include "opener/parameters.h"
#include "opener/transfer.h"

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

/* --- encoded words, as the more careless readers take them: blanks within, no end, anywhere in the text --- */

/* Bytes in a charset as UTF-8; as they are where that is not known. */
static char *converted(const char *charset, const char *bytes)
{
	iconv_t cd = g_utf8_validate(bytes, -1, NULL) && g_ascii_strncasecmp(charset, "utf-7", 5) != 0 && g_ascii_strncasecmp(charset, "iso-2022", 8) != 0
		? (iconv_t)-1 : g_mime_iconv_open("UTF-8", charset);
	if (cd == (iconv_t)-1)
		return g_strdup(bytes);
	char *text = g_mime_iconv_strdup(cd, bytes);
	g_mime_iconv_close(cd);
	return text ? text : g_strdup(bytes);
}

/* NULs are left out. */
static void append_decoded(GString *out, const char *charset, bool base64, GString *encoded)
{
	struct transfer t;
	uint8_t *bytes = g_malloc(transfer_room(encoded->len) + 1);
	transfer_begin(&t, base64 ? TRANSFER_BASE64 : TRANSFER_QUOTED_PRINTABLE);
	size_t n = transfer_decode(&t, (const uint8_t *)encoded->str, encoded->len, bytes), kept = 0;
	n += transfer_end(&t, bytes + n);
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != '\0')
			bytes[kept++] = bytes[i];
	bytes[kept] = '\0';
	char *text = converted(charset, (const char *)bytes);
	g_string_append(out, text);
	g_free(text);
	g_free(bytes);
}

/* "=?charset?B?text?=" at p: what is behind it, or NULL where it is none. */
static const char *read_encoded_word(const char *p, GString *out)
{
	const char *charset = p + 2, *mark = strchr(charset, '?');
	if (!mark || !mark[1] || mark[2] != '?' || !strchr("bBqQ", mark[1]))
		return NULL;
	bool base64 = mark[1] == 'b' || mark[1] == 'B';
	const char *text = mark + 3, *end = strstr(text, "?=");
	size_t n = end ? (size_t)(end - text) : strlen(text);
	GString *encoded = g_string_new(NULL);
	for (size_t i = 0; i < n; i++)
		if (base64 || text[i] != '_')
			g_string_append_c(encoded, text[i]);
		else
			g_string_append_c(encoded, ' ');
	char *charset_name = g_strndup(charset, strcspn(charset, "?*"));
	append_decoded(out, charset_name, base64, encoded);
	g_free(charset_name);
	g_string_free(encoded, TRUE);
	return end ? end + 2 : text + n;
}

static char *words_decoded(const char *text)
{
	GString *out = g_string_new(NULL);
	for (const char *p = text; *p;) {
		const char *behind = p[0] == '=' && p[1] == '?' ? read_encoded_word(p, out) : NULL;
		if (!behind) {
			g_string_append_c(out, *p++);
			continue;
		}
		p = behind + strspn(behind, " \t");	/* blanks between two words are no part of them */
		if (strncmp(p, "=?", 2) != 0)
			p = behind;
	}
	return g_string_free(out, FALSE);
}

/* --- readings --- */

struct collect {
	GPtrArray *names;
	bool whole;			/* nothing was left out so far */
};

static void add(struct collect *c, const char *name)
{
	c->whole &= names_add(c->names, name);
}

/* Windows takes "x.exe. " for "x.exe". */
static void add_trimmed(struct collect *c, const char *name)
{
	size_t n = strlen(name);
	while (n > 0 && strchr(" \t.", name[n - 1]))
		n--;
	char *trimmed = n < strlen(name) ? g_strndup(name, n) : NULL;
	add(c, trimmed);
	g_free(trimmed);
}

static bool has_percent_escape(const char *name)
{
	const char *p = strchr(name, '%');
	return p && g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2]);
}

static void add_unescaped(struct collect *c, const char *name)
{
	char *text = g_uri_unescape_string(name, NULL);
	add(c, text);
	g_free(text);
}

static void add_charset(struct collect *c, const char *name)
{
	const char *first = strchr(name, '\''), *second = first && first != name ? strchr(first + 1, '\'') : NULL;
	char *bytes = second ? g_uri_unescape_string(second + 1, NULL) : NULL;
	if (bytes) {
		char *charset = g_strndup(name, (gsize)(first - name)), *text = converted(charset, bytes);
		add(c, text);
		g_free(text);
		g_free(charset);
	}
	g_free(bytes);
}

/* A reading and what else may be made of it. */
static void add_readings(void *context, const char *name)
{
	struct collect *c = context;
	add(c, name);
	add_trimmed(c, name);
	if (strstr(name, "=?")) {
		char *library = g_mime_utils_header_decode_text(NULL, name), *ours = words_decoded(name);
		add(c, library);
		add(c, ours);
		add_trimmed(c, ours);
		g_free(library);
		g_free(ours);
	}
	if (has_percent_escape(name)) {
		add_unescaped(c, name);
		add_charset(c, name);
	}
}

bool names_of_field(const char *raw, GPtrArray *names)
{
	struct collect c = { .names = names, .whole = true };
	unsigned odd = parameters_read(raw, "filename", add_readings, &c);
	odd |= parameters_read(raw, "name", add_readings, &c);
	return c.whole && !odd;
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

bool names_of_library(GMimeObject *entity, GPtrArray *names)
{
	GMimeContentDisposition *disposition = g_mime_object_get_content_disposition(entity);
	GMimeContentType *type = g_mime_object_get_content_type(entity);
	bool whole = true;
	if (disposition)
		whole &= collect_library(g_mime_content_disposition_get_parameters(disposition), "filename", names);
	if (type)
		whole &= collect_library(g_mime_content_type_get_parameters(type), "name", names);
	return whole;
}

bool names_of_fields(GMimeObject *entity, GPtrArray *names)
{
	GMimeHeaderList *headers = g_mime_object_get_header_list(entity);
	int n = g_mime_header_list_get_count(headers);
	bool sure = true;
	for (int i = 0; i < n; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(headers, i);
		const char *raw = g_mime_header_get_raw_value(h), *field = g_mime_header_get_name(h);
		if (raw && (g_ascii_strcasecmp(field, "Content-Type") == 0 || g_ascii_strcasecmp(field, "Content-Disposition") == 0))
			sure &= names_of_field(raw, names);
	}
	return sure;
}
