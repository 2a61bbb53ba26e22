/* edit_stream.c - the edited mail as a stream of bytes.
 *
 * The mail is a row of segments: the new fields in memory, then the ranges of
 * the file that are kept.  Bytes are read straight into the caller's buffer and
 * only moved there when a line end or a leading dot wants an extra byte, so
 * that a mail which needs no change costs one read and one look at each line.
 * A bare LF of the source becomes CRLF under EDIT_CRLF (stored mails have LF
 * line ends, and no hop must ever see a bare one); a bare CR is left alone. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/io.h"
#include "mail/edit_private.h"
#include "mail/line_scan.h"

#define SURVEY_BLOCK 65536
#define SPILL_SIZE 64
#define ROOM_MIN 16	/* below this a read goes by the spill, so that an extra byte always has a place */

struct segment {
	const char *memory;	/* NULL: in the file */
	uint64_t offset, length;
};

struct edit_stream {
	int fd;
	bool crlf, stuff;
	unsigned count;
	struct segment *segments;
	unsigned current;
	uint64_t at;		/* within the current segment */
	bool line_start;	/* the next source byte begins a line */
	bool after_cr;		/* the source byte before was CR */
	bool held_cr;		/* EDIT_LF: a CR was read and not yet given out */
	unsigned spill_at, spill_end;
	char spill[SPILL_SIZE];
	bool surveyed, eight_bit;
	uint64_t size_bytes;
};

static void add_segment(struct edit_stream *s, const char *memory, uint64_t offset, uint64_t length)
{
	if (length == 0)
		return;
	s->segments = talloc_realloc(s, s->segments, struct segment, s->count + 1);
	s->segments[s->count++] = (struct segment){ memory, offset, length };
}

/* Everything between removed and replaced fields, whatever it is, is kept. */
static void add_kept_ranges(struct edit_stream *s, uint64_t size, const struct header *h, const struct edit_list *l)
{
	uint64_t kept_from = 0;

	for (unsigned i = 0; h && l && (l->remove_count || l->replacement_count) && i < h->count; i++) {
		const struct header_field *f = &h->fields[i];
		bool removed = edit_list_removes(l, h, f);
		const struct edit_replacement *r = removed ? NULL : edit_list_replacement(l, f);

		if (f->offset < kept_from || f->offset + f->length > size || (!removed && !r))
			continue;
		add_segment(s, NULL, kept_from, f->offset - kept_from);
		if (r)
			add_segment(s, talloc_memdup(s, r->field, r->n), 0, r->n);
		kept_from = f->offset + f->length;
	}
	add_segment(s, NULL, kept_from, size - kept_from);
}

struct edit_stream *edit_stream_open(void *owner, int fd, uint64_t size, const struct header *h, const struct edit_list *l,
	enum edit_eol eol, bool dot_stuff)
{
	struct edit_stream *s = talloc_zero(owner, struct edit_stream);

	s->fd = fd;
	s->crlf = eol == EDIT_CRLF;
	s->stuff = dot_stuff;
	s->line_start = true;
	if (l) {
		const char *prepended = talloc_strdup(s, l->prepended);

		add_segment(s, prepended, 0, strlen(prepended));
	}
	add_kept_ranges(s, size, h, l);
	return s;
}

/* Source bytes of one segment, as they are. 0 or -1/errno. */
static int fetch(const struct edit_stream *s, const struct segment *g, uint64_t at, char *out, size_t n)
{
	if (g->memory) {
		memcpy(out, g->memory + at, n);
		return 0;
	}
	return io_pread_full(s->fd, out, n, (off_t)(g->offset + at));
}

static void advance(struct edit_stream *s, size_t n)
{
	s->at += n;
	if (s->at == s->segments[s->current].length) {
		s->current++;
		s->at = 0;
	}
}

