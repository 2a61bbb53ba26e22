/* scan_file.h - JOB_SCAN: a file that posternctl wants scanned. */
#ifndef POSTERN_WORKER_SCAN_FILE_H
#define POSTERN_WORKER_SCAN_FILE_H

#include "mail/mail.h"
#include "worker/worker.h"

/* "<exit code>\n<text or JSON>" on m, as envelope->protocol ("scan", "scan json") asks; always some answer. */
char *scan_file_run(struct worker *w, struct mail *m);

#endif
