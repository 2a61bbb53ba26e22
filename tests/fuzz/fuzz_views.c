/* fuzz_views.c - any bytes as a mail to both readers of MIME: the lenient one stays within the mail, and no content that GMime alone
 * would give is missing among the parts. */
#include "config.h"

#include <fcntl.h>
#include <gmime/gmime.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include "opener/lenient.h"
#include "opener/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* --- the lenient reader alone --- */

static bool is_within(struct slice s, const uint8_t *data, size_t size)
{
	uintptr_t at = (uintptr_t)s.data, from = (uintptr_t)data;
	return at >= from && at + s.n <= from + size;
}

static void check_lenient(const uint8_t *data, size_t size)
{
	struct lenient l;
	lenient_read(&l, (struct slice){ .data = data, .n = size });
	for (guint i = 0; i < l.leaves->len; i++) {
		const struct lenient_leaf *leaf = &g_array_index(l.leaves, struct lenient_leaf, i);
		volatile uint8_t last = leaf->body.n > 0 ? leaf->body.data[leaf->body.n - 1] : 0;
		(void)last;
		require(leaf->encodings != 0 && (l.buffers->len > 0 || is_within(leaf->body, data, size)));
	}
	lenient_clear(&l);
}

/* --- all that GMime gives is there --- */

static GHashTable *parts;		/* digests of all parts' files */

static char *digest_of_bytes(const void *data, size_t n)
{
	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, n);
}

static void collect_parts(const struct opener_tree *tree, int dir_fd)
{
	for (unsigned i = 0; i < tree->count; i++) {
		char name[16];
		snprintf(name, sizeof name, "p%03u", tree->parts[i].number);
		int fd = tree->parts[i].has_file ? openat(dir_fd, name, O_RDONLY) : -1;
		void *map = fd >= 0 && tree->parts[i].size_bytes > 0 ? mmap(NULL, tree->parts[i].size_bytes, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
		if (map) {
			g_hash_table_add(parts, digest_of_bytes(map, tree->parts[i].size_bytes));
			munmap(map, tree->parts[i].size_bytes);
		}
		if (fd >= 0)
			close(fd);
	}
}

/* Decoders may differ on damaged encodings; where nothing is odd they may not. */
static bool is_odd(GMimePart *p, const GByteArray *raw)
{
	GMimeContentEncoding e = g_mime_part_get_content_encoding(p);
	if (e != GMIME_CONTENT_ENCODING_BASE64 && e != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
		return e == GMIME_CONTENT_ENCODING_UUENCODE;
	struct transfer t;
	uint8_t *out = g_malloc(transfer_room(raw->len));
	transfer_begin(&t, e == GMIME_CONTENT_ENCODING_BASE64 ? TRANSFER_BASE64 : TRANSFER_QUOTED_PRINTABLE);
	size_t n = transfer_decode(&t, raw->data, raw->len, out);
	transfer_end(&t, out + n);
	g_free(out);
	bool lone_cr = memchr(raw->data, '\r', raw->len) != NULL;	/* GMime has ways of its own with them */
	return transfer_failed(&t) || transfer_doubts(&t) || t.junk > 0 || t.padded || (e == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE && lone_cr);
}

static GByteArray *bytes_of(GMimeDataWrapper *content, bool decoded)
{
	GMimeStream *out = g_mime_stream_mem_new();
	if (decoded)
		g_mime_data_wrapper_write_to_stream(content, out);
	else
		g_mime_stream_write_to_stream(g_mime_data_wrapper_get_stream(content), out);
	GByteArray *bytes = g_byte_array_ref(g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out)));
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(out), FALSE);
	g_object_unref(out);
	return bytes;
}

static void check_leaf(GMimeObject *parent, GMimeObject *o, gpointer context)
{
	GMimeDataWrapper *content = GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;
	if (!content)
		return;
	GByteArray *raw = bytes_of(content, false), *decoded = bytes_of(content, true);
	if (decoded->len > 0 && raw->len > 0 && !is_odd(GMIME_PART(o), raw)) {
		char *digest = digest_of_bytes(decoded->data, decoded->len);
		require(g_hash_table_contains(parts, digest));
		g_free(digest);
	}
	g_byte_array_unref(raw);
	g_byte_array_unref(decoded);
}

static void check_library(const uint8_t *data, size_t size)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *)data, size);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message)
		g_mime_message_foreach(message, check_leaf, NULL);
	if (message)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

static void check_both(const uint8_t *data, size_t size)
{
	char folder[] = "/tmp/fuzz-views-XXXXXX";
	struct opened out;
	struct opener_tree tree;
	struct open_order order = { .log_id = "fuzz", .size_bytes = size, .max_files = 2000, .max_levels = 50, .quota_bytes = 100 << 20, .keep_parts = 1 };
	int mail_fd = memfd_create("mail", MFD_CLOEXEC), dir_fd = mkdtemp(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	require(mail_fd >= 0 && dir_fd >= 0 && write(mail_fd, data, size) == (ssize_t)size);
	void *owner = talloc_new(NULL);
	parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	opener_take_apart(&(struct opener_job){ .order = &order, .mail_fd = mail_fd, .dir_fd = dir_fd }, &tree, &out, owner);
	collect_parts(&tree, dir_fd);
	if (out.outcome == OPENED_OK && size > 0)
		check_library(data, size);
	require(scratch_empty(dir_fd) == 0 && rmdir(folder) == 0);
	g_hash_table_unref(parts);
	talloc_free(owner);
	close(dir_fd);
	close(mail_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e;
	require(opener_preload(&e) == 0);
	check_lenient(data, size);
	check_both(data, size);
	return 0;
}
