/* act.h - stage 5: carry the judgement out: quarantine first, then deliver; nothing is answered before this is done. */
#ifndef POSTERN_WORKER_ACT_H
#define POSTERN_WORKER_ACT_H

#include "worker/worker.h"

/* Quarantine copies that policy asks for (worker/quarantine.c). -1: a copy could not be kept: recipients whose fate hangs on it get 451. */
int act_quarantine(struct worker *w, struct mail *m, const struct policy *p, struct error *e);
/* Deliver to every recipient that passes (worker/forward.c). COMMITTED goes out from inside. -1: cancelled before anything was taken. */
int act_forward(struct worker *w, struct mail *m, const struct policy *p, uint32_t owner_pid, struct error *e);
/* Header edits of a passed mail (worker/edits.c), on the mail. Recipients with equal edits share a transaction.
 * tagged: the Subject got a tag. */
struct edit_list *act_edits_for(const struct mail *m, const struct policy *p, const struct recipient *r, bool single_recipient, bool *tagged);
/* Macros of a Subject tag: _LOGID_ _MAILID_ _HOSTNAME_ _DATE_ _U_ _YESNO_ ... (worker/marks.c). */
char *act_expand_tag(const struct mail *m, const struct policy *p, const char *tag, void *owner);
/* X-Amavis-Alert for what a recipient's copy has against it, the worst on top (worker/marks.c). r NULL: a copy for everybody. */
void act_add_alerts(struct edit_list *l, const struct mail *m, const struct recipient *r);
/* The Subject tag of a passed mail; false: none (worker/marks.c). */
bool act_tag_subject(struct edit_list *l, const struct mail *m, const struct policy *p, const struct recipient *r);
char *act_date(int64_t wall_us, void *owner);	/* RFC 5322 */
/* The Received field that this hop adds. */
char *act_received_body(const struct mail *m, const struct policy *p, const char *only_recipient, void *owner);
/* Index into the worker's delivery plugins for "scheme:..."; NULL: none. */
struct plugin_instance *act_delivery_plugin(const struct worker *w, const char *method);

#endif
