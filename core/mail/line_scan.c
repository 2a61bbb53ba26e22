/* line_scan.c - see line_scan.h.
 *
 * Nearly every block of every mail needs no change; looking for that line by
 * line costs several times the copying.  So sixteen neighbouring pairs of bytes
 * are compared at once, by the vectors that gcc and clang both know. */
#include "config.h"

#include <string.h>

#include "mail/line_scan.h"

#define LANES 16
typedef unsigned char lanes __attribute__((vector_size(LANES)));

static bool any(lanes v)
{
	unsigned long long half[2];

	memcpy(half, &v, sizeof half);
	return (half[0] | half[1]) != 0;
}

static void look_at_pair(struct line_scan *s, unsigned char before, unsigned char c)
{
	s->bare_lf |= c == '\n' && before != '\r';
	s->leading_dot |= c == '.' && before == '\n';
	s->eight_bit |= c >= 0x80;
}

struct line_scan line_scan(const char *p, size_t n, char before)
{
	struct line_scan s = { false, false, false };
	lanes bare = { 0 }, dot = { 0 }, all = { 0 };
	size_t i = 1;

	if (n == 0)
		return s;
	look_at_pair(&s, (unsigned char)before, (unsigned char)p[0]);
	for (; i + LANES <= n; i += LANES) {
		lanes a, b;

		memcpy(&a, p + i - 1, LANES);
		memcpy(&b, p + i, LANES);
		bare |= (lanes)((b == '\n') & (a != '\r'));
		dot |= (lanes)((a == '\n') & (b == '.'));
		all |= b;
	}
	for (; i < n; i++)
		look_at_pair(&s, (unsigned char)p[i - 1], (unsigned char)p[i]);
	s.bare_lf |= any(bare);
	s.leading_dot |= any(dot);
	s.eight_bit |= any(all & 0x80);
	return s;
}
