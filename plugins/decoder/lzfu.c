/* lzfu.c - see lzfu.h. References go into a ring that holds common RTF words at first. */
#include "lzfu.h"

#define RING_BYTES 4096
#define MAGIC_PACKED 0x75465a4cu	/* "LZFu" */
#define MAGIC_PLAIN 0x414c454du		/* "MELA" */
#define HEADER_BYTES 16

static const char start[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
	"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/* What is made goes out each time that the ring has been filled. */
struct ring {
	struct postern_call *call;
	uint8_t bytes[RING_BYTES];
	size_t at, sent;
	bool over;
};

static void flush(struct ring *r)
{
	if (r->at > r->sent)
		r->over |= !postern_child_write(r->call, r->bytes + r->sent, r->at - r->sent);
	r->sent = r->at;
}

static void put(struct ring *r, uint8_t byte)
{
	r->bytes[r->at++] = byte;
	if (r->at < RING_BYTES)
		return;
	flush(r);
	r->at = r->sent = 0;
}

/* true: that was the end. */
static bool copy(struct ring *r, uint16_t token)
{
	size_t from = token >> 4, length = (token & 0xf) + 2u;
	if (from == r->at)
		return true;
	for (; length > 0 && !r->over; length--, from = (from + 1) % RING_BYTES)
		put(r, r->bytes[from]);
	return false;
}

static bool unpack(struct ring *r, struct span s)
{
	size_t at = 0;
	while (at < s.n && !r->over) {
		uint8_t flags = s.at[at++];
		for (unsigned bit = 0; bit < 8 && at < s.n; bit++) {
			if (!(flags >> bit & 1)) {
				put(r, s.at[at++]);
				continue;
			}
			if (copy(r, (uint16_t)(span_8(s, at) << 8 | span_8(s, at + 1))))
				return true;
			at += 2;
		}
	}
	return false;
}

bool lzfu_put(struct postern_call *call, const char *name, struct span packed)
{
	struct span body = span_from(packed, HEADER_BYTES);
	if (span_32(packed, 8) != MAGIC_PACKED) {
		bool plain = span_32(packed, 8) == MAGIC_PLAIN;
		if (!postern_child_begin(call, name))
			return false;
		if (!plain)
			postern_child_attribute(call, 'U');
		struct span all = plain ? body : packed;
		return (all.n == 0 || postern_child_write(call, all.at, all.n)) && postern_child_end(call);
	}
	struct ring r = { .call = call, .at = sizeof start - 1, .sent = sizeof start - 1 };
	memcpy(r.bytes, start, sizeof start - 1);
	if (!postern_child_begin(call, name))
		return false;
	if (!unpack(&r, body) && span_32(packed, 4) > 0 && !r.over)
		postern_child_attribute(call, 'U');
	flush(&r);
	return !r.over && postern_child_end(call);
}
