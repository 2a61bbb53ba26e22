/* trusted_file.h - files that decide over mail: read whole, after a look at who may have written them; and whether they have changed since.
 *
 * Any process.  A file that anybody could have written is not read: owned by
 * root or by the user who runs this, not world-writable, a regular file of
 * moderate size. */
#ifndef POSTERN_BASE_TRUSTED_FILE_H
#define POSTERN_BASE_TRUSTED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"

#define TRUSTED_FILE_BYTES_MAX (256 * 1024 * 1024)

/* What tells one state of a file from another. */
struct file_stamp {
	dev_t device;
	ino_t inode;
	off_t size_bytes;
	struct timespec modified, changed;
};
/* All zero: there is no such file. */
struct file_stamp file_stamp_of(const char *path);
struct file_stamp file_stamp_of_fd(int fd);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/* An open descriptor (close-on-exec) of a file that may be trusted, or -1 with e naming it. */
int trusted_file_open(const char *path, struct error *e);
/* The whole text with a NUL behind it (g_free), or NULL with e naming the file.  A file that grows or changes while it is read is an
 * error: half of a table is another table.  stamp may be NULL. */
char *trusted_file_read(const char *path, size_t *size_bytes, struct file_stamp *stamp, struct error *e);

#endif
