/* part_file.c - the file of a part in the scratch folder, called by its number: made once, written, read back. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void part_file_name(uint32_t number, char name[16])
{
	snprintf(name, 16, "p%03u", number);
}

int part_file_open(struct walk *w, uint32_t number)
{
	char name[16];
	part_file_name(number, name);
	int fd = openat(w->job->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		walk_broken(w, errno, "open %s: %s", name, g_strerror(errno));
	return fd;
}

/* Half a content is none: scanners shall not call it clean. */
bool part_file_close(struct walk *w, uint32_t number, int fd, bool good)
{
	char name[16];
	close(fd);
	if (good)
		return true;
	part_file_name(number, name);
	unlinkat(w->job->dir_fd, name, 0);
	return false;
}

bool part_file_write(struct walk *w, int fd, const uint8_t *data, size_t n)
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

static int open_back(struct walk *w, uint32_t number, struct stat *st)
{
	char name[16];
	part_file_name(number, name);
	int fd = openat(w->job->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, st) != 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		walk_broken(w, errno, "read back %s: %s", name, g_strerror(errno));
	return fd;
}

const uint8_t *part_file_map(struct walk *w, uint32_t number, size_t max_bytes, size_t *n)
{
	struct stat st;
	int fd = open_back(w, number, &st);
	if (fd < 0)
		return NULL;
	*n = (size_t)st.st_size;
	if (*n > max_bytes)
		budget_note(&w->budget, false, "part %u is too large to be looked into", number);
	void *map = *n > 0 && *n <= max_bytes ? mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	close(fd);
	if (map == MAP_FAILED) {
		walk_broken(w, errno, "map part %u: %s", number, g_strerror(errno));
		return NULL;
	}
	return map;
}

void part_file_unmap(const uint8_t *data, size_t n)
{
	munmap((void *)(uintptr_t)data, n);
}
