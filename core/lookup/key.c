/* key.c - search keys: what a table is asked for an address, a client or a name.
 *
 * The order of an address's keys is a promise to administrators (postern.lua(5)):
 * as written, with and without extension, the local part alone, the domain, its
 * parents, "."; databases and directories have an order of their own. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"
#include "mail/address.h"

#define DOTTED_KEYS_MAX 20

struct key_list { void *owner; const char **keys; size_t count; };

static struct lookup_key *key_new(void *owner, enum lookup_key_kind kind, const char *text)
{
	struct lookup_key *k = talloc_zero(owner, struct lookup_key);

	if (k == NULL)
		abort();
	k->kind = kind;
	k->text = talloc_strdup(k, text);
	return k;
}

static const char *lower(void *owner, const char *text)
{
	char *copy = talloc_strdup(owner, text);

	for (char *p = copy; *p != '\0'; p++)
		*p = g_ascii_tolower(*p);
	return copy;
}

struct lookup_key *lookup_key_address(void *owner, const char *plain_address, const struct lookup_style *style)
{
	struct lookup_key *k = key_new(owner, KEY_ADDRESS, plain_address);
	const char *delimiter = style != NULL && style->recipient_delimiter != NULL ? style->recipient_delimiter : "";
	char *local, *domain, *user, *extension = NULL;

	k->localpart_is_case_sensitive = style != NULL && style->localpart_is_case_sensitive;
	address_split(k, plain_address, &local, &domain);
	k->domain = domain != NULL ? address_domain_normalise(k, domain) : "";
	k->localpart = k->localpart_is_case_sensitive ? local : lower(k, local);
	user = talloc_strdup(k, k->localpart);
	if (*delimiter != '\0')
		address_split_extension(k, k->localpart, delimiter, &user, &extension);
	k->parts[0] = k->text;
	k->parts[1] = local;
	k->parts[2] = user;
	k->parts[3] = extension != NULL ? extension : "";
	k->parts[4] = k->domain;
	return k;
}

struct lookup_key *lookup_key_ip(void *owner, const char *ip_text)
{
	struct lookup_key *k = key_new(owner, KEY_IP, ip_text != NULL ? ip_text : "0.0.0.0");

	k->ip_valid = ip_parse(k->text, false, &k->ip, NULL) == 0;
	return k;
}

struct lookup_key *lookup_key_strings(void *owner, const char *const *strings, size_t count)
{
	struct lookup_key *k = key_new(owner, KEY_STRINGS, count > 0 ? strings[0] : "");
	const char **copy = talloc_array(k, const char *, count);

	for (size_t i = 0; i < count; i++)
		copy[i] = talloc_strdup(copy, strings[i]);
	k->strings = copy;
	k->string_count = count;
	return k;
}

const char *lookup_key_text(const struct lookup_key *k)
{
	return k->text;
}

/* Takes `text` over; a key that is there already is not wanted twice. */
static void add_key(struct key_list *l, char *text)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->keys[i], text) == 0) {
			talloc_free(text);
			return;
		}
	}
	l->keys = talloc_realloc(l->owner, l->keys, const char *, l->count + 1);
	if (l->keys == NULL)
		abort();
	l->keys[l->count++] = talloc_steal(l->keys, text);
}

/* ".sub.example.com" ".example.com" ".com" ".", at most the last DOTTED_KEYS_MAX of them; `at` goes in front of each. */
static void add_dotted_keys(struct key_list *l, const char *at, const char *domain)
{
	size_t labels = 1;

	if (strchr(domain, '[') != NULL || *domain == '\0') {
		add_key(l, talloc_asprintf(l->owner, "%s.", at));
		return;
	}
	for (const char *p = domain; (p = strchr(p, '.')) != NULL; p++)
		labels++;
	for (; labels > DOTTED_KEYS_MAX - 1; labels--)
		domain = strchr(domain, '.') + 1;
	while (domain != NULL && *domain != '\0') {
		add_key(l, talloc_asprintf(l->owner, "%s.%s", at, domain));
		domain = strchr(domain, '.');
		domain = domain != NULL ? domain + 1 : NULL;
	}
	add_key(l, talloc_asprintf(l->owner, "%s.", at));
}

