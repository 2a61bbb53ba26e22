/* leaf.c - the content of one part: decoded, written to its file, its type and digest found, and what hides in it brought out. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/digest.h"
#include "opener/types.h"
#include "opener/uudecode.h"

#define PIECE_BYTES (4 * 1024 * 1024)	/* contents up to this are decoded in memory and written at once */

/* A decoded content; where it lives depends on its size and encoding. */
struct content {
	struct slice bytes;
	uint8_t *buffer;		/* decoded in memory, g_malloc'd; or NULL */
	void *map;			/* read back from its file; or NULL */
	struct slice behind;		/* raw text behind the first uuencoded file */
};

static void content_clear(struct content *c)
{
	g_free(c->buffer);
	if (c->map)
		munmap(c->map, c->bytes.n);
	*c = (struct content){ 0 };
}

/* --- its file --- */

static void part_file_name(uint32_t number, char name[16])
{
	snprintf(name, 16, "p%03u", number);
}

int leaf_open_file(struct walk *w, uint32_t number)
{
	char name[16];
	part_file_name(number, name);
	int fd = openat(w->job->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		walk_broken(w, errno, "open %s: %s", name, g_strerror(errno));
	return fd;
}

/* Half a content is none: scanners shall not call it clean. */
bool leaf_close_file(struct walk *w, uint32_t number, int fd, bool good)
{
	char name[16];
	close(fd);
	if (good)
		return true;
	part_file_name(number, name);
	unlinkat(w->job->dir_fd, name, 0);
	return false;
}

bool leaf_write(struct walk *w, int fd, const uint8_t *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			if (errno == EFBIG)
				walk_limit(w, "Decoded part larger than the limit on files");
			else
				walk_broken(w, errno, "write part: %s", g_strerror(errno));
			return false;
		}
		data += done;
		n -= (size_t)done;
	}
	return true;
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
		good = budget_take_bytes(&w->budget, made) && leaf_write(w, fd, piece, made) && walk_may_go_on(w);
		total += made;
		raw.data += cut;
		raw.n -= cut;
	}
	g_free(piece);
	return good && map_back(w, fd, total, c);
}

/* --- decoding --- */

static bool decode_in_memory(struct walk *w, struct slice raw, struct transfer *t, struct content *c)
{
	c->buffer = g_malloc(transfer_room(raw.n));
	c->bytes = (struct slice){ .data = c->buffer, .n = transfer_decode(t, raw.data, raw.n, c->buffer) };
	return budget_take_bytes(&w->budget, c->bytes.n);
}

static bool is_blank(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!strchr(" \t\r\n", text.data[i]) || text.data[i] == '\0')
			return false;
	return true;
}

/* Readers differ on text around the file, and on a second one: the first is the content, whatever else is looked through too. */
static bool decode_uuencoded(struct walk *w, struct node *n, struct slice raw, struct content *c)
{
	struct uu_block b;
	if (!uu_find(raw.data, raw.n, 0, &b)) {
		if (raw.n > 0)
			node_add_attributes(n, PART_UNDECODABLE);
		c->bytes = raw;
		return budget_take_bytes(&w->budget, raw.n);
	}
	if (b.broken)
		node_add_attributes(n, PART_UNDECODABLE);
	node_add_name(n, b.name);
	c->behind = (struct slice){ .data = raw.data + b.end, .n = raw.n - b.end };
	if (!is_blank(c->behind) || !is_blank((struct slice){ .data = raw.data, .n = b.begin }))
		node_add_attributes(n, PART_AMBIGUOUS);
	size_t length = b.content->len;
	c->buffer = g_byte_array_free(b.content, FALSE);
	c->bytes = (struct slice){ .data = c->buffer, .n = length };
	b.content = NULL;
	uu_clear(&b);
	return budget_take_bytes(&w->budget, length);
}

static void judge_transfer(struct walk *w, struct node *n, const struct transfer *t)
{
	if (transfer_failed(t)) {
		node_add_attributes(n, PART_UNDECODABLE);
		walk_mime_error(w, "part %u cannot be decoded from its transfer encoding", n->record.number);
	}
	if (transfer_ambiguous(t)) {
		node_add_attributes(n, PART_AMBIGUOUS);
		walk_mime_error(w, "part %u has base64 data behind its end", n->record.number);
	}
}

/* Decoded content in *c and, when `fd` >= 0, in the file. */
static bool decode(struct walk *w, struct node *n, struct slice raw, enum transfer_encoding encoding, int fd, struct content *c)
{
	struct transfer t;
	bool good, written = false;
	transfer_begin(&t, encoding);
	if (encoding == TRANSFER_IDENTITY) {
		c->bytes = raw;
		good = budget_take_bytes(&w->budget, raw.n);
	} else if (encoding == TRANSFER_UUENCODE) {
		good = decode_uuencoded(w, n, raw, c);
	} else if (raw.n > PIECE_BYTES && fd >= 0) {
		good = decode_in_pieces(w, raw, &t, fd, c);
		written = true;
	} else {
		good = decode_in_memory(w, raw, &t, c);
	}
	judge_transfer(w, n, &t);
	if (good && !written && fd >= 0)
		good = leaf_write(w, fd, c->bytes.data, c->bytes.n);
	n->record.size_bytes = c->bytes.n;
	return good;
}

