/* onenote.c - OneNote sections (MS-ONESTORE): files that are embedded, each behind a mark of its own; names stand elsewhere.
 *
 * The marks are looked for in the whole file: what hangs in no page any more is
 * still there. Which name belongs to which file takes the whole of the revision
 * store to know; where there are as many names as files they go by order, else
 * every file carries all of them. */
#include <postern/plugin.h>

#include "span.h"

#define FILE_HEADER_BYTES 36
#define NAMES_MAX 1024
#define NAMES_PER_FILE_MAX 40		/* where they are not told apart; the host tells where there are more than it takes */
#define NAMES_MAX_BYTES (4u * 1024 * 1024)
#define PROPERTIES_MAX 1000		/* fewer than the upper half of any property's number */
#define FORMAT_AT 48			/* of the identifier that says how it is stored */

/* {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}: a file follows. */
static const uint8_t file_mark[16] = "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
/* {638DE92F-A6D4-4BC1-9A36-B3FC2511A5B7}: packed for transport, as a server gives it. */
static const uint8_t packed_store[16] = "\x2f\xe9\x8d\x63\xd4\xa6\xc1\x4b\x9a\x36\xb3\xfc\x25\x11\xa5\xb7";
/* In front of and behind a section's key. */
static const uint8_t key_begins[8] = "\x67\xa0\xd1\xda\x85\xa3\x6b\xfb", key_ends[8] = "\x3c\x8b\x19\x8e\x4f\x29\x49\x26";
#define PROPERTY_FILE_NAME 0x1c001d9cu
#define PROPERTY_PICTURE_NAME 0x1c001dd7u

struct names {
	const char *each[NAMES_MAX];
	size_t count;			/* all that there are, also beyond NAMES_MAX */
	size_t bytes;			/* of all that were looked at, the same ones again included */
	bool unread;			/* there is one that could not be read */
};

/* --- names: properties are a count, their numbers, then their values --- */

/* Bytes of a value by the type in its number, 4 plus a length for strings; SIZE_MAX: sets of properties, which are not read here. */
static size_t value_bytes(struct span s, size_t at, uint32_t id)
{
	static const uint8_t fixed[32] = { [3] = 1, [4] = 2, [5] = 4, [6] = 8, [9] = 4, [11] = 4, [13] = 4 };
	unsigned type = id >> 26 & 0x1f;
	return type == 7 ? 4 + (size_t)span_32(s, at) : type >= 16 ? SIZE_MAX : fixed[type];
}

/* The value of the k-th of `count` properties whose numbers begin at `from`. */
static struct span property_value(struct span s, size_t from, unsigned count, unsigned k)
{
	size_t at = from + 4 * (size_t)count;
	for (unsigned i = 0; i < k; i++) {
		size_t bytes = value_bytes(s, at, span_32(s, from + 4 * (size_t)i));
		if (bytes == SIZE_MAX)
			return (struct span){ s.at, 0 };
		at += bytes;
	}
	return span_sub(s, at + 4, span_32(s, at));
}

/* Nothing but characters, with a NUL at its end perhaps. */
static bool is_text(struct span value)
{
	bool good = value.n >= 4 && value.n <= 4096 && value.n % 2 == 0;
	for (size_t i = 0; good && i < value.n; i += 2)
		good = span_16(value, i) != 0 || i + 2 == value.n;
	return good;
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

/* How many of the numbers stand in front is not known: whatever count fits, and gives a text, gives a name. */
static void add_names_at(struct postern_call *call, struct span s, size_t at, struct names *names)
{
	bool read = false;
	for (unsigned k = 0; k < PROPERTIES_MAX && at >= 4 * (size_t)k + 2; k++) {
		size_t from = at - 4 * (size_t)k;
		unsigned count = span_16(s, from - 2);
		if (count <= k || count > PROPERTIES_MAX)
			continue;
		struct span value = property_value(s, from, count, k);
		if (is_text(value) && (names->bytes += value.n) <= NAMES_MAX_BYTES)
			add_name(names, span_utf16(call, value));
		read |= is_text(value) || (value.n == 2 && span_16(value, 0) == 0);
	}
	names->unread |= !read || names->bytes > NAMES_MAX_BYTES;
}

static void find_names(struct postern_call *call, struct span s, struct names *n)
{
	static const uint32_t ids[] = { PROPERTY_FILE_NAME, PROPERTY_PICTURE_NAME };
	for (size_t i = 0; i < 2; i++) {
		uint8_t id[4] = { (uint8_t)ids[i], (uint8_t)(ids[i] >> 8), (uint8_t)(ids[i] >> 16), (uint8_t)(ids[i] >> 24) };
		for (size_t at = 0; (at = span_find(s, at, id, 4)) != SIZE_MAX && postern_may_go_on(call); at += 4)
			add_names_at(call, s, at, n);
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
	if (in_order)
		postern_child_name(call, names->each[number]);
	for (size_t i = 0; i < names->count && i < NAMES_PER_FILE_MAX && !in_order; i++)
		postern_child_name(call, names->each[i]);
	if (names->unread)
		postern_child_attribute(call, 'B');
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

/* Files within such a section are encrypted as their names are. */
static bool is_locked(struct span s)
{
	size_t key = span_find(s, 0, key_begins, 8);
	return key != SIZE_MAX && span_find(s, key, key_ends, 8) != SIZE_MAX;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct names *names = postern_alloc(call, sizeof *names);
	bool cut = false;
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);
	find_names(call, s, names);
	bool in_order = count_files(s) == names->count && names->count <= NAMES_MAX;
	size_t number = 0;
	for (size_t at = 0; (at = span_find(s, at, file_mark, 16)) != SIZE_MAX; at += 16)
		if (span_64(s, at + 16) > 0 && !put_file(call, s, at, names, in_order, number++, &cut))
			return POSTERN_LIMIT;
	if (is_locked(s))
		postern_part_attribute(call, 'C');
	if (span_at(s, FORMAT_AT, packed_store, 16))
		return postern_fail(call, POSTERN_BROKEN, "it is packed as servers do, which is not read here");
	return cut ? postern_fail(call, POSTERN_BROKEN, "an embedded file ends before it should") : POSTERN_OK;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "one", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "onenote", .version = "1", .doc = "Opens files embedded in OneNote sections.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
