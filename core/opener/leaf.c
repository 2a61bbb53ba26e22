/* leaf.c - the content of one part: decoded, written to its file, its type and digest found, and what hides in it brought out. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/digest.h"
#include "opener/text_file.h"
#include "opener/types.h"

#define PIECE_BYTES (4 * 1024 * 1024)	/* contents up to this are decoded in memory and written at once */

#define TEXT_FILE_MAX_BYTES (1024u * 1024 * 1024)	/* out of text, where no quota says less */

/* A decoded content; where it lives depends on its size and encoding. */
struct content {
	struct slice bytes;
	uint8_t *buffer;		/* decoded in memory, g_malloc'd; or NULL */
	void *map;			/* read back from its file; or NULL */
	struct slice behind;		/* raw text behind the first uuencoded file */
	unsigned doubts;		/* readings that may give something else */
};

static void content_clear(struct content *c)
{
	g_free(c->buffer);
	if (c->map)
		munmap(c->map, c->bytes.n);
	*c = (struct content){ 0 };
}

static bool map_back(struct walk *w, int fd, size_t n, struct content *c)
{
	if (n == 0)
		return true;
	void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		walk_broken(w, errno, "map part: %s", g_strerror(errno));
		return false;
	}
	c->map = map;
	c->bytes = (struct slice){ .data = map, .n = n };
	return true;
}

/* Large contents go to their file in pieces. */
static bool decode_in_pieces(struct walk *w, struct slice raw, struct transfer *t, int fd, struct content *c)
{
	uint8_t *piece = g_malloc(transfer_room(PIECE_BYTES));
	size_t total = 0;
	bool good = true;
	while (raw.n > 0 && good) {
		size_t cut = transfer_cut(raw.data, raw.n, PIECE_BYTES < raw.n ? PIECE_BYTES : raw.n);
		size_t made = transfer_decode(t, raw.data, cut, piece);
		good = budget_take_bytes(&w->budget, made) && part_file_write(w, fd, piece, made) && walk_may_go_on(w);
		total += made;
		raw.data += cut;
		raw.n -= cut;
	}
	size_t rest = transfer_end(t, piece);
	good = good && budget_take_bytes(&w->budget, rest) && part_file_write(w, fd, piece, rest);
	total += rest;
	g_free(piece);
	return good && map_back(w, fd, total, c);
}

/* --- decoding --- */

static bool decode_in_memory(struct walk *w, struct slice raw, struct transfer *t, struct content *c)
{
	c->buffer = g_malloc(transfer_room(raw.n));
	c->bytes = (struct slice){ .data = c->buffer, .n = transfer_decode(t, raw.data, raw.n, c->buffer) };
	c->bytes.n += transfer_end(t, c->buffer + c->bytes.n);
	return budget_take_bytes(&w->budget, c->bytes.n);
}

static bool is_blank(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!strchr(" \t\r\n", text.data[i]) || text.data[i] == '\0')
			return false;
	return true;
}

/* One byte more than there may be: that it is too much shall show. */
static size_t text_file_max(const struct walk *w)
{
	uint64_t left = budget_bytes_left(&w->budget);
	return left < TEXT_FILE_MAX_BYTES ? (size_t)left + 1 : TEXT_FILE_MAX_BYTES;
}

/* Readers differ on text around the file, and on a second one: the first is the content, whatever else is looked through too. */
static bool decode_uuencoded(struct walk *w, struct node *n, struct slice raw, struct content *c)
{
	struct text_file f;
	if (!uu_find(raw.data, raw.n, 0, text_file_max(w), &f)) {
		if (raw.n > 0)
			node_add_attributes(n, PART_UNDECODABLE);
		c->bytes = raw;
		return budget_take_bytes(&w->budget, raw.n);
	}
	if (f.broken)
		node_add_attributes(n, PART_UNDECODABLE);
	node_add_name(n, f.name);
	c->behind = (struct slice){ .data = raw.data + f.end, .n = raw.n - f.end };
	if (f.other)
		c->behind = raw;
	if (!is_blank(c->behind) || !is_blank((struct slice){ .data = raw.data, .n = f.begin }))
		node_add_attributes(n, PART_AMBIGUOUS);
	size_t length = f.content->len;
	c->buffer = g_byte_array_free(f.content, FALSE);
	c->bytes = (struct slice){ .data = c->buffer, .n = length };
	f.content = NULL;
	text_file_clear(&f);
	return budget_take_bytes(&w->budget, length);
}

static void judge_transfer(struct walk *w, struct node *n, const struct transfer *t)
{
	if (!transfer_failed(t))
		return;
	node_add_attributes(n, PART_UNDECODABLE);
	walk_mime_error(w, "part %u cannot be decoded from its transfer encoding", n->record.number);
}

/* Decoded content in *c and, when `fd` >= 0, in the file. */
static bool decode(struct walk *w, struct node *n, const struct encoded *content, int fd, struct content *c)
{
	struct slice raw = content->raw;
	struct transfer t;
	bool good, written = false;
	transfer_begin_reading(&t, content->encoding, content->reading);
	if (content->encoding == TRANSFER_IDENTITY) {
		c->bytes = raw;
		good = budget_take_bytes(&w->budget, raw.n);
	} else if (content->encoding == TRANSFER_UUENCODE) {
		good = decode_uuencoded(w, n, raw, c);
	} else if (raw.n > PIECE_BYTES && fd >= 0) {
		good = decode_in_pieces(w, raw, &t, fd, c);
		written = true;
	} else {
		good = decode_in_memory(w, raw, &t, c);
	}
	if (!content->quoted)
		judge_transfer(w, n, &t);
	c->doubts = content->reading == TRANSFER_USUAL ? transfer_doubts(&t) : 0;
	if (good && !written && fd >= 0)
		good = part_file_write(w, fd, c->bytes.data, c->bytes.n);
	n->record.size_bytes = c->bytes.n;
	return good;
}

