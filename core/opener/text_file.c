/* text_file.c - see text_file.h: the search. */
#include "config.h"

#include "opener/text_file.h"

#include <string.h>

void text_file_clear(struct text_file *f)
{
	g_free(f->name);
	if (f->content)
		g_byte_array_unref(f->content);
	if (f->other)
		g_byte_array_unref(f->other);
	*f = (struct text_file){ 0 };
}

static bool at_line_start(const uint8_t *text, size_t at)
{
	return at == 0 || text[at - 1] == '\n';
}

static size_t find(const uint8_t *text, size_t n, size_t from, const char *word)
{
	const uint8_t *hit = from < n ? memmem(text + from, n - from, word, strlen(word)) : NULL;
	return hit ? (size_t)(hit - text) : n;
}

/* "begin" of uuencode, or within "=ybegin": the block there. */
static bool begins_at(const struct text_files *s, size_t at, struct text_file *out)
{
	const uint8_t *text = s->text;
	if (at_line_start(text, at))
		return uu_at(s->text, s->n, at, s->max_bytes, out);
	return at >= 2 && text[at - 1] == 'y' && text[at - 2] == '=' && at_line_start(text, at - 2) && yenc_at(text, s->n, at - 2, out);
}

/* The file itself begins with a colon at the start of a line. */
static size_t bare_binhex(const uint8_t *text, size_t n)
{
	size_t at = n > 0 && text[0] == ':' ? 0 : find(text, n, 0, "\n:");
	return at > 0 && at < n ? at + 1 : at;
}

static size_t next_binhex(struct text_files *s)
{
	if (!s->binhex_known || s->next_binhex < s->from)
		s->next_binhex = find(s->text, s->n, s->from, BINHEX_MARK);
	if (!s->binhex_known && s->is_binhex && s->next_binhex == s->n)
		s->next_binhex = bare_binhex(s->text, s->n);
	s->binhex_known = true;
	return s->next_binhex;
}

bool text_files_next(struct text_files *s, struct text_file *out)
{
	while (s->from < s->n) {
		size_t binhex = next_binhex(s), begin = find(s->text, binhex, s->from, "begin");
		bool found = begin < binhex ? begins_at(s, begin, out)
			: binhex < s->n && binhex_at(s->text, s->n, binhex, s->max_bytes, out);
		if (found) {
			s->from = out->end;
			return true;
		}
		s->from = (begin < binhex ? begin : binhex) + 1;
	}
	return false;
}
