/* tnef.c - winmail.dat (MS-OXTNEF): attachments with all their names, bodies, messages and objects that are attached.
 *
 * A reader of our own: the format is a list of attributes, and the libraries for
 * it have a long list of overflows. Checksums are not asked for: readers that do
 * not ask see what is behind a wrong one. */
#include <postern/plugin.h>

#include "lzfu.h"
#include "span.h"

#define SIGNATURE 0x223e9f78u
#define HEADER_BYTES 6
#define ATTRIBUTE_MIN_BYTES 11	/* less than that at the end is padding */
#define LEVEL_MESSAGE 1
#define LEVEL_ATTACHMENT 2
#define NAMES_MAX 6
#define SMALL_BYTES 4096		/* of an attribute that is not told of: more may hold something */

enum attribute {
	ATT_BODY = 0x800c, ATT_ATTACH_DATA = 0x800f, ATT_ATTACH_TITLE = 0x8010, ATT_RENDERING = 0x9002, ATT_MESSAGE_PROPERTIES = 0x9003,
	ATT_TRANSPORT_NAME = 0x9001, ATT_ATTACH_PROPERTIES = 0x9005,
};
enum property {
	PROPERTY_BODY = 0x1000, PROPERTY_RTF = 0x1009, PROPERTY_HTML = 0x1013, PROPERTY_DISPLAY_NAME = 0x3001, PROPERTY_DATA = 0x3701,
	PROPERTY_NAME = 0x3704, PROPERTY_LONG_NAME = 0x3707, PROPERTY_MIME = 0x370e,
};
enum property_type { TYPE_OBJECT = 0x000d, TYPE_TEXT_8 = 0x001e, TYPE_TEXT_16 = 0x001f, TYPE_BINARY = 0x0102, TYPE_MANY = 0x1000 };

/* The attachment that is being told of. */
struct attachment {
	bool any;
	const char *names[NAMES_MAX];
	unsigned name_count;
	bool more_names;
	const char *mime;
	struct span data, object;
};

struct reader {
	struct postern_call *call;
	struct attachment attachment;
	bool over, cut;
};

/* --- attachments --- */

static void put_attachment_content(struct reader *r, const struct attachment *a, struct span content)
{
	r->over |= !postern_child_begin(r->call, a->name_count > 0 ? a->names[0] : NULL);
	for (unsigned i = 1; i < a->name_count && !r->over; i++)
		postern_child_name(r->call, a->names[i]);
	if (a->mime && !r->over)
		postern_child_mime_type(r->call, a->mime);
	if (a->more_names && !r->over)
		postern_child_attribute(r->call, 'B');
	r->over = r->over || (content.n > 0 && !postern_child_write(r->call, content.at, content.n)) || !postern_child_end(r->call);
}

/* Its content may be told twice, as an attribute and as a property: both count where they differ. */
static void end_attachment(struct reader *r)
{
	struct attachment *a = &r->attachment;
	bool same = a->data.n == a->object.n && a->data.n > 0 && memcmp(a->data.at, a->object.at, a->data.n) == 0;
	if (a->any && !r->over)
		put_attachment_content(r, a, a->data.n > 0 ? a->data : a->object);
	if (a->any && !r->over && a->data.n > 0 && a->object.n > 0 && !same)
		put_attachment_content(r, a, a->object);
	*a = (struct attachment){ 0 };
}

/* One of two of the same kind: readers differ on which of them counts. */
static void put_earlier(struct reader *r, struct span content)
{
	if (content.n > 0 && !r->over)
		put_attachment_content(r, &r->attachment, content);
}

/* Where the list is full the last name makes room for a first one. */
static void insert_name(struct reader *r, const char *name, bool first)
{
	struct attachment *a = &r->attachment;
	for (unsigned i = 0; i < a->name_count; i++)
		if (strcmp(a->names[i], name) == 0)
			return;
	if (!name[0])
		return;
	a->more_names |= a->name_count == NAMES_MAX;
	if (a->name_count == NAMES_MAX && !first)
		return;
	a->name_count += a->name_count < NAMES_MAX;
	unsigned at = first ? 0 : a->name_count - 1;
	memmove(a->names + at + 1, a->names + at, (a->name_count - 1 - at) * sizeof *a->names);
	a->names[at] = name;
}

static void add_name(struct reader *r, const char *name)
{
	insert_name(r, name, false);
}

/* --- properties --- */

/* Outlook prefers the long name: it comes first, whatever was there before. */
static void put_name_first(struct reader *r, const char *name)
{
	insert_name(r, name, true);
}

static const char *text_of(struct reader *r, unsigned type, struct span value)
{
	return type == TYPE_TEXT_16 ? span_utf16(r->call, value) : span_text(r->call, value);
}

static void take_attachment_property(struct reader *r, unsigned id, unsigned type, struct span value)
{
	switch (id) {
	case PROPERTY_DATA:
		put_earlier(r, r->attachment.object);
		/* an object begins with the class of its interface */
		r->attachment.object = type == TYPE_OBJECT ? span_from(value, 16) : value;
		break;
	case PROPERTY_LONG_NAME:
		put_name_first(r, text_of(r, type, value));
		break;
	case PROPERTY_NAME:
	case PROPERTY_DISPLAY_NAME:
		add_name(r, text_of(r, type, value));
		break;
	case PROPERTY_MIME:
		r->attachment.mime = text_of(r, type, value);
		break;
	}
}

