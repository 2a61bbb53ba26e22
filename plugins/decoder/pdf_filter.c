/* pdf_filter.c - see pdf_filter.h. Each stage pushes what it makes into the next one. */
#include "pdf_filter.h"

#include <stdlib.h>
#include <zlib.h>

#define PIECE_BYTES 8192
#define ROW_MAX_BYTES (1u << 20)
#define LZW_CODES 4096
#define LZW_CLEAR 256
#define LZW_END 257
#define LOOK_EVERY_BYTES (1u << 20)	/* the sink is asked whether to go on, though nothing may come out at the end */

struct stage {
	bool (*write)(struct stage *s, const uint8_t *data, size_t n);	/* false: stop */
	bool (*finish)(struct stage *s);
	void (*clear)(struct stage *s);
	struct stage *next, *last;
	size_t passed;			/* bytes, since the sink was asked */
	const struct pdf_filter *filter;
	struct pdf_sink sink;		/* of the last */
	bool damaged, ended;
	/* what a stage keeps between two writes */
	z_stream z;
	bool inflating, raw;
	uint32_t bits;
	unsigned bit_count;
	struct lzw *lzw;
	uint8_t *row, *above;
	size_t row_bytes, row_at;
	uint8_t out[PIECE_BYTES];
	size_t out_n;
};

static bool pass(struct stage *s, const uint8_t *data, size_t n)
{
	s->passed += n;
	if (s->passed >= LOOK_EVERY_BYTES) {
		s->passed = 0;
		if (!s->last->write(s->last, data, 0))
			return false;
	}
	return n == 0 || s->next->write(s->next, data, n);
}

static bool flush(struct stage *s)
{
	size_t n = s->out_n;
	s->out_n = 0;
	return pass(s, s->out, n);
}

static bool put(struct stage *s, uint8_t byte)
{
	s->out[s->out_n++] = byte;
	return s->out_n < PIECE_BYTES || flush(s);
}

static bool write_sink(struct stage *s, const uint8_t *data, size_t n)
{
	return s->sink.write(s->sink.context, data, n);
}

/* --- Flate: without its header where that is wrong, its checksum not asked for, as viewers do --- */

static bool begin_inflate(struct stage *s)
{
	if (s->inflating)
		inflateEnd(&s->z);
	s->z = (z_stream){ 0 };
	s->inflating = inflateInit2(&s->z, s->raw ? -MAX_WBITS : MAX_WBITS) == Z_OK;
	if (s->inflating && !s->raw)
		inflateValidate(&s->z, 0);
	return s->inflating;
}

static bool inflate_piece(struct stage *s, int *r)
{
	s->z.next_out = s->out;
	s->z.avail_out = PIECE_BYTES;
	*r = inflate(&s->z, Z_NO_FLUSH);
	return pass(s, s->out, PIECE_BYTES - s->z.avail_out);
}

static bool write_flate(struct stage *s, const uint8_t *data, size_t n)
{
	int r = Z_OK;
	if (s->ended)
		return true;
	if (!s->inflating && !begin_inflate(s))
		return false;
	s->z.next_in = (Bytef *)(uintptr_t)data;
	s->z.avail_in = (uInt)n;
	do {
		if (!inflate_piece(s, &r))
			return false;
	} while (r == Z_OK && (s->z.avail_in > 0 || s->z.avail_out == 0));
	if (r == Z_DATA_ERROR && s->z.total_out == 0 && !s->raw && n > 2) {
		s->raw = true;
		return begin_inflate(s) && write_flate(s, data + 2, n - 2);
	}
	s->ended = r == Z_STREAM_END || (r != Z_OK && r != Z_BUF_ERROR);
	s->damaged |= s->ended && r != Z_STREAM_END;
	return true;
}

static bool finish_flate(struct stage *s)
{
	s->damaged |= !s->ended;
	return true;
}

static void clear_flate(struct stage *s)
{
	if (s->inflating)
		inflateEnd(&s->z);
}

/* --- LZW: codes of 9 to 12 bits, high bits first --- */

