/* text_line.h - text line by line, as those read it that look for files in it. Pure. */
#ifndef POSTERN_OPENER_TEXT_LINE_H
#define POSTERN_OPENER_TEXT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_line {
	const uint8_t *at;
	size_t length;			/* without its end */
	size_t next;			/* offset of the next line */
};
struct text_line text_line_at(const uint8_t *text, size_t n, size_t from);
bool text_line_is(const struct text_line *l, const char *word);		/* blanks behind it left out */
bool text_line_begins(const struct text_line *l, const char *word);

#endif
