/* zip_shape.c - see zip_shape.h. Reads the structure only (APPNOTE.TXT 4.3), never a member's content. */
#include "zip_shape.h"

#include <stdlib.h>
#include <string.h>

#define END_BYTES 22
#define END64_BYTES 56
#define LOCATOR64_BYTES 20
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define ENTRIES_MAX 1000000
#define END_TRIES_MAX 1000	/* each may look through 64 KiB for what belongs to it */
#define GAP_BYTES 64		/* more than the sizes of a member that are told behind it */
#define FLAG_ENCRYPTED 1
#define FLAG_STREAMED 8		/* sizes and checksum stand behind the content */
#define UNKNOWN32 0xffffffffu

struct bytes { const uint8_t *at; size_t n; };

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16; }
static uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32; }

static bool fits(struct bytes b, uint64_t at, uint64_t length)
{
	return at <= b.n && length <= b.n - at;
}

static bool is_record(struct bytes b, uint64_t at, const char *signature, size_t length)
{
	return fits(b, at, length) && memcmp(b.at + at, signature, 4) == 0;
}

static const uint8_t *find(struct bytes b, size_t from, size_t to, const char *signature)
{
	return from < to && to <= b.n ? memmem(b.at + from, to - from, signature, 4) : NULL;
}

/* --- end records --- */

struct directory {
	size_t end;			/* behind its end record, without the comment */
	size_t at, length;
	size_t base;			/* what offsets are counted from: what was put in front of the archive */
};

/* The 64-bit record in front of an end record whose numbers do not fit. */
static void read_end64(struct bytes b, size_t end_at, uint64_t *length, uint64_t *offset, size_t *ends_at)
{
	if (end_at < LOCATOR64_BYTES || !is_record(b, end_at - LOCATOR64_BYTES, "PK\6\7", LOCATOR64_BYTES))
		return;
	size_t below = end_at - LOCATOR64_BYTES;
	size_t from = below > END64_BYTES + 65536 ? below - END64_BYTES - 65536 : 0;
	for (size_t at = below; at-- > from;)
		if (is_record(b, at, "PK\6\6", END64_BYTES)) {
			*length = get64(b.at + at + 40);
			*offset = get64(b.at + at + 48);
			*ends_at = at;
			return;
		}
}

static bool read_end(struct bytes b, size_t at, struct directory *out)
{
	if (!is_record(b, at, "PK\5\6", END_BYTES))
		return false;
	const uint8_t *p = b.at + at;
	uint64_t length = get32(p + 12), offset = get32(p + 16);
	size_t directory_end = at;
	if (length == UNKNOWN32 || offset == UNKNOWN32 || get16(p + 10) == 0xffff)
		read_end64(b, at, &length, &offset, &directory_end);
	if (length > directory_end || offset > directory_end - length)
		return false;
	*out = (struct directory){ .at = directory_end - (size_t)length, .length = (size_t)length };
	out->base = out->at - (size_t)offset;
	out->end = at + END_BYTES;
	return length == 0 || is_record(b, out->at, "PK\1\2", ENTRY_BYTES);
}

/* --- entries --- */

struct span { size_t from, to; };
struct spans { struct span *v; size_t count, room; };

static int spans_add(struct spans *s, size_t from, size_t to)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct span *v = realloc(s->v, room * sizeof *v);
		if (!v)
			return -1;
		s->v = v;
		s->room = room;
	}
	s->v[s->count++] = (struct span){ from, to };
	return 0;
}

struct entry {
	uint16_t flags, method, name_length, extra_length;
	uint32_t checksum;
	uint64_t packed, size, local;
	const uint8_t *name;
};

/* Numbers that did not fit stand in the extra field 1, in this order, those only that did not fit. */
static void read_extra64(const uint8_t *extra, size_t n, struct entry *e)
{
	uint64_t *wanted[3];
	size_t count = 0;
	if (e->size == UNKNOWN32)
		wanted[count++] = &e->size;
	if (e->packed == UNKNOWN32)
		wanted[count++] = &e->packed;
	if (e->local == UNKNOWN32)
		wanted[count++] = &e->local;
	while (count > 0 && n >= 4) {
		size_t length = get16(extra + 2);
		if (length > n - 4)
			return;
		if (get16(extra) == 1) {
			for (size_t i = 0; i < count && 8 * (i + 1) <= length; i++)
				*wanted[i] = get64(extra + 4 + 8 * i);
			return;
		}
		extra += 4 + length;
		n -= 4 + length;
	}
}

/* One entry of the directory; how long it is, 0: none. */
static size_t read_entry(struct bytes b, size_t at, struct entry *e)
{
	if (!is_record(b, at, "PK\1\2", ENTRY_BYTES))
		return 0;
	const uint8_t *p = b.at + at;
	*e = (struct entry){
		.flags = get16(p + 8), .method = get16(p + 10), .checksum = get32(p + 16), .packed = get32(p + 20), .size = get32(p + 24),
		.name_length = get16(p + 28), .extra_length = get16(p + 30), .local = get32(p + 42), .name = p + ENTRY_BYTES,
	};
	size_t whole = ENTRY_BYTES + (size_t)e->name_length + e->extra_length + get16(p + 32);
	if (!fits(b, at, whole))
		return 0;
	read_extra64(e->name + e->name_length, e->extra_length, e);
	return whole;
}