struct lzw {
	uint16_t prefix[LZW_CODES];
	uint8_t last[LZW_CODES];
	uint16_t length[LZW_CODES];
	unsigned next, width, before;	/* before: the last code, LZW_CLEAR: none */
	uint8_t text[LZW_CODES + 1];
};

static void lzw_clear(struct lzw *l)
{
	l->next = LZW_END + 1;
	l->width = 9;
	l->before = LZW_CLEAR;
}

/* The text of a code, backwards into the end of text. */
static const uint8_t *lzw_expand(struct lzw *l, unsigned code, size_t *n)
{
	*n = code < LZW_CLEAR ? 1 : l->length[code];
	for (size_t i = *n; i > 1; i--, code = l->prefix[code])
		l->text[i - 1] = l->last[code];
	l->text[0] = (uint8_t)code;
	return l->text;
}

static void lzw_add(struct lzw *l, uint8_t byte)
{
	if (l->next >= LZW_CODES)
		return;
	l->prefix[l->next] = (uint16_t)l->before;
	l->last[l->next] = byte;
	l->length[l->next] = (uint16_t)((l->before < LZW_CLEAR ? 1 : l->length[l->before]) + 1);
	l->next++;
}

/* false: stop; *end: the last code, or one that cannot be. */
static bool lzw_code(struct stage *s, unsigned code)
{
	struct lzw *l = s->lzw;
	size_t n;
	bool known = code < l->next && code != LZW_CLEAR && code != LZW_END;
	bool self = code == l->next && l->before != LZW_CLEAR && code < LZW_CODES;
	if (!known && !self) {
		s->ended = s->damaged = true;
		return true;
	}
	if (self) {
		lzw_expand(l, l->before, &n);
		lzw_add(l, l->text[0]);
	}
	const uint8_t *text = lzw_expand(l, code, &n);
	if (!self && l->before != LZW_CLEAR)
		lzw_add(l, text[0]);
	l->before = code;
	while (l->width < 12 && l->next + (s->filter->late_change ? 0 : 1) >= 1u << l->width)
		l->width++;
	return pass(s, text, n);
}

static bool write_lzw(struct stage *s, const uint8_t *data, size_t n)
{
	struct lzw *l = s->lzw;
	bool good = true;
	for (size_t i = 0; i < n && good && !s->ended; i++) {
		s->bits = s->bits << 8 | data[i];
		s->bit_count += 8;
		if (s->bit_count < l->width)
			continue;
		s->bit_count -= l->width;
		unsigned code = s->bits >> s->bit_count & ((1u << l->width) - 1);
		if (code == LZW_CLEAR)
			lzw_clear(l);
		else if (code == LZW_END)
			s->ended = true;
		else
			good = lzw_code(s, code);
	}
	return good;
}

/* --- ASCII85: four bytes in five digits --- */

static bool put_group(struct stage *s, unsigned digits)
{
	uint64_t value = s->bits;
	bool good = true;
	for (unsigned i = digits; i < 5; i++)
		value = value * 85 + 84;
	for (unsigned i = 0; i + 1 < digits && good; i++)
		good = put(s, (uint8_t)(value >> (24 - 8 * i)));
	s->bits = s->bit_count = 0;
	return good;
}

static bool write_ascii85(struct stage *s, const uint8_t *data, size_t n)
{
	bool good = true;
	for (size_t i = 0; i < n && good && !s->ended; i++) {
		uint8_t c = data[i];
		if (c == '~') {		/* "~>"; in front of it all, as elsewhere, "<~" is none to most */
			s->ended = true;
			s->damaged |= i + 1 < n && data[i + 1] != '>' && data[i + 1] > ' ';
		} else if (c == 'z' && s->bit_count == 0) {
			for (int k = 0; k < 4 && good; k++)
				good = put(s, 0);
		} else if (c >= '!' && c <= 'u') {
			s->bits = s->bits * 85 + (c - '!');
			if (++s->bit_count == 5)
				good = put_group(s, 5);
		} else if (c > ' ' && c < 0x7f) {
			s->damaged = true;
		}
	}
	return good;
}

static bool finish_ascii85(struct stage *s)
{
	return put_group(s, s->bit_count) && flush(s);
}

