/* lines.c - take a text file apart into logical lines. */
#include "base/lines.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

struct reading {
	GString *logical;
	unsigned number;	/* where it begins; 0: there is none */
	const char *wrong;
	line_fn each;
	void *context;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

char *line_cut(char *text)
{
	bool quoted = false;
	char *p = text;

	for (; *p != '\0' && (quoted || !is_blank(*p)); p++) {
		if (*p == '\\' && quoted && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	if (*p == '\0')
		return p;
	*p++ = '\0';
	while (is_blank(*p))
		p++;
	return p;
}

static void end_line(struct reading *r)
{
	struct line line = { .text = r->logical->str, .number = r->number, .wrong = r->wrong };

	if (r->number == 0)
		return;
	if (r->wrong != NULL)
		r->logical->str[0] = '\0';
	r->each(r->context, &line);
	g_string_truncate(r->logical, 0);
	r->number = 0;
	r->wrong = NULL;
}

static void add_piece(struct reading *r, const char *piece, size_t n)
{
	if (r->logical->len > 0)
		g_string_append_c(r->logical, ' ');
	if (memchr(piece, '\0', n) != NULL)
		r->wrong = "a NUL byte in it";
	else if (r->logical->len + n > LINE_BYTES_MAX)
		r->wrong = "longer than 65536 bytes";
	else
		g_string_append_len(r->logical, piece, (gssize)n);
}

static void take_line(struct reading *r, const char *text, size_t n, unsigned number)
{
	const char *begin = text;
	bool continues = n > 0 && is_blank(text[0]);

	while (n > 0 && is_blank(*begin)) {
		begin++;
		n--;
	}
	while (n > 0 && is_blank(begin[n - 1]))
		n--;
	if (n == 0 || *begin == '#')
		return;
	if (!continues)
		end_line(r);
	if (r->number == 0)
		r->number = number;
	add_piece(r, begin, n);
}

void lines_each(const char *text, size_t size_bytes, line_fn each, void *context)
{
	struct reading r = { .logical = g_string_new(NULL), .each = each, .context = context };
	const char *end = text + size_bytes;
	unsigned number = 0;

	if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		if (stop == NULL)
			stop = end;
		take_line(&r, text, (size_t)(stop - text), ++number);
		text = stop + 1;
	}
	end_line(&r);
	g_string_free(r.logical, TRUE);
}