/* How many bytes would have to be put into p[0..n)? */
static size_t count_inserts(const struct edit_stream *s, const char *p, size_t n)
{
	size_t inserts = 0, at = 0;
	const char *lf;

	if (s->stuff && s->line_start && n > 0 && p[0] == '.')
		inserts++;
	while (at < n && (lf = memchr(p + at, '\n', n - at)) != NULL) {
		at = (size_t)(lf - p) + 1;
		if (s->crlf && !(at > 1 ? lf[-1] == '\r' : s->after_cr))
			inserts++;
		if (s->stuff && at < n && lf[1] == '.')
			inserts++;
	}
	return inserts;
}

/* Put them in: the source is moved up by as many bytes as will be inserted, then written down line by line. */
static size_t insert_bytes(const struct edit_stream *s, char *p, size_t n, size_t inserts)
{
	const char *from = memmove(p + inserts, p, n), *end = from + n;
	bool line_start = s->line_start, after_cr = s->after_cr;
	char *to = p;

	while (from < end) {
		const char *lf = memchr(from, '\n', (size_t)(end - from));
		size_t line = (size_t)((lf ? lf : end) - from);

		if (s->stuff && line_start && *from == '.')
			*to++ = '.';
		if (line > 0)
			after_cr = from[line - 1] == '\r';
		memmove(to, from, line);
		to += line;
		from += line;
		if (!lf)
			break;
		if (s->crlf && !after_cr)
			*to++ = '\r';
		*to++ = '\n';
		from++;
		line_start = true;
		after_cr = false;
	}
	return (size_t)(to - p);
}

static bool needs_no_insert(const struct edit_stream *s, const char *p, size_t n)
{
	struct line_scan seen = line_scan(p, n, s->line_start ? '\n' : s->after_cr ? '\r' : ' ');

	return !(s->crlf && seen.bare_lf) && !(s->stuff && seen.leading_dot);
}

/* Extra bytes where they are needed. Returns the bytes now in p and sets *taken to the source bytes they stand for. */
static size_t transform(struct edit_stream *s, char *p, size_t n, size_t room, size_t *taken)
{
	size_t inserts = needs_no_insert(s, p, n) ? 0 : count_inserts(s, p, n), made;
	char last;

	if (n + inserts > room) {
		/* fewer source bytes never need more inserts, and no byte needs two */
		n = inserts < n / 2 ? n - inserts : n / 2;
		inserts = count_inserts(s, p, n);
	}
	last = p[n - 1];
	made = inserts ? insert_bytes(s, p, n, inserts) : n;
	s->line_start = last == '\n';
	s->after_cr = last == '\r';
	*taken = n;
	return made;
}

/* Next bytes under EDIT_CRLF. room >= ROOM_MIN. */
static ssize_t produce_crlf(struct edit_stream *s, char *out, size_t room)
{
	const struct segment *g = &s->segments[s->current];
	size_t n = g->length - s->at < room ? (size_t)(g->length - s->at) : room;
	size_t taken, made;

	if (fetch(s, g, s->at, out, n) < 0)
		return -1;
	made = transform(s, out, n, room, &taken);
	advance(s, taken);
	return (ssize_t)made;
}

/* Drop each CR that stands before LF; one at the very end is held until its neighbour is known. */
static size_t strip_cr(struct edit_stream *s, char *p, size_t n)
{
	char *to = p;
	const char *from = p, *end = p + n, *cr;

	while ((cr = memchr(from, '\r', (size_t)(end - from))) != NULL) {
		size_t before = (size_t)(cr - from);

		memmove(to, from, before);
		to += before;
		from = cr + 1;
		if (from == end)
			s->held_cr = true;
		else if (*from != '\n')
			*to++ = '\r';
		if (from == end)
			return (size_t)(to - p);
	}
	memmove(to, from, (size_t)(end - from));
	return (size_t)(to - p) + (size_t)(end - from);
}

