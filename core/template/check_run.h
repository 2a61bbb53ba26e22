/* check_run.h - `posternd -t`: is this configuration good?  `-tt`: and do its scanners answer? */
#ifndef POSTERN_TEMPLATE_CHECK_RUN_H
#define POSTERN_TEMPLATE_CHECK_RUN_H

#include "template/role.h"

/* Prints every problem to standard error, findings of -tt to standard output; 0 or 78. */
int check_run(const struct role_options *o, bool thorough);

#endif
