/* lzop.c - files of lzop(1): a header, then blocks, each compressed by LZO1X or stored.
 *
 * The format is lzop's own (its source is the only description); all numbers are
 * big-endian.  Checksums tell what is damaged; a block is never larger than
 * lzop makes them. */
#include <postern/plugin.h>

#include <lzo/lzo1x.h>
#include <string.h>
#include <zlib.h>

#define BLOCK_MAX_BYTES (64u * 1024 * 1024)
#define NAME_MAX_BYTES 255

enum flag {
	ADLER32_DATA = 0x1, ADLER32_PACKED = 0x2, EXTRA_FIELD = 0x40, CRC32_DATA = 0x100, CRC32_PACKED = 0x200, FILTERED = 0x800
};

struct reader {
	struct postern_call *call;
	const uint8_t *at, *end;
	bool bad;			/* it ended before it should, or says what cannot be */
};

static const uint8_t *take(struct reader *r, size_t n)
{
	static const uint8_t nothing[8];
	if (r->bad || (size_t)(r->end - r->at) < n) {
		r->bad = true;
		return nothing;
	}
	r->at += n;
	return r->at - n;
}

static uint32_t take8(struct reader *r) { return take(r, 1)[0]; }

static uint32_t take16(struct reader *r)
{
	const uint8_t *p = take(r, 2);
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t take32(struct reader *r)
{
	uint32_t high = take16(r);
	return high << 16 | take16(r);
}

struct header { uint32_t flags; char name[NAME_MAX_BYTES + 1]; };

static bool read_header(struct reader *r, struct header *h)
{
	static const char magic[] = "\x89LZO\0\r\n\x1a\n";
	const uint8_t *p = take(r, sizeof magic - 1);
	if (r->bad || memcmp(p, magic, sizeof magic - 1) != 0)
		return false;
	bool current = take16(r) >= 0x0940;
	take16(r);			/* the library's version */
	if (current)
		take16(r);		/* the version that is needed */
	uint32_t method = take8(r);
	if (current)
		take8(r);		/* level */
	h->flags = take32(r);
	if (h->flags & FILTERED)
		take32(r);
	take(r, current ? 12 : 8);	/* mode and time */
	size_t length = take8(r);
	const uint8_t *name = take(r, length);
	if (r->bad)
		return false;
	memcpy(h->name, name, length);
	h->name[length] = '\0';
	take32(r);			/* checksum of the header */
	if (h->flags & EXTRA_FIELD) {
		take(r, take32(r));
		take32(r);
	}
	return !r->bad && method >= 1 && method <= 3 && !(h->flags & FILTERED);
}

static bool is_right(const struct header *h, const uint8_t *data, size_t n, uint32_t adler, uint32_t crc)
{
	return (!(h->flags & ADLER32_DATA) || adler32(adler32(0, NULL, 0), data, (uInt)n) == adler)
		&& (!(h->flags & CRC32_DATA) || crc32(0, data, (uInt)n) == crc);
}

/* 1: a block was written; 0: the last has been; -1: damaged; -2: over a limit. */
static int copy_block(struct reader *r, const struct header *h, uint8_t **buffer, size_t *room)
{
	uint32_t size = take32(r);
	if (size == 0)
		return r->bad ? -1 : 0;
	uint32_t packed = take32(r);
	uint32_t adler = h->flags & ADLER32_DATA ? take32(r) : 0, crc = h->flags & CRC32_DATA ? take32(r) : 0;
	if (packed < size)
		take(r, (h->flags & ADLER32_PACKED ? 4u : 0u) + (h->flags & CRC32_PACKED ? 4u : 0u));
	const uint8_t *data = take(r, packed);
	if (r->bad || size > BLOCK_MAX_BYTES || packed > size)
		return -1;
	if (packed < size) {
		lzo_uint made = size;
		if (*room < size) {
			*buffer = postern_alloc(r->call, size);
			*room = size;
		}
		if (lzo1x_decompress_safe(data, packed, *buffer, &made, NULL) != LZO_E_OK || made != size)
			return -1;
		data = *buffer;
	}
	if (!is_right(h, data, size, adler, crc))
		return -1;
	return postern_child_write(r->call, data, size) ? 1 : -2;
}

/* Without a name of its own: that of the part without its ending. */
static void name_by_part(struct postern_call *call, const struct postern_part *part)
{
	for (size_t i = 0; i < postern_part_name_count(part); i++) {
		const char *name = postern_part_name_at(part, i);
		size_t n = strlen(name);
		if (n > 4 && strcasecmp(name + n - 4, ".lzo") == 0)
			postern_child_name(call, postern_printf(call, "%.*s", (int)(n - 4), name));
		else if (n > 4 && strcasecmp(name + n - 4, ".tzo") == 0)
			postern_child_name(call, postern_printf(call, "%.*s.tar", (int)(n - 4), name));
	}
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	size_t n, room = 0;
	uint8_t *buffer = NULL;
	const uint8_t *data = postern_part_data(call, part, &n);
	if (!data)
		return POSTERN_TEMPFAIL;
	struct reader r = { .call = call, .at = data, .end = data + n };
	struct header h;
	for (bool first = true; r.at < r.end; first = false) {
		if (!read_header(&r, &h))
			return first ? POSTERN_NOTHING : postern_fail(call, POSTERN_BROKEN, "something else stands behind the end");
		int more;
		if (!postern_child_begin(call, h.name[0] ? h.name : NULL))
			return POSTERN_LIMIT;
		name_by_part(call, part);
		while ((more = copy_block(&r, &h, &buffer, &room)) > 0)
			;
		if (more == -1)
			postern_child_attribute(call, 'U');
		if (!postern_child_end(call) || more == -2)
			return POSTERN_LIMIT;
		if (more < 0)
			return postern_fail(call, POSTERN_BROKEN, "a block is damaged");
	}
	return POSTERN_OK;
}

static enum postern_result start(struct postern_instance *instance, struct postern_error *e)
{
	(void)instance;
	return lzo_init() == LZO_E_OK ? POSTERN_OK : postern_complain(e, POSTERN_BROKEN, "liblzo2 does not fit its header");
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "lzo", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "lzop", .version = "1", .doc = "Opens files of lzop.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .start = start, .decoder = &decoder_ops,
};
