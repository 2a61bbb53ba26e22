/* span.c - see span.h. */
#include "span.h"

#define TEXT_MAX_BYTES 4096	/* names are cut here by the host, too */

static unsigned put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	to[0] = (char)((0xff00 >> (more + 1) & 0xff) | c >> 6 * more);
	for (unsigned i = 1; i <= more; i++)
		to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
	return more + 1;
}

static uint32_t take_character(struct span s, size_t *at)
{
	uint32_t c = span_16(s, *at), next = span_16(s, *at + 2);
	*at += 2;
	if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
		*at += 2;
		return 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
	}
	return c >= 0xd800 && c < 0xe000 ? 0xfffd : c;
}

char *span_utf16(struct postern_call *call, struct span s)
{
	s.n = (s.n < TEXT_MAX_BYTES ? s.n : TEXT_MAX_BYTES) & ~(size_t)1;
	char *text = postern_alloc(call, s.n * 2 + 1);	/* three bytes for two at most, zeroed */
	size_t n = 0, at = 0;
	while (at < s.n) {
		uint32_t c = take_character(s, &at);
		if (c == 0)
			break;
		n += put_utf8(text + n, c);
	}
	return text;
}

char *span_text(struct postern_call *call, struct span s)
{
	size_t n = strnlen((const char *)s.at, s.n < TEXT_MAX_BYTES ? s.n : TEXT_MAX_BYTES);
	char *text = postern_alloc(call, n + 1);
	memcpy(text, s.at, n);
	return text;
}

bool child_put(struct postern_call *call, const char *name, struct span content)
{
	return postern_child_begin(call, name) && (content.n == 0 || postern_child_write(call, content.at, content.n)) && postern_child_end(call);
}
