/* smime.c - what a signature is wrapped around: CMS (RFC 5652), as smime.p7m and signed documents are, and compressed data (RFC 3274).
 *
 * Nothing is verified.  One rule finds the content in every kind of CMS: it is a
 * SEQUENCE of a type's OID and a [0]; what else looks so, as an algorithm with odd
 * parameters in front of it, is opened too.  Lengths may be left open (BER), and the
 * content may come in pieces, nested in each other. */
#include <postern/plugin.h>

#include <strings.h>
#include <zlib.h>

#include "base64.h"
#include "span.h"

#define NESTING_MAX 24
#define ENTITY_HEADER_BYTES (64 * 1024)		/* in which a MIME entity shows itself */
#define INFLATED_BYTES (64 * 1024)

enum tag { OCTET_STRING = 0x04, OID = 0x06, CONSTRUCTED = 0x20, SEQUENCE = 0x30, CONTEXT_0 = 0xa0 };

/* --- BER --- */

struct element {
	uint8_t tag;
	bool open;			/* its length is not told: an end mark is behind its last element */
	size_t head;			/* bytes of tag and length */
	struct span body;		/* what there is of it; of an open one all that follows */
	bool cut;			/* it says that it is longer */
};

static bool read_element(struct span s, struct element *e)
{
	uint8_t length = span_8(s, 1);
	size_t n = length, digits = length & 0x7f;
	if (s.n < 2 || (s.at[0] & 0x1f) == 0x1f || (s.at[0] == 0 && length == 0))
		return false;		/* tags beyond 30 are in no CMS */
	*e = (struct element){ .tag = s.at[0], .head = 2, .open = length == 0x80 && s.at[0] & CONSTRUCTED };
	if (length > 0x80) {
		n = 0;
		for (size_t i = 0; i < digits; i++)
			n = n > SIZE_MAX >> 8 ? SIZE_MAX : n << 8 | span_8(s, 2 + i);
		e->head += digits;
	}
	e->body = e->open ? span_from(s, 2) : span_sub(s, e->head, n);
	e->cut = !e->open && !span_has(s, e->head, n);
	return length != 0x80 || e->open;
}

/* Bytes of an element with what it holds; 0: it cannot be told. */
static size_t extent(struct span s, unsigned depth)
{
	struct element e;
	if (depth > NESTING_MAX || !read_element(s, &e))
		return 0;
	if (!e.open)
		return e.cut ? s.n : e.head + e.body.n;
	for (size_t at = e.head, n; at < s.n; at += n) {
		if (span_at(s, at, "\0\0", 2))
			return at + 2;
		n = extent(span_from(s, at), depth + 1);
		if (n == 0)
			return 0;
	}
	return s.n;
}

/* --- the content --- */

/* Where the content goes: into the child that is begun, or as far as it fits into `head`, to be looked at. */
struct sink {
	struct postern_call *call;
	z_stream *inflating;		/* NULL: what comes is written as it is */
	uint8_t *head;			/* ENTITY_HEADER_BYTES; NULL: the child */
	size_t head_bytes;
	bool over, damaged, ended;	/* a limit; what cannot be; the packed stream has come to its end */
};

static void write_bytes(struct sink *k, struct span s)
{
	if (!k->head) {
		k->over = !postern_child_write(k->call, s.at, s.n);
		return;
	}
	size_t room = ENTITY_HEADER_BYTES - k->head_bytes, n = s.n < room ? s.n : room;
	memcpy(k->head + k->head_bytes, s.at, n);
	k->head_bytes += n;
	k->over = k->head_bytes == ENTITY_HEADER_BYTES;
}

static void inflate_bytes(struct sink *k, struct span s)
{
	uint8_t out[INFLATED_BYTES];
	z_stream *z = k->inflating;
	z->next_in = (Bytef *)(uintptr_t)s.at;
	z->avail_in = (uInt)s.n;
	do {
		z->next_out = out;
		z->avail_out = sizeof out;
		int rc = k->ended ? Z_DATA_ERROR : inflate(z, Z_NO_FLUSH);	/* something behind the end */
		k->ended |= rc == Z_STREAM_END;
		k->damaged |= rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR;
		if (z->avail_out < sizeof out)
			write_bytes(k, (struct span){ out, sizeof out - z->avail_out });
	} while (!k->over && !k->damaged && (z->avail_in > 0 || (z->avail_out == 0 && !k->ended)));
}

static void put(struct sink *k, struct span s)
{
	if (k->over || s.n == 0)
		return;
	if (k->inflating)
		inflate_bytes(k, s);
	else
		write_bytes(k, s);
}

/* The bytes of an octet string, of all its pieces where it has some; how many bytes of s it took. */
static size_t put_octets(struct sink *k, struct span s, unsigned depth)
{
	struct element e;
	size_t at, n;
	if (depth > NESTING_MAX || !read_element(s, &e)) {
		k->damaged = true;
		return s.n;
	}
	k->damaged |= e.cut;
	if (!(e.tag & CONSTRUCTED)) {
		put(k, e.body);
		return e.head + e.body.n;
	}
	size_t end = e.open ? 2 : 0;	/* its mark */
	for (at = 0; at < e.body.n && !(e.open && span_at(e.body, at, "\0\0", 2)) && !k->over; at += n)
		n = put_octets(k, span_from(e.body, at), depth + 1);
	k->damaged |= e.open && at >= e.body.n;
	return e.head + (at + end < e.body.n ? at + end : e.body.n);
}

