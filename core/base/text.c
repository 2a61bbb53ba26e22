/* text.c - escaping, numbers with units, nearest words. Pure functions over memory; no file, no clock. */
#include "config.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define NEAREST_MAX 100	/* longer words are no typing errors of a name */

/* Length of the valid UTF-8 character at p (0: none there); *c gets it. */
static size_t utf8_length(const char *p, size_t left, gunichar *c)
{
	if ((unsigned char)*p < 0x80) {
		*c = (unsigned char)*p;
		return 1;
	}
	*c = g_utf8_get_char_validated(p, left > 6 ? 6 : (gssize)left);
	if (*c == (gunichar)-1 || *c == (gunichar)-2)
		return 0;
	return (size_t)g_unichar_to_utf8(*c, NULL);
}

static void append_octal(GString *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(out, "\\%03o", (unsigned char)p[i]);
}

static void append_control(GString *out, char c)
{
	if (c == '\n')
		g_string_append(out, "\\n");
	else if (c == '\t')
		g_string_append(out, "\\t");
	else if (c == '\\')
		g_string_append(out, "\\\\");
	else
		append_octal(out, &c, 1);
}

static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '\\';
}

void text_append_escaped(GString *out, const char *text, size_t n)
{
	size_t i = 0;
	while (i < n) {
		size_t run = i;
		while (run < n && is_plain(text[run]))
			run++;
		g_string_append_len(out, text + i, (gssize)(run - i));
		i = run;
		if (i == n)
			return;
		gunichar c;
		size_t length = utf8_length(text + i, n - i, &c);
		if (length == 1)
			append_control(out, text[i]);
		else if (length > 1 && c > 0x9f)
			g_string_append_len(out, text + i, (gssize)length);
		else	/* no UTF-8, or a C1 control, which terminals obey */
			append_octal(out, text + i, length ? length : 1);
		i += length ? length : 1;
	}
}

static void append_json_ascii(GString *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		g_string_append_c(out, '\\');
	if (c == '\n')
		g_string_append(out, "\\n");
	else if (c == '\r')
		g_string_append(out, "\\r");
	else if (c == '\t')
		g_string_append(out, "\\t");
	else if (c < ' ' || c == 0x7f)
		g_string_append_printf(out, "\\u%04x", c);
	else
		g_string_append_c(out, (char)c);
}

void text_append_json(GString *out, const char *text, size_t n)
{
	g_string_append_c(out, '"');
	for (size_t i = 0; i < n;) {
		gunichar c;
		size_t length = utf8_length(text + i, n - i, &c);
		if (length == 1)
			append_json_ascii(out, (unsigned char)text[i]);
		else if (length > 1)
			g_string_append_len(out, text + i, (gssize)length);
		else
			g_string_append(out, "\xef\xbf\xbd");
		i += length ? length : 1;
	}
	g_string_append_c(out, '"');
}

/* Digits only, no sign; false when there are none or they do not fit. */
static bool parse_digits(const char **text, int64_t *out)
{
	const char *p = *text;
	int64_t value = 0;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *p - '0', &value))
			return false;
	}
	*text = p;
	*out = value;
	return true;
}

bool text_parse_duration(const char *text, int64_t bare_unit_ms, int64_t *out_ms)
{
	static const struct { const char *unit; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 },
	};
	int64_t value, unit = 0;
	if (!text || !parse_digits(&text, &value))
		return false;
	if (*text == '\0')
		unit = bare_unit_ms;
	for (size_t i = 0; i < G_N_ELEMENTS(units) && unit == 0; i++) {
		if (strcmp(text, units[i].unit) == 0)
			unit = units[i].ms;
	}
	return unit != 0 && !__builtin_mul_overflow(value, unit, out_ms);
}

bool text_parse_size(const char *text, int64_t *out_bytes)
{
	static const char units[] = "kmgt";
	int64_t value;
	if (!text || !parse_digits(&text, &value))
		return false;
	if (*text) {
		const char *unit = strchr(units, tolower((unsigned char)*text));
		if (!unit || text[1] != '\0')
			return false;
		if (__builtin_mul_overflow(value, (int64_t)1 << (10 * (unit - units + 1)), &value))
			return false;
	}
	*out_bytes = value;
	return true;
}

char *text_base64url(const unsigned char *data, size_t n)
{
	char *text = g_base64_encode(n ? data : (const unsigned char *)"", n);
	for (char *p = text; *p; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
		else if (*p == '=')
			*p = '\0';
	}
	return text;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b; both shorter than NEAREST_MAX. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t an = strlen(a), bn = strlen(b);
	for (size_t j = 0; j <= bn; j++)
		last[j] = j;
	for (size_t i = 1; i <= an; i++) {
		now[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			now[j] = smallest(now[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[bn];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t length = strlen(word);
	if (length == 0 || length >= NEAREST_MAX)
		return NULL;
	size_t limit = length / 3 > 1 ? length / 3 : 1;
	const char *best = NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(candidates[i]);
		if (other > length + limit || other + limit < length || other >= NEAREST_MAX)
			continue;
		size_t distance = edit_distance(word, candidates[i]);
		if (distance <= limit) {
			best = candidates[i];
			if (distance == 0)
				return best;
			limit = distance - 1;
		}
	}
	return best;
}

void text_append_xtext(GString *out, const char *text, size_t max)
{
	for (; *text && max >= 3; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= '!' && c <= '~' && c != '+' && c != '=';

		g_string_append_printf(out, plain ? "%c" : "+%02X", c);
		max -= plain ? 1 : 3;
	}
}
