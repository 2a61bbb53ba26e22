/* leaf.c - the content of one part: decoded, written to its file, its type found, and what hides in it brought out. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "opener/names.h"
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

static bool charge(struct walk *w, size_t n)
{
	w->bytes += n;
	if (w->order->quota_bytes == 0 || w->bytes <= w->order->quota_bytes)
		return true;
	walk_limit(w, "Exceeded storage quota %" PRIu64 " bytes", w->order->quota_bytes);
	return false;
}

/* --- its file --- */

static void part_file_name(uint32_t number, char name[16])
{
	snprintf(name, 16, "p%03u", number);
}

static int open_part_file(struct walk *w, uint32_t number)
{
	char name[16];
	part_file_name(number, name);
	int fd = openat(w->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		walk_broken(w, errno, "open %s: %s", name, g_strerror(errno));
	return fd;
}

/* Half a content is none: scanners shall not call it clean. */
static bool close_part_file(struct walk *w, uint32_t number, int fd, bool good)
{
	char name[16];
	close(fd);
	if (good)
		return true;
	part_file_name(number, name);
	unlinkat(w->dir_fd, name, 0);
	return false;
}

static bool write_bytes(struct walk *w, int fd, const uint8_t *data, size_t n)
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
		good = charge(w, made) && write_bytes(w, fd, piece, made) && walk_may_go_on(w);
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
	return charge(w, c->bytes.n);
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
			node_add_attributes(w, n, PART_UNDECODABLE);
		c->bytes = raw;
		return charge(w, raw.n);
	}
	if (b.broken)
		node_add_attributes(w, n, PART_UNDECODABLE);
	names_add(n->names, b.name);
	c->behind = (struct slice){ .data = raw.data + b.end, .n = raw.n - b.end };
	if (!is_blank(c->behind) || !is_blank((struct slice){ .data = raw.data, .n = b.begin }))
		node_add_attributes(w, n, PART_AMBIGUOUS);
	size_t length = b.content->len;
	c->buffer = g_byte_array_free(b.content, FALSE);
	c->bytes = (struct slice){ .data = c->buffer, .n = length };
	b.content = NULL;
	uu_clear(&b);
	return charge(w, length);
}

static void judge_transfer(struct walk *w, struct node *n, const struct transfer *t)
{
	if (transfer_failed(t)) {
		node_add_attributes(w, n, PART_UNDECODABLE);
		walk_mime_error(w, "part %u cannot be decoded from its transfer encoding", n->record.number);
	}
	if (transfer_ambiguous(t)) {
		node_add_attributes(w, n, PART_AMBIGUOUS);
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
		good = charge(w, raw.n);
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
		good = write_bytes(w, fd, c->bytes.data, c->bytes.n);
	n->record.size_bytes = c->bytes.n;
	return good;
}

/* --- what hides in it --- */

static void extract_uuencoded(struct walk *w, struct slice text, struct place *at)
{
	struct uu_block b;
	size_t from = 0;
	while (!w->stopped && from < text.n && uu_find(text.data, text.n, from, &b)) {
		struct node n;
		from = b.end;
		if (b.content->len > 0 && node_begin(w, &n, *at)) {
			at->index++;
			names_add(n.names, b.name);
			if (b.broken)
				node_add_attributes(w, &n, PART_UNDECODABLE);
			leaf_take(w, &n, (struct slice){ .data = b.content->data, .n = b.content->len }, TRANSFER_IDENTITY, *at);
			node_clear(&n);
		}
		uu_clear(&b);
	}
}

static bool is_declared_mail(const struct node *n)
{
	return strcmp(n->mime_type, "message/rfc822") == 0 || strcmp(n->mime_type, "message/global") == 0
		|| strcmp(n->mime_type, "message/news") == 0;
}

static void find_type(struct walk *w, struct node *n, struct slice bytes, struct type_guess *guess)
{
	types_guess(bytes.data, bytes.n, guess);
	if (is_declared_mail(n))
		guess->shorts = "mail";
	n->record.type_short = guess->shorts;
	n->record.type_full = guess->full;
	if (types_is_encrypted(bytes.data, bytes.n, guess))
		node_add_attributes(w, n, strstr(guess->shorts, "zip") ? PART_CRYPTED | PART_UNDECODABLE : PART_CRYPTED);
}

static void look_inside(struct walk *w, struct node *n, const struct content *c, struct place at)
{
	struct place below = { .parent = n->record.number, .index = 1, .nesting = at.nesting + 1, .level = at.level };
	const char *type = n->record.type_short;
	if (strcmp(type, "mail") == 0) {
		walk_message_bytes(w, c->bytes, below);
		below.index++;
	} else if (strcmp(type, "txt") == 0 || strcmp(type, "uue") == 0 || strncmp(n->mime_type, "text/", 5) == 0) {
		extract_uuencoded(w, c->bytes, &below);
	}
	extract_uuencoded(w, c->behind, &below);
}

/* A mail within a mail that came encoded gets its file too, beside its parts: they hold neither its header nor what is no mail at all. */
void leaf_take(struct walk *w, struct node *n, struct slice raw, enum transfer_encoding encoding, struct place at)
{
	struct content c = { 0 };
	struct type_guess guess;
	bool wants_file = raw.n > 0;
	int fd = wants_file ? open_part_file(w, n->record.number) : -1;
	bool good = (!wants_file || fd >= 0) && decode(w, n, raw, encoding, fd, &c);
	n->record.has_file = fd >= 0 && close_part_file(w, n->record.number, fd, good);
	find_type(w, n, c.bytes, &guess);
	node_send(w, n);
	if (good && !w->stopped)
		look_inside(w, n, &c, at);
	n->record.type_short = n->record.type_full = NULL;	/* they lived here */
	content_clear(&c);
}
