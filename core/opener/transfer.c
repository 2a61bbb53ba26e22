/* transfer.c - base64 and quoted-printable. */
#include "config.h"

#include "opener/transfer.h"

#include <string.h>

#define DOUBT(reading) (1u << (reading))

void transfer_begin_reading(struct transfer *t, enum transfer_encoding encoding, enum transfer_reading reading)
{
	*t = (struct transfer){ .encoding = encoding, .reading = reading };
}

void transfer_begin(struct transfer *t, enum transfer_encoding encoding)
{
	transfer_begin_reading(t, encoding, TRANSFER_USUAL);
}

size_t transfer_room(size_t n)
{
	return n + 4;
}

/* Value of each character of the alphabet, marked as a member of it; all others are 0. */
#define MEMBER 0x40
static const uint8_t sextets[256] = {
	['A'] = MEMBER | 0, ['B'] = MEMBER | 1, ['C'] = MEMBER | 2, ['D'] = MEMBER | 3, ['E'] = MEMBER | 4, ['F'] = MEMBER | 5, ['G'] = MEMBER | 6, ['H'] = MEMBER | 7,
	['I'] = MEMBER | 8, ['J'] = MEMBER | 9, ['K'] = MEMBER | 10, ['L'] = MEMBER | 11, ['M'] = MEMBER | 12, ['N'] = MEMBER | 13, ['O'] = MEMBER | 14, ['P'] = MEMBER | 15,
	['Q'] = MEMBER | 16, ['R'] = MEMBER | 17, ['S'] = MEMBER | 18, ['T'] = MEMBER | 19, ['U'] = MEMBER | 20, ['V'] = MEMBER | 21, ['W'] = MEMBER | 22, ['X'] = MEMBER | 23,
	['Y'] = MEMBER | 24, ['Z'] = MEMBER | 25, ['a'] = MEMBER | 26, ['b'] = MEMBER | 27, ['c'] = MEMBER | 28, ['d'] = MEMBER | 29, ['e'] = MEMBER | 30, ['f'] = MEMBER | 31,
	['g'] = MEMBER | 32, ['h'] = MEMBER | 33, ['i'] = MEMBER | 34, ['j'] = MEMBER | 35, ['k'] = MEMBER | 36, ['l'] = MEMBER | 37, ['m'] = MEMBER | 38, ['n'] = MEMBER | 39,
	['o'] = MEMBER | 40, ['p'] = MEMBER | 41, ['q'] = MEMBER | 42, ['r'] = MEMBER | 43, ['s'] = MEMBER | 44, ['t'] = MEMBER | 45, ['u'] = MEMBER | 46, ['v'] = MEMBER | 47,
	['w'] = MEMBER | 48, ['x'] = MEMBER | 49, ['y'] = MEMBER | 50, ['z'] = MEMBER | 51, ['0'] = MEMBER | 52, ['1'] = MEMBER | 53, ['2'] = MEMBER | 54, ['3'] = MEMBER | 55,
	['4'] = MEMBER | 56, ['5'] = MEMBER | 57, ['6'] = MEMBER | 58, ['7'] = MEMBER | 59, ['8'] = MEMBER | 60, ['9'] = MEMBER | 61, ['+'] = MEMBER | 62, ['/'] = MEMBER | 63,
};

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

/* Whole quanta without anything between them, as nearly all of a body is: how many bytes of input. */
static size_t decode_quanta(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out, size_t *made)
{
	size_t i = 0;
	uint8_t *o = out + *made;
	for (; n - i >= 4; i += 4, o += 3) {
		uint32_t a = sextets[in[i]], b = sextets[in[i + 1]], c = sextets[in[i + 2]], d = sextets[in[i + 3]];
		if (!(a & b & c & d & MEMBER))
			break;
		uint32_t v = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
		o[0] = (uint8_t)(v >> 16);
		o[1] = (uint8_t)(v >> 8);
		o[2] = (uint8_t)v;
	}
	t->valid += i;
	*made = (size_t)(o - out);
	return i;
}

static size_t take_padding(struct transfer *t, uint8_t *out)
{
	if (t->reading == TRANSFER_THROUGH_PADDING)
		return 0;
	t->padded = true;
	t->ended = t->reading == TRANSFER_UNTIL_PADDING;
	return t->held > 1 ? flush_sextets(t, out) : 0;
}

