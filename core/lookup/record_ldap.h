/* record_ldap.h - the directory that default_ldap names, as a source of records.
 *
 * It asks the plugin ldap and keeps answers for a while; what an entry means is
 * not known here. */
#ifndef POSTERN_LOOKUP_RECORD_LDAP_H
#define POSTERN_LOOKUP_RECORD_LDAP_H

#include "lookup/record.h"
#include "lookup/record_cache.h"

struct plugin_instance;

struct record_ldap_settings {
	bool no_at_means_domain;		/* ldap_lookups_no_at_means_domain */
	struct record_cache_limits cache;
};

/* `instance`: of the plugin ldap, started in each worker before the first question. */
struct record_source *record_ldap_new(void *owner, struct plugin_instance *instance, const struct record_ldap_settings *settings);

#endif
