/* local.c - puts a mail into a file of the quarantine folder, as amavisd-new's local: method.
 *
 * A file comes into being without a name (where the file system cannot do that:
 * under a temporary one), is on the disk before it gets its own, never replaces
 * another, and never lies outside QUARANTINEDIR. */
#include <postern/plugin.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK_BYTES (64 * 1024)
#define NAME_BYTES_MAX 200

/* Where the mail is being put. */
struct place {
	const char *root;		/* QUARANTINEDIR */
	const char *name;		/* "virus-AbCdEfGhIjKl" */
	const char *temporary;		/* NULL: the file has no name yet, a killed worker leaves nothing */
	const char *location;		/* as logged: "A/virus-AbCdEfGhIjKl" */
	const char *path;		/* the whole of it, for errors */
	int dir_fd, file_fd;
	bool gzip;
};

struct sink {
	struct postern_call *call;
	int fd;
	bool gzip;
	z_stream z;
	unsigned char *packed;
};

static enum postern_result fail_errno(struct postern_call *call, const char *what, const char *name)
{
	int problem = errno;
	const char *hint = problem == ENOENT ? " (make it: install -d -m 0750 -o <daemon_user> <folder>)" : "";
	return postern_fail(call, POSTERN_TEMPFAIL, "%s %s: %s%s", what, name, strerror(problem), hint);
}

/* amavisd-new's predefined mailbox names: all mean the quarantine folder, with the file named by the method. */
static bool target_is_folder(const char *target)
{
	static const char *const known[] = {
		"virus-quarantine", "banned-quarantine", "unchecked-quarantine", "spam-quarantine", "bad-header-quarantine",
		"clean-quarantine", "other-quarantine", "archive-quarantine"
	};
	for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
		if (strcmp(target, known[k]) == 0)
			return true;
	}
	return target[0] == '\0';
}

static bool name_is_plain(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n > NAME_BYTES_MAX || name[0] == '.')
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '/' || iscntrl((unsigned char)*p))
			return false;
	}
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n > m && strcmp(text + n - m, end) == 0;
}

/* The first character of the mail id names the folder below, where quarantine_subdir_levels asks for one. */
static const char *subfolder(struct postern_call *call, const struct postern_delivery *delivery)
{
	const char *levels = postern_delivery_setting(call, delivery, "quarantine_subdir_levels");
	const char *id = postern_delivery_mail_id(delivery);
	if (!levels || strcmp(levels, "") == 0 || strcmp(levels, "0") == 0 || !isalnum((unsigned char)id[0]))
		return NULL;
	return postern_printf(call, "%c", id[0]);
}

static enum postern_result choose_place(struct postern_call *call, struct postern_delivery *delivery, struct place *p)
{
	const char *target = postern_delivery_target(delivery);
	p->root = postern_delivery_setting(call, delivery, "QUARANTINEDIR");
	if (!p->root || p->root[0] != '/')
		return postern_fail(call, POSTERN_BROKEN, "QUARANTINEDIR is %s: set it to an absolute path", p->root ? "relative" : "not set");
	if (!target_is_folder(target))
		return postern_fail(call, POSTERN_BROKEN, "\"%s\" is no mailbox of the quarantine; known are virus-quarantine, banned-quarantine, "
			"unchecked-quarantine, spam-quarantine, bad-header-quarantine, clean-quarantine, other-quarantine, archive-quarantine", target);
	p->name = postern_delivery_expand(call, delivery, postern_delivery_rest(delivery));
	if (!name_is_plain(p->name))
		return postern_fail(call, POSTERN_BROKEN, "\"%s\" is no file name: no slash, no dot in front, at most %d bytes", p->name, NAME_BYTES_MAX);
	p->gzip = ends_with(p->name, ".gz");
	return POSTERN_OK;
}

static int open_subfolder(struct postern_call *call, int root_fd, const char *name)
{
	if (mkdirat(root_fd, name, 0750) == 0)
		fsync(root_fd);
	else if (errno != EEXIST) {
		fail_errno(call, "making the folder", name);
		return -1;
	}
	int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail_errno(call, "opening the folder", name);
	return fd;
}

static enum postern_result open_folder(struct postern_call *call, const struct postern_delivery *delivery, struct place *p)
{
	p->dir_fd = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0)
		return fail_errno(call, "opening QUARANTINEDIR", p->root);
	const char *below = subfolder(call, delivery);
	p->location = below ? postern_printf(call, "%s/%s", below, p->name) : p->name;
	p->path = postern_printf(call, "%s/%s", p->root, p->location);
	if (!below)
		return POSTERN_OK;
	int fd = open_subfolder(call, p->dir_fd, below);
	close(p->dir_fd);
	p->dir_fd = fd;
	return fd < 0 ? POSTERN_TEMPFAIL : POSTERN_OK;
}