static size_t take_junk(struct transfer *t, uint8_t c, uint8_t *out)
{
	if (c == '-' || c == '_') {
		t->doubts |= DOUBT(TRANSFER_URL_ALPHABET);
		if (t->reading == TRANSFER_URL_ALPHABET)
			return put_sextet(t, c == '-' ? 62 : 63, out);
	}
	if (t->junk++ == 0)
		t->before_junk = t->valid;
	t->ended = t->reading == TRANSFER_UNTIL_JUNK;
	return 0;
}

static size_t decode_base64(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t made = 0;
	for (size_t i = 0; i < n && !t->ended; i++) {
		if (t->held == 0 && !t->padded)
			i += decode_quanta(t, in + i, n - i, out, &made);
		if (i >= n)
			break;
		uint8_t c = in[i];
		if (sextets[c])
			made += put_sextet(t, sextets[c] & 63, out + made);
		else if (c == '=')
			made += take_padding(t, out + made);
		else if (c != '\r' && c != '\n' && c != ' ' && c != '\t')
			made += take_junk(t, c, out + made);
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

/* Text without any escape, up to one or to the `last` byte: blanks at the ends of lines are noted, and dropped by who does that. */
static size_t copy_plain(struct transfer *t, const uint8_t *in, size_t n, bool last, uint8_t *out)
{
	size_t made = 0, at = 0;
	while (at < n) {
		const uint8_t *line_end = memchr(in + at, '\n', n - at);
		size_t next = line_end ? (size_t)(line_end - in) + 1 : n, text = next, kept;
		bool ends = line_end || last;
		while (ends && text > at && (in[text - 1] == '\n' || in[text - 1] == '\r'))
			text--;
		for (kept = text; ends && kept > at && (in[kept - 1] == ' ' || in[kept - 1] == '\t');)
			kept--;
		if (kept < text)
			t->doubts |= DOUBT(TRANSFER_NO_BLANK_ENDS);
		if (t->reading != TRANSFER_NO_BLANK_ENDS)
			kept = text;
		memcpy(out + made, in + at, kept - at);
		memcpy(out + made + (kept - at), in + text, next - text);
		made += kept - at + (next - text);
		at = next;
	}
	return made;
}

/* A "=" at in[0] that is no escape: how many bytes were read. */
static size_t take_lone_escape(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out, size_t *made)
{
	t->junk++;
	t->doubts |= DOUBT(TRANSFER_NO_LONE_ESCAPE);
	if (t->reading == TRANSFER_NO_LONE_ESCAPE)
		return n > 1 && in[1] == '\r' ? 2 : 1;
	out[(*made)++] = in[0];
	return 1;
}

static size_t take_escape(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out, size_t *made)
{
	int high = n > 2 ? hex_digit(in[1]) : -1, low = n > 2 ? hex_digit(in[2]) : -1;
	if (high >= 0 && low >= 0) {
		out[(*made)++] = (uint8_t)(high << 4 | low);
		return 3;
	}
	size_t soft = soft_break(in, n);
	if (soft && n > 1 && (in[1] == ' ' || in[1] == '\t')) {
		t->doubts |= DOUBT(TRANSFER_STRICT_BREAKS);
		if (t->reading == TRANSFER_STRICT_BREAKS)
			soft = 0;
	}
	return soft ? soft : take_lone_escape(t, in, n, out, made);
}

static size_t decode_quoted_printable(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t made = 0, i = 0;
	while (i < n) {
		const uint8_t *escape = memchr(in + i, '=', n - i);
		size_t plain = escape ? (size_t)(escape - in) - i : n - i;
		made += copy_plain(t, in + i, plain, !escape, out + made);
		i += plain;
		if (escape)
			i += take_escape(t, in + i, n - i, out, &made);
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

size_t transfer_end(struct transfer *t, uint8_t *out)
{
	if (t->encoding != TRANSFER_BASE64 || t->held < 2)
		return 0;
	t->doubts |= DOUBT(TRANSFER_WITHOUT_TAIL);
	return t->reading == TRANSFER_WITHOUT_TAIL ? 0 : flush_sextets(t, out);
}

unsigned transfer_doubts(const struct transfer *t)
{
	unsigned doubts = t->doubts;
	if (t->encoding != TRANSFER_BASE64)
		return doubts;
	if (t->after_padding > 0)
		doubts |= DOUBT(TRANSFER_UNTIL_PADDING) | DOUBT(TRANSFER_THROUGH_PADDING);
	if (t->junk > 0 && t->valid > t->before_junk)
		doubts |= DOUBT(TRANSFER_UNTIL_JUNK);
	return doubts;
}

bool transfer_failed(const struct transfer *t)
{
	if (t->encoding != TRANSFER_BASE64)
		return false;
	return t->held == 1 || t->junk > t->valid / 4;
}
