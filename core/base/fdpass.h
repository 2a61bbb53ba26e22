/* fdpass.h - SEQPACKET pairs between processes, and records with descriptors on them. */
#ifndef POSTERN_BASE_FDPASS_H
#define POSTERN_BASE_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX 8		/* descriptors with one record */
#define FDPASS_RECORD_MAX (192 * 1024)

/* A close-on-exec SEQPACKET pair with send buffers that hold at least one record of FDPASS_RECORD_MAX. 0 or -1/errno.
 * Works for ordinary users with the kernel's default net.core.wmem_max (212992) and down to 98320; ENOBUFS below that. */
int fdpass_pair(int fds[2]);
/* Send one record with descriptors (which stay open here). Blocks unless the socket is non-blocking or flags has
 * MSG_DONTWAIT; never raises SIGPIPE. 0 or -1/errno (EMSGSIZE when too large; EINVAL for an empty record, which would
 * read as end of file, or more than FDPASS_MAX descriptors). */
int fdpass_send(int fd, const void *data, size_t n, const int *fds, int fd_count, int flags);
/* Receive one record. Returns its length, 0 at end of file, -1/errno (EAGAIN, ...).
 * fds[] (room for FDPASS_MAX; fds and fd_count NULL where none are expected: such a record is EPROTO) gets *fd_count descriptors (close-on-exec); a record that was truncated or carried more than FDPASS_MAX
 * descriptors: all are closed, -1 with EPROTO. */
ssize_t fdpass_receive(int fd, void *buffer, size_t size, int *fds, int *fd_count, int flags);
void fdpass_close_all(int *fds, int fd_count);

#endif
