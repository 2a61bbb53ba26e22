/* scan_request.h - `posternctl scan` and `explain`: from the master's record to a job, and its answer. */
#ifndef POSTERN_RECEPTION_SCAN_REQUEST_H
#define POSTERN_RECEPTION_SCAN_REQUEST_H

#include "reception/job.h"

/* Both descriptors are taken over. command: what posternctl asked, "scan" or "scan json". */
void scan_request_begin(struct reception *r, const char *command, int connection_fd, int file_fd);
/* The connection is taken over. command: "explain", then lines "from=ADDRESS", "to=ADDRESS" ..., "client=IP", "interface=TEXT", "json". */
void explain_request_begin(struct reception *r, const char *command, int connection_fd);
/* text: exit code, line end, what is printed. */
void request_answer(int connection_fd, const char *text);
/* The job is finished, however: posternctl gets its answer. */
void scan_request_end(struct mail_job *job);

#endif
