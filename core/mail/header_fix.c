/* header_fix.c - see header_fix.h. What no setting asks for is not touched, and a field that needs nothing keeps its bytes. */
#include "config.h"
#include "mail/header_fix.h"

#include <glib.h>
#include <string.h>

#include "mail/header_check.h"

#define CUT_BYTES 995

struct span { const char *at; size_t n; };

static struct span next_line(struct span rest)
{
	const char *newline = memchr(rest.at, '\n', rest.n);
	return (struct span){ rest.at, newline ? (size_t)(newline - rest.at) + 1 : rest.n };
}

static struct span line_end_of(struct span line)
{
	size_t n = line.n > 0 && line.at[line.n - 1] == '\n' ? 1 : 0;
	n += n && line.n > 1 && line.at[line.n - 2] == '\r';
	return (struct span){ line.at + line.n - n, n };
}

static bool is_all_blank(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.at[i] != ' ' && text.at[i] != '\t' && text.at[i] != '\r')
			return false;
	return true;
}

static void append_without_cr(GString *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.at[i] != '\r')
			g_string_append_c(out, text.at[i]);
}

/* One line of the field as it shall be. */
static void append_line(GString *out, struct span line, bool continues, unsigned fixes)
{
	struct span end = line_end_of(line), text = { line.at, line.n - end.n };
	gsize from = out->len;
	if (continues && fixes & HEADER_FIX_FOLDING && is_all_blank(text))
		return;
	if (fixes & HEADER_FIX_CR)
		append_without_cr(out, text);
	else
		g_string_append_len(out, text.at, (gssize)text.n);
	if (fixes & HEADER_FIX_LONG && out->len - from > HEADER_LINE_MAX_BYTES) {
		g_string_truncate(out, from + CUT_BYTES);
		g_string_append(out, "...");
	}
	g_string_append_len(out, end.at, (gssize)end.n);
}

static void rewrite(GString *out, struct span field, unsigned fixes)
{
	g_string_truncate(out, 0);
	for (struct span rest = field; rest.n > 0;) {
		struct span line = next_line(rest);
		append_line(out, line, rest.at != field.at, fixes);
		rest = (struct span){ rest.at + line.n, rest.n - line.n };
	}
}

unsigned header_fix(struct edit_list *l, const struct header *h, unsigned fixes)
{
	GString *out = g_string_new(NULL);
	unsigned count = 0;
	for (unsigned i = 0; i < h->count && fixes; i++) {
		struct span field = { h->text + h->fields[i].offset, h->fields[i].length };
		rewrite(out, field, fixes);
		if (out->len == field.n && memcmp(out->str, field.at, field.n) == 0)
			continue;
		if (l)
			edit_replace(l, &h->fields[i], out->str, out->len);
		count++;
	}
	g_string_free(out, TRUE);
	return count;
}
