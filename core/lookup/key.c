/* key.c - search keys: what a table is asked for an address, a client or a name.
 *
 * The order of an address's keys is a promise to administrators (postern.lua(5)):
 * as written, with and without extension, the local part alone, the domain, its
 * parents, ".". */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"
#include "mail/address.h"

#define DOTTED_KEYS_MAX 20

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
static void add_key(struct lookup_key *k, char *text)
{
	for (size_t i = 0; i < k->list_count; i++) {
		if (strcmp(k->list[i], text) == 0) {
			talloc_free(text);
			return;
		}
	}
	k->list = talloc_realloc(k, k->list, const char *, k->list_count + 1);
	if (k->list == NULL)
		abort();
	k->list[k->list_count++] = talloc_steal(k->list, text);
}

/* ".sub.example.com" ".example.com" ".com" ".", at most the last DOTTED_KEYS_MAX of them. */
static void add_dotted_keys(struct lookup_key *k)
{
	const char *d = k->domain;
	size_t labels = 1;

	if (strchr(d, '[') != NULL || *d == '\0') {
		add_key(k, talloc_strdup(k, "."));
		return;
	}
	for (const char *p = d; (p = strchr(p, '.')) != NULL; p++)
		labels++;
	for (; labels > DOTTED_KEYS_MAX - 1; labels--)
		d = strchr(d, '.') + 1;
	while (d != NULL && *d != '\0') {
		add_key(k, talloc_asprintf(k, ".%s", d));
		d = strchr(d, '.');
		d = d != NULL ? d + 1 : NULL;
	}
	add_key(k, talloc_strdup(k, "."));
}

static void make_address_keys(struct lookup_key *k)
{
	const char *user = k->parts[2], *extension = k->parts[3], *domain = k->domain;

	add_key(k, talloc_strdup(k, k->text));
	if (*extension != '\0')
		add_key(k, talloc_asprintf(k, "%s%s@%s", user, extension, domain));
	add_key(k, talloc_asprintf(k, "%s@%s", user, domain));
	if (*extension != '\0')
		add_key(k, talloc_asprintf(k, "%s%s@", user, extension));
	add_key(k, talloc_asprintf(k, "%s@", user));
	/* The null sender has no domain that could be meant by "": its keys are "", "@", ".". */
	add_key(k, talloc_strdup(k, domain));
	add_dotted_keys(k);
}

/* "192.0.2.3" "192.0.2" "192.0" "192", then the full IPv6 form. */
static void make_ip_keys(struct lookup_key *k)
{
	const uint8_t *b = k->ip.bytes;
	char *text;

	if (!k->ip_valid)
		return;
	if (ip_is_v4(&k->ip)) {
		add_key(k, talloc_asprintf(k, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]));
		add_key(k, talloc_asprintf(k, "%u.%u.%u", b[12], b[13], b[14]));
		add_key(k, talloc_asprintf(k, "%u.%u", b[12], b[13]));
		add_key(k, talloc_asprintf(k, "%u", b[12]));
	}
	text = talloc_strdup(k, "");
	for (int i = 0; i < 16; i += 2)
		text = talloc_asprintf_append_buffer(text, "%s%02x%02x", i > 0 ? ":" : "", b[i], b[i + 1]);
	add_key(k, text);
}

static void make_string_keys(struct lookup_key *k)
{
	for (size_t i = 0; i < k->string_count; i++)
		add_key(k, talloc_strdup(k, k->strings[i]));
	add_key(k, talloc_strdup(k, "."));
}

const char *const *lookup_key_list(struct lookup_key *k, size_t *count)
{
	if (k->list == NULL && k->kind == KEY_ADDRESS)
		make_address_keys(k);
	else if (k->list == NULL && k->kind == KEY_IP)
		make_ip_keys(k);
	else if (k->list == NULL)
		make_string_keys(k);
	*count = k->list_count;
	return k->list;
}
