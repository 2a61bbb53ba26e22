/* trusted_file.c - read files that nobody unknown can have written, and tell whether they have changed. */
#include "base/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static struct file_stamp stamp_from(const struct stat *st)
{
	struct file_stamp stamp;

	memset(&stamp, 0, sizeof stamp);
	stamp.device = st->st_dev;
	stamp.inode = st->st_ino;
	stamp.size_bytes = st->st_size;
	stamp.modified = st->st_mtim;
	stamp.changed = st->st_ctim;
	return stamp;
}

struct file_stamp file_stamp_of(const char *path)
{
	struct stat st = { 0 };

	if (stat(path, &st) != 0)
		st = (struct stat){ 0 };
	return stamp_from(&st);
}

struct file_stamp file_stamp_of_fd(int fd)
{
	struct stat st = { 0 };

	if (fstat(fd, &st) != 0)
		st = (struct stat){ 0 };
	return stamp_from(&st);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
		same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

static int distrust(const char *path, const struct stat *st, struct error *e)
{
	if (!S_ISREG(st->st_mode))
		return error_set(e, ERROR_CONFIG, "%s: not a regular file", path);
	if (st->st_uid != 0 && st->st_uid != getuid() && st->st_uid != geteuid())
		return error_set(e, ERROR_CONFIG, "%s: owned by user %u; expected root or the user who starts this", path, (unsigned)st->st_uid);
	if (st->st_mode & S_IWOTH)
		return error_set(e, ERROR_CONFIG, "%s: writable by everyone: chmod o-w it", path);
	if (st->st_size > TRUSTED_FILE_BYTES_MAX)
		return error_set(e, ERROR_CONFIG, "%s: larger than %d MiB", path, TRUSTED_FILE_BYTES_MAX >> 20);
	return 0;
}

int trusted_file_open(const char *path, struct error *e)
{
	struct stat st;
	/* Non-blocking: a fifo of that name shall not hold anybody up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) != 0) {
		error_set(e, ERROR_CONFIG, "%s: %s", path, g_strerror(errno));
	} else if (distrust(path, &st, e) == 0) {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

char *trusted_file_read(const char *path, size_t *size_bytes, struct file_stamp *stamp, struct error *e)
{
	int fd = trusted_file_open(path, e);
	struct file_stamp before, after;
	char *text;
	ssize_t n;

	if (fd < 0)
		return NULL;
	before = file_stamp_of_fd(fd);
	text = g_malloc((size_t)before.size_bytes + 1);
	n = io_read_full(fd, text, (size_t)before.size_bytes, deadline_none());
	if (n < 0)
		error_set(e, ERROR_CONFIG, "%s: %s", path, g_strerror(errno));
	after = file_stamp_of_fd(fd);
	close(fd);
	if (n >= 0 && (n != before.size_bytes || !file_stamp_equal(&before, &after))) {
		error_set(e, ERROR_CONFIG, "%s: changed while it was read", path);
		n = -1;
	}
	if (n < 0) {
		g_free(text);
		return NULL;
	}
	text[n] = '\0';
	*size_bytes = (size_t)n;
	if (stamp)
		*stamp = before;
	return text;
}
