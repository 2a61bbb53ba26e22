/* rewrite.c - address extensions ("user+spam@") and rewritten addresses of local recipients, by what was found in the mail.
 * Unlike in amavisd-new an extension is put on the rewritten address, it does not undo the rewriting. */
#include "worker/rewrite.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "base/text.h"
#include "deliver/envelope.h"
#include "mail/address.h"

#define ORCPT_MAX 500	/* RFC 3461 4.2 */

static const char *text_for(const struct recipient *r, enum policy_cell cell, void *owner)
{
	return rcpt_policy_cell_text(r->policy, cell, &r->categories, (struct category){ 255, 255 }, owner);
}

/* "new@" keeps the domain, "@new" the local part. */
static char *rewritten(void *owner, const char *address, const char *to)
{
	char *local, *domain, *new_local, *new_domain;
	address_split(owner, address, &local, &domain);
	address_split(owner, to, &new_local, &new_domain);
	if (!strchr(to, '@'))
		new_domain = NULL;
	return talloc_asprintf(owner, "%s@%s", *new_local ? new_local : local, new_domain && *new_domain ? new_domain : domain ? domain : "");
}

static char *extended(void *owner, const char *address, const char *extension, const char *delimiters, bool replace)
{
	char *local, *domain, *user, *old = NULL;
	address_split(owner, address, &local, &domain);
	user = local;
	if (replace)
		address_split_extension(owner, local, delimiters, &user, &old);
	return talloc_asprintf(owner, "%s%c%s%s%s", user, *delimiters, extension, domain ? "@" : "", domain ? domain : "");
}

/* One address; the rest of a list would be further recipients, whom nobody has asked for. */
static const char *first_address(const struct mail *m, const char *text, void *owner)
{
	size_t n = strcspn(text, ", \t");
	if (text[n])
		log_write(LOG_LEVEL_WARNING, "addr_rewrite_maps_by_ccat: \"%s\" names several addresses; the first counts, mail %s", text, m->log_id);
	return talloc_strndup(owner, text, n);
}

static const char *new_address(struct mail *m, const struct policy *p, struct recipient *r)
{
	const char *address = r->address, *delimiters = policy_string(p, SET_recipient_delimiter);
	const char *to = text_for(r, CELL_ADDR_REWRITE, m), *extension = text_for(r, CELL_ADDR_EXTENSION, m);
	if (to)
		address = rewritten(m, address, first_address(m, to, m));
	if (extension && delimiters && *delimiters) {
		address = extended(m, address, extension, delimiters, policy_bool(p, SET_replace_existing_extension));
		r->tagged = true;
	}
	return address;
}

static const char *orcpt_of(struct mail *m, const struct recipient *r)
{
	GString *text = g_string_new("rfc822;");
	text_append_xtext(text, r->envelope->address, ORCPT_MAX);
	const char *copy = talloc_strdup(m, text->str);
	g_string_free(text, TRUE);
	return copy;
}

void rewrite_recipient(struct mail *m, const struct policy *p, struct recipient *r)
{
	if (!r->policy->is_local)
		return;
	const char *address = new_address(m, p, r);
	if (strcmp(address, r->address) == 0)
		return;
	const char *quoted = address_quote(m, address);
	if (!envelope_address_is_safe(quoted)) {	/* a row or a table is wrong: the recipient shall not lose his mail by it */
		r->tagged = false;
		log_write(LOG_LEVEL_WARNING, "<%s>: an address extension or rewriting by addr_extension_..._maps or addr_rewrite_maps_by_ccat would make it <%s>,"
			" which is no address; it stays as it is", r->envelope->address, quoted);
		return;
	}
	r->forward_address = quoted;
	if (!r->envelope->orcpt)	/* so that a notification names the address that the sender knows */
		r->forward_orcpt = orcpt_of(m, r);
	log_write(LOG_LEVEL_INFO, "<%s> is sent on to <%s>", r->envelope->address, r->forward_address);
}
