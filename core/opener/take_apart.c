/* take_apart.c - one mail, or file, from its descriptor to the whole tree: the walk, then what decoders open, then what is true of all.
 *
 * Nothing here knows of processes or the worker, so that it can be fuzzed. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"

#define READ_MAX_BYTES (8 * 1024 * 1024)	/* larger mails are mapped */
#define TOP_HEADER_MAX_BYTES (16 * 1024 * 1024)	/* of the mail's own header */

struct source {
	struct slice bytes;
	uint8_t *buffer;
	void *map;
};

static int source_open(struct source *s, int mail_fd, uint64_t size_bytes)
{
	*s = (struct source){ .bytes.n = size_bytes };
	if (size_bytes == 0)
		return 0;
	if (size_bytes > READ_MAX_BYTES) {
		s->map = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, mail_fd, 0);
		if (s->map == MAP_FAILED) {
			s->map = NULL;
			return -1;
		}
		s->bytes.data = s->map;
		return 0;
	}
	s->buffer = g_malloc(size_bytes);
	s->bytes.data = s->buffer;
	return io_pread_full(mail_fd, s->buffer, size_bytes, 0);
}

static void source_close(struct source *s)
{
	g_free(s->buffer);
	if (s->map)
		munmap(s->map, s->bytes.n);
}

/* Header fields are kept in memory several times over; nobody needs so many. */
static bool header_is_bounded(struct slice mail)
{
	size_t look = mail.n < TOP_HEADER_MAX_BYTES ? mail.n : TOP_HEADER_MAX_BYTES;
	return mail.n <= TOP_HEADER_MAX_BYTES || memmem(mail.data, look, "\n\r\n", 3) || memmem(mail.data, look, "\n\n", 2);
}

static void walk_file(struct walk *w, struct slice bytes)
{
	struct place at = { .index = 1 };
	struct node n;
	if (!node_begin(w, &n, at))
		return;
	leaf_take(w, &n, (struct encoded){ .raw = bytes, .encoding = TRANSFER_IDENTITY }, at);
	node_clear(&n);
}

static void walk_mail(struct walk *w, int mail_fd)
{
	struct source s;
	if (source_open(&s, mail_fd, w->job->order->size_bytes) != 0) {
		walk_broken(w, errno, "read mail: %s", g_strerror(errno));
	} else if (w->job->order->bare_file) {
		walk_file(w, s.bytes);
	} else if (!header_is_bounded(s.bytes)) {
		walk_limit(w, "Header larger than %d bytes", TOP_HEADER_MAX_BYTES);
	} else {
		walk_message_bytes(w, s.bytes, &(struct place){ .index = 1 });
	}
	source_close(&s);
}

/* The facts of the whole, once nothing is added any more. */
static void conclude(struct walk *w)
{
	struct opened *out = w->out;
	if (w->budget.hold && out->outcome == OPENED_OK) {
		out->outcome = OPENED_LIMIT;
		out->hold = w->budget.hold;
	}
	out->part_count = w->tree->count;
	for (unsigned i = 0; i < w->tree->count; i++) {
		unsigned attributes = w->tree->parts[i].attributes;
		out->undecipherable |= (attributes & PART_UNDECODABLE) != 0;
		out->unopened |= (attributes & PART_UNDECODABLE) != 0 && decode_is_business_of(w, &w->tree->parts[i]);
		out->crypted |= (attributes & PART_CRYPTED) != 0;
		out->ambiguous |= (attributes & PART_AMBIGUOUS) != 0;
		out->spared_count += (attributes & PART_SPARED) != 0;
	}
	bool doubtful = out->undecipherable || out->ambiguous || out->outcome != OPENED_OK;
	out->mail_kept = w->job->order->keep_mail || doubtful;	/* what could not be read for sure is also scanned as it came */
}

void opener_take_apart(const struct opener_job *job, struct opener_tree *tree, struct opened *out, void *owner)
{
	struct walk w = { .job = job, .tree = tree, .out = out, .owner = owner };
	uint64_t started_us = opener_cpu_us();
	*tree = (struct opener_tree){ .owner = owner };
	*out = (struct opened){ .outcome = OPENED_OK };
	budget_begin(&w.budget, job->order, owner);
	w.options = walk_options_new(&w);
	walk_mail(&w, job->mail_fd);
	decode_run(&w);
	decode_clear(&w);
	g_mime_parser_options_free(w.options);
	conclude(&w);
	out->cpu_us = (uint32_t)(opener_cpu_us() - started_us);
}