/* --- what hides in it --- */

static void extract_uuencoded(struct walk *w, struct slice text, struct place *at)
{
	struct uu_block b;
	size_t from = 0;
	while (!walk_stopped(w) && from < text.n && uu_find(text.data, text.n, from, &b)) {
		struct node n;
		from = b.end;
		if (b.content->len > 0 && node_begin(w, &n, *at)) {
			at->index++;
			node_add_name(&n, b.name);
			if (b.broken)
				node_add_attributes(&n, PART_UNDECODABLE);
			leaf_take(w, &n, (struct slice){ .data = b.content->data, .n = b.content->len }, TRANSFER_IDENTITY, *at);
			node_clear(&n);
		}
		uu_clear(&b);
	}
}

static bool is_declared_mail(const struct node *n)
{
	static const char *const kinds[] = { "message/rfc822", "message/global", "message/news" };
	for (guint i = 0; i < n->mime_types->len; i++)
		for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
			if (strcmp(g_ptr_array_index(n->mime_types, i), kinds[k]) == 0)
				return true;
	return false;
}

void leaf_find_type(struct node *n, const struct type_content *c, struct type_guess *guess)
{
	types_guess_content(c, guess);
	if (is_declared_mail(n))
		strcpy(guess->shorts, "mail");
	n->record.type_short = guess->shorts;
	n->record.type_full = guess->full;
	bool encrypted = types_is_encrypted(c->data, c->n, guess);
	n->embeds = guess->embeds;
	n->locked = encrypted && tree_type_in(guess->shorts, ',', "zip", 3);
	if (encrypted && !n->locked)
		node_add_attributes(n, PART_CRYPTED);
}

static bool is_declared_text(const struct part *p)
{
	for (unsigned i = 0; i < p->mime_type_count; i++)
		if (strncmp(p->mime_types[i], "text/", 5) == 0)
			return true;
	return false;
}

bool leaf_may_hide(const char *types, struct slice beginning, bool all)
{
	bool text = tree_type_in(types, ',', "txt", 3) || tree_type_in(types, ',', "uue", 3) || tree_type_in(types, ',', "html", 4);
	return strcmp(types, "mail") == 0 || (text && (!all || memmem(beginning.data, beginning.n, "begin", 5)));
}

static void look_at(struct walk *w, const char *type, bool text, struct slice bytes, struct place *below)
{
	if (strcmp(type, "mail") == 0) {
		walk_message_bytes(w, bytes, *below);
		below->index++;
	} else if (text || tree_type_in(type, ',', "txt", 3) || strcmp(type, "uue") == 0) {
		extract_uuencoded(w, bytes, below);
	}
}

void leaf_look_inside(struct walk *w, const struct part *p, struct slice bytes, struct place at)
{
	struct place below = { .parent = p->number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	look_at(w, p->type_short, is_declared_text(p), bytes, &below);
}

/* A mail within a mail that came encoded gets its file too, beside its parts: they hold neither its header nor what is no mail at all. */
void leaf_take(struct walk *w, struct node *n, struct slice raw, enum transfer_encoding encoding, struct place at)
{
	struct content c = { 0 };
	struct type_guess guess;
	char digest[DIGEST_TEXT_MAX];
	struct place below = { .parent = n->record.number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	bool wants_file = raw.n > 0;
	int fd = wants_file ? leaf_open_file(w, n->record.number) : -1;
	bool good = (!wants_file || fd >= 0) && decode(w, n, raw, encoding, fd, &c);
	n->record.has_file = fd >= 0 && leaf_close_file(w, n->record.number, fd, good);
	leaf_find_type(n, &(struct type_content){ .data = c.bytes.data, .n = c.bytes.n, .size = c.bytes.n, .fd = -1, .library_left = &w->budget.library_left }, &guess);
	if (good && digest_of(w->job->order->digest, c.bytes.data, c.bytes.n, digest))
		n->record.digest = digest;
	node_send(w, n);
	if (n->record.has_file)
		decode_enqueue(w, n, at);
	bool text = is_declared_text(tree_part(w->tree, n->record.number));
	if (good && !walk_stopped(w))
		look_at(w, guess.shorts, text, c.bytes, &below);
	extract_uuencoded(w, c.behind, &below);
	n->record.type_short = n->record.type_full = n->record.digest = NULL;	/* they lived here */
	content_clear(&c);
}
