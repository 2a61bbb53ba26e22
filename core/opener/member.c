/* member.c - what decoders make of a part: a child's content goes from the decoder straight to its file, charged as it comes.
 *
 * A small child is written in one go at its end.  A name is recorded and never
 * used: files are called by the part's number. */
#include "config.h"

#include "opener/decode.h"

#include <string.h>

#include "base/digest.h"
#include "opener/types.h"

#define HEAD_BYTES (128 * 1024)	/* of a child that is held in memory: small ones as a whole */

struct member {
	struct node node;
	bool open;
	bool failed;			/* over a limit: what is there is not all */
	int fd;				/* -1: all of it is in head */
	uint64_t size_bytes;
	size_t head_bytes;
	EVP_MD_CTX *digest;
	bool digesting;			/* the context has taken bytes */
	uint8_t head[HEAD_BYTES];
};

static bool refuse(struct walk *w)
{
	w->decoding->refused = true;
	return false;
}

bool member_may_go_on(struct walk *w)
{
	return (!w->broken && budget_decoder_may_go_on(&w->budget, w->decoding->decoder)) || refuse(w);
}

static bool may_go_on(void *context)
{
	return member_may_go_on(context);
}

static struct member *member_of(struct walk *w)
{
	struct decoding *d = w->decoding;
	if (!d->child) {
		d->child = g_malloc(sizeof *d->child);
		d->child->open = false;
		d->child->digest = EVP_MD_CTX_new();
	}
	return d->child;
}

/* --- content --- */

static void digest_bytes(struct walk *w, struct member *c, const void *data, size_t n)
{
	const EVP_MD *md = digest_by_name(w->job->order->digest);
	if (!md)
		return;
	if (!c->digesting)
		EVP_DigestInit_ex(c->digest, md, NULL);
	c->digesting = true;
	EVP_DigestUpdate(c->digest, data, n);
}

static bool spill(struct walk *w, struct member *c)
{
	c->fd = part_file_open(w, c->node.record.number);
	return c->fd >= 0 && part_file_write(w, c->fd, c->head, c->head_bytes);
}

/* The head stays in memory: the type is found from it. */
static bool take_bytes(struct walk *w, struct member *c, const uint8_t *data, size_t n)
{
	size_t fits = c->fd >= 0 ? 0 : HEAD_BYTES - c->head_bytes;
	if (n <= fits) {
		memcpy(c->head + c->head_bytes, data, n);
		c->head_bytes += n;
		return true;
	}
	memcpy(c->head + c->head_bytes, data, fits);
	c->head_bytes += fits;
	return (c->fd >= 0 || spill(w, c)) && part_file_write(w, c->fd, data + fits, n - fits);
}

static bool write_content(void *context, const void *data, size_t n)
{
	struct walk *w = context;
	struct member *c = w->decoding->child;
	if (!c || !c->open || c->failed)
		return refuse(w);
	if (may_go_on(w) && budget_take_bytes(&w->budget, n) && take_bytes(w, c, data, n)) {
		c->size_bytes += n;
		digest_bytes(w, c, data, n);
		return true;
	}
	c->failed = true;
	return refuse(w);
}

/* --- begin and end --- */

static void finish_file(struct walk *w, struct member *c)
{
	struct part_record *r = &c->node.record;
	r->size_bytes = c->size_bytes;
	r->has_file = c->fd >= 0 && part_file_close(w, r->number, c->fd, !w->broken);
	c->fd = -1;
}

static const char *finish_digest(struct member *c, char text[DIGEST_TEXT_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!c->digesting || c->failed || EVP_DigestFinal_ex(c->digest, digest, &n) != 1)
		return NULL;
	digest_text(digest, n, text);
	return text;
}

static const char *type_of_no_file(const struct member *c)
{
	unsigned a = c->node.record.attributes;
	return a & PART_DIRECTORY ? "dir" : a & PART_LINK ? "link" : a & PART_SPECIAL ? "special" : NULL;
}

