/* ldap_filter.h - templates of search filters and bases, and what an address becomes in them.
 *
 * Pure text: no library, no directory.  Everything that comes from an address is
 * escaped (RFC 4515 in filters, RFC 4514 in names), so that no address can say
 * more than what it is. */
#ifndef POSTERN_LOOKUP_LDAP_FILTER_H
#define POSTERN_LOOKUP_LDAP_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* Search keys, most specific first: the first is the address as it was given. */
struct ldap_keys { const char *const *v; size_t count; };

/* In filters: %m each of the keys, %a the address, %l its local part, %d its domain, %% a percent sign.  In bases: %d and %%.
 * NULL when the template is good, else what is wrong with it. */
const char *ldap_filter_fault(const char *template);
const char *ldap_base_fault(const char *template);

/* The parenthesis that %m stands in becomes an OR over all keys: "(mail=%m)" -> "(|(mail=a@b)(mail=@b))".  For free(3). */
char *ldap_filter_expand(const char *template, const struct ldap_keys *keys);
/* NULL: it wants a domain and the address has none.  For free(3). */
char *ldap_base_expand(const char *template, const struct ldap_keys *keys);
/* What is below no placeholder: "ou=%d,dc=mail" -> "dc=mail"; "" where nothing is left. Points into the template. */
const char *ldap_base_fixed(const char *template);

/* A parenthesis that asks for the key: "(mail=smtp:%m)" is attribute "mail", before "smtp:", after "". Not NUL-terminated. */
struct ldap_asked { const char *attribute, *before, *after; size_t attribute_size, before_size, after_size; };
#define LDAP_ASKED_MAX 8
size_t ldap_filter_asked(const char *template, struct ldap_asked out[LDAP_ASKED_MAX]);
/* Which key is this value of that attribute? Letter case does not count. keys->count: none. */
size_t ldap_key_of_value(const struct ldap_asked *asked, const struct ldap_keys *keys, const char *value, size_t size);
/* The name behind "objectClass=" in the filter, NULL: it names none. For free(3). */
char *ldap_filter_class(const char *template);

#endif
