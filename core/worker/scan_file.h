/* scan_file.h - JOB_SCAN: a file that posternctl wants scanned. */
#ifndef POSTERN_WORKER_SCAN_FILE_H
#define POSTERN_WORKER_SCAN_FILE_H

#include "mail/mail.h"
#include "worker/worker.h"

/* "<exit code>\n" and, where it could not be written to output_fd, why; text or JSON goes there, as envelope->protocol ("scan",
 * "scan json tree") asks. On m; always some answer. */
char *scan_file_run(struct worker *w, struct mail *m, int output_fd);

#endif
