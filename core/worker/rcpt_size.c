/* rcpt_size.c - answers RCPT jobs: settles the recipient as for a mail, and looks at nothing but the size limit. */
#include "worker/rcpt_size.h"

#include <talloc.h>

#include "base/log.h"
#include "worker/settle.h"

static const char *code_of(const struct rcpt_policy *p)
{
	struct categories oversized = { 0 };
	categories_add(&oversized, CC_OVERSIZED, 0);
	if (value_true_p(rcpt_policy_cell(p, CELL_LOVER, &oversized)))	/* as judge.c has it after the data */
		return "250 2.3.4";
	switch ((enum destiny)value_to_int(rcpt_policy_cell(p, CELL_DESTINY, &oversized), D_PASS)) {
	case D_TEMPFAIL:
		return "452 4.3.4";
	case D_PASS:
	case D_UNSET:
		return "250 2.3.4";
	default:
		return "552 5.3.4";
	}
}

const char *rcpt_size_reply(struct worker *w, struct mail *m)
{
	struct policy policy = w->base;
	struct error e = { 0 };
	int64_t size = m->envelope->declared_size;
	if (settle_mail(m, &policy, NULL, &e) != 0) {
		log_write(LOG_LEVEL_WARNING, "size limit at RCPT: %s; asked again when the mail is there", e.text);
		return "";
	}
	const struct recipient *r = m->recipient_count > 0 ? &m->recipients[0] : NULL;
	if (!r || r->policy->message_size_limit == 0 || size <= r->policy->message_size_limit)
		return "";
	return talloc_asprintf(m, "%s Declared message size (%lld B) exceeds size limit for recipient <%s>", code_of(r->policy), (long long)size,
		r->envelope->address);
}
