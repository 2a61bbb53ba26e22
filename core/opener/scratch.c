/* scratch.c - scratch folders: one per opener for its life, held by a flock so that nobody sweeps it away.
 *
 * What lies in one was made by hostile content: links are never followed, depth
 * costs no descriptors, and no name is ever joined to a path. */
#include "config.h"

#include "opener/opener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_PREFIX "opener-"
#define SCRATCH_NAME_LENGTH (sizeof SCRATCH_PREFIX - 1 + 8)
#define MAKE_TRIES 20
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void make_name(char name[32])
{
	uint32_t r = 0;
	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		r = g_random_int();
	g_snprintf(name, 32, SCRATCH_PREFIX "%08x", r);
}

static bool is_scratch_name(const char *name)
{
	if (strlen(name) != SCRATCH_NAME_LENGTH || strncmp(name, SCRATCH_PREFIX, sizeof SCRATCH_PREFIX - 1) != 0)
		return false;
	return strspn(name + sizeof SCRATCH_PREFIX - 1, "0123456789abcdef") == 8;
}

/* Open and lock; then look whether it is still there: a sweeper may have come between mkdir and flock. */
static int open_locked(int base_fd, const char *name)
{
	int fd = openat(base_fd, name, DIR_FLAGS);
	struct stat by_fd, by_name;
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &by_fd) == 0
		&& fstatat(base_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0
		&& by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev)
		return fd;
	close(fd);
	return -1;
}

static int make_below(int base_fd, char name[32])
{
	for (int i = 0; i < MAKE_TRIES; i++) {
		make_name(name);
		if (mkdirat(base_fd, name, 0750) != 0) {
			if (errno == EEXIST)
				continue;
			return -1;
		}
		int fd = open_locked(base_fd, name);
		if (fd >= 0)
			return fd;
	}
	errno = EAGAIN;
	return -1;
}

int scratch_make(const char *temp_base, char name[32], int *dir_fd, struct error *e)
{
	int base_fd = open(temp_base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base_fd < 0)
		return error_set_errno(e, "TEMPBASE: open %s", temp_base);
	int fd = make_below(base_fd, name);
	if (fd < 0) {
		error_set_errno(e, "scratch folder below %s", temp_base);
		close(base_fd);
		return -1;
	}
	close(base_fd);
	*dir_fd = fd;
	return 0;
}

/* --- emptying: walk down and up by descriptors, checking on the way up that ".." is where we came from --- */

struct step {
	dev_t device;
	ino_t inode;
	char *name;		/* of the folder below, which is being emptied */
};

static void step_clear(gpointer data)
{
	g_free(((struct step *)data)->name);
}

static int open_dir(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, DIR_FLAGS);
	if (fd >= 0 || errno != EACCES)
		return fd;
	if (fchmodat(parent_fd, name, 0700, 0) != 0)	/* it is ours, and no link: openat said EACCES, not ELOOP */
		return -1;
	return openat(parent_fd, name, DIR_FLAGS);
}

/* *folder becomes its name if it is a folder with something in it; *failed is set where it stays for another reason. */
static void purge_entry(int fd, const char *name, char **folder, bool *failed)
{
	if (unlinkat(fd, name, 0) == 0 || unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return;
	if (errno == ENOTEMPTY || errno == EEXIST)
		*folder = g_strdup(name);
	else
		*failed = true;
}

/* Remove what can be removed at once; the name of one folder that is not empty, or NULL; *failed where something stays.
 * fd was just opened: read without a DIR, as this is done after every mail. */
static char *purge_files(int fd, bool *failed)
{
	union {
		struct dirent64 align;
		char bytes[4096];
	} entries;
	char *folder = NULL;
	ssize_t n;
	while (!folder && (n = getdents64(fd, &entries, sizeof entries)) != 0) {
		if (n < 0) {
			*failed = true;
			break;
		}
		for (ssize_t at = 0; at < n && !folder;) {
			const struct dirent64 *entry = (const void *)(entries.bytes + at);
			at += entry->d_reclen;
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				purge_entry(fd, entry->d_name, &folder, failed);
		}
	}
	return folder;
}

static int step_down(GArray *steps, int fd, char *name)
{
	struct stat st;
	struct step s = { .name = name };
	int below = fstat(fd, &st) == 0 ? open_dir(fd, name) : -1;
	if (below < 0) {
		g_free(name);
		return -1;
	}
	s.device = st.st_dev;
	s.inode = st.st_ino;
	g_array_append_val(steps, s);
	close(fd);
	return below;
}

static int step_up(GArray *steps, int fd)
{
	struct step *s = &g_array_index(steps, struct step, steps->len - 1);
	struct stat st;
	int above = openat(fd, "..", DIR_FLAGS);
	close(fd);
	if (above < 0)
		return -1;
	if (fstat(above, &st) != 0 || st.st_ino != s->inode || st.st_dev != s->device
		|| unlinkat(above, s->name, AT_REMOVEDIR) != 0) {
		close(above);
		return -1;
	}
	g_array_set_size(steps, steps->len - 1);
	return above;
}

int scratch_empty(int dir_fd)
{
	bool failed = false;
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct step));
	g_array_set_clear_func(steps, step_clear);
	int fd = openat(dir_fd, ".", DIR_FLAGS);
	while (fd >= 0 && !failed) {
		char *folder = purge_files(fd, &failed);
		if (folder) {
			int below = step_down(steps, fd, folder);
			if (below < 0)
				close(fd);
			fd = below;
			continue;
		}
		if (steps->len == 0)
			break;
		fd = step_up(steps, fd);
	}
	bool done = fd >= 0 && !failed;
	if (fd >= 0)
		close(fd);
	g_array_free(steps, TRUE);
	return done ? 0 : -1;
}

static int remove_below(int base_fd, const char *name)
{
	int fd = open_locked(base_fd, name);
	if (fd < 0)
		return -1;
	int rc = scratch_empty(fd);
	if (rc == 0)
		rc = unlinkat(base_fd, name, AT_REMOVEDIR);
	close(fd);
	return rc;
}

int scratch_remove(const char *temp_base, const char *name)
{
	if (!is_scratch_name(name)) {
		errno = EINVAL;
		return -1;
	}
	int base_fd = open(temp_base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base_fd < 0)
		return -1;
	int rc = remove_below(base_fd, name);
	close(base_fd);
	return rc;
}

unsigned scratch_sweep(const char *temp_base)
{
	unsigned removed = 0;
	DIR *d = opendir(temp_base);
	if (!d)
		return 0;
	for (struct dirent *entry; (entry = readdir(d));)
		if (is_scratch_name(entry->d_name) && remove_below(dirfd(d), entry->d_name) == 0)
			removed++;
	closedir(d);
	return removed;
}
