/* trust.c - whose files may become part of this process.
 *
 * A plugin runs with everything that its process may do, so whoever can write
 * its file or the folder it lies in is trusted with that.  Accepted owners:
 * root and the user who started the host.  World-writable is always refused;
 * group-writable is refused unless the group is root's, or the file is the
 * starting user's own and the group is that user's primary one (a build tree
 * made under umask 002). */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "plugin/inside.h"

static int trust_one(const char *path, uid_t by, gid_t group, struct error *e)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return error_set_errno(e, "%s", path);
	if (st.st_uid != 0 && st.st_uid != by)
		return error_set(e, ERROR_CONFIG, "%s: owned by user %u, neither by root nor by the user who started Postern; chown root %s",
			path, (unsigned)st.st_uid, path);
	if (st.st_mode & S_IWOTH)
		return error_set(e, ERROR_CONFIG, "%s: world-writable (mode %04o); chmod o-w %s", path, (unsigned)(st.st_mode & 07777), path);
	bool own_group = st.st_gid == 0 || (st.st_uid == by && st.st_gid == group);
	if ((st.st_mode & S_IWGRP) && !own_group)
		return error_set(e, ERROR_CONFIG, "%s: writable by group %u (mode %04o); chmod g-w %s",
			path, (unsigned)st.st_gid, (unsigned)(st.st_mode & 07777), path);
	return 0;
}

int trust_file(const char *file, uid_t by, gid_t group, struct error *e)
{
	char *real = realpath(file, NULL);
	if (!real)
		return error_set_errno(e, "%s", file);
	int rc = trust_one(real, by, group, e);
	if (rc == 0) {
		char *slash = strrchr(real, '/');
		*(slash == real ? slash + 1 : slash) = '\0';
		rc = trust_one(real, by, group, e);
	}
	free(real);
	return rc;
}

static bool headers_fit(int fd, const ElfW(Ehdr) *h, off_t size)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_type != ET_DYN || h->e_phentsize != sizeof(ElfW(Phdr)))
		return false;
	for (unsigned k = 0; k < h->e_phnum; k++) {
		ElfW(Phdr) p;
		off_t at = (off_t)(h->e_phoff + k * sizeof p);
		if (at < 0 || io_pread_full(fd, &p, sizeof p, at) != 0)
			return false;
		if (p.p_offset > (uint64_t)size || p.p_filesz > (uint64_t)size - p.p_offset)
			return false;
	}
	return h->e_phnum > 0;
}

/* The dynamic loader maps what the program headers name and would die of SIGBUS on a file that was cut. */
int trust_elf(const char *file, struct error *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(e, "%s", file);
	struct stat st;
	ElfW(Ehdr) h;
	bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && io_pread_full(fd, &h, sizeof h, 0) == 0 &&
		headers_fit(fd, &h, st.st_size);
	close(fd);
	if (!good)
		return error_set(e, ERROR_CONFIG, "%s: no shared object, or cut off; install the plugin anew", file);
	return 0;
}
