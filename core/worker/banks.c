/* banks.c - the order in which policy banks are laid over the base settings (amavisd-new's steps 2, 3 and 5).
 * It reads no mail content. */
#include "worker/banks.h"

#include <string.h>
#include <talloc.h>

void banks_lookup_style(const struct policy *p, struct lookup_style *style)
{
	style->recipient_delimiter = policy_string(p, SET_recipient_delimiter);
	style->localpart_is_case_sensitive = policy_bool(p, SET_localpart_is_case_sensitive);
}

static void load_for_key(struct policy *p, const char *key, void *owner)
{
	const struct value *hash = policy_value(p, SET_interface_policy);
	const struct value *names = hash && hash->kind == VALUE_HASH ? value_hash_get(hash, key) : NULL;
	const char *text = value_defined(names) ? value_text(names, owner) : NULL;
	if (text)
		policy_load_banks(p, text, owner);
}

void banks_by_interface(struct policy *p, const char *socket_text, void *owner)
{
	if (!socket_text || !*socket_text)
		return;
	if (*socket_text == '/') {
		load_for_key(p, "SOCK", owner);
		load_for_key(p, socket_text, owner);
		return;
	}
	const char *colon = strrchr(socket_text, ':');
	if (colon)
		load_for_key(p, colon + 1, owner);
	load_for_key(p, socket_text, owner);
}

int banks_by_client(struct policy *p, const char *client_address, const struct lookup_context *context, void *owner, struct error *e)
{
	const struct value *pairs = policy_value(p, SET_client_ipaddr_policy);
	if (!pairs || pairs->kind != VALUE_LIST || !client_address)
		return 0;
	struct lookup_key *key = lookup_key_ip(owner, client_address);
	for (size_t i = 0; i < pairs->u.list.count; i++) {
		const struct value *pair = pairs->u.list.items[i];
		if (pair->kind != VALUE_LIST || pair->u.list.count != 2)
			continue;
		struct error failed = { 0 };
		bool hit = lookup_true(pair->u.list.items[0], key, context, owner, &failed);
		if (failed.class != ERROR_NONE) {
			if (e)
				*e = failed;
			return -1;
		}
		const char *names = hit ? value_text(pair->u.list.items[1], owner) : NULL;
		if (!hit)
			continue;
		if (names)
			policy_load_banks(p, names, owner);
		return 0;
	}
	return 0;
}

int banks_by_sender(struct policy *p, const char *sender, const struct lookup_context *context, void *owner, struct error *e)
{
	if (!*sender || !policy_bool(p, SET_originating) || !config_has_bank(p->config, "MYUSERS"))
		return 0;
	struct lookup_style style;
	struct error failed = { 0 };
	banks_lookup_style(p, &style);
	struct lookup_key *key = lookup_key_address(owner, sender, &style);
	if (lookup_true(policy_value(p, SET_local_domains_maps), key, context, owner, &failed))
		policy_load_bank(p, "MYUSERS", owner);
	if (failed.class == ERROR_NONE)
		return 0;
	if (e)
		*e = failed;
	return -1;
}
