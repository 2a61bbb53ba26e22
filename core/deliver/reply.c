/* reply.c - see reply.h. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "deliver/reply.h"

void reply_init(struct reply *r)
{
	*r = (struct reply){ .lines = g_string_new(NULL) };
}

void reply_clear(struct reply *r)
{
	g_string_free(r->lines, TRUE);
	r->lines = NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Three digits, the first from 2 to 5, then nothing, a blank or a hyphen. */
static bool has_code(const char *line, size_t n)
{
	return n >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) && is_digit(line[2])
		&& (n == 3 || line[3] == ' ' || line[3] == '-');
}

static void append_text(GString *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		g_string_append_c(out, c == '\t' ? ' ' : c < ' ' || c >= 0x7f ? '?' : (char)c);
	}
}

enum reply_step reply_add_line(struct reply *r, const char *line, size_t n)
{
	if (!has_code(line, n) || r->line_count >= REPLY_LINES_MAX)
		return REPLY_BAD;
	if (r->line_count == 0)
		g_string_truncate(r->lines, 0);
	else
		g_string_append_c(r->lines, '\n');
	r->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	if (n > 4)
		append_text(r->lines, line + 4, n - 4);
	if (n > 3 && line[3] == '-') {
		r->line_count++;
		return REPLY_MORE;
	}
	r->line_count = 0;
	return REPLY_DONE;
}

/* Length of an enhanced status code at the start of text, 0 where there is none. */
static size_t enhanced_length(const char *text)
{
	const char *at = text;

	if (*at != '2' && *at != '4' && *at != '5')
		return 0;
	at++;
	for (int group = 0; group < 2; group++) {
		int digits = 0;

		if (*at++ != '.')
			return 0;
		while (is_digit(*at) && digits < 4) {
			at++;
			digits++;
		}
		if (digits < 1 || digits > 3)
			return 0;
	}
	return *at == '\0' || *at == ' ' || *at == '\n' ? (size_t)(at - text) : 0;
}

char *reply_fold(const struct reply *r, void *owner)
{
	GString *out = g_string_new(NULL);
	size_t enhanced = enhanced_length(r->lines->str);
	char **lines = g_strsplit(r->lines->str, "\n", 0);
	char *folded;

	g_string_printf(out, "%03d", r->code);
	for (char **line = lines; *line; line++) {
		const char *text = *line;

		if (line != lines && enhanced && strncmp(text, r->lines->str, enhanced) == 0 && enhanced_length(text) == enhanced)
			text += enhanced;
		while (*text == ' ')
			text++;
		if (*text)
			g_string_append_printf(out, " %s", text);
	}
	g_strfreev(lines);
	folded = talloc_strdup(owner, out->str);
	g_string_free(out, TRUE);
	return folded;
}

void reply_enhanced(const struct reply *r, const char *subject_detail, char out[12])
{
	size_t n = enhanced_length(r->lines->str);
	char class = (char)('0' + r->code / 100);

	if (n > 0 && r->lines->str[0] == class)
		snprintf(out, 12, "%.*s", (int)n, r->lines->str);
	else
		snprintf(out, 12, "%c%s", class, class == '2' ? ".0.0" : subject_detail);
}

char *reply_queued_as(const struct reply *r, void *owner)
{
	char *folded = reply_fold(r, NULL), *at = folded, *found = NULL;

	for (; *at && !found; at++) {
		size_t n;

		if (g_ascii_strncasecmp(at, "queued as ", 10) != 0)
			continue;
		n = strspn(at + 10, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:=+@/");
		while (n > 0 && strchr(".:=", at[10 + n - 1]))
			n--;
		if (n > 0 && n <= 100)
			found = talloc_strndup(owner, at + 10, n);
	}
	talloc_free(folded);
	return found;
}

int reply_code_onward(const struct reply *r)
{
	return r->code == 421 ? 451 : r->code;
}

char *reply_from_next_hop(const struct reply *r, const char *subject_detail, const char *next_hop, void *owner)
{
	char enhanced[12];
	char *folded = reply_fold(r, NULL), *whole;

	reply_enhanced(r, subject_detail, enhanced);
	whole = talloc_asprintf(owner, "%03d %s from MTA(%s): %s", reply_code_onward(r), enhanced, next_hop, folded);
	talloc_free(folded);
	if (strlen(whole) > REPLY_QUOTED_MAX)
		whole[REPLY_QUOTED_MAX] = '\0';
	return whole;
}
