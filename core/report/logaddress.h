/* logaddress.h - addresses as log lines show them; used in this room only. */
#ifndef POSTERN_REPORT_LOGADDRESS_H
#define POSTERN_REPORT_LOGADDRESS_H

#include <glib.h>
#include <stdbool.h>

/* Append an address, with or without its <>: a domain in lower case, its ACE labels as UTF-8, the rest as it is. */
void logaddress_append(GString *out, const char *address);
/* The same within < and >. */
void logaddress_append_path(GString *out, const char *address);

#endif