/* What a [0] holds: an octet string, or in PKCS #7 anything else. */
static void put_content(struct sink *k, struct span explicit)
{
	struct element e;
	if (read_element(explicit, &e) && (e.tag & ~CONSTRUCTED) == OCTET_STRING)
		put_octets(k, explicit, 0);
	else
		put(k, explicit);
}

/* --- where it is --- */

/* The [0] behind an OID in what is the inside of a SEQUENCE. */
static bool find_explicit(struct span inside, struct element *type, struct element *explicit)
{
	return read_element(inside, type) && type->tag == OID
		&& read_element(span_from(inside, type->head + type->body.n), explicit) && explicit->tag == CONTEXT_0;
}

static bool is_oid(const struct element *e, const char *bytes, size_t n)
{
	return e->body.n == n && memcmp(e->body.at, bytes, n) == 0;
}
#define IS_OID(e, bytes) is_oid(e, bytes, sizeof bytes - 1)

static bool is_compressed(const struct element *type)
{
	return IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09");
}

static bool is_encrypted(const struct element *type)
{
	return IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03") || IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04")
		|| IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06") || IS_OID(type, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17");
}

enum found { FOUND_CONTENT, FOUND_NONE, FOUND_DAMAGE };

/* The next one from *at on in the inside of SignedData and its kin; *at goes behind it. */
static enum found find_content(struct span inside, size_t *at, struct span *content)
{
	struct element e, type, explicit;
	while (*at < inside.n && !span_at(inside, *at, "\0\0", 2)) {
		struct span rest = span_from(inside, *at);
		bool good = read_element(rest, &e);
		size_t n = good ? extent(rest, 0) : 0;
		*at = n > 0 && !e.cut ? *at + n : SIZE_MAX;
		if (good && e.tag == SEQUENCE && find_explicit(e.body, &type, &explicit)) {
			*content = explicit.body;
			return FOUND_CONTENT;
		}
	}
	return *at == SIZE_MAX ? FOUND_DAMAGE : FOUND_NONE;
}

/* --- as children --- */

/* "invoice.pdf.p7m" holds invoice.pdf. */
static void name_by_part(struct postern_call *call, const struct postern_part *part)
{
	static const char *const endings[] = { ".p7m", ".p7z", ".p7s", ".p7", ".cms" };
	for (size_t i = 0; i < postern_part_name_count(part); i++) {
		const char *name = postern_part_name_at(part, i);
		size_t n = strlen(name);
		for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
			size_t ending = strlen(endings[k]);
			bool fits = n > ending && strcasecmp(name + n - ending, endings[k]) == 0;
			if (fits && memchr(name, '.', n - ending))
				postern_child_name(call, postern_printf(call, "%.*s", (int)(n - ending), name));
		}
	}
}

static bool begins_with_field(struct span s)
{
	size_t i = 0;
	while (i < s.n && s.at[i] > ' ' && s.at[i] < 0x7f && s.at[i] != ':')
		i++;
	return i > 0 && span_8(s, i) == ':';
}

/* "Content-Type:", blanks in front of the colon perhaps. */
static bool is_content_field(struct span line)
{
	static const char word[] = "content-";
	size_t i = sizeof word - 1;
	if (line.n < i || strncasecmp((const char *)line.at, word, i) != 0)
		return false;
	while (i < line.n && line.at[i] > ' ' && line.at[i] < 0x7f && line.at[i] != ':')
		i++;
	while (span_8(line, i) == ' ' || span_8(line, i) == '\t')
		i++;
	return span_8(line, i) == ':';
}

/* Up to the first empty line, in front of which others may be empty. */
static bool has_content_field(struct span s)
{
	size_t at = 0;
	while (span_8(s, at) == '\r' || span_8(s, at) == '\n')
		at++;
	while (at < s.n) {
		size_t end = span_find(s, at, "\n", 1);
		struct span line = span_sub(s, at, end - at);
		if (line.n == 0 || (line.n == 1 && line.at[0] == '\r'))
			return false;
		if (is_content_field(line))
			return true;
		at = end == SIZE_MAX ? s.n : end + 1;
	}
	return false;
}

/* A content, and the part that it is in. */
struct way {
	struct postern_call *call;
	const struct postern_part *part;
	struct span content;
	bool packed;
	uint8_t *head;			/* ENTITY_HEADER_BYTES, to look at its beginning */
};

static bool pass(const struct way *way, struct sink *k)
{
	z_stream z = { 0 };
	if (way->packed && inflateInit(&z) != Z_OK)
		return false;
	k->inflating = way->packed ? &z : NULL;
	put_content(k, way->content);
	if (way->packed) {
		k->damaged |= !k->ended && !k->over;
		inflateEnd(&z);
	}
	return true;
}

