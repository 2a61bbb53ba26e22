/* settings_out.h - the few settings that other processes need, taken from the configuration as records.
 *
 * Worker template only: it alone has the configuration.  A setting or option marked secret never gets in. */
#ifndef POSTERN_TEMPLATE_SETTINGS_OUT_H
#define POSTERN_TEMPLATE_SETTINGS_OUT_H

#include "config/config.h"
#include "wire/records.h"

/* Each fills *out with memory of owner. The first pair is {"for", role}. */
void settings_for_master(const struct config *c, void *owner, struct settings_record *out);
/* Can a recipient have a size limit of its own?  Then reception asks at RCPT, and one worker is there for it. */
bool settings_want_questions(const struct config *c);
void settings_for_reception(const struct config *c, void *owner, struct settings_record *out);
void settings_for_opener(const struct config *c, void *owner, struct settings_record *out);

#endif
