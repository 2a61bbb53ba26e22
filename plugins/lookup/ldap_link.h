/* ldap_link.h - one connection to one of several directory servers: made, secured, bound, and asked under a call's time.
 *
 * libldap connects to nothing by itself and waits for nothing: the host makes the
 * connection, replies are waited for here. */
#ifndef POSTERN_LOOKUP_LDAP_LINK_H
#define POSTERN_LOOKUP_LDAP_LINK_H

#include <postern/plugin.h>

#include <ldap.h>
#include <stdint.h>

struct ldap_options {
	struct postern_strings hostname;
	const char *localaddr;
	int64_t port;
	const char *scheme;
	bool inet6;
	int64_t version;
	int64_t timeout_ms;
	const char *base, *scope, *deref, *query_filter;
	const char *bind_dn, *bind_password;
	bool tls;
	const char *verify, *sslversion;
	const char *clientcert, *clientkey, *cafile, *capath;
	bool sasl;
	const char *sasl_mech, *sasl_auth_id;
	int64_t size_limit;
	int64_t retry_interval_ms;
	struct postern_strings attributes;
	const char *result;
};

struct ldap_server {
	char *url;		/* "ldap://[::1]:389": for people and for libldap */
	char *endpoint;		/* where the host connects to */
	bool ldaps, local;
	int64_t dead_until_ms;	/* it did not answer: until then it is asked after the others, and not for long */
};

struct ldap_servers { struct ldap_server *v; size_t count; };
/* NULL, or what is wrong with option hostname (text for free(3)). */
char *ldap_servers_parse(const struct ldap_options *o, struct ldap_servers *out);
void ldap_servers_free(struct ldap_servers *s);

struct ldap_link {
	LDAP *ld;		/* NULL: no connection */
	int fd;			/* ld's own */
	size_t server;
};

int64_t ldap_now_ms(void);	/* by a clock that nobody sets */

/* Each returns POSTERN_OK or what the call came to, its text set. `until_ms` is a time of ldap_now_ms(). */
enum postern_result ldap_link_open(struct postern_call *call, const struct ldap_options *o, const struct ldap_servers *all, size_t server,
	int64_t until_ms, struct ldap_link *l);
void ldap_link_close(struct ldap_link *l);
/* The next message of an operation: its type, or -1 with *rc. The caller frees it. */
int ldap_link_wait(struct postern_call *call, struct ldap_link *l, int msgid, int64_t until_ms, LDAPMessage **out, int *rc);
/* Say what failed: "ldap://host: search dc=x: No such object (32)" and what to do about it. */
enum postern_result ldap_link_fail(struct postern_call *call, const struct ldap_link *l, const char *url, const char *doing, int rc);
/* The connection is of no use any more: another server, or a new connection, may do. */
bool ldap_link_is_gone(int rc);
/* The mail is no longer wanted: nobody else is to be asked, and no server to be blamed. */
bool ldap_link_is_unwanted(struct postern_call *call);

#endif
