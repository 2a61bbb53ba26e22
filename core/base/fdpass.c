/* fdpass.c - one record with its descriptors per sendmsg(2)/recvmsg(2). It knows nothing of what records say. */
#include "config.h"
#include "base/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES (FDPASS_RECORD_MAX + 16 * 1024)
#define KERNEL_RESERVE_BYTES 32	/* what AF_UNIX keeps of the send buffer when it judges EMSGSIZE */

union control {
	char bytes[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
	struct cmsghdr align;
};

/* The kernel doubles what is asked for and caps the unforced request at net.core.wmem_max. */
static int enlarge_send_buffer(int fd)
{
	int wanted = SEND_BUFFER_BYTES, got = 0;
	socklen_t n = sizeof got;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &n) != 0)
		return -1;
	if (got >= FDPASS_RECORD_MAX + KERNEL_RESERVE_BYTES)
		return 0;
	errno = ENOBUFS;
	return -1;
}

int fdpass_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	if (enlarge_send_buffer(fds[0]) == 0 && enlarge_send_buffer(fds[1]) == 0)
		return 0;
	int errnum = errno;
	close(fds[0]);
	close(fds[1]);
	fds[0] = fds[1] = -1;
	errno = errnum;
	return -1;
}

static void attach_fds(struct msghdr *m, union control *control, const int *fds, int fd_count)
{
	memset(control, 0, sizeof *control);
	m->msg_control = control->bytes;
	m->msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)fd_count);
}

int fdpass_send(int fd, const void *data, size_t n, const int *fds, int fd_count, int flags)
{
	if (n > FDPASS_RECORD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	/* An empty record could not be told from end of file. */
	if (n == 0 || fd_count < 0 || fd_count > FDPASS_MAX) {
		errno = EINVAL;
		return -1;
	}
	struct iovec v = { (void *)data, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	union control control;
	if (fd_count > 0)
		attach_fds(&m, &control, fds, fd_count);
	for (;;) {
		ssize_t sent = sendmsg(fd, &m, flags | MSG_NOSIGNAL);
		if (sent >= 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

/* Collect up to FDPASS_MAX descriptors; the buffer has room for no more, the kernel drops the rest and says MSG_CTRUNC. */
static int take_fds(struct msghdr *m, int *fds)
{
	int count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		int here = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (int i = 0; i < here; i++) {
			int one;
			memcpy(&one, CMSG_DATA(c) + sizeof(int) * (size_t)i, sizeof one);
			if (count < FDPASS_MAX)
				fds[count++] = one;
			else
				close(one);
		}
	}
	return count;
}

ssize_t fdpass_receive(int fd, void *buffer, size_t size, int *fds, int *fd_count, int flags)
{
	int taken[FDPASS_MAX];
	union control control;
	struct iovec v = { buffer, size };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	ssize_t n;
	if (fd_count)
		*fd_count = 0;
	do
		n = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	int count = take_fds(&m, taken);
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (count > 0 && (!fds || !fd_count)) || (n == 0 && count > 0)) {
		fdpass_close_all(taken, count);
		errno = EPROTO;
		return -1;
	}
	if (count > 0) {
		memcpy(fds, taken, sizeof(int) * (size_t)count);
		*fd_count = count;
	}
	return n;
}

void fdpass_close_all(int *fds, int fd_count)
{
	for (int i = 0; i < fd_count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
