/* spool.c - the only writer of mail files; never blocks longer than tmpfs takes. */
#include "config.h"
#include "reception/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reception/state.h"

static uint64_t bytes_now(const struct reception *r)
{
	return shared_work_area_bytes(r->given->shared);
}

bool spool_has_room(const struct reception *r, const struct peer *p, uint64_t size_bytes)
{
	const struct reception_options *o = r->options;
	if (o->work_area_limit != 0 && (size_bytes > o->work_area_limit || bytes_now(r) > o->work_area_limit - size_bytes))
		return false;
	if (p == NULL || o->work_area_peer_limit == 0)
		return true;
	return size_bytes <= o->work_area_peer_limit && p->spooled_bytes <= o->work_area_peer_limit - size_bytes;
}

static void account(struct spool *s, uint64_t n)
{
	atomic_fetch_add_explicit(&s->reception->held->work_area_bytes, n, memory_order_relaxed);
	s->accounted_bytes += n;
	if (s->peer != NULL)
		s->peer->spooled_bytes += n;
}

static void unaccount(struct spool *s)
{
	atomic_fetch_sub_explicit(&s->reception->held->work_area_bytes, s->accounted_bytes, memory_order_relaxed);
	if (s->peer != NULL)
		s->peer->spooled_bytes -= s->accounted_bytes;
	s->accounted_bytes = 0;
}

/* What was stored is of no use any more: the room goes back at once, not when the client is done talking. */
static void give_up(struct spool *s, enum spool_state why, int errnum)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->errnum = errnum;
	s->state = why;
	unaccount(s);
	if (why == SPOOL_FULL)
		shared_count(s->reception->given->shared, COUNT_WORK_AREA_FULL, 1);
}

static void give_up_errno(struct spool *s)
{
	bool full = errno == ENOSPC || errno == EDQUOT || errno == ENFILE || errno == EMFILE;
	give_up(s, full ? SPOOL_FULL : SPOOL_FAILED, errno);
}

/* For file systems without O_TMPFILE: a name that lives for a moment. */
static int open_unlinked(int folder_fd)
{
	static unsigned counter;
	char name[64];
	snprintf(name, sizeof name, ".reception-%ld-%u", (long)getpid(), counter++);
	int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(folder_fd, name, 0);
	return fd;
}

static int open_file(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = open_unlinked(folder_fd);
	return fd;
}

void spool_open(struct spool *s, struct reception *r, struct peer *p, uint64_t limit_bytes)
{
	*s = (struct spool){ .state = SPOOL_OPEN, .fd = -1, .limit_bytes = limit_bytes, .peer = peer_reference(p), .reception = r };
	if (!spool_has_room(r, p, 1)) {
		give_up(s, SPOOL_FULL, 0);
		return;
	}
	s->fd = open_file(r->work_area_fd);
	if (s->fd < 0)
		give_up_errno(s);
}

static void write_all(struct spool *s, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(s->fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			give_up_errno(s);
			return;
		}
		data += done;
		n -= (size_t)done;
	}
}

void spool_write(struct spool *s, const void *data, size_t n)
{
	s->size_bytes += n;
	if (s->state != SPOOL_OPEN || n == 0)
		return;
	if (s->limit_bytes != 0 && s->size_bytes > s->limit_bytes) {
		give_up(s, SPOOL_TOO_BIG, 0);
		return;
	}
	if (!spool_has_room(s->reception, s->peer, n)) {
		give_up(s, SPOOL_FULL, 0);
		return;
	}
	account(s, n);
	write_all(s, data, n);
}

int spool_finish(struct spool *s)
{
	char path[64];
	if (s->state != SPOOL_OPEN)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
	int fd = fchmod(s->fd, 0400) == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		give_up_errno(s);
		return -1;
	}
	close(s->fd);
	s->fd = -1;
	return fd;
}

void spool_release(struct spool *s)
{
	if (s->reception == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	unaccount(s);
	peer_release(s->peer);
	*s = (struct spool){ .state = SPOOL_CLOSED, .fd = -1 };
}
