/* office.c - see office.h. Records are walked, never trusted: a length that leads out of the stream ends the walk. */
#include "office.h"

#include <strings.h>
#include <zlib.h>

/* --- Word (MS-DOC): flags in the header of the main stream --- */

#define WORD_MAGIC 0xa5ec
#define WORD_MAGIC_6 0xa5dc
#define WORD_FLAGS 10
#define WORD_ENCRYPTED 0x100

void office_look_at_word(struct span s, struct office_facts *f)
{
	bool word = span_16(s, 0) == WORD_MAGIC || span_16(s, 0) == WORD_MAGIC_6;
	f->encrypted |= word && span_16(s, WORD_FLAGS) & WORD_ENCRYPTED;
}

/* --- Excel (MS-XLS): records of 16 bits type, 16 bits length --- */

enum workbook_record { BIFF_NAME = 0x18, BIFF_FILEPASS = 0x2f, BIFF_SHEET = 0x85, BIFF_NAME_3 = 0x218, BIFF_BEGIN = 0x809 };
#define SHEET_OF_MACROS 1
#define NAME_BUILT_IN 0x20
#define NAME_BYTES 14		/* in front of the name */

/* Built-in names are one character: 1 Auto_Open, 2 Auto_Close, 10 Auto_Activate, 11 Auto_Deactivate. */
static bool name_runs(struct span r)
{
	size_t at = NAME_BYTES, length = span_8(r, 3);
	bool flagged = span_8(r, at) <= 1;	/* one byte says how wide its characters are; old files have none */
	size_t step = flagged && span_8(r, at) == 1 ? 2 : 1;
	char name[10] = "";
	at += flagged && !(length == 1 && span_8(r, at) == 1 && r.n == at + 1);
	if (span_16(r, 0) & NAME_BUILT_IN)
		return strchr("\1\2\12\13", span_8(r, at)) && span_8(r, at);
	for (size_t i = 0; i < 9 && i < length; i++)
		name[i] = (char)span_8(r, at + i * step);
	return strncasecmp(name, "auto_open", 9) == 0 || strncasecmp(name, "auto_clos", 9) == 0 || strncasecmp(name, "auto_acti", 9) == 0;
}

void office_look_at_workbook(struct postern_call *call, struct span s, struct office_facts *f)
{
	bool sheet = false, runs = false;
	for (size_t at = 0, turn = 0; span_has(s, at, 4); turn++) {
		uint16_t kind = span_16(s, at);
		struct span record = span_sub(s, at + 4, span_16(s, at + 2));
		f->encrypted |= kind == BIFF_FILEPASS;
		sheet |= kind == BIFF_SHEET && span_8(record, 5) == SHEET_OF_MACROS && !f->encrypted;
		runs |= (kind == BIFF_NAME || kind == BIFF_NAME_3) && name_runs(record);
		at += 4 + (size_t)span_16(s, at + 2);
		if (turn % 4096 == 4095 && !postern_may_go_on(call))
			break;
	}
	f->macros |= sheet;
	f->runs |= sheet && runs;
}

/* --- PowerPoint (MS-PPT): records of version and instance, type, length; containers hold records --- */

enum slide_record { PPT_OBJECT = 0x1011, PPT_CRYPT = 0x2f14 };
#define PPT_HEADER_BYTES 8
#define PPT_CONTAINER 0xf
#define PPT_PACKED 1
#define USER_ENCRYPTED 0xf3d1c4dfu
#define PIECE_BYTES 16384

void office_look_at_user(struct span s, struct office_facts *f)
{
	f->encrypted |= span_32(s, 12) == USER_ENCRYPTED;
}

/* false: over a limit. */
static bool put_inflated(struct postern_call *call, struct span packed)
{
	static uint8_t piece[PIECE_BYTES];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)packed.at, .avail_in = (uInt)packed.n };
	int r = inflateInit(&z);
	bool good = postern_child_begin(call, "object.bin");
	while (good && r == Z_OK) {
		z.next_out = piece;
		z.avail_out = PIECE_BYTES;
		r = inflate(&z, Z_NO_FLUSH);
		good = postern_child_write(call, piece, PIECE_BYTES - z.avail_out);
	}
	inflateEnd(&z);
	if (good && r != Z_STREAM_END)
		postern_child_attribute(call, 'U');
	return good && postern_child_end(call);
}

static bool put_object(struct postern_call *call, struct span record, bool packed)
{
	if (packed)
		return put_inflated(call, span_from(record, 4));	/* behind the size that it will have */
	return child_put(call, "object.bin", record);
}

bool office_put_slides(struct postern_call *call, struct span s, struct office_facts *f)
{
	bool good = true;
	for (size_t at = 0, turn = 0; good && span_has(s, at, PPT_HEADER_BYTES); turn++) {
		uint16_t head = span_16(s, at), kind = span_16(s, at + 2);
		uint32_t length = span_32(s, at + 4);
		struct span record = span_sub(s, at + PPT_HEADER_BYTES, length);
		f->encrypted |= kind == PPT_CRYPT;
		if (kind == PPT_OBJECT)
			good = put_object(call, record, head >> 4 == PPT_PACKED);
		/* a container's header is stepped over, so that what is in it comes next */
		at += PPT_HEADER_BYTES + ((head & 0xf) == PPT_CONTAINER ? 0 : (size_t)length);
		if (turn % 4096 == 4095)
			good = good && postern_may_go_on(call);
	}
	return good;
}

#define MSO_PACKED_NEAR 128	/* where the packed data begins: offset 50, usually */

int office_put_active_mime(struct postern_call *call, struct span s)
{
	size_t at = span_find(span_sub(s, 0, MSO_PACKED_NEAR), 0, "\x78", 1);
	return at == SIZE_MAX ? -1 : put_inflated(call, span_from(s, at));
}

/* --- property sets (MS-OLEPS): one section, each property an id and an offset --- */

#define SET_SECTION_OFFSET 44
#define SET_PROPERTIES_MAX 64
enum property_type { PROPERTY_TEXT = 30, PROPERTY_WIDE = 31 };

static const char *property_label(uint32_t id)
{
	static const char *const labels[] = {
		[2] = "title", [3] = "subject", [4] = "author", [5] = "keywords", [6] = "comments", [7] = "template", [8] = "last author", [9] = "revision",
		[18] = "application",
	};
	return id < sizeof labels / sizeof *labels ? labels[id] : NULL;
}

static const char *property_text(struct postern_call *call, struct span section, uint32_t at)
{
	uint32_t length = span_32(section, (size_t)at + 4);
	switch (span_32(section, at)) {
	case PROPERTY_TEXT:
		return span_text(call, span_sub(section, (size_t)at + 8, length));
	case PROPERTY_WIDE:
		return span_utf16(call, span_sub(section, (size_t)at + 8, (size_t)length * 2));
	default:
		return NULL;
	}
}

const char *office_summary(struct postern_call *call, struct span s)
{
	const char *all = NULL;
	struct span section = span_from(s, span_32(s, SET_SECTION_OFFSET));
	uint32_t count = span_32(section, 4);
	if (span_16(s, 0) != 0xfffe)
		return NULL;
	for (uint32_t i = 0; i < count && i < SET_PROPERTIES_MAX; i++) {
		const char *label = property_label(span_32(section, 8 + 8 * (size_t)i));
		const char *text = label ? property_text(call, section, span_32(section, 12 + 8 * (size_t)i)) : NULL;
		if (text && text[0])
			all = postern_printf(call, "%s%s: %s\n", all ? all : "", label, text);
	}
	return all;
}