/* --- hexadecimal --- */

static bool write_hex(struct stage *s, const uint8_t *data, size_t n)
{
	bool good = true;
	for (size_t i = 0; i < n && good && !s->ended; i++) {
		uint8_t c = data[i];
		int digit = hex_digit(c);
		s->ended = c == '>';
		s->damaged |= digit < 0 && c > ' ' && c != '>';
		if (digit < 0)
			continue;
		s->bits = s->bits << 4 | (uint32_t)digit;
		if (++s->bit_count % 2 == 0)
			good = put(s, (uint8_t)s->bits);
	}
	return good;
}

static bool finish_hex(struct stage *s)
{
	return (s->bit_count % 2 == 0 || put(s, (uint8_t)(s->bits << 4))) && flush(s);
}

/* --- run length: bits holds what is left of a run, bit_count how many bytes are --- */

enum run { RUN_NONE = 0, RUN_LITERAL = 1, RUN_REPEAT = 2 };

static bool write_run_length(struct stage *s, const uint8_t *data, size_t n)
{
	bool good = true;
	for (size_t i = 0; i < n && good && !s->ended; i++) {
		if (s->bits == RUN_LITERAL) {
			good = put(s, data[i]);
			s->bits = --s->bit_count > 0 ? RUN_LITERAL : RUN_NONE;
		} else if (s->bits == RUN_REPEAT) {
			for (; s->bit_count > 0 && good; s->bit_count--)
				good = put(s, data[i]);
			s->bits = RUN_NONE;
		} else if (data[i] == 128) {
			s->ended = true;
		} else {
			s->bits = data[i] < 128 ? RUN_LITERAL : RUN_REPEAT;
			s->bit_count = data[i] < 128 ? data[i] + 1u : 257u - data[i];
		}
	}
	return good;
}

static bool finish_plain(struct stage *s)
{
	return flush(s);
}

/* --- predictors: rows, each told as the difference to what is left of and above it --- */

