/* onenote.c - OneNote sections (MS-ONESTORE): files that are embedded, each behind a mark of its own; names stand elsewhere.
 *
 * The marks are looked for in the whole file: what hangs in no page any more is
 * still there. Which name belongs to which file takes the whole of the revision
 * store to know; where there are as many names as files they go by order, else
 * every file carries all of them. */
#include <postern/plugin.h>

#include "span.h"

#define FILE_HEADER_BYTES 36
#define NAMES_MAX 8
#define PROPERTIES_MAX 128

/* {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}: a file follows. */
static const uint8_t file_mark[16] = "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
#define PROPERTY_FILE_NAME 0x1c001d9cu
#define PROPERTY_PICTURE_NAME 0x1c001dd7u

struct names {
	const char *each[NAMES_MAX];
	size_t count;			/* all that there are, also beyond NAMES_MAX */
};

/* --- names: properties are a count, their numbers, then their values --- */

/* Bytes of a value by the type in its number, 4 plus a length for strings. */
static size_t value_bytes(struct span s, size_t at, uint32_t id)
{
	static const uint8_t fixed[32] = { [3] = 1, [4] = 2, [5] = 4, [6] = 8, [9] = 4, [11] = 4, [13] = 4 };
	unsigned type = id >> 26 & 0x1f;
	return type == 7 ? 4 + (size_t)span_32(s, at) : fixed[type];
}

/* The value of the k-th of `count` properties whose numbers begin at `from`. */
static struct span property_value(struct span s, size_t from, unsigned count, unsigned k)
{
	size_t at = from + 4 * (size_t)count;
	for (unsigned i = 0; i < k; i++)
		at += value_bytes(s, at, span_32(s, from + 4 * (size_t)i));
	return span_sub(s, at + 4, span_32(s, at));
}

/* Nothing but characters, with a NUL at its end perhaps. */
static bool is_text(struct span value)
{
	bool good = value.n >= 4 && value.n <= 1024 && value.n % 2 == 0;
	for (size_t i = 0; good && i < value.n; i += 2)
		good = span_16(value, i) >= ' ' || (i + 2 == value.n && span_16(value, i) == 0);
	return good;
}

/* How many of the numbers stand in front is not known: the first count that fits, and gives a text, is taken. */
static char *name_at(struct postern_call *call, struct span s, size_t at)
{
	for (unsigned k = 0; k < PROPERTIES_MAX && at >= 4 * (size_t)k + 2; k++) {
		size_t from = at - 4 * (size_t)k;
		unsigned count = span_16(s, from - 2);
		if (count <= k || count > PROPERTIES_MAX)
			continue;
		struct span value = property_value(s, from, count, k);
		if (is_text(value))
			return span_utf16(call, value);
	}
	return NULL;
}

static void add_name(struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count && i < NAMES_MAX; i++)
		if (strcmp(n->each[i], name) == 0)
			return;
	if (n->count < NAMES_MAX)
		n->each[n->count] = name;
	n->count++;
}

static void find_names(struct postern_call *call, struct span s, struct names *n)
{
	static const uint32_t ids[] = { PROPERTY_FILE_NAME, PROPERTY_PICTURE_NAME };
	for (size_t i = 0; i < 2; i++) {
		uint8_t id[4] = { (uint8_t)ids[i], (uint8_t)(ids[i] >> 8), (uint8_t)(ids[i] >> 16), (uint8_t)(ids[i] >> 24) };
		for (size_t at = 0; (at = span_find(s, at, id, 4)) != SIZE_MAX && postern_may_go_on(call); at += 4) {
			char *name = name_at(call, s, at);
			if (name)
				add_name(n, name);
		}
	}
}

/* --- files --- */

static size_t count_files(struct span s)
{
	size_t count = 0;
	for (size_t at = 0; (at = span_find(s, at, file_mark, 16)) != SIZE_MAX; at += 16)
		count += span_64(s, at + 16) > 0;
	return count;
}

static void name_file(struct postern_call *call, const struct names *names, bool in_order, size_t number)
{
	for (size_t i = 0; i < names->count && i < NAMES_MAX; i++)
		if (!in_order || i == number)
			postern_child_name(call, names->each[i]);
}

static bool put_file(struct postern_call *call, struct span s, size_t at, const struct names *names, bool in_order, size_t number, bool *cut)
{
	uint64_t size = span_64(s, at + 16);
	struct span content = span_from(s, at + FILE_HEADER_BYTES);
	bool whole = size <= content.n;
	content.n = whole ? (size_t)size : content.n;
	*cut |= !whole;
	if (!postern_child_begin(call, NULL))
		return false;
	name_file(call, names, in_order, number);
	if (!whole)
		postern_child_attribute(call, 'U');
	return (content.n == 0 || postern_child_write(call, content.at, content.n)) && postern_child_end(call);
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct names names = { .count = 0 };
	bool cut = false;
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);
	find_names(call, s, &names);
	bool in_order = count_files(s) == names.count && names.count <= NAMES_MAX;
	size_t number = 0;
	for (size_t at = 0; (at = span_find(s, at, file_mark, 16)) != SIZE_MAX; at += 16)
		if (span_64(s, at + 16) > 0 && !put_file(call, s, at, &names, in_order, number++, &cut))
			return POSTERN_LIMIT;
	return cut ? postern_fail(call, POSTERN_BROKEN, "an embedded file ends before it should") : POSTERN_OK;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "one", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "onenote", .version = "1", .doc = "Opens files embedded in OneNote sections.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
