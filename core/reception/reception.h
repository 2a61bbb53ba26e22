/* reception.h - the event loop that holds every session.
 *
 * One per generation, unprivileged.  It never loads plugins, resolves names,
 * blocks, or takes content apart: it spools bytes, queues jobs, hands them to
 * workers that have given a token, and turns results into replies. */
#ifndef POSTERN_RECEPTION_RECEPTION_H
#define POSTERN_RECEPTION_RECEPTION_H

#include "wire/records.h"
#include "wire/shared.h"

struct reception_listener { int fd; const char *text; };	/* "127.0.0.1:10024", "/run/x.sock": as written in listen_sockets */

struct reception_settings {
	struct settings_record settings;	/* from the worker template: names of settings, and "listener.<n>.protocol" etc. */
	struct reception_listener *listeners;
	unsigned listener_count;
	int token_fd;				/* shared SEQPACKET end on which workers' TOKENs arrive */
	int master_fd;				/* SEQPACKET: READY and IDLE go out, DRAIN comes in; end of file: drain and leave */
	struct shared *shared;
	int ledger_fd;				/* append-only file, -1: none */
};
/* Runs until drained; the exit code. */
int reception_run(const struct reception_settings *s);

#endif
