/* resolve.c - names to addresses under a deadline.
 *
 * getaddrinfo(3) knows no deadline, so a thread of its own runs it; at the
 * deadline the thread is left behind and frees its query when it ends.  How
 * many may be left behind is limited: a dead name server must not fill a
 * process with threads.  Never called in reception or an opener. */
#include "config.h"
#include "base/io.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS_MAX 16

struct query {
	atomic_int users;	/* the asker and the thread; the last one frees */
	int done_fd;
	int status, errnum;
	struct addrinfo *answer;
	char host[256], port[32];
};

static atomic_int threads;

static void query_release(struct query *q)
{
	if (atomic_fetch_sub(&q->users, 1) != 1)
		return;
	if (q->answer)
		freeaddrinfo(q->answer);
	close(q->done_fd);
	free(q);
}

static struct addrinfo hints_of(int flags)
{
	return (struct addrinfo){ .ai_flags = flags | AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
}

static void *answer_query(void *argument)
{
	struct query *q = argument;
	struct addrinfo hints = hints_of(0);
	uint64_t one = 1;
	q->status = getaddrinfo(q->host, q->port, &hints, &q->answer);
	q->errnum = errno;
	ssize_t n = write(q->done_fd, &one, sizeof one);
	(void)n;	/* an eventfd at 0 takes a 1 */
	query_release(q);
	atomic_fetch_sub(&threads, 1);
	return NULL;
}

/* The process's signals are for its main thread. */
static int start_thread(struct query *q)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, old;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int problem = pthread_create(&thread, &attributes, answer_query, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return problem;
}

static struct query *query_start(const char *host, const char *port, struct error *e)
{
	if (strlen(host) >= sizeof ((struct query *)NULL)->host || strlen(port) >= sizeof ((struct query *)NULL)->port) {
		error_set(e, ERROR_INPUT, "the name is too long to be resolved");
		return NULL;
	}
	struct query *q = calloc(1, sizeof *q);
	if (!q || (q->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
		error_set_errno(e, "eventfd");
		free(q);
		return NULL;
	}
	atomic_init(&q->users, 2);
	strcpy(q->host, host);
	strcpy(q->port, port);
	if (atomic_fetch_add(&threads, 1) < THREADS_MAX) {
		errno = start_thread(q);
		if (errno == 0)
			return q;
	} else {
		errno = EAGAIN;
	}
	error_set_errno(e, "cannot start another resolver thread");
	atomic_fetch_sub(&threads, 1);
	atomic_store(&q->users, 1);
	query_release(q);
	return NULL;
}

static int copy_answer(const struct addrinfo *a, struct sockaddr_storage *out, socklen_t *lengths, int max)
{
	int count = 0;
	for (; a && count < max; a = a->ai_next) {
		if (a->ai_addrlen > sizeof *out)
			continue;
		memset(&out[count], 0, sizeof *out);
		memcpy(&out[count], a->ai_addr, a->ai_addrlen);
		lengths[count++] = a->ai_addrlen;
	}
	return count;
}

static int resolve_numeric(const char *host, const char *port, struct sockaddr_storage *out, socklen_t *lengths, int max)
{
	struct addrinfo hints = hints_of(AI_NUMERICHOST), *answer = NULL;
	if (getaddrinfo(host, port, &hints, &answer) != 0)
		return 0;
	int count = copy_answer(answer, out, lengths, max);
	freeaddrinfo(answer);
	return count;
}

static int wait_failed(const char *host, struct error *e)
{
	int errnum = errno;
	if (errnum == ECANCELED)
		error_set(e, ERROR_CANCELLED, "resolve %s: cancelled", host);
	else if (errnum == ETIMEDOUT)
		error_set(e, ERROR_DEADLINE, "resolve %s: no answer in time", host);
	else
		error_set_errno(e, "resolve %s", host);
	if (e)
		e->errnum = errnum;
	errno = errnum;
	return -1;
}

int io_resolve(const char *host, const char *port, struct sockaddr_storage *out, socklen_t *lengths, int max,
	struct deadline d, struct error *e)
{
	int count = resolve_numeric(host, port, out, lengths, max);
	if (count > 0)
		return count;
	struct query *q = query_start(host, port, e);
	if (!q)
		return error_prefix(e, "resolve %s", host);
	if (io_wait(q->done_fd, POLLIN, d) != 0) {
		int errnum = errno;
		query_release(q);
		errno = errnum;
		return wait_failed(host, e);
	}
	if (q->status == 0)
		count = copy_answer(q->answer, out, lengths, max);
	if (q->status == EAI_SYSTEM) {
		errno = q->errnum;
		error_set_errno(e, "resolve %s", host);
	} else if (count == 0) {
		error_set(e, ERROR_ENVIRONMENT, "resolve %s: %s", host, q->status ? gai_strerror(q->status) : "no usable address");
	}
	query_release(q);
	return count > 0 ? count : -1;
}