/* Its name will come by way of /proc: without that, and without O_TMPFILE, there must be a temporary one. */
static enum postern_result open_file(struct postern_call *call, const struct postern_delivery *delivery, struct place *p)
{
	if (access("/proc/self/fd", X_OK) == 0)
		p->file_fd = openat(p->dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0640);
	if (p->file_fd < 0) {
		p->temporary = postern_printf(call, ".new-%s-%d", postern_delivery_mail_id(delivery), (int)getpid());
		p->file_fd = openat(p->dir_fd, p->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	}
	if (p->file_fd < 0)
		return fail_errno(call, "making", p->path);
	if (fchmod(p->file_fd, 0640) != 0)	/* whatever the umask */
		return fail_errno(call, "mode of", p->path);
	return POSTERN_OK;
}

/* ---- bytes, packed or not ---- */

static bool write_all(struct sink *s, const unsigned char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(s->fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			fail_errno(s->call, "writing", "the quarantine file");
			return false;
		}
		data += done;
		n -= (size_t)done;
	}
	return true;
}

static bool pack(struct sink *s, const unsigned char *data, size_t n, int flush)
{
	int rc;
	s->z.next_in = (unsigned char *)(uintptr_t)data;
	s->z.avail_in = (uInt)n;
	do {
		s->z.next_out = s->packed;
		s->z.avail_out = BLOCK_BYTES;
		rc = deflate(&s->z, flush);
		if (!write_all(s, s->packed, BLOCK_BYTES - s->z.avail_out))
			return false;
	} while (rc == Z_OK && (s->z.avail_in > 0 || s->z.avail_out == 0 || flush == Z_FINISH));
	if (rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END)
		return true;
	postern_fail(s->call, POSTERN_TEMPFAIL, "zlib: error %d", rc);
	return false;
}

static bool sink_begin(struct sink *s, struct postern_call *call, const struct place *p)
{
	*s = (struct sink){ .call = call, .fd = p->file_fd, .gzip = p->gzip };
	if (!s->gzip)
		return true;
	s->packed = postern_alloc(call, BLOCK_BYTES);
	if (deflateInit2(&s->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16 /* gzip */, 8, Z_DEFAULT_STRATEGY) == Z_OK)
		return true;
	postern_fail(call, POSTERN_TEMPFAIL, "zlib: out of memory");
	return false;
}

static bool copy_mail(struct sink *s, struct postern_delivery *delivery)
{
	unsigned char *block = postern_alloc(s->call, BLOCK_BYTES);
	ssize_t n;
	while ((n = postern_delivery_read(s->call, delivery, block, BLOCK_BYTES)) > 0) {
		if (!(s->gzip ? pack(s, block, (size_t)n, Z_NO_FLUSH) : write_all(s, block, (size_t)n)))
			return false;
	}
	return n == 0 && (!s->gzip || pack(s, NULL, 0, Z_FINISH));
}

static enum postern_result write_mail(struct postern_call *call, struct postern_delivery *delivery, const struct place *p)
{
	struct sink s;
	if (!sink_begin(&s, call, p))
		return POSTERN_TEMPFAIL;
	bool good = copy_mail(&s, delivery);
	if (s.gzip)
		deflateEnd(&s.z);
	if (good && fsync(p->file_fd) != 0)
		return fail_errno(call, "writing", p->path);
	return good ? POSTERN_OK : POSTERN_TEMPFAIL;
}

/* A link, not a rename: a file that is there already stays what it is. */
static enum postern_result publish(struct postern_call *call, const struct place *p)
{
	int rc = p->temporary ? linkat(p->dir_fd, p->temporary, p->dir_fd, p->name, 0)
		: linkat(AT_FDCWD, postern_printf(call, "/proc/self/fd/%d", p->file_fd), p->dir_fd, p->name, AT_SYMLINK_FOLLOW);
	if (rc != 0)
		return fail_errno(call, "naming", p->path);
	if (p->temporary)
		unlinkat(p->dir_fd, p->temporary, 0);
	if (fsync(p->dir_fd) != 0)
		return fail_errno(call, "writing the folder of", p->path);
	return POSTERN_OK;
}

static enum postern_result store(struct postern_call *call, struct postern_delivery *delivery, struct place *p)
{
	enum postern_result r = open_file(call, delivery, p);
	if (p->file_fd < 0)
		return r;
	if (r == POSTERN_OK)
		r = write_mail(call, delivery, p);
	if (r == POSTERN_OK)
		r = publish(call, p);
	if (r != POSTERN_OK && p->temporary)
		unlinkat(p->dir_fd, p->temporary, 0);
	close(p->file_fd);
	return r;
}

static enum postern_result local_deliver(struct postern_call *call, struct postern_delivery *delivery)
{
	struct place p = { .dir_fd = -1, .file_fd = -1 };
	enum postern_result r = choose_place(call, delivery, &p);
	if (r == POSTERN_OK)
		r = open_folder(call, delivery, &p);
	if (r != POSTERN_OK)
		return r;
	postern_delivery_use_lf(delivery, true);
	r = store(call, delivery, &p);
	close(p.dir_fd);
	if (r == POSTERN_OK)
		postern_delivered(call, postern_printf(call, "250 2.6.0 Ok, delivered to %s", p.location), p.location, p.gzip ? 'Z' : 'F');
	return r;
}

static const struct postern_delivery_ops delivery_ops = { .size = sizeof delivery_ops, .deliver = local_deliver };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "local", .version = "1", .doc = "Files in the quarantine folder.",
	.roles = POSTERN_DELIVERY, .delivery = &delivery_ops,
};
