/* fuzz_walk.c - any bytes as a mail: the walk must end, within its limits, with a tree that is one. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include "opener/opener.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tree(const struct opener_tree *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		const struct part *p = &t->parts[i];
		if (p->number != i + 1 || p->parent >= p->number || p->index_in_parent == 0 || (p->name_count > 0 && !p->names))
			abort();
	}
}

static void preload_once(void)
{
	struct error e;
	if (opener_preload(&e) != 0)
		abort();
}

/* The folder is emptied each time and gone at the end, whatever happens. */
static int fresh_folder(char folder[32])
{
	strcpy(folder, "/tmp/fuzz-walk-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char folder[32];
	struct opened out;
	struct opener_tree tree;
	struct open_order order = { .log_id = "fuzz", .size_bytes = size, .max_files = 200, .max_levels = 10, .quota_bytes = 1 << 20,
		.keep_parts = 1 };
	preload_once();
	int mail_fd = memfd_create("mail", MFD_CLOEXEC), dir_fd = fresh_folder(folder);
	if (mail_fd < 0 || dir_fd < 0 || write(mail_fd, data, size) != (ssize_t)size)
		abort();
	void *owner = talloc_new(NULL);
	opener_take_apart(&(struct opener_job){ .order = &order, .mail_fd = mail_fd, .dir_fd = dir_fd }, &tree, &out, owner);
	check_tree(&tree);
	if (out.part_count != tree.count || out.outcome == OPENED_BROKEN || scratch_empty(dir_fd) != 0 || rmdir(folder) != 0)
		abort();
	talloc_free(owner);
	close(dir_fd);
	close(mail_fd);
	return 0;
}