/* What tells "user" from "domain" where one of them stands alone: an "@" behind the user, or one in front of the domain. */
static void add_address_keys(struct key_list *l, const struct lookup_key *k, bool bare_user, bool at_with_user)
{
	const char *user = k->parts[2], *extension = k->parts[3], *domain = k->domain;
	const char *behind_user = at_with_user ? "@" : "", *before_domain = at_with_user ? "" : "@";

	add_key(l, talloc_strdup(l->owner, k->text));
	if (*extension != '\0')
		add_key(l, talloc_asprintf(l->owner, "%s%s@%s", user, extension, domain));
	add_key(l, talloc_asprintf(l->owner, "%s@%s", user, domain));
	if (bare_user && *extension != '\0')
		add_key(l, talloc_asprintf(l->owner, "%s%s%s", user, extension, behind_user));
	if (bare_user)
		add_key(l, talloc_asprintf(l->owner, "%s%s", user, behind_user));
	/* The null sender's lone domain is one of the keys that are there already: "" or "@". */
	add_key(l, talloc_asprintf(l->owner, "%s%s", before_domain, domain));
	add_dotted_keys(l, before_domain, domain);
}

/* "192.0.2.3" "192.0.2" "192.0" "192", then the full IPv6 form. */
static void add_ip_keys(struct key_list *l, const struct lookup_key *k)
{
	const uint8_t *b = k->ip.bytes;
	char *text;

	if (!k->ip_valid)
		return;
	if (ip_is_v4(&k->ip)) {
		add_key(l, talloc_asprintf(l->owner, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]));
		add_key(l, talloc_asprintf(l->owner, "%u.%u.%u", b[12], b[13], b[14]));
		add_key(l, talloc_asprintf(l->owner, "%u.%u", b[12], b[13]));
		add_key(l, talloc_asprintf(l->owner, "%u", b[12]));
	}
	text = talloc_strdup(l->owner, "");
	for (int i = 0; i < 16; i += 2)
		text = talloc_asprintf_append_buffer(text, "%s%02x%02x", i > 0 ? ":" : "", b[i], b[i + 1]);
	add_key(l, text);
}

static void add_string_keys(struct key_list *l, const struct lookup_key *k)
{
	for (size_t i = 0; i < k->string_count; i++)
		add_key(l, talloc_strdup(l->owner, k->strings[i]));
	add_key(l, talloc_strdup(l->owner, "."));
}

const char *const *lookup_key_list(struct lookup_key *k, size_t *count)
{
	struct key_list l = { .owner = k };

	if (k->list == NULL) {
		if (k->kind == KEY_ADDRESS)
			add_address_keys(&l, k, true, true);
		else if (k->kind == KEY_IP)
			add_ip_keys(&l, k);
		else
			add_string_keys(&l, k);
		k->list = l.keys;
		k->list_count = l.count;
	}
	*count = k->list_count;
	return k->list;
}

const char *const *lookup_key_list_sql(const struct lookup_key *k, void *owner, bool bare_local, bool no_at_means_domain, size_t *count)
{
	struct key_list l = { .owner = owner };

	if (k->kind == KEY_ADDRESS)
		add_address_keys(&l, k, bare_local, no_at_means_domain);
	*count = l.count;
	return l.keys;
}

const char *lookup_key_printable(void *owner, const char *key)
{
	char *copy = talloc_strdup(owner, key);

	for (char *p = copy; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return copy;
}

const char *const *lookup_key_parts(const struct lookup_key *k, size_t *count)
{
	*count = k->kind == KEY_ADDRESS ? G_N_ELEMENTS(k->parts) : 0;
	return *count > 0 ? k->parts : NULL;
}