/* Next bytes under EDIT_LF. room >= ROOM_MIN; may be 0 when all there was is a held CR. */
static ssize_t produce_lf(struct edit_stream *s, char *out, size_t room)
{
	const struct segment *g = &s->segments[s->current];
	size_t most = room / (s->stuff ? 2 : 1) - 1;
	size_t n = g->length - s->at < most ? (size_t)(g->length - s->at) : most;
	size_t held = 0, made, taken;

	if (fetch(s, g, s->at, out + 1, n) < 0)
		return -1;
	if (s->held_cr && out[1] != '\n') {
		out[0] = '\r';
		held = 1;
	} else {
		memmove(out, out + 1, n);
	}
	s->held_cr = false;
	made = held + strip_cr(s, out + held, n);
	if (made > 0)
		made = transform(s, out, made, room, &taken);
	advance(s, n);
	return (ssize_t)made;
}

static ssize_t produce(struct edit_stream *s, char *out, size_t room)
{
	if (s->current < s->count)
		return s->crlf ? produce_crlf(s, out, room) : produce_lf(s, out, room);
	out[0] = '\r';
	s->held_cr = false;
	return 1;
}

static bool more(const struct edit_stream *s)
{
	return s->current < s->count || s->held_cr;
}

static int fill_spill(struct edit_stream *s)
{
	ssize_t n = produce(s, s->spill, SPILL_SIZE);

	if (n < 0)
		return -1;
	s->spill_at = 0;
	s->spill_end = (unsigned)n;
	return 0;
}

static size_t take_spill(struct edit_stream *s, char *out, size_t n)
{
	size_t there = s->spill_end - s->spill_at;

	if (there < n)
		n = there;
	memcpy(out, s->spill + s->spill_at, n);
	s->spill_at += (unsigned)n;
	return n;
}

ssize_t edit_stream_read(struct edit_stream *s, void *buffer, size_t n)
{
	char *out = buffer;
	size_t total = 0;

	while (total < n) {
		ssize_t got;

		if (s->spill_at < s->spill_end) {
			total += take_spill(s, out + total, n - total);
			continue;
		}
		if (!more(s))
			break;
		if (n - total < ROOM_MIN) {
			if (fill_spill(s) < 0)
				return -1;
			continue;
		}
		got = produce(s, out + total, n - total);
		if (got < 0)
			return -1;
		total += (size_t)got;
	}
	return (ssize_t)total;
}

/* Line ends of the other kind, each of which changes the size by one. */
static uint64_t count_odd_line_ends(bool crlf, bool after_cr, const char *p, size_t n)
{
	uint64_t with_cr = 0, bare = 0;
	const char *at = p, *end = p + n, *lf;

	while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (lf > p ? lf[-1] == '\r' : after_cr)
			with_cr++;
		else
			bare++;
		at = lf + 1;
	}
	return crlf ? bare : with_cr;
}

/* One look at every source byte; a read error shows again, and counts, when the stream is read. */
static void survey(struct edit_stream *s)
{
	char *block = talloc_array(s, char, SURVEY_BLOCK);
	uint64_t source = 0, odd = 0;
	bool after_cr = false;

	for (unsigned i = 0; i < s->count; i++) {
		const struct segment *g = &s->segments[i];

		for (uint64_t at = 0; at < g->length;) {
			size_t n = g->length - at < SURVEY_BLOCK ? (size_t)(g->length - at) : SURVEY_BLOCK;
			struct line_scan seen;

			if (fetch(s, g, at, block, n) < 0)
				break;
			seen = line_scan(block, n, after_cr ? '\r' : ' ');
			s->eight_bit = s->eight_bit || seen.eight_bit;
			if (!s->crlf || seen.bare_lf)
				odd += count_odd_line_ends(s->crlf, after_cr, block, n);
			after_cr = block[n - 1] == '\r';
			at += n;
		}
		source += g->length;
	}
	s->size_bytes = s->crlf ? source + odd : source - odd;
	s->surveyed = true;
	talloc_free(block);
}

uint64_t edit_stream_size(struct edit_stream *s)
{
	if (!s->surveyed)
		survey(s);
	return s->size_bytes;
}

bool edit_stream_has_8bit(struct edit_stream *s)
{
	if (!s->surveyed)
		survey(s);
	return s->eight_bit;
}
