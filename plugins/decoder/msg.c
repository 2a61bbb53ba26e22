/* msg.c - see msg.h. A property's stream is named by its number and type: "__substg1.0_37010102". */
#include "msg.h"

#include "lzfu.h"

#include <strings.h>

enum property {
	HEADERS = 0x007d, BODY = 0x1000, RTF_PACKED = 0x1009, HTML = 0x1013,
	DISPLAY_NAME = 0x3001, ATTACH_DATA = 0x3701, ATTACH_NAME = 0x3704, ATTACH_LONG_NAME = 0x3707,
	ATTACH_MIME = 0x370e, ATTACH_LONG_PATH = 0x370d, ATTACH_PATH = 0x3708,
};
enum property_type { TEXT_8 = 0x001e, TEXT_16 = 0x001f, OBJECT = 0x000d, BINARY = 0x0102 };

static uint32_t find_property(const struct cfb *c, uint32_t storage, enum property p, enum property_type type)
{
	return cfb_find(c, storage, postern_printf(c->call, "__substg1.0_%04X%04X", (unsigned)p, (unsigned)type));
}

static bool begins(const struct cfb *c, uint32_t entry, const char *name)
{
	struct span has = c->entries[entry].name;
	size_t n = strlen(name);
	bool good = has.n >= 2 * n;
	for (size_t i = 0; i < n && good; i++)
		good = has.at[2 * i + 1] == 0 && strncasecmp((const char *)has.at + 2 * i, name + i, 1) == 0;
	return good;
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

/* A property as text: 8 bits as they are, 16 bits as UTF-8; NULL: there is none. It may have one of each kind. */
static char *property_text(struct cfb *c, uint32_t storage, enum property p, enum property_type type)
{
	uint32_t entry = find_property(c, storage, p, type);
	struct span s;
	if (entry == CFB_NONE || cfb_read(c, entry, &s) != 0)
		return NULL;
	char *text = type == TEXT_16 ? span_utf16(c->call, s) : span_text(c->call, s);
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

/* Which of several types a reader asks for is its own matter. */
static bool put_text(struct cfb *c, uint32_t storage, enum property p, const char *name)
{
	static const enum property_type types[] = { TEXT_16, TEXT_8, BINARY };
	bool good = true;
	for (size_t i = 0; i < sizeof types / sizeof *types && good; i++) {
		uint32_t entry = find_property(c, storage, p, types[i]);
		if (entry != CFB_NONE)
			good = put_property(c, entry, name, types[i] == TEXT_16);
	}
	return good;
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

static const enum property_type text_types[] = { TEXT_16, TEXT_8 };

/* The long name first, in Unicode first. */
static void name_attachment(struct cfb *c, uint32_t storage)
{
	static const enum property names[] = { ATTACH_LONG_NAME, ATTACH_NAME, DISPLAY_NAME };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (size_t k = 0; k < 2; k++) {
			char *name = property_text(c, storage, names[i], text_types[k]);
			if (name)
				postern_child_name(c->call, name);
		}
	for (size_t k = 0; k < 2; k++) {
		char *mime = property_text(c, storage, ATTACH_MIME, text_types[k]);
		if (mime)
			postern_child_mime_type(c->call, mime);
	}
}

/* A link to a file holds no content: where it leads, and what it is called, is all there is. */
static bool put_link(struct cfb *c, uint32_t storage)
{
	static const enum property paths[] = { ATTACH_LONG_PATH, ATTACH_PATH };
	for (size_t i = 0; i < 4; i++) {
		const char *path = property_text(c, storage, paths[i / 2], text_types[i % 2]);
		if (!path)
			continue;
		bool good = postern_child_begin(c->call, "link.txt");
		name_attachment(c, storage);
		if (!good || !postern_child_write(c->call, path, strlen(path)) || !postern_child_end(c->call))
			return false;
	}
	return true;
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
	bool good = postern_child_begin(c->call, NULL);
	if (good)
		name_attachment(c, storage);
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
			good = put_attachment(c, i) && postern_may_go_on(c->call);
	return good;
}
