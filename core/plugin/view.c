/* view.c - the mail in hand as plugins see it: read-only, a copy, with descriptors of its own.
 *
 * What the opener claims about a part is not believed: size and kind of its
 * file are looked at here, links are never followed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "base/io.h"
#include "plugin/inside.h"

#define COPY_BYTES (64 * 1024)

struct view_handle { struct plugin_view *view; };

static int view_close(struct plugin_view *v)
{
	for (size_t k = 0; k < v->mail.part_count; k++) {
		if (v->mail.parts[k].fd >= 0)
			close(v->mail.parts[k].fd);
	}
	if (v->mail.fd >= 0)
		close(v->mail.fd);
	if (v->mail.dir_fd >= 0)
		close(v->mail.dir_fd);
	return 0;
}

void view_ref(struct plugin_view *v)
{
	atomic_fetch_add(&v->references, 1);
}

void view_unref(struct plugin_view *v)
{
	if (atomic_fetch_sub(&v->references, 1) == 1)
		talloc_free(v);
}

static int handle_free(struct view_handle *h)
{
	view_unref(h->view);
	return 0;
}

static int duplicate(int fd)
{
	return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
}

static void copy_mail(struct plugin_view *v, const struct mail *from)
{
	struct postern_mail *to = &v->mail;
	to->log_id = talloc_strdup(v, from->log_id ? from->log_id : "");
	to->size_bytes = (int64_t)from->size_bytes;
	to->fd = duplicate(from->fd);
	if (!from->envelope)
		return;
	to->sender = talloc_strdup(v, from->envelope->sender ? from->envelope->sender : "");
	to->recipients = talloc_zero_array(v, const char *, from->recipient_count + 1);
	for (unsigned k = 0; k < from->recipient_count; k++)
		to->recipients[k] = talloc_strdup(to->recipients, from->recipients[k].address ? from->recipients[k].address : "");
	to->recipient_count = from->recipient_count;
}

struct plugin_view *plugin_view_new(void *owner, const struct mail *mail, int parts_dir_fd, const char *parts_folder)
{
	struct plugin_view *v = talloc_zero(NULL, struct plugin_view);
	v->references = 1;
	v->mail.log_id = v->mail.sender = "";
	v->mail.fd = -1;
	v->mail.dir_fd = duplicate(parts_dir_fd);
	v->mail.folder = parts_folder ? talloc_strdup(v, parts_folder) : NULL;
	if (mail)
		copy_mail(v, mail);
	talloc_set_destructor(v, view_close);
	struct view_handle *h = talloc_zero(owner, struct view_handle);
	h->view = v;
	talloc_set_destructor(h, handle_free);
	return v;
}

static void part_file_name(unsigned number, char name[16])
{
	snprintf(name, 16, "p%03u", number);
}

static void measure(struct postern_mail *m, struct postern_part *p)
{
	struct stat st;
	char name[16];
	part_file_name(p->number, name);
	int rc = p->fd >= 0 ? fstat(p->fd, &st) : fstatat(m->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);
	p->damaged = rc != 0 || !S_ISREG(st.st_mode);
	p->size_bytes = p->damaged ? 0 : (int64_t)st.st_size;
}

static const char *copy_text(struct plugin_view *v, const char *text)
{
	return talloc_strdup(v, text ? text : "");
}

static void copy_names(struct plugin_view *v, struct postern_part *to, const struct part *from)
{
	to->name_count = from->name_count;
	to->names = from->name_count > 0 ? talloc_array(v, const char *, from->name_count) : NULL;
	for (unsigned i = 0; i < from->name_count; i++)
		to->names[i] = copy_text(v, from->names[i]);
	to->name = from->name_count > 0 ? to->names[0] : NULL;
}

void plugin_view_add_part(struct plugin_view *v, const struct part *part, int fd)
{
	struct postern_mail *m = &v->mail;
	const struct postern_part added = {
		.number = part->number,
		.fd = part->number == 0 ? duplicate(fd) : -1,
		.mime_type = copy_text(v, part->mime_type),
		.type = copy_text(v, part->type_short),
		.full_type = copy_text(v, part->type_full),
		.placement = copy_text(v, part->placement),
	};
	if (m->part_count == m->part_size) {
		m->part_size = m->part_size ? m->part_size * 2 : 16;
		m->parts = talloc_realloc(v, m->parts, struct postern_part, (unsigned)m->part_size);
	}
	m->parts[m->part_count] = added;
	copy_names(v, &m->parts[m->part_count], part);
	measure(m, &m->parts[m->part_count++]);
}

void view_never_empty(struct plugin_view *v)
{
	const struct part whole = { .number = 0 };
	if (v->mail.part_count == 0 && v->mail.fd >= 0 && v->mail.size_bytes > 0)
		plugin_view_add_part(v, &whole, v->mail.fd);
}

static int copy_whole(int from, int to)
{
	char *buffer = g_malloc(COPY_BYTES);
	off_t at = 0;
	ssize_t n;
	while ((n = pread(from, buffer, COPY_BYTES, at)) > 0) {
		if (io_write_all(to, buffer, (size_t)n, deadline_none()) != 0) {
			n = -1;
			break;
		}
		at += n;
	}
	g_free(buffer);
	return n == 0 ? 0 : -1;
}

int view_give_paths(struct plugin_view *v, struct error *e)
{
	struct postern_mail *m = &v->mail;
	int whole = -1;
	for (size_t k = 0; k < m->part_count && whole < 0; k++)
		whole = m->parts[k].number == 0 ? m->parts[k].fd : -1;
	if (whole < 0 || m->whole_in_folder)
		return 0;
	unlinkat(m->dir_fd, "p000", 0);	/* no one else's word for what the mail is */
	int fd = openat(m->dir_fd, "p000", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0440);
	if (fd < 0)
		return error_set_errno(e, "p000 in %s", m->folder ? m->folder : "the folder of parts");
	int rc = copy_whole(whole, fd);
	if (rc != 0)
		error_set_errno(e, "p000 in %s", m->folder ? m->folder : "the folder of parts");
	close(fd);
	if (rc != 0)
		unlinkat(m->dir_fd, "p000", 0);
	m->whole_in_folder = rc == 0;
	return rc;
}