static enum postern_result put_child(const struct way *way, const char *mime_type)
{
	struct sink k = { .call = way->call };
	if (!postern_child_begin(way->call, NULL))
		return POSTERN_LIMIT;
	if (mime_type)
		postern_child_mime_type(way->call, mime_type);
	else
		name_by_part(way->call, way->part);
	if (!pass(way, &k))
		return POSTERN_TEMPFAIL;
	if (k.damaged)
		postern_child_attribute(way->call, 'U');
	if (!postern_child_end(way->call) || k.over)
		return POSTERN_LIMIT;
	return k.damaged ? postern_fail(way->call, POSTERN_BROKEN, "what is signed is damaged") : POSTERN_OK;
}

/* What is damaged may be shown all the same. */
static bool goes_on(enum postern_result r)
{
	return r == POSTERN_OK || r == POSTERN_BROKEN;
}

/* A mail program reads the content as a part with its own header; whoever signs files means the file. Where it may be both, it is opened as both. */
static enum postern_result put_as_read(const struct way *way)
{
	struct sink k = { .call = way->call, .head = way->head };
	if (!pass(way, &k))
		return POSTERN_TEMPFAIL;
	struct span head = { k.head, k.head_bytes };
	bool entity = has_content_field(head);
	enum postern_result file = entity && begins_with_field(head) ? POSTERN_OK : put_child(way, NULL);
	enum postern_result mail = entity && goes_on(file) ? put_child(way, "message/rfc822") : POSTERN_OK;
	return file != POSTERN_OK ? file : mail;
}

static enum postern_result put_contents(struct way *way, struct span inside)
{
	enum postern_result result = POSTERN_OK;
	enum found found = FOUND_NONE;
	for (size_t at = 0; goes_on(result) && (found = find_content(inside, &at, &way->content)) == FOUND_CONTENT;) {
		enum postern_result r = put_as_read(way);
		result = r == POSTERN_OK ? result : r;
	}
	return result == POSTERN_OK && found == FOUND_DAMAGE ? postern_fail(way->call, POSTERN_BROKEN, "its content cannot be found") : result;
}

/* What stands behind the end, but for zeros and line ends. */
static bool put_what_follows(struct postern_call *call, struct span s)
{
	size_t n = extent(s, 0);
	struct span behind = n ? span_from(s, n) : (struct span){ s.at, 0 };
	size_t blank = 0;
	while (blank < behind.n && (behind.at[blank] == 0 || behind.at[blank] == '\r' || behind.at[blank] == '\n'))
		blank++;
	return blank == behind.n || child_put(call, NULL, behind);
}

/* ContentInfo, in DER or BER. */
static enum postern_result open_content_info(struct postern_call *call, const struct postern_part *part, struct span s)
{
	struct element outer, type, explicit, inner;
	struct way way = { .call = call, .part = part };
	if (!read_element(s, &outer) || outer.tag != SEQUENCE || !read_element(outer.body, &type) || type.tag != OID)
		return POSTERN_NOTHING;
	postern_part_keep(call);	/* certificates, and whatever else stands beside the content */
	if (is_encrypted(&type)) {
		postern_part_attribute(call, 'C');
		return POSTERN_OK;
	}
	if (!find_explicit(outer.body, &type, &explicit))
		return postern_fail(call, POSTERN_BROKEN, "nothing is in it");
	if (!read_element(explicit.body, &inner))
		return postern_fail(call, POSTERN_BROKEN, "it ends before its content");
	way.packed = is_compressed(&type);
	way.content = explicit.body;
	way.head = postern_alloc(call, ENTITY_HEADER_BYTES);
	enum postern_result result = inner.tag == SEQUENCE ? put_contents(&way, inner.body) : put_as_read(&way);
	if (result == POSTERN_OK && !put_what_follows(call, s))
		return POSTERN_LIMIT;
	return result == POSTERN_OK && outer.cut ? postern_fail(call, POSTERN_BROKEN, "it ends too early") : result;
}

/* --- as text --- */

/* Between the lines that say so, or all of it: the content, taken up again as a part of its own type. */
static enum postern_result open_text(struct postern_call *call, struct span s)
{
	struct base64 b = { .call = call };
	size_t at = span_find(s, 0, "-----", 5);
	at = at == SIZE_MAX ? SIZE_MAX : span_find(s, at + 5, "-----", 5);
	at = at == SIZE_MAX ? 0 : at + 5;
	size_t end = span_find(s, at, "-----", 5);
	if (!postern_child_begin(call, NULL))
		return POSTERN_LIMIT;
	for (; at < end && at < s.n; at++)
		base64_put(&b, s.at[at]);
	bool good = base64_end(&b);
	return postern_child_end(call) && good ? POSTERN_OK : POSTERN_LIMIT;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	return span_8(s, 0) == SEQUENCE ? open_content_info(call, part, s) : open_text(call, s);
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "p7m", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "smime", .version = "1", .doc = "Opens what S/MIME and other CMS signatures are wrapped around, and CMS compressed data.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
