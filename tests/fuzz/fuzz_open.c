/* fuzz_open.c - any bytes as an attachment, opened by every decoder that was built: it must end, within its limits, with a tree that
 * is one, and with no file but the parts'. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "opener/opener.h"
#include "../lib/decoders.h"

#define QUOTA_BYTES (4u << 20)
#define FILES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct decoders decoders;

static void load_once(void)
{
	struct error e;
	if (decoders.count > 0)
		return;
	if (opener_preload(&e) != 0)
		abort();
	decoders_load(&decoders, NULL);
	if (decoders.count == 0)
		abort();
}

static void check_part(const struct opener_tree *t, unsigned i, int dir_fd, uint64_t *bytes)
{
	const struct part *p = &t->parts[i];
	char name[16];
	struct stat st;
	snprintf(name, sizeof name, "p%03u", p->number);
	bool there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (p->number != i + 1 || p->parent >= p->number || p->index_in_parent == 0 || there != p->has_file)
		abort();
	if (there && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != p->size_bytes))
		abort();
	*bytes += there ? p->size_bytes : 0;
	if (unlinkat(dir_fd, name, 0) != 0 && there)
		abort();
}

static void check(const struct opener_tree *t, const struct opened *out, int dir_fd)
{
	uint64_t bytes = 0;
	if (out->outcome == OPENED_BROKEN || t->count > FILES_MAX || out->part_count != t->count)
		abort();
	for (unsigned i = 0; i < t->count; i++)
		check_part(t, i, dir_fd, &bytes);
	if (bytes > QUOTA_BYTES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "Content-Type: application/octet-stream; name=file\r\n\r\n";
	char folder[] = "/tmp/fuzz-open-XXXXXX";
	struct opened out;
	struct opener_tree tree;
	struct open_order order = { .log_id = "fuzz", .size_bytes = sizeof head - 1 + size, .max_files = FILES_MAX, .max_levels = 8, .quota_bytes = QUOTA_BYTES,
		.decoder_ms = 5000, .decoding_ms = 20000, .password_words = 3, .digest = "SHA1", .decoders = decoders.numbers };
	load_once();
	order.decoder_count = decoders.count;
	int mail_fd = memfd_create("mail", MFD_CLOEXEC), dir_fd = mkdtemp(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (mail_fd < 0 || dir_fd < 0 || write(mail_fd, head, sizeof head - 1) < 0 || write(mail_fd, data, size) != (ssize_t)size)
		abort();
	void *owner = talloc_new(NULL);
	struct opener_job job = { .order = &order, .mail_fd = mail_fd, .dir_fd = dir_fd, .instances = decoders.instances, .instance_count = decoders.count };
	opener_take_apart(&job, &tree, &out, owner);
	check(&tree, &out, dir_fd);
	talloc_free(owner);
	close(dir_fd);
	close(mail_fd);
	if (rmdir(folder) != 0)		/* only empty when nothing but parts was made */
		abort();
	return 0;
}