/* Do both headers of a member say the same? Fills what of the archive it takes up. */
static bool agrees(struct bytes b, const struct directory *d, const struct entry *e, struct span *span)
{
	uint64_t at = d->base + e->local;
	*span = (struct span){ 0 };
	if (e->local > b.n || !is_record(b, at, "PK\3\4", LOCAL_BYTES))
		return false;
	const uint8_t *p = b.at + at;
	struct entry l = {
		.flags = get16(p + 6), .method = get16(p + 8), .checksum = get32(p + 14), .packed = get32(p + 18), .size = get32(p + 22),
		.name_length = get16(p + 26), .extra_length = get16(p + 28), .name = p + LOCAL_BYTES,
	};
	uint64_t content = at + LOCAL_BYTES + l.name_length + l.extra_length;
	if (!fits(b, content, e->packed))
		return false;
	read_extra64(l.name + l.name_length, l.extra_length, &l);
	*span = (struct span){ (size_t)at, (size_t)(content + e->packed) };
	if (l.name_length != e->name_length || memcmp(l.name, e->name, l.name_length) != 0 || l.method != e->method)
		return false;
	if ((l.flags ^ e->flags) & FLAG_ENCRYPTED)
		return false;
	bool told_later = l.flags & FLAG_STREAMED && l.checksum == 0 && (l.packed == 0 || l.packed == UNKNOWN32);
	return told_later || (l.checksum == e->checksum && l.packed == e->packed && l.size == e->size);
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* A local header where no member is, or members within each other. */
static bool has_strays(struct bytes b, struct spans *s, size_t end, bool *gaps)
{
	size_t at = 0;
	if (s->count > 0)
		qsort(s->v, s->count, sizeof *s->v, compare_spans);
	for (size_t i = 0; i < s->count; i++) {
		if (s->v[i].from < at || find(b, at, s->v[i].from, "PK\3\4"))
			return true;
		*gaps |= s->v[i].from - at > GAP_BYTES;
		at = s->v[i].to;
	}
	*gaps |= at < end && end - at > GAP_BYTES;
	return at > end || find(b, at, end, "PK\3\4");
}

static int read_directory(struct bytes b, const struct directory *d, struct spans *spans, struct zip_shape *out)
{
	size_t at = d->at, length;
	struct entry e;
	struct span span;
	for (unsigned i = 0; i < ENTRIES_MAX && at < d->at + d->length && (length = read_entry(b, at, &e)) > 0; i++, at += length) {
		out->locked |= e.flags & FLAG_ENCRYPTED;
		out->disagrees |= !agrees(b, d, &e, &span);
		if (span.to > span.from && spans_add(spans, span.from, span.to) != 0)
			return -1;
	}
	out->disagrees |= at < d->at + d->length || has_strays(b, spans, d->at, &out->gaps);
	return 0;
}

/* Walks over spans that are sorted, for places that ascend. */
struct cover { size_t next, to; };

static bool is_within(const struct spans *s, struct cover *c, size_t at)
{
	for (; c->next < s->count && s->v[c->next].from <= at; c->next++)
		c->to = s->v[c->next].to > c->to ? s->v[c->next].to : c->to;
	return at < c->to;
}

/* End records in front of, between or behind: each that leads to a directory of its own. */
static void find_other_ends(struct bytes b, const struct directory *last, const struct spans *spans, struct zip_shape *out)
{
	const uint8_t *p;
	struct cover cover = { 0 };
	unsigned tries = 0;
	for (size_t from = 0; out->other_count < ZIP_ENDS_MAX && (p = find(b, from, b.n, "PK\5\6")); from = (size_t)(p - b.at) + 4) {
		struct directory d;
		size_t at = (size_t)(p - b.at);
		if (is_within(spans, &cover, at))
			continue;
		if (tries++ == END_TRIES_MAX) {
			out->disagrees = true;
			return;
		}
		if (!read_end(b, at, &d) || (d.at == last->at && d.length == last->length) || d.length == 0)
			continue;
		out->other_ends[out->other_count++] = at + END_BYTES;
		out->disagrees = true;
	}
}

/* The one that most readers take: the last. */
static bool find_last_end(struct bytes b, struct directory *out)
{
	if (b.n < END_BYTES)
		return false;
	size_t from = b.n > END_BYTES + 65535 ? b.n - END_BYTES - 65535 : 0;
	for (size_t at = b.n - END_BYTES + 1; at-- > from;)
		if (b.at[at] == 'P' && read_end(b, at, out))
			return true;
	return false;
}

int zip_shape_of(const uint8_t *data, size_t n, struct zip_shape *out)
{
	struct bytes b = { data, n };
	struct directory last;
	struct spans spans = { 0 };
	const uint8_t *first = find(b, 0, n, "PK\3\4");
	*out = (struct zip_shape){ .first_local = first ? (size_t)(first - data) : SIZE_MAX, .end = n };
	if (!find_last_end(b, &last))
		return 0;
	out->has_directory = true;
	out->end = last.end;
	int rc = read_directory(b, &last, &spans, out);
	if (rc == 0)
		find_other_ends(b, &last, &spans, out);
	free(spans.v);
	return rc;
}
