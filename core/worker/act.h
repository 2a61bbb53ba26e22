/* act.h - stage 5: carry the judgement out: quarantine first, then deliver; nothing is answered before this is done. */
#ifndef POSTERN_WORKER_ACT_H
#define POSTERN_WORKER_ACT_H

#include "worker/worker.h"

/* Quarantine copies that policy asks for (worker/quarantine.c). -1: a copy could not be kept: recipients whose fate hangs on it get 451. */
int act_quarantine(struct worker *w, struct mail *m, const struct policy *p, struct error *e);
/* Deliver to every recipient that passes (worker/forward.c). COMMITTED goes out from inside. -1: cancelled before anything was taken. */
int act_forward(struct worker *w, struct mail *m, const struct policy *p, uint32_t owner_pid, struct error *e);
/* Header edits of a passed mail (worker/edits.c), on the mail. Recipients with equal edits share a transaction. */
struct edit_list *act_edits_for(const struct mail *m, const struct policy *p, const struct recipient *r, bool single_recipient);
/* The Received field that this hop adds. */
char *act_received_body(const struct mail *m, const struct policy *p, const char *only_recipient, void *owner);
/* Index into the worker's delivery plugins for "scheme:..."; NULL: none. */
struct plugin_instance *act_delivery_plugin(const struct worker *w, const char *method);

#endif
