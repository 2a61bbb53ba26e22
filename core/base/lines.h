/* lines.h - logical lines of a text file as Postfix' tables have them.
 *
 * Empty lines and lines whose first character that is no blank is "#" are
 * passed over; a line that begins with a blank continues the one before.  Line
 * ends are LF or CRLF; a byte order mark at the beginning is passed over; any
 * other byte above 127 is taken as it is.  Any process. */
#ifndef POSTERN_BASE_LINES_H
#define POSTERN_BASE_LINES_H

#include <stddef.h>

#define LINE_BYTES_MAX (64 * 1024)

struct line {
	char *text;		/* without blanks at both ends; the callee may write into it, and it goes with the call */
	unsigned number;	/* of the line in the file where it begins, from 1 */
	const char *wrong;	/* NULL, or why the line cannot be used ("a NUL byte in it"); text is empty then */
};
typedef void (*line_fn)(void *context, struct line *line);
/* End the first field of text, which may hold blanks between double quotes (a local part of RFC 5321 4.1.2): what follows, "" for nothing. */
char *line_cut(char *text);
void lines_each(const char *text, size_t size_bytes, line_fn each, void *context);

#endif
