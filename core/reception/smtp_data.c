/* smtp_data.c - the reader of mail bytes; a pure state machine without I/O. */
#include "config.h"
#include "reception/smtp_data.h"

#include <string.h>

enum {
	STATE_LINE_START,	/* after a received CRLF, or at the very start */
	STATE_DOT,		/* CRLF "." */
	STATE_DOT_CR,		/* CRLF "." CR */
	STATE_TEXT,
	STATE_CR		/* pending_cr CRs, not preceded by CRLF "." */
};

/* Bounds the look-ahead, so that a mail of nothing but LFs costs no square of its length. */
#define WINDOW 1024

static const uint8_t crlf[2] = { '\r', '\n' };

void data_reader_start(struct data_reader *r, bool dots)
{
	memset(r, 0, sizeof *r);
	r->dots = dots;
	r->state = dots ? STATE_LINE_START : STATE_TEXT;
}

/* From a line start: the bytes of whole lines that need no change. */
static size_t clean_lines(const uint8_t *in, size_t n)
{
	const uint8_t *p = in, *end = in + n;
	while (p < end && *p != '.') {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL || lf == p || lf[-1] != '\r' || memchr(p, '\r', (size_t)(lf - 1 - p)) != NULL)
			break;
		p = lf + 1;
	}
	return (size_t)(p - in);
}

/* Within a line: the bytes before the next CR or LF. */
static size_t clean_text(const uint8_t *in, size_t n)
{
	if (n > WINDOW)
		n = WINDOW;
	const uint8_t *cr = memchr(in, '\r', n);
	if (cr != NULL)
		n = (size_t)(cr - in);
	const uint8_t *lf = memchr(in, '\n', n);
	return lf != NULL ? (size_t)(lf - in) : n;
}

static void flush_bare_crs(struct data_reader *r, data_sink *sink, void *user)
{
	for (; r->pending_cr > 0; r->pending_cr--) {
		r->bare_cr = true;
		sink(user, crlf, sizeof crlf);
	}
}

static void line_end(struct data_reader *r, data_sink *sink, void *user)
{
	if (r->pending_cr == 0)
		r->bare_lf = true;
	else if (r->pending_cr > 1)
		r->bare_cr = true;
	r->state = r->pending_cr > 0 && r->dots ? STATE_LINE_START : STATE_TEXT;
	r->pending_cr = 0;
	sink(user, crlf, sizeof crlf);
}

static void text_byte(struct data_reader *r, uint8_t c, data_sink *sink, void *user)
{
	if (c == '\r') {
		r->pending_cr++;
		r->state = STATE_CR;
		return;
	}
	if (c == '\n') {
		line_end(r, sink, user);
		return;
	}
	flush_bare_crs(r, sink, user);
	r->state = STATE_TEXT;
	sink(user, &c, 1);
}

/* true: that was the end of data */
static bool step(struct data_reader *r, uint8_t c, data_sink *sink, void *user)
{
	if (r->state == STATE_LINE_START && c == '.') {
		r->state = STATE_DOT;
		return false;
	}
	if (r->state == STATE_DOT && c == '\r') {
		r->state = STATE_DOT_CR;
		return false;
	}
	if (r->state == STATE_DOT_CR) {
		if (c == '\n')
			return true;
		r->pending_cr = 1;
		r->state = STATE_CR;
	}
	text_byte(r, c, sink, user);
	return false;
}

static size_t clean_run(const struct data_reader *r, const uint8_t *in, size_t n)
{
	if (r->state == STATE_LINE_START)
		return clean_lines(in, n);
	return r->state == STATE_TEXT ? clean_text(in, n) : 0;
}

size_t data_reader_feed(struct data_reader *r, const uint8_t *in, size_t n, bool *ended, data_sink *sink, void *user)
{
	size_t i = 0;
	*ended = false;
	while (i < n && !*ended) {
		size_t run = clean_run(r, in + i, n - i);
		if (run > 0) {
			sink(user, in + i, run);
			i += run;
		} else {
			*ended = step(r, in[i++], sink, user);
		}
	}
	return i;
}

void data_reader_finish(struct data_reader *r, data_sink *sink, void *user)
{
	flush_bare_crs(r, sink, user);
	r->state = STATE_TEXT;
}
