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

static void check_part(void *context, const struct part_record *p)
{
	uint32_t *last = context;
	if (p->number != *last + 1 || p->parent >= p->number || p->index_in_parent == 0 || (p->name_count > 0 && !p->names))
		abort();
	*last = p->number;
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
	uint32_t last = 0;
	struct opener_sink sink = { .part = check_part, .context = &last };
	struct open_order order = { .log_id = "fuzz", .size_bytes = size, .max_files = 200, .max_levels = 10, .quota_bytes = 1 << 20,
		.keep_parts = 1 };
	preload_once();
	int mail_fd = memfd_create("mail", MFD_CLOEXEC), dir_fd = fresh_folder(folder);
	if (mail_fd < 0 || dir_fd < 0 || write(mail_fd, data, size) != (ssize_t)size)
		abort();
	void *owner = talloc_new(NULL);
	opener_take_apart(mail_fd, &order, dir_fd, &sink, &out, owner);
	if (out.part_count != last || out.outcome == OPENED_BROKEN || scratch_empty(dir_fd) != 0 || rmdir(folder) != 0)
		abort();
	talloc_free(owner);
	close(dir_fd);
	close(mail_fd);
	return 0;
}
