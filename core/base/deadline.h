/* deadline.h - the one clock, and the deadline that a mail's work carries down. */
#ifndef POSTERN_BASE_DEADLINE_H
#define POSTERN_BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* Handed by value into everything that may wait. */
struct deadline {
	int64_t at_ms;		/* CLOCK_MONOTONIC, milliseconds; 0: none */
	int cancel_fd;		/* >= 0: when it becomes readable or hangs up, waiting ends with ECANCELED; -1: none.
				 * It is never read here. */
};

int64_t clock_now_ms(void);		/* CLOCK_MONOTONIC; comparable between processes of one machine */
int64_t clock_wall_us(void);		/* CLOCK_REALTIME in microseconds since 1970 */
struct deadline deadline_in(int64_t timeout_ms);
struct deadline deadline_none(void);
/* The same deadline, but not later than timeout_ms from now; keeps cancel_fd. timeout_ms <= 0: unchanged. */
struct deadline deadline_sooner(struct deadline d, int64_t timeout_ms);
/* Milliseconds left: 0 when over; -1 when there is no deadline (what poll(2) wants). */
int deadline_left_ms(struct deadline d);
bool deadline_cancelled(struct deadline d);	/* its cancel_fd says so */

#endif