static void put_wide_text(struct reader *r, const char *name, struct span value)
{
	r->over |= !postern_child_begin(r->call, name) || !postern_child_write(r->call, "\xff\xfe", 2)
		|| !postern_child_write(r->call, value.at, value.n) || !postern_child_end(r->call);
}

static void take_message_property(struct reader *r, unsigned id, unsigned type, struct span value)
{
	if (value.n == 0 || r->over)
		return;
	if (id == PROPERTY_RTF && type == TYPE_BINARY)
		r->over |= !lzfu_put(r->call, "body.rtf", value);
	else if (id != PROPERTY_BODY && id != PROPERTY_HTML)
		return;
	else if (type == TYPE_TEXT_16)
		put_wide_text(r, id == PROPERTY_BODY ? "body.txt" : "body.html", value);
	else
		r->over |= !child_put(r->call, id == PROPERTY_BODY ? "body.txt" : "body.html", value);
}

static void take_property(struct reader *r, bool attachment, unsigned id, unsigned type, struct span value)
{
	if (attachment)
		take_attachment_property(r, id, type, value);
	else
		take_message_property(r, id, type, value);
}

/* Bytes that a value of fixed size takes, padded to four; 0: it varies. */
static size_t fixed_bytes(unsigned type)
{
	switch (type & 0xfff) {
	case 0x02: case 0x03: case 0x04: case 0x0a: case 0x0b: return 4;
	case 0x05: case 0x06: case 0x07: case 0x14: case 0x40: return 8;
	case 0x48: return 16;
	case 0x01: return 4;
	default: return 0;
	}
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* A property from a range of names has its name in front. */
static size_t skip_property_name(struct span s, size_t at)
{
	uint32_t kind = span_32(s, at + 16);
	return at + 20 + (kind == 0 ? 4 : 4 + padded(span_32(s, at + 20)));
}

static void take_properties(struct reader *r, bool attachment, struct span s)
{
	uint32_t count = span_32(s, 0);
	size_t at = 4;
	for (uint32_t i = 0; i < count && at < s.n && !r->over; i++) {
		unsigned type = span_16(s, at), id = span_16(s, at + 2);
		at += 4;
		if (id >= 0x8000)
			at = skip_property_name(s, at);
		size_t fixed = fixed_bytes(type);
		uint32_t values = fixed > 0 && !(type & TYPE_MANY) ? 1 : span_32(s, at);
		at += fixed > 0 && !(type & TYPE_MANY) ? 0 : 4;
		for (uint32_t k = 0; k < values && at < s.n && !r->over; k++) {
			uint32_t length = fixed > 0 ? (uint32_t)fixed : span_32(s, at);
			at += fixed > 0 ? 0 : 4;
			if (fixed == 0)
				take_property(r, attachment, id, type & 0xfff, span_sub(s, at, length));
			at += padded(length);
		}
	}
	r->cut |= at > s.n + 3;
	if (at < s.n)
		postern_part_keep(r->call);	/* there is something behind */
}

/* --- attributes --- */

static void take_attribute(struct reader *r, unsigned level, unsigned id, struct span value)
{
	if (level == LEVEL_ATTACHMENT && id == ATT_RENDERING)
		end_attachment(r);
	/* there are readers that do not ask for the level */
	r->attachment.any |= level == LEVEL_ATTACHMENT || id == ATT_ATTACH_DATA || id == ATT_ATTACH_TITLE || id == ATT_ATTACH_PROPERTIES;
	switch (id) {
	case ATT_BODY:
		r->over |= value.n > 0 && !child_put(r->call, "body.txt", value);
		break;
	case ATT_ATTACH_DATA:
		put_earlier(r, r->attachment.data);
		r->attachment.data = value;
		break;
	case ATT_ATTACH_TITLE:
	case ATT_TRANSPORT_NAME:
		add_name(r, span_text(r->call, value));
		break;
	case ATT_MESSAGE_PROPERTIES:
	case ATT_ATTACH_PROPERTIES:
		take_properties(r, level == LEVEL_ATTACHMENT || id == ATT_ATTACH_PROPERTIES, value);
		break;
	default:
		if (value.n > SMALL_BYTES)
			postern_part_keep(r->call);
	}
}

/* A level, a number whose upper half is a type, a length, the value, a sum. */
static void read_attributes(struct reader *r, struct span s)
{
	for (size_t at = HEADER_BYTES; span_has(s, at, ATTRIBUTE_MIN_BYTES) && !r->over;) {
		unsigned level = span_8(s, at), id = span_32(s, at + 1) & 0xffff;
		uint32_t length = span_32(s, at + 5);
		if (level != LEVEL_MESSAGE && level != LEVEL_ATTACHMENT) {
			r->cut = true;
			break;
		}
		r->cut |= !span_has(s, at + 9, length);
		take_attribute(r, level, id, span_sub(s, at + 9, length));
		at += 11 + (size_t)length;
		r->over |= !postern_may_go_on(r->call);
	}
	end_attachment(r);
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct reader r = { .call = call };
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	if (span_32(s, 0) != SIGNATURE)
		return POSTERN_NOTHING;
	read_attributes(&r, s);
	if (r.over)
		return POSTERN_LIMIT;
	return r.cut ? postern_fail(call, POSTERN_BROKEN, "it ends before it should, or something else stands in it") : POSTERN_OK;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "tnef", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "tnef", .version = "1", .doc = "Opens winmail.dat: attachments, bodies, messages within.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
