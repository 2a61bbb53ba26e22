/* msg.c - see msg.h. A property's stream is named by its number and type: "__substg1.0_37010102". */
#include "msg.h"

#include "lzfu.h"

#include <strings.h>

enum property {
	SUBJECT = 0x0037, HEADERS = 0x007d, BODY = 0x1000, RTF_PACKED = 0x1009, HTML = 0x1013,
	DISPLAY_NAME = 0x3001, ATTACH_DATA = 0x3701, ATTACH_EXTENSION = 0x3703, ATTACH_NAME = 0x3704, ATTACH_LONG_NAME = 0x3707,
	ATTACH_MIME = 0x370e, ATTACH_LONG_PATH = 0x370d,
};
enum property_type { TEXT_8 = 0x001e, TEXT_16 = 0x001f, OBJECT = 0x000d, BINARY = 0x0102 };

static uint32_t find_property(const struct cfb *c, uint32_t storage, enum property p, enum property_type type)
{
	return cfb_find(c, storage, postern_printf(c->call, "__substg1.0_%04X%04X", (unsigned)p, (unsigned)type));
}

static bool begins(const struct cfb *c, uint32_t entry, const char *name)
{
	char *has = span_utf16(c->call, c->entries[entry].name);
	return strncasecmp(has, name, strlen(name)) == 0;
}

bool msg_is_message(const struct cfb *c, uint32_t storage)
{
	return cfb_find(c, storage, "__properties_version1.0") != CFB_NONE && !begins(c, storage, "__attach") && !begins(c, storage, "__recip");
}

static bool is_attachment(const struct cfb *c, uint32_t storage)
{
	return begins(c, storage, "__attach_version1.0_");
}

/* A message, or what a message says of itself. */
static bool is_of_message(const struct cfb *c, uint32_t storage)
{
	uint32_t above = c->entries[storage].parent;
	bool below = is_attachment(c, storage) || begins(c, storage, "__recip") || begins(c, storage, "__nameid");
	return msg_is_message(c, storage) || (below && above != CFB_NONE && msg_is_message(c, above));
}

/* Only what is called as a property is, where one belongs: a macro or an object does not hide behind a stream that makes its storage look like a message. */
bool msg_owns(const struct cfb *c, uint32_t stream)
{
	uint32_t above = c->entries[stream].parent;
	if (above == CFB_NONE || !is_of_message(c, above))
		return false;
	if (begins(c, stream, "__substg1.0_3701"))
		return is_attachment(c, above) && find_property(c, above, ATTACH_DATA, BINARY) == stream;
	return (begins(c, stream, "__substg1.0_") || begins(c, stream, "__properties_version1.0"))
		&& cfb_find(c, above, span_utf16(c->call, c->entries[stream].name)) == stream;
}

/* --- texts --- */

/* A property as text: 8 bits as they are, 16 bits as UTF-8; NULL: there is none. */
static char *property_text(struct cfb *c, uint32_t storage, enum property p)
{
	uint32_t wide = find_property(c, storage, p, TEXT_16), entry = wide != CFB_NONE ? wide : find_property(c, storage, p, TEXT_8);
	struct span s;
	if (entry == CFB_NONE || cfb_read(c, entry, &s) != 0)
		return NULL;
	char *text = wide != CFB_NONE ? span_utf16(c->call, s) : span_text(c->call, s);
	cfb_free(&s);
	return text[0] ? text : NULL;
}

/* The bytes of a property as a child. UTF-16 stays what it is, with a mark in front that says so. */
static bool put_property(struct cfb *c, uint32_t entry, const char *name, bool wide)
{
	struct span s;
	if (cfb_read(c, entry, &s) != 0)
		return false;
	bool good = s.n == 0 || (postern_child_begin(c->call, name) && (!wide || postern_child_write(c->call, "\xff\xfe", 2))
		&& postern_child_write(c->call, s.at, s.n) && postern_child_end(c->call));
	cfb_free(&s);
	return good;
}

static bool put_text(struct cfb *c, uint32_t storage, enum property p, const char *name)
{
	static const enum property_type types[] = { TEXT_16, TEXT_8, BINARY };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		uint32_t entry = find_property(c, storage, p, types[i]);
		if (entry != CFB_NONE)
			return put_property(c, entry, name, types[i] == TEXT_16);
	}
	return true;
}

static bool put_rtf(struct cfb *c, uint32_t storage)
{
	uint32_t entry = find_property(c, storage, RTF_PACKED, BINARY);
	struct span s;
	if (entry == CFB_NONE)
		return true;
	if (cfb_read(c, entry, &s) != 0)
		return false;
	bool good = lzfu_put(c->call, "body.rtf", s);
	cfb_free(&s);
	return good;
}

/* --- attachments --- */

static void name_attachment(struct cfb *c, uint32_t storage, const char *first)
{
	static const enum property names[] = { ATTACH_LONG_NAME, ATTACH_NAME, DISPLAY_NAME };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *name = property_text(c, storage, names[i]);
		if (name && strcmp(name, first) != 0)
			postern_child_name(c->call, name);
	}
	char *mime = property_text(c, storage, ATTACH_MIME);
	if (mime)
		postern_child_mime_type(c->call, mime);
}

static const char *attachment_name(struct cfb *c, uint32_t storage)
{
	const char *name = property_text(c, storage, ATTACH_LONG_NAME);
	name = name ? name : property_text(c, storage, ATTACH_NAME);
	return name ? name : property_text(c, storage, DISPLAY_NAME);
}

/* A link to a file holds no content: where it leads is all there is. */
static bool put_link(struct cfb *c, uint32_t storage)
{
	const char *path = property_text(c, storage, ATTACH_LONG_PATH);
	return !path || child_put(c->call, "link.txt", (struct span){ (const uint8_t *)path, strlen(path) });
}

/* Messages and objects that are attached are storages of their own: their entries tell of themselves. */
static bool put_attachment(struct cfb *c, uint32_t storage)
{
	uint32_t data = find_property(c, storage, ATTACH_DATA, BINARY);
	struct span s;
	if (data == CFB_NONE)
		return put_link(c, storage);
	if (cfb_read(c, data, &s) != 0)
		return false;
	const char *name = attachment_name(c, storage);
	bool good = postern_child_begin(c->call, name);
	if (good)
		name_attachment(c, storage, name ? name : "");
	if (s.n < c->entries[data].size)
		postern_child_attribute(c->call, 'U');
	good = good && (s.n == 0 || postern_child_write(c->call, s.at, s.n)) && postern_child_end(c->call);
	cfb_free(&s);
	return good;
}

bool msg_put_message(struct cfb *c, uint32_t storage)
{
	bool good = put_text(c, storage, HEADERS, "headers.txt") && put_text(c, storage, BODY, "body.txt") && put_text(c, storage, HTML, "body.html")
		&& put_rtf(c, storage);
	for (uint32_t i = c->entries[storage].child; i != CFB_NONE && good; i = c->entries[i].next)
		if (c->entries[i].kind == CFB_STORAGE && is_attachment(c, i))
			good = put_attachment(c, i);
	return good;
}
