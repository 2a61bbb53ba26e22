/* line_scan.h - one fast look at a block of a mail: is there anything in it that must be changed or declared? */
#ifndef POSTERN_MAIL_LINE_SCAN_H
#define POSTERN_MAIL_LINE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct line_scan {
	bool bare_lf;		/* LF without CR before it */
	bool leading_dot;	/* a dot after LF */
	bool eight_bit;		/* a byte above 127 */
};
/* `before`: the byte before p[0]; '\n' at the start of a mail. */
struct line_scan line_scan(const char *p, size_t n, char before);

#endif
