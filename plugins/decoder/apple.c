/* apple.c - a file of the Macintosh as one file: AppleSingle and AppleDouble (RFC 1740), MacBinary.
 *
 * Such a file has two forks, data and resources; each becomes a child. All
 * numbers are big-endian. */
#include <postern/plugin.h>

#include "span.h"

#define HEAD_BYTES 26			/* of AppleSingle, before its entries */
#define ENTRY_BYTES 12
#define MACBINARY_BYTES 128

enum entry { DATA_FORK = 1, RESOURCE_FORK = 2, REAL_NAME = 3 };

static uint16_t span_be16(struct span s, size_t at) { return (uint16_t)(span_8(s, at) << 8 | span_8(s, at + 1)); }
static uint32_t span_be32(struct span s, size_t at) { return (uint32_t)span_be16(s, at) << 16 | span_be16(s, at + 2); }

/* Most resource forks of today hold nothing and say so. */
static bool is_left_blank(struct span s)
{
	static const char text[] = "intentionally left blank";
	return s.n < 1024 && span_find(s, 0, text, sizeof text - 1) != SIZE_MAX;
}

static bool put_fork(struct postern_call *call, const char *name, struct span fork)
{
	return fork.n == 0 || child_put(call, name, fork);
}

/* --- AppleSingle, AppleDouble: a table of entries --- */

struct entries { struct span file; size_t count; bool damaged; };

static bool read_entry(struct entries *e, size_t i, uint32_t *id, struct span *content)
{
	size_t at = HEAD_BYTES + i * ENTRY_BYTES;
	size_t from = span_be32(e->file, at + 4), n = span_be32(e->file, at + 8);
	*id = span_be32(e->file, at);
	*content = span_sub(e->file, from, n);
	bool whole = span_has(e->file, at, ENTRY_BYTES) && span_has(e->file, from, n);
	e->damaged |= !whole;
	return span_has(e->file, at, ENTRY_BYTES);
}

static const char *real_name(struct postern_call *call, struct entries *e)
{
	uint32_t id;
	struct span content;
	for (size_t i = 0; i < e->count && read_entry(e, i, &id, &content); i++)
		if (id == REAL_NAME && content.n > 0)
			return span_text(call, content);
	return NULL;
}

static enum postern_result open_entries(struct postern_call *call, struct span s)
{
	struct entries e = { .file = s, .count = span_be16(s, 24) };
	const char *name = real_name(call, &e);
	uint32_t id;
	struct span content;
	for (size_t i = 0; i < e.count && read_entry(&e, i, &id, &content); i++) {
		if (id == DATA_FORK && !put_fork(call, name, content))
			return POSTERN_LIMIT;
		if (id == RESOURCE_FORK && !is_left_blank(content) && !put_fork(call, NULL, content))
			return POSTERN_LIMIT;
	}
	return e.damaged ? postern_fail(call, POSTERN_BROKEN, "an entry lies outside of the file") : POSTERN_OK;
}

/* --- MacBinary: a header, then the forks, each filled up --- */

static enum postern_result open_macbinary(struct postern_call *call, struct span s)
{
	size_t data = span_be32(s, 83), resources = span_be32(s, 87);
	size_t more = ((size_t)span_be16(s, 120) + 127) & ~(size_t)127, at = MACBINARY_BYTES + more;
	size_t behind = at + ((data + 127) & ~(size_t)127);
	const char *name = span_text(call, span_sub(s, 2, span_8(s, 1)));
	struct span fork = span_sub(s, behind, resources);
	bool versioned = span_at(s, 102, "mBIN", 4) || span_8(s, 122) >= 129;
	if (!versioned && (behind > s.n + 127 || data + resources == 0))
		return POSTERN_NOTHING;	/* zeros and a short text may look like a header */
	if (!put_fork(call, name, span_sub(s, at, data)) || (!is_left_blank(fork) && !put_fork(call, NULL, fork)))
		return POSTERN_LIMIT;
	return span_has(s, at, data) && span_has(s, behind, resources) ? POSTERN_OK : postern_fail(call, POSTERN_BROKEN, "it ends too early");
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);	/* what else is said of the file */
	return span_at(s, 0, "\0\5\x16", 3) ? open_entries(call, s) : open_macbinary(call, s);
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "applefile|macbin", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "apple", .version = "1", .doc = "Opens files of the Macintosh: AppleSingle, AppleDouble, MacBinary.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
