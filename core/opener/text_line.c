/* text_line.c - see text_line.h. */
#include "config.h"

#include "opener/text_line.h"

#include <string.h>

struct text_line text_line_at(const uint8_t *text, size_t n, size_t from)
{
	struct text_line l = { .at = text + from };
	const uint8_t *end = memchr(text + from, '\n', n - from);
	l.length = end ? (size_t)(end - l.at) : n - from;
	l.next = end ? from + l.length + 1 : n;
	if (l.length > 0 && l.at[l.length - 1] == '\r')
		l.length--;
	return l;
}

bool text_line_is(const struct text_line *l, const char *word)
{
	size_t n = l->length;
	while (n > 0 && (l->at[n - 1] == ' ' || l->at[n - 1] == '\t'))
		n--;
	return n == strlen(word) && memcmp(l->at, word, n) == 0;
}

bool text_line_begins(const struct text_line *l, const char *word)
{
	size_t n = strlen(word);
	return l->length >= n && memcmp(l->at, word, n) == 0;
}
