/* log_sink.h - where finished log lines go: standard error, a file, or the syslog socket. Used by log.c only. */
#ifndef POSTERN_BASE_LOG_SINK_H
#define POSTERN_BASE_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

struct log_sink {
	enum log_destination to;
	int fd;			/* -1: standard error as it is */
	char *path;		/* of the file or the socket; owned */
	bool nonblocking;
	bool cut;		/* the last line went out in part: the next one begins with a newline */
};

/* Open what `to` and `path` say into `sink`. 0, or -1 with errno and `sink` unchanged. */
int log_sink_open(struct log_sink *sink, enum log_destination to, const char *path);
void log_sink_close(struct log_sink *sink);
/* The file again after logrotate; the old one stays when that fails. */
void log_sink_reopen(struct log_sink *sink);
void log_sink_set_nonblocking(struct log_sink *sink);
/* Write one line (files and standard error: with its newline). false: it was dropped. */
bool log_sink_put(struct log_sink *sink, const char *line, size_t n);

#endif
