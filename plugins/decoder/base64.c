/* base64.c - see base64.h. */
#include "base64.h"

static int value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool base64_is(uint8_t c)
{
	return value_of(c) >= 0;
}

static void flush(struct base64 *b)
{
	if (b->n > 0 && !b->over)
		b->over = !postern_child_write(b->call, b->out, b->n);
	b->n = 0;
}

/* "=" ends a group: pieces that were padded each go on behind each other. */
void base64_put(struct base64 *b, uint8_t c)
{
	int value = value_of(c);
	if (c == '=')
		b->count = 0;
	if (value < 0)
		return;
	b->bits = b->bits << 6 | (uint32_t)value;
	if (b->count++ == 0)
		return;
	b->out[b->n++] = (uint8_t)(b->bits >> (8 - 2 * b->count));	/* 12, 18, 24 bits: the byte ends 4, 2, 0 before */
	if (b->count == 4)
		b->count = 0;
	if (b->n == sizeof b->out)
		flush(b);
}

bool base64_end(struct base64 *b)
{
	flush(b);
	return !b->over;
}
