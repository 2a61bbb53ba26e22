/* jail.c - the files that the program sees, and what it may use up. */
#include "config.h"

#include "unpack/jail.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/limits.h"

#define OPEN_FILES_MAX 256
#define RULES_MAX 64
#define OTHERS_MEANWHILE 64

/* --- files --- */

struct rules {
	struct landlock_rule list[RULES_MAX];
	size_t count;
};

/* What is not there needs no rule. */
static void add(struct rules *r, const char *path, unsigned rights)
{
	int fd = path && r->count < RULES_MAX ? open(path, O_PATH | O_CLOEXEC) : -1;
	if (fd >= 0)
		r->list[r->count++] = (struct landlock_rule){ fd, rights };
}

/* The loader that this very program was started by: the only one of its architecture that a distribution has. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)context = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;	/* the first object is the program */
}

static void add_libraries(struct rules *r)
{
	static const char *const places[] = { "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/dev/zero", "/dev/urandom" };
	const char *loader = NULL;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		add(r, places[i], LANDLOCK_READ);
	add(r, "/dev/null", LANDLOCK_READ | LANDLOCK_WRITE);
	dl_iterate_phdr(find_loader, &loader);
	add(r, loader, LANDLOCK_READ | LANDLOCK_EXECUTE);
}

int unpack_confine(const struct unpack_order *o, struct error *e)
{
	struct rules r = { .count = 0 };
	int abi;
	r.list[r.count++] = (struct landlock_rule){ UNPACK_FD_FOLDER, LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_MAKE };
	r.list[r.count++] = (struct landlock_rule){ UNPACK_FD_SOURCE, LANDLOCK_READ };
	add_libraries(&r);
	add(&r, o->program, LANDLOCK_READ | LANDLOCK_EXECUTE);
	for (size_t i = 0; i < o->read_count; i++)
		add(&r, o->reads[i], LANDLOCK_READ);
	return landlock_restrict(r.list, r.count, &abi, e);
}

/* --- limits --- */

static unsigned threads_of_process(int proc_fd, const char *pid)
{
	char path[64];
	unsigned count = 0;
	struct stat st;
	snprintf(path, sizeof path, "%.20s/task", pid);
	int fd = fstatat(proc_fd, pid, &st, 0) == 0 && st.st_uid == getuid() ? openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	for (struct dirent *entry = d ? readdir(d) : NULL; entry; entry = readdir(d))
		count += isdigit((unsigned char)entry->d_name[0]) != 0;
	if (d)
		closedir(d);
	return count;
}

/* The kernel counts all tasks of a user: those that are there now, so many more, and some that others may start meanwhile. Where
 * they cannot be counted there is no limit. */
static int limit_threads(uint64_t more, struct error *e)
{
	DIR *d = opendir("/proc");
	uint64_t now = 0;
	for (struct dirent *entry = d ? readdir(d) : NULL; entry; entry = readdir(d))
		if (isdigit((unsigned char)entry->d_name[0]))
			now += threads_of_process(dirfd(d), entry->d_name);
	if (d)
		closedir(d);
	return now > 0 ? limits_set(RLIMIT_NPROC, "of threads", now + more + OTHERS_MEANWHILE, e) : 0;
}

int unpack_limit(const struct unpack_order *o, struct error *e)
{
	if (limits_set(RLIMIT_CORE, "of core dumps", 0, e) != 0 || limits_set(RLIMIT_NOFILE, "of open files", OPEN_FILES_MAX, e) != 0)
		return -1;
	if (o->threads > 0 && limit_threads(o->threads, e) != 0)
		return -1;
	if (o->file_bytes > 0 && limits_set(RLIMIT_FSIZE, "of file size", o->file_bytes, e) != 0)
		return -1;
	if (o->cpu_seconds > 0 && limits_set(RLIMIT_CPU, "of processor time", o->cpu_seconds, e) != 0)
		return -1;
#ifndef WITH_SANITIZER	/* its shadow memory is terabytes of address space */
	if (o->memory_bytes > 0 && limits_set(RLIMIT_AS, "of memory", o->memory_bytes, e) != 0)
		return -1;
#endif
	return 0;
}