/* --- what hides in it --- */

static void take_text_file(struct walk *w, const struct text_file *f, const GByteArray *content, struct place *at)
{
	struct node n;
	if (content->len == 0 || !budget_take_nesting(&w->budget, at->nesting) || !node_begin(w, &n, *at))
		return;
	at->index++;
	node_add_name(&n, f->name);
	if (f->broken)
		node_add_attributes(&n, PART_UNDECODABLE);
	if (f->ambiguous)
		node_add_attributes(&n, PART_AMBIGUOUS);
	leaf_take(w, &n, (struct encoded){ .raw = { .data = content->data, .n = content->len } }, *at);
	node_clear(&n);
}

/* Files within text; whether there was one. */
static bool extract_text_files(struct walk *w, struct slice text, bool is_binhex, struct place *at)
{
	struct text_files s = { .text = text.data, .n = text.n, .max_bytes = text_file_max(w), .is_binhex = is_binhex };
	struct text_file f;
	bool found = false;
	while (!walk_stopped(w) && text_files_next(&s, &f)) {
		found = true;
		take_text_file(w, &f, f.content, at);
		if (f.other)
			take_text_file(w, &f, f.other, at);
		text_file_clear(&f);
	}
	return found;
}

static bool is_declared(const struct part *p, const char *type)
{
	for (unsigned i = 0; i < p->mime_type_count; i++)
		if (strncmp(p->mime_types[i], type, strlen(type)) == 0)
			return true;
	return false;
}

/* What nothing is said of, as the text around parts, is text too. */
static bool is_declared_text(const struct part *p)
{
	return p->mime_type_count == 0 || is_declared(p, "text/");
}

static void look_at(struct walk *w, uint32_t number, bool text, struct slice bytes, struct place *below)
{
	const char *types = tree_part(w->tree, number)->type_short;
	bool is_binhex = is_declared(tree_part(w->tree, number), "application/mac-binhex40"), within_header = w->header_only;
	if (strcmp(types, "mail") == 0) {
		w->header_only |= is_declared(tree_part(w->tree, number), "text/rfc822-headers");
		walk_message_bytes(w, bytes, below);
		w->header_only = within_header;
	} else if (text || hiding_may_be_files(types, bytes)) {
		bool found = extract_text_files(w, bytes, is_binhex, below);
		if (!found && strcmp(types, "hqx") == 0)
			tree_part(w->tree, number)->attributes |= PART_UNDECODABLE;
		if (hiding_is_encrypted(bytes))
			tree_part(w->tree, number)->attributes |= PART_CRYPTED;
	}
}

void leaf_look_inside(struct walk *w, const struct part *p, struct slice bytes, struct place at)
{
	struct place below = { .parent = p->number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	look_at(w, p->number, is_declared_text(p), bytes, &below);
}

/* What of itself hides in a leaf, and what else it may be decoded to. */
static void look_around(struct walk *w, uint32_t number, const struct encoded *content, const struct content *c, struct place *below)
{
	bool text = is_declared_text(tree_part(w->tree, number));
	look_at(w, number, text, c->bytes, below);
	if (content->charsets)
		charset_take(w, number, content->charsets, c->bytes, below);
	readings_take(w, tree_part(w->tree, number), content, c->doubts, c->bytes, below);
	if (content->encoding == TRANSFER_BASE64 && hiding_seems_to_be_files(content->raw))
		extract_text_files(w, content->raw, false, below);	/* to those who read it as plain text */
}

/* A mail within a mail that came encoded gets its file too, beside its parts: they hold neither its header nor what is no mail at all. */
void leaf_take(struct walk *w, struct node *n, struct encoded content, struct place at)
{
	struct content c = { 0 };
	struct type_guess guess;
	char digest[DIGEST_TEXT_MAX];
	struct place below = { .parent = n->record.number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	bool wants_file = content.raw.n > 0;
	int fd = wants_file ? part_file_open(w, n->record.number) : -1;
	bool good = (!wants_file || fd >= 0) && decode(w, n, &content, fd, &c);
	n->record.has_file = fd >= 0 && part_file_close(w, n->record.number, fd, good);
	node_find_type(n, &(struct type_content){ .data = c.bytes.data, .n = c.bytes.n, .size = c.bytes.n, .fd = -1, .library_left = &w->budget.library_left }, &guess);
	if (good && digest_of(w->job->order->digest, c.bytes.data, c.bytes.n, digest))
		n->record.digest = digest;
	node_send(w, n);
	if (n->record.has_file)
		queue_add(w, n, at);
	if (good && !walk_stopped(w))
		look_around(w, n->record.number, &content, &c, &below);
	extract_text_files(w, c.behind, false, &below);
	n->record.type_short = n->record.type_full = n->record.digest = NULL;	/* they lived here */
	content_clear(&c);
}