/* A child that is over a limit keeps what there is of it: a finding in half a file is one, and nobody calls it clean. */
static bool end_child(void *context)
{
	struct walk *w = context;
	struct member *c = w->decoding->child;
	struct type_guess guess;
	char digest[DIGEST_TEXT_MAX];
	if (!c || !c->open)
		return may_go_on(w);
	struct node *n = &c->node;
	c->open = false;
	if (c->failed)
		node_add_attributes(n, PART_UNDECODABLE);
	if (c->fd < 0 && c->size_bytes > 0 && !w->broken && !spill(w, c))
		c->failed = true;
	node_find_type(n, &(struct type_content){ .data = c->head, .n = c->head_bytes, .size = c->size_bytes, .fd = c->fd,
		.library_left = &w->budget.library_left }, &guess);
	finish_file(w, c);
	if (type_of_no_file(c))
		n->record.type_short = n->record.type_full = type_of_no_file(c);
	n->record.digest = finish_digest(c, digest);
	n->hides = hiding_may_be(n->record.type_short, (struct slice){ .data = c->head, .n = c->head_bytes }, c->head_bytes == c->size_bytes);
	node_send(w, n);
	if (n->record.has_file && !c->failed)
		queue_add(w, n, w->decoding->parent);
	node_clear(n);
	return may_go_on(w);
}

void member_close(struct walk *w)
{
	struct member *c = w->decoding->child;
	if (!c || !c->open)
		return;
	c->failed = true;
	end_child(w);
}

static bool begin_child(void *context, const char *name)
{
	struct walk *w = context;
	struct decoding *d = w->decoding;
	member_close(w);
	struct member *c = member_of(w);
	if (!may_go_on(w) || !node_begin(w, &c->node, d->parent))
		return refuse(w);
	d->parent.index++;
	d->next_index = d->parent.index;
	c->open = true;
	c->failed = c->digesting = false;
	c->fd = -1;
	c->size_bytes = c->head_bytes = 0;
	node_add_name(&c->node, name);
	return true;
}

static struct node *open_node(struct walk *w)
{
	struct member *c = w->decoding->child;
	return c && c->open ? &c->node : NULL;
}

static void add_name(void *context, const char *name)
{
	struct node *n = open_node(context);
	if (n)
		node_add_name(n, name);
}

static void add_mime_type(void *context, const char *type)
{
	struct node *n = open_node(context);
	if (n && n->mime_types->len < WIRE_PART_TYPES_MAX)
		g_ptr_array_add(n->mime_types, g_ascii_strdown(type, (gssize)strnlen(type, 255)));
}

static void add_attribute(void *context, bool of_child, char letter)
{
	struct walk *w = context;
	static const char letters[] = PART_ATTRIBUTE_LETTERS;
	const char *at = letter ? strchr(letters, letter) : NULL;
	unsigned attribute = at ? 1u << (at - letters) : 0;
	struct node *n = open_node(w);
	if (attribute == PART_SPARED)
		return;		/* not a decoder's to say */
	if (of_child && n)
		node_add_attributes(n, attribute);
	else if (!of_child)
		tree_part(w->tree, w->decoding->parent.parent)->attributes |= (uint16_t)attribute;
}

static void keep_part(void *context)
{
	((struct walk *)context)->decoding->keep = true;
}

struct plugin_decode_sink member_sink(struct walk *w)
{
	return (struct plugin_decode_sink){
		.begin = begin_child, .name = add_name, .mime_type = add_mime_type, .attribute = add_attribute,
		.write = write_content, .end = end_child, .may_go_on = may_go_on, .keep = keep_part,
		.context = w,
	};
}

void member_clear(struct walk *w)
{
	struct member *c = w->decoding->child;
	if (!c)
		return;
	EVP_MD_CTX_free(c->digest);
	g_free(c);
	w->decoding->child = NULL;
}