static uint8_t paeth(int a, int b, int c)
{
	int p = a + b - c, pa = p > a ? p - a : a - p, pb = p > b ? p - b : b - p, pc = p > c ? p - c : c - p;
	return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

static void undo_png_row(struct stage *s, size_t step)
{
	uint8_t *row = s->row + 1;
	const uint8_t *above = s->above + 1;
	for (size_t i = 0; i < s->row_bytes; i++) {
		uint8_t a = i >= step ? row[i - step] : 0, b = above[i], c = i >= step ? above[i - step] : 0;
		switch (s->row[0]) {
		case 1: row[i] = (uint8_t)(row[i] + a); break;
		case 2: row[i] = (uint8_t)(row[i] + b); break;
		case 3: row[i] = (uint8_t)(row[i] + (a + b) / 2); break;
		case 4: row[i] = (uint8_t)(row[i] + paeth(a, b, c)); break;
		default: break;
		}
	}
}

static bool end_row(struct stage *s)
{
	const struct pdf_filter *f = s->filter;
	size_t step = (f->colors * f->bits + 7) / 8, tag = f->predictor >= 10;
	if (tag)
		undo_png_row(s, step);
	else
		for (size_t i = step; i < s->row_bytes; i++)
			s->row[i] = (uint8_t)(s->row[i] + s->row[i - step]);
	bool good = pass(s, s->row + tag, s->row_at > tag ? s->row_at - tag : 0);
	uint8_t *old = s->above;
	s->above = s->row;
	s->row = old;
	memset(s->row, 0, s->row_bytes + 1);
	s->row_at = 0;
	return good;
}

static bool write_rows(struct stage *s, const uint8_t *data, size_t n)
{
	size_t whole = s->row_bytes + (s->filter->predictor >= 10);
	bool good = true;
	while (n > 0 && good) {
		size_t piece = whole - s->row_at < n ? whole - s->row_at : n;
		memcpy(s->row + s->row_at, data, piece);
		s->row_at += piece;
		data += piece;
		n -= piece;
		if (s->row_at == whole)
			good = end_row(s);
	}
	return good;
}

static bool finish_rows(struct stage *s)
{
	return s->row_at == 0 || end_row(s);
}

/* --- all of them --- */

/* NULL: no memory. */
static struct stage *new_stage(const struct pdf_filter *f, struct stage *next)
{
	struct stage *s = next || !f ? calloc(1, sizeof *s) : NULL;
	if (!s)
		return NULL;
	s->filter = f;
	s->next = next;
	s->last = next ? next->last : s;
	s->finish = finish_plain;
	return s;
}

static void free_stages(struct stage *s)
{
	while (s) {
		struct stage *next = s->next;
		if (s->clear)
			s->clear(s);
		free(s->lzw);
		free(s->row);
		free(s->above);
		free(s);
		s = next;
	}
}

static struct stage *new_predictor(const struct pdf_filter *f, struct stage *next)
{
	struct stage *s = new_stage(f, next);
	if (!s)
		return NULL;
	s->row_bytes = ((size_t)f->colors * f->bits * f->columns + 7) / 8;
	s->row = calloc(1, s->row_bytes + 1);
	s->above = calloc(1, s->row_bytes + 1);
	s->write = write_rows;
	s->finish = finish_rows;
	return s;
}

/* Sane, and one that is undone here: PNG's, TIFF's of whole bytes. */
static bool predictor_is_known(const struct pdf_filter *f)
{
	bool sane = f->colors >= 1 && f->colors <= 32 && f->bits >= 1 && f->bits <= 16 && f->columns >= 1
		&& (uint64_t)f->colors * f->bits * f->columns / 8 <= ROW_MAX_BYTES;
	return sane && (f->predictor >= 10 || (f->predictor == 2 && f->bits == 8));
}

static void set_kind(struct stage *s)
{
	static bool (*const writes[])(struct stage *s, const uint8_t *data, size_t n) = {
		[PDF_FLATE] = write_flate, [PDF_LZW] = write_lzw, [PDF_ASCII85] = write_ascii85, [PDF_HEX] = write_hex, [PDF_RUN_LENGTH] = write_run_length,
	};
	s->write = writes[s->filter->kind];
	if (s->filter->kind == PDF_FLATE) {
		s->finish = finish_flate;
		s->clear = clear_flate;
	} else if (s->filter->kind == PDF_ASCII85) {
		s->finish = finish_ascii85;
	} else if (s->filter->kind == PDF_HEX) {
		s->finish = finish_hex;
	} else if (s->filter->kind == PDF_LZW && (s->lzw = calloc(1, sizeof *s->lzw))) {
		lzw_clear(s->lzw);
	}
}

static bool is_complete(const struct stage *s)
{
	return s && (s->write != write_rows || (s->row && s->above)) && (s->write != write_lzw || s->lzw);
}

/* In front of the others; *good turns false where memory lacks. */
static struct stage *add_stage(const struct pdf_filter *f, struct stage *next, bool *unknown, bool *good)
{
	if (f->predictor > 1 && (f->kind == PDF_FLATE || f->kind == PDF_LZW)) {
		struct stage *p = predictor_is_known(f) ? new_predictor(f, next) : NULL;
		*unknown |= !p;
		*good &= !p || is_complete(p);
		next = p ? p : next;
	}
	struct stage *s = new_stage(f, next);
	if (s)
		set_kind(s);
	*good &= is_complete(s);
	return s ? s : next;
}

enum pdf_filtered pdf_filter(struct span raw, const struct pdf_filters *filters, struct pdf_sink sink)
{
	struct stage *last = new_stage(NULL, NULL), *first = last;
	bool damaged = filters->unknown, good = last;
	if (!last)
		return PDF_STOPPED;
	last->write = write_sink;
	last->sink = sink;
	for (unsigned i = filters->count; i > 0; i--)
		first = add_stage(&filters->each[i - 1], first, &damaged, &good);
	good = good && (raw.n == 0 || first->write(first, raw.at, raw.n));
	for (struct stage *s = first; s != last; s = s->next) {
		good = good && s->finish(s);
		damaged |= s->damaged;
	}
	free_stages(first);
	return !good ? PDF_STOPPED : damaged ? PDF_DAMAGED : PDF_WHOLE;
}
