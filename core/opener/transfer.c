/* transfer.c - base64 and quoted-printable. */
#include "config.h"

#include "opener/transfer.h"

#include <string.h>

#define AMBIGUOUS_AFTER_PADDING 4	/* less than one whole quantum more harms nobody */

void transfer_begin(struct transfer *t, enum transfer_encoding encoding)
{
	*t = (struct transfer){ .encoding = encoding };
}

size_t transfer_room(size_t n)
{
	return n + 4;
}

static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is held at a padding: two sextets are one byte, three are two. */
static size_t flush_sextets(struct transfer *t, uint8_t *out)
{
	size_t n = 0;
	if (t->held == 2) {
		out[n++] = (uint8_t)(t->bits >> 4);
	} else if (t->held == 3) {
		out[n++] = (uint8_t)(t->bits >> 10);
		out[n++] = (uint8_t)(t->bits >> 2);
	}
	t->held = 0;
	t->bits = 0;
	return n;
}

static size_t put_sextet(struct transfer *t, uint32_t value, uint8_t *out)
{
	t->valid++;
	t->after_padding += t->padded;
	t->bits = t->bits << 6 | value;
	if (++t->held < 4)
		return 0;
	out[0] = (uint8_t)(t->bits >> 16);
	out[1] = (uint8_t)(t->bits >> 8);
	out[2] = (uint8_t)t->bits;
	t->held = 0;
	t->bits = 0;
	return 3;
}

static size_t decode_base64(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t made = 0;
	for (size_t i = 0; i < n; i++) {
		int value = sextet(in[i]);
		if (value >= 0) {
			made += put_sextet(t, (uint32_t)value, out + made);
		} else if (in[i] == '=') {
			if (t->held > 1)
				made += flush_sextets(t, out + made);
			t->padded = true;
		} else if (in[i] != '\r' && in[i] != '\n' && in[i] != ' ' && in[i] != '\t') {
			t->junk++;
		}
	}
	return made;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of a soft line break ("=", blanks, line end) at in[0], 0 when it is none. */
static size_t soft_break(const uint8_t *in, size_t n)
{
	size_t i = 1;
	while (i < n && (in[i] == ' ' || in[i] == '\t'))
		i++;
	if (i < n && in[i] == '\r')
		i++;
	if (i < n && in[i] == '\n')
		return i + 1;
	return i == n ? n : 0;	/* the encoded text ends in one */
}

static size_t decode_quoted_printable(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t made = 0, i = 0;
	while (i < n) {
		const uint8_t *escape = memchr(in + i, '=', n - i);
		size_t plain = escape ? (size_t)(escape - in) - i : n - i;
		memcpy(out + made, in + i, plain);
		made += plain;
		i += plain;
		if (!escape)
			break;
		int high = n - i > 2 ? hex_digit(in[i + 1]) : -1, low = n - i > 2 ? hex_digit(in[i + 2]) : -1;
		size_t soft = soft_break(in + i, n - i);
		if (high >= 0 && low >= 0) {
			out[made++] = (uint8_t)(high << 4 | low);
			i += 3;
		} else if (soft) {
			i += soft;
		} else {
			t->junk++;
			out[made++] = in[i++];
		}
	}
	return made;
}

size_t transfer_decode(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out)
{
	if (t->encoding == TRANSFER_BASE64)
		return decode_base64(t, in, n, out);
	return decode_quoted_printable(t, in, n, out);
}

size_t transfer_cut(const uint8_t *in, size_t n, size_t want)
{
	if (want >= n)
		return n;
	const uint8_t *line_end = memrchr(in, '\n', want);
	if (line_end && (size_t)(line_end - in) + 1 > want / 2)
		return (size_t)(line_end - in) + 1;
	size_t cut = want;
	for (size_t back = 1; back <= 3 && back < cut; back++) {
		if (in[cut - back] != '=')
			continue;
		cut -= back;	/* before the escape; another one may stand right before it */
		back = 0;
	}
	return cut > want / 2 ? cut : want;	/* nothing but escapes: no harm in tearing one */
}

bool transfer_failed(const struct transfer *t)
{
	if (t->encoding != TRANSFER_BASE64)
		return false;
	return t->held == 1 || t->junk > t->valid / 4;
}

bool transfer_ambiguous(const struct transfer *t)
{
	return t->encoding == TRANSFER_BASE64 && t->after_padding >= AMBIGUOUS_AFTER_PADDING;
}