/* ---- accessors ---- */

const char *postern_mail_log_id(const struct postern_mail *m) { return m->log_id; }
const char *postern_mail_sender(const struct postern_mail *m) { return m->sender; }
size_t postern_mail_recipient_count(const struct postern_mail *m) { return m->recipient_count; }
int64_t postern_mail_size(const struct postern_mail *m) { return m->size_bytes; }
int postern_mail_fd(const struct postern_mail *m) { return m->fd; }
size_t postern_mail_part_count(const struct postern_mail *m) { return m->part_count; }
const char *postern_mail_folder(const struct postern_mail *m) { return m->folder; }

const char *postern_mail_recipient(const struct postern_mail *m, size_t i)
{
	return i < m->recipient_count ? m->recipients[i] : NULL;
}

const struct postern_part *postern_mail_part(const struct postern_mail *m, size_t i)
{
	return i < m->part_count ? &m->parts[i] : NULL;
}

unsigned postern_part_number(const struct postern_part *p) { return p->number; }
int64_t postern_part_size(const struct postern_part *p) { return p->size_bytes; }
const char *postern_part_mime_type(const struct postern_part *p) { return p->mime_type; }
const char *postern_part_type(const struct postern_part *p) { return p->type; }
const char *postern_part_name(const struct postern_part *p) { return p->name; }
const char *postern_part_placement(const struct postern_part *p) { return p->placement; }
const char *postern_part_full_type(const struct postern_part *p) { return p->full_type; }
size_t postern_part_name_count(const struct postern_part *p) { return p->name_count; }
const char *postern_part_name_at(const struct postern_part *p, size_t i) { return i < p->name_count ? p->names[i] : NULL; }

/* A descriptor whose offset nobody shares: the mail is reopened. Inside the opener's jail there is no /proc; there only
 * one reader exists at a time, and a duplicate does. */
static int reopen(int fd)
{
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int fresh = open(path, O_RDONLY | O_CLOEXEC);
	return fresh >= 0 ? fresh : duplicate(fd);
}

static int open_file(const struct postern_mail *m, const struct postern_part *p)
{
	char name[16];
	struct stat st;
	part_file_name(p->number, name);
	int fd = openat(m->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int postern_part_fd(struct postern_call *c, const struct postern_part *p)
{
	int fd = p->fd >= 0 ? reopen(p->fd) : open_file(&c->view->mail, p);
	if (fd < 0) {
		postern_fail(c, POSTERN_TEMPFAIL, "part p%03u: %s", p->number, g_strerror(errno));
		return -1;
	}
	struct call_fd *kept = talloc_zero(c->arena, struct call_fd);
	kept->fd = fd;
	kept->next = c->fds;
	c->fds = kept;
	return fd;
}

const char *postern_part_path(struct postern_call *c, const struct postern_part *p)
{
	bool paths = c->instance->plugin->capabilities & POSTERN_CAP_PATH;
	const struct postern_mail *m = &c->view->mail;
	if (!paths || !m->folder || (p->number == 0 && !m->whole_in_folder))
		return NULL;
	return talloc_asprintf(c->scratch, "%s/p%03u", m->folder, p->number);
}

const void *postern_part_data(struct postern_call *c, const struct postern_part *p, size_t *n)
{
	static const char nothing[1];
	int fd = p->size_bytes > 0 ? postern_part_fd(c, p) : -1;
	*n = 0;
	if (p->size_bytes == 0)
		return nothing;
	if (fd < 0)
		return NULL;
	void *data = mmap(NULL, (size_t)p->size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		postern_fail(c, POSTERN_TEMPFAIL, "part p%03u: map: %s", p->number, g_strerror(errno));
		return NULL;
	}
	struct call_map *kept = talloc_zero(c->arena, struct call_map);
	*kept = (struct call_map){ .next = c->maps, .data = data, .n = (size_t)p->size_bytes };
	c->maps = kept;
	*n = kept->n;
	return data;
}
