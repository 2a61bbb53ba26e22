/* acl.c - access lists: items in order, the first that matches decides, "!" makes it a no.
 *
 * One list serves addresses and clients: each item is kept as a domain or
 * address, and as a network where it is one. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

#include "lookup/table.h"
#include "mail/address.h"

static const char *lower(void *owner, const char *text)
{
	char *copy = talloc_strdup(owner, text);

	for (char *p = copy; *p != '\0'; p++)
		*p = g_ascii_tolower(*p);
	return copy;
}

static void parse_item(void *owner, const char *text, struct acl_item *item)
{
	const char *bare = text + strspn(text, "!"), *at = strrchr(bare, '@');

	item->text = text;
	item->result = (bare - text) % 2 == 0;
	item->is_network = ip_parse(bare, true, &item->network, NULL) == 0;
	if (at != NULL) {
		item->form = ACL_ADDRESS;
		item->localpart = talloc_strndup(owner, bare, (size_t)(at - bare));
		item->localpart_lower = lower(owner, item->localpart);
		item->domain = address_domain_normalise(owner, at + 1);
	} else {
		item->form = *bare == '.' ? ACL_SUBDOMAINS : ACL_DOMAIN;
		item->domain = address_domain_normalise(owner, *bare == '.' ? bare + 1 : bare);
	}
}

struct lookup_table *lookup_table_acl(void *owner, const struct value *list, struct error *e)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_ACL);

	t->count = list->u.list.count;
	t->u.acl = talloc_zero_array(t, struct acl_item, t->count);
	for (size_t i = 0; i < t->count; i++) {
		const char *text = value_text(list->u.list.items[i], t);

		if (text == NULL) {
			error_set(e, ERROR_CONFIG, "item %zu of an access list is not a string", i + 1);
			talloc_free(t);
			return NULL;
		}
		parse_item(t, talloc_strdup(t, text), &t->u.acl[i]);
	}
	return t;
}

int lookup_table_check_networks(const struct lookup_table *t, struct error *e)
{
	if (t->kind != LOOKUP_ACL)
		return 0;
	for (size_t i = 0; i < t->count; i++) {
		const char *bare = t->u.acl[i].text + strspn(t->u.acl[i].text, "!");
		struct ip_network network;

		if (!t->u.acl[i].is_network)
			return ip_parse(bare, true, &network, e);
	}
	return 0;
}

static bool is_within_domain(const char *domain, const char *parent)
{
	size_t n = strlen(domain), m = strlen(parent);

	if (m > n || strcmp(domain + n - m, parent) != 0)
		return false;
	return m == 0 || n == m || domain[n - m - 1] == '.';
}

static bool address_matches(const struct acl_item *item, const struct lookup_key *k)
{
	const char *local = k->localpart_is_case_sensitive ? item->localpart : item->localpart_lower;

	switch (item->form) {
	case ACL_ADDRESS:
		return strcmp(k->localpart, local) == 0 && strcmp(k->domain, item->domain) == 0;
	case ACL_SUBDOMAINS:
		return is_within_domain(k->domain, item->domain);
	case ACL_DOMAIN:
		return strcmp(k->domain, item->domain) == 0;
	}
	return false;
}

/* Whatever the client's address is, even none that can be read, ::/0 holds it. */
static bool client_matches(const struct acl_item *item, const struct lookup_key *k)
{
	if (!item->is_network)
		return false;
	return item->network.bits == 0 || (k->ip_valid && ip_within(&k->ip, &item->network));
}

static bool string_matches(const struct acl_item *item, const struct lookup_key *k)
{
	const char *bare = item->text + strspn(item->text, "!");

	if (strcmp(bare, ".") == 0)
		return true;
	for (size_t i = 0; i < k->string_count; i++)
		if (strcasecmp(bare, k->strings[i]) == 0)
			return true;
	return false;
}

int lookup_ask_acl(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct acl_item *item = &t->u.acl[i];
		bool matches = k->kind == KEY_ADDRESS ? address_matches(item, k)
			: k->kind == KEY_IP ? client_matches(item, k) : string_matches(item, k);

		if (matches) {
			lookup_sink_take(s, item->result ? &value_true : &value_false, item->text);
			break;
		}
	}
	return 0;
}

const char *const *lookup_acl_texts(const struct value *acl, void *owner)
{
	if (acl->kind != VALUE_TABLE || acl->u.table->kind != LOOKUP_ACL)
		return NULL;
	const struct lookup_table *t = acl->u.table;
	const char **texts = talloc_zero_array(owner, const char *, t->count + 1);

	for (size_t i = 0; i < t->count; i++)
		texts[i] = t->u.acl[i].text;
	return texts;
}
