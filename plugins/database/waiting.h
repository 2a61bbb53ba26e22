/* waiting.h - waiting for a library's own socket, with a limit besides the call's deadline; what database plugins share. */
#ifndef POSTERN_DATABASE_WAITING_H
#define POSTERN_DATABASE_WAITING_H

#include <stdint.h>

#include <postern/plugin.h>

int64_t waiting_now_ms(void);		/* CLOCK_MONOTONIC */
/* As postern_wait(), but not beyond until_ms (0: no limit of its own).  timeout_ms < 0: as long as both allow.
 * *patience: whether there would have been more time than timeout_ms when nothing came in it. */
int waiting_wait(struct postern_call *call, int64_t until_ms, int fd, short events, int timeout_ms, bool *patience);

#endif
